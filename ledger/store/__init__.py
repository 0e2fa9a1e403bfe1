"""The only room that speaks SQL to a ledger's database, and the only one that touches keys.

One ledger is one SQLite file or one PostgreSQL schema. `tables.py` shows the whole schema on one
page; `recorder.py` writes; `reader.py` asks named questions; `vault.py` seals and opens personal
parts under keys that `keyring.py` keeps wrapped outside the database; `projector.py` keeps the live
tables in the append transaction and `rebuild.py` recomputes them set-based; `importer.py` is the
bulk path. What this room never does: decide whether a fact is acceptable, or read a clock of its
own. Read next: `ledger/store/tables.py`.
"""
