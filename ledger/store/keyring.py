"""The keys above the keys, kept outside the database.

A keyring wraps and unwraps data keys under a key-encryption key (KEK) named by its epoch, and turns
an identifier into a keyed HMAC under a pepper. The default is a file, mode 0600, replaced whole
when an epoch begins or dies. Whoever holds this file *and* the database can read everything;
whoever holds only one of them reads nothing. What this file never does: decide when an epoch ends
(that is `ledger/rotating.py`). Read next: `ledger/store/hsm.py`, `ledger/store/vault.py`.
"""

from __future__ import annotations

import hmac
import json
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.entry import from_base64, to_base64
from ledger.errors import BadData, Broken, Misuse

NONCE = 12
Identity = tuple[int, int, int]  # of a file: changes whenever another takes its name
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

    @property
    def epochs(self) -> tuple[int, ...]:
        """The epochs whose KEK is still there, oldest first."""
        ...

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """`key` wrapped under the newest KEK, bound to `context`, and the epoch of that KEK.

        Both come together: between two calls an epoch may have begun.
        """
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

    def refresh(self) -> None:
        """Learn which epochs began or died by the hand of another process."""
        ...

    def begin_epoch(self) -> int:
        """A new KEK, durable when this returns; it wraps from now on. The caller holds the head
        lock, so that no two begin at once. A crash leaves the old keyring or the new one."""
        ...

    def destroy_epoch_forever(self, epoch: int) -> None:
        """Destroy a KEK, durably when this returns. What is wrapped under it is dead, everywhere.
        Raises Misuse for the newest one. Destroying twice is destroying once."""
        ...


