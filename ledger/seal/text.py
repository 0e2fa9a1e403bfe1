"""Strict pieces of text: numbers, base64, lines. Each value has one spelling, and no other is read.

`int()` takes signs, spaces, underscores and the digits of every script; base64 decoders drop what
they do not know and ignore surplus bits. Each of those has been a bug in somebody's verifier.
What this file never does: repair. Read next: `note.py`.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode

from ledger.errors import BadData
from ledger.seal.merkle import HASH_BYTES, SIZE_LIMIT

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


def parse_number(text: str) -> int:
    """A decimal from 0 to 2**63 - 1 without sign, space or leading zero. Raises BadData."""
    if not _DECIMAL.fullmatch(text) or int(text) >= SIZE_LIMIT:
        raise BadData("a number is not a plain decimal below 2**63")
    return int(text)


def to_base64(raw: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4), as C2SP formats write hashes and keys."""
    return b64encode(raw).decode("ascii")


def from_base64(text: str) -> bytes:
    """Strict inverse of `to_base64`: the text must print back to itself. Raises BadData."""
    try:
        raw = b64decode(text, validate=True)
    except ValueError as error:  # binascii.Error is one, and so is a character beyond ASCII
        raise BadData("a value is not standard base64") from error
    if to_base64(raw) != text:
        raise BadData("a value is not canonical base64")
    return raw


def parse_hash(text: str) -> bytes:
    """A SHA-256 hash in base64. Raises BadData."""
    raw = from_base64(text)
    if len(raw) != HASH_BYTES:
        raise BadData("a hash is not 32 bytes long")
    return raw


def read_text(raw: bytes) -> str:
    """UTF-8 whose only control character is the newline, and which ends in one. Raises BadData."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadData("a text is not UTF-8") from error
    if _CONTROL.search(text):
        raise BadData("a text holds a control character other than the newline")
    if not text.endswith("\n"):
        raise BadData("a text does not end in a newline")
    return text


def split_head(raw: bytes) -> tuple[list[str], bytes]:
    """The lines above the first empty line, and the bytes below it as they are. Raises BadData."""
    head, empty_line, rest = raw.partition(b"\n\n")
    if not empty_line:
        raise BadData("a proof has no empty line before its checkpoint")
    return read_text(head + b"\n").split("\n")[:-1], rest
