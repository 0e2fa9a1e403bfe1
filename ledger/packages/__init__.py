"""Packages: what one person is handed of her data, to read or to take away (docs/packages.md).

`gathering.py` puts the document together from her history, `archived.py` has the opener open what
only it can, `rendering.py` writes the document as JSON or tables, `page.py` as a page for people.
A package is made in memory and handed over: nothing of it is stored.

What this room never does: decide who may have one (the doors do, and record the read first), or
what belongs in it (`ledger/policy/packages.py`).
"""
