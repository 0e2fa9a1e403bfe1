"""The private half of the archive key, in a file that a passphrase protects. The opener's own.

The file is JSON: what it is, the parameters of Scrypt (RFC 7914), and the two private keys sealed
by AES-256-GCM under what Scrypt makes of the passphrase, with everything else authenticated. It
belongs to another account than the service's, on another machine if it can be. What this file
never does: run in the service; `tests/test_rooms.py` says who may import it. Read next:
`ledger/store/recipient.py`.
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from ledger import entry
from ledger.entry import from_base64, to_base64
from ledger.errors import BadData, Broken, Misuse
from ledger.store.recipient import HEADER, SUITE, ArchiveRecipient

MIN_PASSPHRASE = 12  # characters
SEED, SALT, NONCE = 64, 16, 12  # bytes: of ML-KEM-768's private key, of Scrypt, of AES-GCM
COST = {"n": 2**17, "r": 8, "p": 1}  # 128 MiB and a good fraction of a second per guess


class ArchiveKey:
    """Unwraps what was wrapped for its `recipient`."""

    def __init__(self, seed: bytes, x25519: bytes) -> None:
        self._seed, self._x25519 = seed, x25519
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed)
        curve = X25519PrivateKey.from_private_bytes(x25519)
        self._key = MLKEM768X25519PrivateKey(mlkem, curve)
        raw = mlkem.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()
        self.recipient = ArchiveRecipient(raw)

    @classmethod
    def generate(cls) -> ArchiveKey:
        """A new pair, from the library's generator."""
        return cls(
            MLKEM768PrivateKey.generate().private_bytes_raw(),
            X25519PrivateKey.generate().private_bytes_raw(),
        )

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes:
        """The data key. Raises Broken for another key's, another `info`'s or an altered one."""
        try:
            return SUITE.decrypt(wrapped, self._key, info=info)
        except (InvalidTag, ValueError) as error:
            raise Broken("an archived data key does not unwrap under this archive key") from error

    def store(self, path: Path, passphrase: str) -> None:
        """Write the file, mode 0600. Never replaces one: an old key is the only way to its archive.

        Raises Misuse when one is there or the passphrase is short.
        """
        if len(passphrase) < MIN_PASSPHRASE:
            raise Misuse(f"the passphrase must have {MIN_PASSPHRASE} characters at least")
        salt, nonce = os.urandom(SALT), os.urandom(NONCE)
        said: dict[str, Any] = {
            "format": HEADER,
            "scrypt": COST | {"salt": to_base64(salt)},
            "nonce": to_base64(nonce),
            "recipient": to_base64(self.recipient.digest),
        }
        cipher = AESGCM(_stretched(passphrase, said))
        sealed = cipher.encrypt(nonce, self._seed + self._x25519, entry.encode(said))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            # Nobody uses the key before this returns: a crash leaves a file to be removed.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Misuse(f"an archive key exists at {path}; it will not be replaced") from error
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump(said | {"sealed": to_base64(sealed)}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())

    @classmethod
    def load(cls, path: Path, passphrase: str) -> ArchiveKey:
        """Read the file. Raises Misuse for a wrong passphrase, a missing or an open file, Broken
        for a damaged one."""
        try:
            mode = path.stat().st_mode
            said = json.loads(path.read_text("ascii"))
            sealed, nonce = from_base64(said.pop("sealed")), from_base64(said["nonce"])
            if said["format"] != HEADER or {n: said["scrypt"][n] for n in COST} != COST:
                raise ValueError
            key = _stretched(passphrase, said)
        except FileNotFoundError as error:
            raise Misuse(f"there is no archive key at {path}") from error
        except (OSError, ValueError, KeyError, AttributeError, TypeError, BadData) as error:
            raise Broken(f"the archive key at {path} cannot be read") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Misuse(f"the archive key at {path} is open to others; run: chmod 600 {path}")
        try:
            opened = AESGCM(key).decrypt(nonce, sealed, entry.encode(said))
        except (InvalidTag, ValueError) as error:
            raise Misuse("the passphrase is wrong, or the archive key was altered") from error
        return cls(opened[:SEED], opened[SEED:])


def _stretched(passphrase: str, said: dict[str, Any]) -> bytes:
    salt = from_base64(said["scrypt"]["salt"])
    return Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode("utf-8"))
