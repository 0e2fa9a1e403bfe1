"""Probant's ledger: every fact about a person, provable for ever, forgettable at once.

Eight promises, each with a test that can fail:

1. Nothing is altered: every event is a leaf of an RFC 6962 tree (leaves are computed at commit).
2. The forgotten stay forgotten: personal parts live under keys of their own, outside the log.
3. Two times everywhere: when it was true (`occurred`), when we learnt it (`recorded`).
4. One truth, derived twice: live tables, the plain fold and set-based SQL give the same rows.
5. A verdict carries its reason: rule, edition, clause, article, positions. Never a bare boolean.
6. Restricted means cryptographically restricted.
7. No directly identifying data in the log, the URLs, the server's logs or the error messages.
8. Durable when acknowledged: committed with fsync, or not acknowledged.

What this package never does: import `api` or `replay`, or speak SQL outside `ledger.store`.
Read next: `ledger/events/` (everything that can happen), then `ledger/aggregates/consent.py`.
"""
