"""Retention: what is past its term leaves daily use by itself, one act per person.

`archive.py` moves to the archive what its class says must be kept there a while longer. What this
room never does: read a name, or decide a term (that is `ledger/policy`). Read next: `archive.py`.
"""
