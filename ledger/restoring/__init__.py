"""Backup and restore: a copy that is whole or not there, and a way back that forgets nobody.

`backup.py` takes the copy while writers write; `exported.py` reads the entries that left the house
with the sealed log; `restore.py` puts both together, erases again whom the journal names, and says
in the log what was lost; `drill.py` rehearses all of it on a made-up ledger.

What this room never does: copy a keyring, the erasure journal, an API key or the signer's key, or
serve a ledger that is restored by half. Read next: `restore.py`, docs/backup.md.
"""
