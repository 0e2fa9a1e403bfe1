"""Replay: what history says at any two times, recomputed from the facts alone.

`fold.py` is the definition, in plain Python: slow, short and meant to be read beside the spec. The
live tables and the SQL of the store must answer the same, and tests hold them to it.

This room is handed rows and never opens a database, reads a clock or writes anything. It does not
use the per-event functions of `ledger.projections`: a mistake made there must not be repeated here.
Read next: `replay/fold.py`.
"""
