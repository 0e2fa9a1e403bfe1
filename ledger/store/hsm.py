"""A keyring whose keys never leave a hardware security module (PKCS#11).

KEKs are AES-256 keys and peppers generic secrets, made in the token, marked sensitive and never
extractable: the service can use them while the token is there, and nobody can copy them. A data key
is wrapped by AES-256-GCM *inside* the token with its context authenticated: the same bytes as in
`keyring.py`, `nonce12 || ciphertext || tag16`. Blinds and secrets are HMAC-SHA256 in the token.

The token is named by a `pkcs11:` URI (RFC 7512) and holds the keys of one ledger, labelled
`probant/ORIGIN/kek/EPOCH` and `probant/ORIGIN/pepper/NUMBER`. The PIN is in the file that
`pin-source` names, else in the environment (`PROBANT_PIN`); never in the URI. What this file never
does: bring a KEK or a pepper into this process.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple
from urllib.parse import unquote

import pkcs11
from pkcs11 import Attribute, KeyType, MechanismFlag, ObjectClass
from pkcs11.mechanisms import GCMParams, Mechanism

from ledger.errors import Broken, Misuse
from ledger.store.keyring import BLIND, NONCE, blinded

_LABEL = re.compile(r"probant/(.+)/(kek|pepper)/([1-9][0-9]*)")
_LOCKED_AWAY = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}

Found = dict[str, dict[int, Any]]
"""The keys of one ledger: 'kek' or 'pepper', then its number."""


class Place(NamedTuple):
    """A token: the library that speaks to it, its label, and the file of its PIN."""

    module: str
    token: str
    pin_file: Path | None


# One session per token and process: a second login to the same token is refused by PKCS#11, and
# closing one session logs the others out.
_SESSIONS: dict[tuple[str, str], Any] = {}
_TURN = RLock()


class HsmKeyring:
    """The keyring of one ledger in a PKCS#11 token. Safe to share between threads."""

    def __init__(self, place: Place, origin: str, found: Found) -> None:
        self._place, self._origin, self._found = place, origin, found

    @classmethod
    def load(cls, uri: str) -> HsmKeyring:
        """The keyring in this token. Raises Misuse if there is none or the token is not reached."""
        place = parse(uri)
        origin, found = _keys_of(place)
        if origin is None or not found["kek"] or not found["pepper"]:
            raise Misuse(
                "there is no keyring in this token: give the ledger's own,"
                " or begin one with `probant init`"
            )
        return cls(place, origin, found)

    @classmethod
    def create(cls, uri: str, origin: str) -> HsmKeyring:
        """Make a KEK and a pepper. Raises Misuse if the token holds a keyring.

        A crash between the two leaves a pepper alone: running again completes it.
        """
        place = parse(uri)
        there, found = _keys_of(place)
        if found["kek"] or there not in (None, origin):
            raise Misuse("there is a keyring in this token already; it will not be replaced")
        if not found["pepper"]:
            _make_pepper(place, origin)
        _make_kek(place, origin, 1)
        return cls.load(uri)

    @classmethod
    def exists(cls, uri: str) -> bool:
        """Whether the token holds a whole keyring."""
        _, found = _keys_of(parse(uri))
        return bool(found["kek"] and found["pepper"])

    @property
    def origin(self) -> str:
        """The ledger this keyring belongs to."""
        return self._origin

    @property
    def epoch(self) -> int:
        """The newest KEK."""
        return max(self._found["kek"])

    @property
    def epochs(self) -> tuple[int, ...]:
        """The KEKs in the token, oldest first."""
        return tuple(sorted(self._found["kek"]))

    @property
    def pepper(self) -> int:
        """The newest pepper."""
        return max(self._found["pepper"])

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        """AES-256-GCM in the token, under the newest KEK, with `context` authenticated."""
        epoch, nonce = self.epoch, os.urandom(NONCE)
        with _speaking():
            sealed = self._found["kek"][epoch].encrypt(
                key, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, context)
            )
        return epoch, nonce + bytes(sealed)

    def unwrap(self, epoch: int, wrapped: bytes, context: bytes) -> bytes:
        """The inverse of `wrap`."""
        if epoch not in self._found["kek"]:
            self.refresh()  # another process may have begun it
        kek = self._found["kek"].get(epoch)
        if kek is None:
            raise Broken(f"the key-encryption key of epoch {epoch} is not in the token")
        with _speaking("a data key does not unwrap under this keyring"):
            opened = kek.decrypt(
                wrapped[NONCE:],
                mechanism=Mechanism.AES_GCM,
                mechanism_param=GCMParams(wrapped[:NONCE], context),
            )
        return bytes(opened)

    def blind(self, kind: str, value: str) -> bytes:
        """HMAC-SHA256 in the token, 16 bytes."""
        return self._mac(blinded(kind, value))[:BLIND]

    def secret(self, purpose: str) -> bytes:
        """HMAC-SHA256 in the token, separate from every blind. This one does leave it."""
        return self._mac(blinded("secret", purpose))

    def refresh(self) -> None:
        """Look into the token again."""
        origin, found = _keys_of(self._place)
        if origin != self._origin or not found["kek"] or not found["pepper"]:
            raise Broken("the keyring is no longer in its token")
        self._found = found

    def begin_epoch(self) -> int:
        """One KEK more. The token makes and keeps it in one step: it is there or it is not."""
        self.refresh()
        epoch = self.epoch + 1
        _make_kek(self._place, self._origin, epoch)
        self.refresh()
        return epoch

    def destroy_epoch_forever(self, epoch: int) -> None:
        """One KEK less, in one step of the token."""
        self.refresh()
        if epoch == self.epoch:
            raise Misuse("the newest key-encryption key is in use; rotate before destroying it")
        if epoch in self._found["kek"]:
            with _speaking():
                self._found["kek"][epoch].destroy()
            self.refresh()

    def _mac(self, message: bytes) -> bytes:
        with _speaking():
            return bytes(
                self._found["pepper"][self.pepper].sign(message, mechanism=Mechanism.SHA256_HMAC)
            )


