"""Witnessing: somebody else saw this head of the log, and an authority says when.

`witness.py` runs on the machine of the data-protection officer or the auditor and remembers what it
saw; `cosigned.py` is how its line comes back beside ours; `stamping.py` fetches and keeps time
stamps. They stop us from showing two histories, or an old one as new.

What this room never does: sign for the log (`ledger.sealing`), or take a key, a root certificate or
a remembered head from what it is shown. Read next: `docs/evidence.md`.
"""
