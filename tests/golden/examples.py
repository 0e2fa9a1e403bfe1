"""One fact of every kind, every field filled with a fixed value: what golden entries are made of.

Sealed parts are computed here from the format's description (evidence format 1.1), not by the
vault: two writings of the same page must agree.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger import entry
from ledger.calendar import Instant, moment_of_day, moment_of_instant, parse_instant
from ledger.events import KINDS, Fact
from ledger.fields import (
    ARTICLE,
    BOOLEAN,
    CODE,
    CODES,
    DAY,
    DIGEST,
    IDENTIFIER,
    IDENTIFIERS,
    INTEGER,
    KEYS,
    MONEY,
    MONTH,
    RANGES,
    TEXT,
    VKEY,
    KeyProof,
    Money,
    Spec,
)
from ledger.store.mapper import Draft, FactMapper, Part

SUBJECT = UUID("5b1c3a0e-0000-4000-8000-000000000001")
STREAM = UUID("5b1c3a0e-0000-4000-8000-000000000002")
ITEM = "5b1c3a0e-0000-4000-8000-000000000003"
EVENT = UUID("5b1c3a0e-0000-4000-8000-000000000004")
KEY_ID = UUID("5b1c3a0e-0000-4000-8000-000000000005")
KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
PART_SALT = bytes(range(32, 64))
SALT = entry.to_base64(bytes(range(16)))
POL = entry.to_base64(sha256(b"the policy").digest())
EDITION = 20181120
RECORDED: Instant = parse_instant("2026-01-05T09:00:00.000001Z")
OCCURRED = moment_of_instant(parse_instant("2025-12-31T23:30:00+01:00"))
THAT_DAY = moment_of_day(20251231)

BY_ITEM = ("contract", "order", "card", "hold", "tracker", "rights_request")
FIXED: dict[int, Any] = {
    id(INTEGER): 42,
    id(BOOLEAN): True,
    id(DAY): 20310115,
    id(MONEY): Money(-1999, "EUR"),
    id(DIGEST): POL,
    id(MONTH): 20280229,
    id(ARTICLE): "C. com. art. L123-22",
    id(IDENTIFIER): UUID("5b1c3a0e-0000-4000-8000-000000000006"),
    id(IDENTIFIERS): (KEY_ID, STREAM),
    id(KEYS): (KeyProof(KEY_ID, POL),),
    id(RANGES): ((2, 5), (9, 9)),
    id(VKEY): "example.com/foo+530d903a+AekyvCwuwhYSZlGxMmDhKpUgjgHDCmvXJ4dpGzxFjxLJ",
    id(CODES): ("email", "phone"),
    id(TEXT): "“Élise” \\ \n 😀 <é>",
}


def example(cls: type[Fact]) -> Fact:
    """The fixed fact of this kind."""
    values = {spec.name: _value(spec) for spec in cls.specs}
    by_day = cls.aggregate == "order"
    return cls(
        subject=None if cls.about_nobody else SUBJECT,
        occurred=THAT_DAY if by_day else OCCURRED,
        actor="import" if by_day else "self",
        item=ITEM if cls.aggregate in BY_ITEM else None,
        **values,
    )


def _value(spec: Spec) -> Any:
    if spec.name == "root":
        return "consent.given.v1"
    if spec.one_of:
        return spec.one_of[:1] if spec.codec is CODES else spec.one_of[0]
    return f"some.{spec.name}" if spec.codec is CODE else FIXED[id(spec.codec)]


def part_of(fact: Fact) -> tuple[Part, bytes] | None:
    """The sealed part of a fact and its plaintext, as the format says, or None if it has none."""
    fields = fact.personal_fields()
    if not fields or fact.sealed_class is None:
        return None
    name, plaintext = fact.sealed_class, entry.write(fields)
    label = name.encode("ascii")
    texts = (str(EVENT).encode(), label, str(KEY_ID).encode())
    aad = b"".join(len(text).to_bytes(2, "big") + text for text in texts)
    envelope = NONCE + AESGCM(KEY).encrypt(NONCE, PART_SALT + plaintext, aad)
    committed = b"\x02" + PART_SALT + len(label).to_bytes(2, "big") + label + plaintext
    described = {
        "n": name,
        "kid": str(KEY_ID),
        "kc": entry.to_base64(sha256(b"\x04" + KEY).digest()),
        "cm": entry.to_base64(sha256(committed).digest()),
        "ct": entry.to_base64(sha256(b"\x03" + envelope).digest()),
    }
    return Part(name, KEY_ID, described, envelope), plaintext


def entry_of(fact: Fact) -> bytes:
    """The entry of a fixed fact, its salt fixed too."""
    part = part_of(fact)
    draft = Draft(STREAM, 3, fact, EVENT, EDITION, POL, (part[0],) if part else ())
    raw = entry.complete(FactMapper().to_stored_event(draft).state, RECORDED)
    said = entry.read(raw)
    assert len(entry.from_base64(said["salt"])) == 16
    return entry.write(said | {"salt": SALT})


def entries() -> dict[str, bytes]:
    """The golden bytes of every kind."""
    return {kind: entry_of(example(cls)) for kind, cls in sorted(KINDS.items())}