def parse(uri: str) -> Place:
    """A `pkcs11:token=LABEL?module-path=LIBRARY&pin-source=file:FILE` URI (RFC 7512).

    Raises Misuse for anything else, `pin-value` above all: it would be read by everybody who may
    list processes.
    """
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    said: dict[str, str] = {}
    for pair in [*path.split(";"), *query.split("&")]:
        name, _, value = pair.partition("=")
        if name and (name not in ("token", "module-path", "pin-source") or name in said):
            raise Misuse("a pkcs11: URI has token, module-path and pin-source, once each")
        said[name] = unquote(value)
    if not said.get("token") or not said.get("module-path"):
        raise Misuse("a pkcs11: URI must name a token and a module-path")
    source = said.get("pin-source")
    file = Path(source.removeprefix("file:").removeprefix("//")) if source else None
    return Place(said["module-path"], said["token"], file)


@contextmanager
def _speaking(sentence: str = "the HSM refused or cannot be reached") -> Iterator[None]:
    """One thread at a time; what PKCS#11 raises comes out as ours, by its kind alone."""
    with _TURN:
        try:
            yield
        except pkcs11.PKCS11Error as error:
            raise Broken(f"{sentence} ({type(error).__name__})") from error


def _session(place: Place) -> Any:
    known = _SESSIONS.get(place[:2])
    if known is not None:
        return known
    pin = _pin(place)
    try:
        library = pkcs11.lib(place.module)
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise Misuse("the PKCS#11 module cannot be loaded; see module-path") from error
    try:
        opened = library.get_token(token_label=place.token).open(rw=True, user_pin=pin)
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned) as error:
        raise Misuse("there is no single token of this label in the HSM") from error
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
        raise Misuse("the HSM does not accept this PIN") from error
    _SESSIONS[place[:2]] = opened
    return opened


def _pin(place: Place) -> str:
    if place.pin_file is None:
        pin = os.environ.get("PROBANT_PIN")
        if not pin:
            raise Misuse("the PIN of the HSM is missing: name a pin-source, or set PROBANT_PIN")
        return pin
    try:
        mode = place.pin_file.stat().st_mode
        pin = place.pin_file.read_text("utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise Misuse("the file of the HSM's PIN cannot be read") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Misuse("the file of the HSM's PIN is open to others; run chmod 600 on it")
    return pin


def _keys_of(place: Place) -> tuple[str | None, Found]:
    """The one ledger whose keys are in this token, and these keys."""
    found: Found = {"kek": {}, "pepper": {}}
    origins: set[str] = set()
    with _speaking():
        for key in _session(place).get_objects({Attribute.CLASS: ObjectClass.SECRET_KEY}):
            named = _LABEL.fullmatch(key.label)
            if named is None:
                continue
            origin, sort, number = named[1], named[2], int(named[3])
            if number in found[sort] and origin in origins:
                raise Broken("two keys of this token have the same label")
            if key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]:
                raise Broken("a key of this token could be copied out of it; it is not used")
            origins.add(origin)
            found[sort][number] = key
    if len(origins) > 1:
        raise Misuse("this token holds the keys of several ledgers; give each one its own")
    return next(iter(origins), None), found


def _make_kek(place: Place, origin: str, epoch: int) -> None:
    with _speaking():
        _session(place).generate_key(
            KeyType.AES,
            256,
            label=f"probant/{origin}/kek/{epoch}",
            store=True,
            capabilities=MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT,
            template=_LOCKED_AWAY,
        )


def _make_pepper(place: Place, origin: str) -> None:
    with _speaking():
        _session(place).generate_key(
            KeyType.GENERIC_SECRET,
            256,
            label=f"probant/{origin}/pepper/1",
            store=True,
            capabilities=MechanismFlag.SIGN,
            mechanism=Mechanism.GENERIC_SECRET_KEY_GEN,
            template=_LOCKED_AWAY,
        )
