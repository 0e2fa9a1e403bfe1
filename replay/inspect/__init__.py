"""Inspector mode: the fifteen questions of an authority, answered at any two times (D, R).

Each question is a small class (`people.py`, `acts.py`, `company.py`) that hears what the company
told and sees people go by, one at a time, then answers a table: every line of it names the
positions it was counted from, so that each number leads to events and each event to its proof.
States, terms, verdicts and clocks are those of the fold and the policy room; nothing is defined
twice.

What this room never does: open a database or a sealed part, read a clock, name anybody.
Read next: `catalogue.py`, then `docs/inspector.md`.
"""
