"""Erasing: the keys of a person's data are destroyed, what they sealed is deleted, and it stays so.

`journal.py` remembers, outside the database and outside its backups, what was to be erased;
`erase.py` does it, and does it again on a database that came back from a backup; `certificate.py`
proves it; `prune.py` empties the log entries whose class has ended.

What this room never does: decide that something must be erased (`ledger/policy/erasures.py` and the
retention run do), or open anything sealed. Read next: `erase.py`, `ledger/store/erasure.py`.
"""
