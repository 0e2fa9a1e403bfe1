"""Large made-up histories, as segments: a pattern of real events repeated for many people.

`pattern.py` takes the events of one small company (`api/demo/playing.py` plays it) and gives every
id a name that depends on the seed alone; `copying.py` writes as many copies of it as are asked for,
side by side in time, without a sort and in flat memory. What comes out is of the layout of
`replay/segments/layout.py`, is proven by no checkpoint, and says so.

What this room never does: open a database, take its pattern from real people, or ask the clock.
Read next: `replay/generating/pattern.py`.
"""
