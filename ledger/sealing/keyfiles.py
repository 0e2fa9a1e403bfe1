"""The signer's key files: `log.key`, and `next.key` while the key is being replaced. Mode 0600.

    PRIVATE+KEY+example.org/ledger+c703a8d8+AX…
    from 4200                                     the size from which it signs; absent: not yet
                                                  (next.key), or from the beginning (log.key)

Replacing is one rename: before it both keys are there, after it only the new one is. What this file
never does: sign, or decide when. Read next: `signer.py`.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import NamedTuple

from ledger.errors import BadData, Misuse
from ledger.seal.note import SigningKey
from ledger.seal.text import parse_number
from ledger.sealing.files import read_if_there, sync_folder, write_whole

KEY, NEXT = "log.key", "next.key"


class Held(NamedTuple):
    """A key, and the size from which it signs (None where its file does not say)."""

    key: SigningKey
    first: int | None


def read_key(path: Path) -> Held | None:
    """The key in a file, None where there is none. Raises Misuse if others may read it."""
    raw = read_if_there(path)
    if raw is None:
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misuse("the signer's key is open to others; run chmod 600 on it")
    secret, _, rest = raw.strip().partition(b"\n")
    key = SigningKey.from_bytes(secret)
    if not rest:
        return Held(key, None)
    if not rest.startswith(b"from "):
        raise BadData("a key file of the signer has a second line that is not understood")
    return Held(key, parse_number(rest.removeprefix(b"from ").decode("ascii", "replace")))


def write_next(folder: Path, key: SigningKey, first: int | None) -> Held:
    """Keep the key that will replace the present one. Crash: the old content, or the new."""
    line = b"" if first is None else b"from %d\n" % first
    write_whole(folder / NEXT, key.to_bytes() + b"\n" + line, 0o600)
    return Held(key, first)


def promote(folder: Path) -> None:
    """The next key takes the place of the present one, whose bytes are overwritten.

    Crash before the rename: nothing happened. After: the old key has no name any more; its blocks
    may not be overwritten yet, which no file system promises anyway.
    """
    old = os.open(folder / KEY, os.O_WRONLY)
    try:
        length = os.fstat(old).st_size
        (folder / NEXT).replace(folder / KEY)
        sync_folder(folder)
        os.write(old, bytes(length))
        os.fsync(old)
    finally:
        os.close(old)
