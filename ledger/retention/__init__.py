"""Retention: what is past its term leaves daily use by itself, some people at a time.

`archive.py` moves to the archive what its class says must be kept there a while longer. What this
room never does: read a name, or decide a term (that is `ledger/policy`). Read next: `archive.py`.
"""
