"""The policy room: what the published policy says, as data, and what follows from it.

An *edition* is one version of a policy as a TOML file (`editions/`, added and never edited). The
*book* knows which editions were published at which position. `evaluate` turns derived facts, a
book and a date into deadlines and consent states, each with its reason; `explain` says them in
French and in English.

This room never reads a database or a clock, never stores a verdict, and knows no names of people:
the same facts, book and date give the same answer for ever.

Read next: `model.py` (the words), `editions/softsystem-2018-11-20.toml`, then `evaluate.py`.
"""
