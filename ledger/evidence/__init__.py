"""What leaves the house so that a stranger can check it: evidence bundles.

`export.py` copies a checkpoint, its tiles and what they commit to into a folder that any of three
verifiers accepts: `replay/verify.py`, the Go program of the tests, or `sha256sum` and patience.

What this room never does: sign, decide what is true, or hand out trust anchors; the key inside a
bundle is there to be compared with the one its reader already holds. Read next: `export.py`.
"""
