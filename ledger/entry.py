"""The byte form of a fact: RFC 8785 (JCS) JSON, written strictly and read strictly. Pure.

An entry is the only thing that is hashed and kept; it is never re-serialised in order to verify.
The form is restricted so that canonical JSON is trivial: ASCII keys; values are strings, integers
(|x| < 2**53), lists and objects; no float, no boolean, no null, no duplicate key; 16 KiB at most.

    {"at":"2026-01-05T09:00:00.000000Z","id":…,"meta":{…},"parts":[…],"pol":…,"salt":…,
     "stream":…,"type":"consent.given.v1","v":1,"ver":3}

`at`, the record time, sorts first and is settled last, under the head lock: `complete` puts it in
front of bytes that were prepared before the lock was taken. What this file never does: encrypt,
know a kind, or touch a database. Read next: `ledger/events/`.
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from functools import lru_cache
from typing import Any
from uuid import UUID, SafeUUID

import msgspec

from ledger.calendar import Instant, format_instant
from ledger.errors import BadData, Tampered

VERSION = 1
MAX_BYTES = 16 * 1024
INTEGER_LIMIT = 2**53
MAX_DEPTH = 16
_KEY = re.compile(r"[\x21-\x7e]+", re.ASCII)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_encoder = msgspec.json.Encoder(order="sorted")
_decoder = msgspec.json.Decoder()


def write(value: Any) -> bytes:
    """Canonical bytes of `value`. Raises BadData for anything outside the restricted form."""
    _check(value)
    return encode(value)


def encode(value: Any) -> bytes:
    """Canonical bytes of a value already known to be in the restricted form."""
    try:
        return _encoder.encode(value)
    except (UnicodeEncodeError, msgspec.EncodeError) as error:
        raise BadData("a text holds a lone surrogate, which is not Unicode") from error


def read(raw: bytes) -> dict[str, Any]:
    """The object these bytes are the canonical form of.

    Parsers accept duplicate keys, spaces and escapes silently, so the value is written again and
    compared byte for byte. Raises Tampered when it differs.
    """
    try:
        value = _decoder.decode(raw)
        if isinstance(value, dict) and write(value) == raw:
            return value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadData) as error:
        raise Tampered("an entry is not canonical JSON of the restricted form") from error
    raise Tampered("an entry is not canonical JSON of the restricted form")


def draft(fields: dict[str, Any]) -> bytes:
    """An entry without its record time: everything but `at`, ready for `complete`."""
    return encode(fields)[1:]


def complete(prepared: bytes, at: Instant) -> bytes:
    """The entry recorded at `at` (microseconds UTC). Raises BadData beyond 16 KiB."""
    raw = b'{"at":"' + format_instant(at).encode("ascii") + b'",' + prepared
    if len(raw) > MAX_BYTES:
        raise BadData("this fact is larger than an entry may be (16 KiB)")
    return raw


def leaf_hash(entry: bytes) -> bytes:
    """The Merkle leaf of an entry: SHA-256(0x00 || entry) (RFC 6962 section 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def commitment(salt: bytes, name: str, plaintext: bytes) -> bytes:
    """`cm`: binds a part's plaintext, hiding it for as long as its 32-byte salt is unknown."""
    label = name.encode("ascii")
    head = b"\x02" + salt + len(label).to_bytes(2, "big") + label
    return hashlib.sha256(head + plaintext).digest()


def envelope_hash(envelope: bytes) -> bytes:
    """`ct`: shows, without any key, that the stored ciphertext is the one recorded."""
    return hashlib.sha256(b"\x03" + envelope).digest()


def key_commitment(key: bytes) -> bytes:
    """`kc`: exposes a copy of a key that was said to be destroyed."""
    return hashlib.sha256(b"\x04" + key).digest()


def derived_id(said: bytes) -> UUID:
    """An id that two writers arrive at without asking each other: UUIDv8 over SHA-256."""
    return _marked(hashlib.sha256(said).digest()[:16], 8)


def random_id(drawn: bytes) -> UUID:
    """The UUIDv4 of sixteen random bytes."""
    return _marked(drawn, 4)


def _marked(drawn: bytes, version: int) -> UUID:
    """An id with its version and variant in their places."""
    number = int.from_bytes(drawn, "big") & ~(0xF000 << 64 | 0xC000 << 48)
    return id_of(number | version << 76 | 0x8000 << 48)


def id_of(number: int) -> UUID:
    """The id that is this number of 128 bits. Its fields are set: the constructor, which takes any
    way of writing one, takes three times as long."""
    made = object.__new__(UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def id_from(text: str) -> UUID:
    """The id that is written so, as all are written here. Raises ValueError for what is none."""
    digits = text.replace("-", "")
    if len(digits) != 32:
        raise ValueError("an id has 32 digits")
    return id_of(int(digits, 16))


def to_base64(raw: bytes) -> str:
    """Base64url without padding, as entries write digests and salts."""
    return b2a_base64(raw, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def from_base64(text: str) -> bytes:
    """Strict inverse of `to_base64`: the text must print back to itself. Raises BadData."""
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError) as error:
        raise BadData("a digest is not base64url") from error
    if to_base64(raw) != text:
        raise BadData("a digest is not canonical base64url")
    return raw


def _check(value: Any, depth: int = 0) -> None:
    if isinstance(value, str):
        return
    if depth > MAX_DEPTH:
        raise BadData("an entry is nested too deeply")
    if type(value) is int:
        if not -INTEGER_LIMIT < value < INTEGER_LIMIT:
            raise BadData("an integer is outside ±2**53")
    elif isinstance(value, dict):
        if not _are_keys(tuple(value)):
            raise BadData("a key is not printable ASCII")
        for inner in value.values():
            if type(inner) is not str:  # most are
                _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)
    else:
        raise BadData(f"an entry cannot hold a {type(value).__name__}")


@lru_cache(maxsize=4096)  # names of fields, which are few, as facts of one kind have them together
def _are_keys(texts: tuple[Any, ...]) -> bool:
    return all(isinstance(text, str) and _KEY.fullmatch(text) for text in texts)
