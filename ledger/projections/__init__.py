"""What history says about each subject, event by event. Pure.

`model.py` is the shape of the answer; `activity.py`, `contracts.py` and `consents.py` fold one fact
each; `live.py` folds a batch about to be written, and a whole history when a correction demands it.
`population.py` is the shape of the counts over everybody.

What this room never does: read a clock or a database, look at a policy edition, or say that a term
is over (`ledger/policy/evaluate.py` does, at read). The definition that these functions must agree
with is `replay/fold.py`; the set-based form is `ledger/store/rebuild.py`; `tests/agreement/` holds
all three against each other. Read next: `ledger/projections/model.py`.
"""
