"""Receipts: what whoever records is handed, signed at commit, before the log is sealed. Pure.

    example.org/ledger/receipt
    42                                              the position
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=    SHA-256 of the entry
    jY3Rw0Z…=                                       the leaf, SHA-256(0x00 || entry)
    2026-01-05T09:00:00.000001Z                     the record time
    60                                              sealed within so many seconds

It makes the moment between commit and seal provable against us: a log that, so many seconds later,
does not hold that leaf at that position is not the log that gave this receipt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ledger.calendar import Instant, format_instant, parse_instant
from ledger.errors import BadData
from ledger.seal.text import parse_hash, parse_number, to_base64

MAX_DELAY_SECONDS = 60


class Receipt(NamedTuple):
    """A receipt's text, read."""

    origin: str
    position: int
    entry_hash: bytes
    leaf: bytes
    recorded_at: Instant
    delay_seconds: int


def text_of(
    origin: str, position: int, entry_hash: bytes, leaf: bytes, recorded_at: Instant
) -> str:
    """The text to sign for one event: SHA-256 of its entry, its leaf, when it was recorded."""
    lines = (
        f"{origin}/receipt",
        str(position),
        to_base64(entry_hash),
        to_base64(leaf),
        format_instant(recorded_at),
        str(MAX_DELAY_SECONDS),
    )
    return "".join(f"{line}\n" for line in lines)


def parse_receipt(text: str) -> Receipt:
    """Strict inverse, for the text of a note already opened. Raises BadData."""
    lines: Sequence[str] = text.split("\n")
    if len(lines) != 7 or lines[6] or not lines[0].endswith("/receipt"):
        raise BadData("a receipt has six lines, and its first one says so")
    try:
        at = parse_instant(lines[4])
    except ValueError:
        raise BadData("the time of a receipt cannot be read") from None
    if format_instant(at) != lines[4]:
        raise BadData("the time of a receipt is written otherwise")
    origin = lines[0].removesuffix("/receipt")
    hashes = parse_hash(lines[2]), parse_hash(lines[3])
    return Receipt(origin, parse_number(lines[1]), *hashes, at, parse_number(lines[5]))
