"""The archive: who may consult it, consultations on record, the opener that believes nobody.

`granting.py` records grants and consultations, in the service; `consulted.py` tells of them.
`asking.py` gathers what the opener must see and asks it. `opener.py` is another process, under
another account: the only holder of the private half of the archive key. `wire.py` is what they say
to each other.

What this room never does: archive a class (that is the retention run), or keep a plaintext.
Read next: `docs/archive.md`.
"""
