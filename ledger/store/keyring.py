"""The keys above the keys, kept outside the database.

A keyring wraps and unwraps data keys under a key-encryption key (KEK) named by its epoch, and turns
an identifier into a keyed HMAC under a pepper. The default is a file, mode 0600, created once and
never rewritten by a running service. Whoever holds this file *and* the database can read
everything; whoever holds only one of them reads nothing. Read next: `ledger/store/vault.py`.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.entry import from_base64, to_base64
from ledger.errors import BadData, Broken, Misuse

NONCE = 12
BLIND = 16  # bytes of an HMAC-SHA256 kept: 128 bits, enough against collision and guessing


class Keyring(Protocol):
    """What a keyring file, an HSM or a KMS must do. One contract suite tests all of them."""

    @property
    def origin(self) -> str:
        """The ledger this keyring belongs to."""
        ...

    @property
    def epoch(self) -> int:
        """The epoch of the KEK that wraps new keys."""
        ...

    @property
    def pepper(self) -> int:
        """The number of the pepper that blinds new identifiers."""
        ...

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """`key` wrapped under the current KEK, bound to `context`."""
        ...

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """The key. Raises Broken if the KEK is gone or the context differs."""
        ...

    def blind(self, kind: str, value: str) -> bytes:
        """The keyed HMAC of an identifier under the current pepper: 16 bytes."""
        ...

    def secret(self, purpose: str) -> bytes:
        """A 32-byte secret derived for one purpose (import fingerprints, idempotency)."""
        ...


class FileKeyring:
    """A keyring in a file (or, for a ledger in memory, nowhere)."""

    def __init__(self, origin: str, keks: dict[int, bytes], peppers: dict[int, bytes]) -> None:
        self._origin, self._keks, self._peppers = origin, keks, peppers
        self._blinding = peppers[max(peppers)]

    @classmethod
    def generate(cls, origin: str) -> FileKeyring:
        """Fresh keys from the operating system's generator."""
        return cls(origin, {1: os.urandom(32)}, {1: os.urandom(32)})

    @classmethod
    def create(cls, path: Path, origin: str) -> FileKeyring:
        """Generate and store. Refuses to overwrite: an old keyring is the only way to old data."""
        keyring = cls.generate(origin)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = {
            "format": 1,
            "origin": origin,
            "kek": {str(n): to_base64(k) for n, k in keyring._keks.items()},
            "pepper": {str(n): to_base64(k) for n, k in keyring._peppers.items()},
        }
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Misuse(f"a keyring already exists at {path}; it will not be replaced") from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        return keyring

    @classmethod
    def load(cls, path: Path) -> FileKeyring:
        """Read a keyring. Raises Misuse if it is missing or readable by others."""
        try:
            mode = path.stat().st_mode
            content = json.loads(path.read_text("utf-8"))
            keks = {int(n): from_base64(k) for n, k in content["kek"].items()}
            peppers = {int(n): from_base64(k) for n, k in content["pepper"].items()}
            origin = str(content["origin"])
        except FileNotFoundError as error:
            raise Misuse(f"there is no keyring at {path}; run `probant init` first") from error
        except (OSError, ValueError, KeyError, AttributeError, TypeError, BadData) as error:
            raise Broken(f"the keyring at {path} cannot be read") from error
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Misuse(f"the keyring at {path} is open to others; run: chmod 600 {path}")
        if (
            not keks
            or not peppers
            or any(len(k) != 32 for k in (*keks.values(), *peppers.values()))
        ):
            raise Broken(f"the keyring at {path} is incomplete")
        return cls(origin, keks, peppers)

    @property
    def origin(self) -> str:
        """The ledger this keyring belongs to."""
        return self._origin

    @property
    def epoch(self) -> int:
        """The newest KEK."""
        return max(self._keks)

    @property
    def pepper(self) -> int:
        """The newest pepper."""
        return max(self._peppers)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """AES-256-GCM under the current KEK with `context` authenticated."""
        nonce = os.urandom(NONCE)
        return nonce + AESGCM(self._keks[self.epoch]).encrypt(nonce, key, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """The inverse of `wrap`."""
        kek = self._keks.get(epoch)
        if kek is None:
            raise Broken(f"the key-encryption key of epoch {epoch} is not in the keyring")
        try:
            return AESGCM(kek).decrypt(wrapped[:NONCE], wrapped[NONCE:], context)
        except InvalidTag as error:
            raise Broken("a data key does not unwrap under this keyring") from error

    def blind(self, kind: str, value: str) -> bytes:
        """HMAC-SHA256(pepper, kind || 0 || value), 16 bytes."""
        message = kind.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
        return hmac.digest(self._blinding, message, "sha256")[:BLIND]

    def secret(self, purpose: str) -> bytes:
        """HMAC-SHA256(pepper, 'secret' || 0 || purpose): separate from every blind."""
        return hmac.digest(self._blinding, b"secret\x00" + purpose.encode(), "sha256")
