"""Engines: the questions over everybody, answered from segments, whoever computes.

`contract.py` says what is asked and the shape of each answer. `fold.py` is the definition, one
person after the other in Python; `sql.py` is the same in SQL, written once; `duck.py` runs it in
DuckDB and `spark.py` on a cluster. One suite (`tests/engines/`) asks them all and compares.

What this room never does: open a ledger's database or a sealed part, read a clock, decide what a
term or a choice means (`ledger/policy/`, `replay/fold.py`). Read next: `contract.py`.
"""
