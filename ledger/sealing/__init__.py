"""Where the log is sealed: a sealer that grows the tree, a signer that remembers what it signed.

Two processes. The *sealer* reads what was committed and writes tiles and checkpoints as plain
files; it can be killed anywhere and run again. The *signer* holds the key and its own memory, and
signs nothing but an extension of what it signed last, whoever asks: it is the ledger's first
witness against its own database. The pure half is `ledger/seal/`.

What this room never does: know a person, open an envelope, or write an event. Read next:
`signer.py`, then `sealer.py`.
"""
