"""May we? The room that loads what a permission depends on, and asks the pure rules.

It answers one question or many from one state of the ledger, at any two times, and a stream of
millions in batches. It never decides: every verdict is `ledger.policy.permissions.verdict`'s. It
keeps nothing of anybody between two questions. Read next: `gate.py`, then `filtering.py`.
"""