class FileKeyring:
    """A keyring in a file (or, for a ledger in memory, nowhere)."""

    def __init__(
        self,
        origin: str,
        keks: dict[int, bytes],
        peppers: dict[int, bytes],
        path: Path | None = None,
        seen: Identity | None = None,
    ) -> None:
        self._origin, self._keks, self._peppers, self._path = origin, keks, peppers, path
        self._blinding = peppers[max(peppers)]
        self._seen = seen

    @classmethod
    def generate(cls, origin: str) -> FileKeyring:
        """Fresh keys from the operating system's generator."""
        return cls(origin, {1: os.urandom(32)}, {1: os.urandom(32)})

    @classmethod
    def create(cls, path: Path, origin: str) -> FileKeyring:
        """Generate and store. Refuses to overwrite: an old keyring is the only way to old data."""
        made = cls.generate(origin)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError as error:
            raise Misuse(f"a keyring already exists at {path}; it will not be replaced") from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _write(file, origin, made._keks, made._peppers)
        _sync_folder(path.parent)
        return cls(origin, made._keks, made._peppers, path, _identity(path))

    @classmethod
    def load(cls, path: Path) -> FileKeyring:
        """Read a keyring. Raises Misuse if it is missing or readable by others."""
        try:
            mode = path.stat().st_mode
            text, seen = _read(path)
            content = json.loads(text)
            keks = {int(n): from_base64(k) for n, k in content["kek"].items()}
            peppers = {int(n): from_base64(k) for n, k in content["pepper"].items()}
            origin = str(content["origin"])
        except FileNotFoundError as error:
            raise Misuse(
                f"there is no keyring at {path}: put the ledger's own back,"
                " or begin one with `probant init`"
            ) from error
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
        return cls(origin, keks, peppers, path, seen)

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

    @property
    def epochs(self) -> tuple[int, ...]:
        """The KEKs in the file, oldest first."""
        return tuple(sorted(self._keks))

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """AES-256-GCM under the newest KEK with `context` authenticated."""
        epoch, nonce = self.epoch, os.urandom(NONCE)
        return epoch, nonce + AESGCM(self._keks[epoch]).encrypt(nonce, key, context)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """The inverse of `wrap`."""
        if epoch not in self._keks:
            self.refresh()  # another process may have begun it
        kek = self._keks.get(epoch)
        if kek is None:
            raise Broken(f"the key-encryption key of epoch {epoch} is not in the keyring")
        try:
            return AESGCM(kek).decrypt(wrapped[:NONCE], wrapped[NONCE:], context)
        except (InvalidTag, ValueError) as error:
            raise Broken("a data key does not unwrap under this keyring") from error

    def blind(self, kind: str, value: str) -> bytes:
        """HMAC-SHA256(pepper, kind || 0 || value), 16 bytes."""
        return hmac.digest(self._blinding, blinded(kind, value), "sha256")[:BLIND]

    def secret(self, purpose: str) -> bytes:
        """HMAC-SHA256(pepper, 'secret' || 0 || purpose): separate from every blind."""
        return hmac.digest(self._blinding, blinded("secret", purpose), "sha256")

    def refresh(self) -> None:
        """Read the file again if it was replaced."""
        if self._path is None or _identity(self._path) == self._seen:
            return
        now = FileKeyring.load(self._path)
        if now._origin != self._origin or now._peppers.keys() < self._peppers.keys():
            raise Broken(f"the keyring at {self._path} was replaced by another one")
        self._keks, self._peppers, self._seen = now._keks, now._peppers, now._seen
        self._blinding = now._blinding

    def begin_epoch(self) -> int:
        """One KEK more; the file is replaced whole."""
        self.refresh()
        epoch = self.epoch + 1
        self._replace(self._keks | {epoch: os.urandom(32)})
        return epoch

    def destroy_epoch_forever(self, epoch: int) -> None:
        """One KEK less; the file is replaced, and what the old one held is overwritten."""
        self.refresh()
        if epoch == self.epoch:
            raise Misuse("the newest key-encryption key is in use; rotate before destroying it")
        if epoch not in self._keks:
            return
        keks = {n: kek for n, kek in self._keks.items() if n != epoch}
        with ExitStack() as stack:
            old = stack.enter_context(self._path.open("r+b")) if self._path else None
            self._replace(keks)
            # From here the KEK is in no file with a name. A crash before the next line leaves its
            # bytes in free blocks of the disk, as copy-on-write and flash may do in any case: where
            # that matters the disk is encrypted, or the keyring is an HSM.
            if old is not None:
                old.write(bytes(os.fstat(old.fileno()).st_size))
                old.flush()
                os.fsync(old.fileno())

    def _replace(self, keks: dict[int, bytes]) -> None:
        """Put a new file in place of the old one: aside, fsync, rename, fsync the folder.

        A crash before the rename leaves the old keyring (and a file aside that the next attempt
        overwrites), a crash after it the new one; nothing is wrapped under a new KEK before this
        has returned.
        """
        if self._path is not None:
            path = self._path.resolve()
            owner, aside = path.stat(), path.with_name(path.name + ".new")
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(descriptor, 0o600)
                # Whoever rotates (root, perhaps) must not lock out the service.
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
                _write(file, self._origin, keks, self._peppers)
            aside.replace(path)
            _sync_folder(path.parent)
            self._seen = _identity(path)
        self._keks = keks


def blinded(kind: str, value: str) -> bytes:
    """What is fed to the HMAC: a kind cannot be shifted into a value."""
    return kind.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")


def _write(file: IO[str], origin: str, keks: dict[int, bytes], peppers: dict[int, bytes]) -> None:
    content: dict[str, Any] = {
        "format": 1,
        "origin": origin,
        "kek": {str(n): to_base64(k) for n, k in sorted(keks.items())},
        "pepper": {str(n): to_base64(k) for n, k in sorted(peppers.items())},
    }
    json.dump(content, file, indent=1)
    file.flush()
    os.fsync(file.fileno())


def _read(path: Path) -> tuple[str, Identity]:
    """The text of the file that has this name when we are done reading."""
    while True:
        before = _identity(path)
        text = path.read_text("utf-8", "replace")
        if _identity(path) == before:
            return text, before


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except FileNotFoundError as error:
        raise Misuse(
            f"there is no keyring at {path}: put the ledger's own back,"
            " or begin one with `probant init`"
        ) from error
    except OSError as error:
        raise Broken(f"the keyring at {path} cannot be read") from error
    return found.st_ino, found.st_mtime_ns, found.st_size


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
