"""Made-up histories to try Probant with: a small shop as files, and a whole company.

`shop.py` writes files for `probant import`; the other files tell a company of ten years, fact by
fact, for `probant demo`. The same size and seed give the same history for ever; only ids differ.
Nobody in it exists: addresses are of example.org, telephone numbers of the range for fiction.

What this room never does: touch a ledger that holds anything but its first edition, or go round the
door; every fact is recorded as anybody's would be. Read next: `diary.py`, then `habits.py`.
"""
