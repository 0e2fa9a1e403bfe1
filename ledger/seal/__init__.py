"""The seal room: bytes that prove what was recorded, to people who trust nobody here.

A log is an RFC 6962 tree over entries. Its head is signed as a C2SP checkpoint (a signed note);
its hashes and entries lie in plain files (tlog-tiles); a proof that one entry is in it, or that one
state grew out of another, is a small text (tlog-proof, the body of `add-checkpoint`); witnesses
countersign (tlog-cosignature) and a policy says how many must (tlog-policy). No format is ours.

Whatever comes from outside is read strictly: a text that could be written in two ways is accepted
in one. Verbs come in pairs and show the side you stand on: prove and check, sign and open, format
and parse.

What this room never does: touch a database, a clock or the network; decide when to seal (the
sealer's business) or keep a key (the signer's); take a size or a root from anywhere but a verified
checkpoint. Only `note.py` touches Ed25519, and nothing here writes a primitive.

Read next: `merkle.py` (the tree), `note.py` and `checkpoint.py` (what is signed), `tiles.py` (the
files), `proof.py`; then `cosign.py` and `witnesses.py`. The page for auditors: `docs/evidence.md`.
"""
