"""Controls: eighteen questions over history, each with no violation to be expected, at any (D, R).

`catalogue.py` lists them. Each is a rule of its own over one person's life (`life.py`), over what
the company told, or over what was found when the store was checked; what a rule finds names the
positions it rests on, the clause and the article (`model.py`). `run.py` asks them all in one pass,
one person in memory at a time. The rules of the policy room decide: nothing is defined twice here.

What this room never does: open a database, read a clock, name a person, or repair anything.
Read next: `catalogue.py`, then `docs/controls.md`.
"""
