"""Tokens for one person's browser: fifteen minutes, about herself only.

A shop's server that knows who she is asks for one (role `recorder`) and hands it to her browser; a
key never leaves the server. The token is her id, its end and a nonce, under a MAC keyed from the
keyring: every worker accepts it and nothing is stored. It dies with her: once she is erased it is
answered 410. Read next: `access.py`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import struct
from uuid import UUID

from api.access import HERSELF, Who
from api.routes import SUBJECT
from ledger.application import Ledger
from ledger.calendar import MINUTE, Instant
from ledger.store import erasure

PREFIX = "person_"
LIFE: Instant = 15 * MINUTE
_SHAPE = struct.Struct(">16sQ8s")  # her id, its end (µs since 1970), a nonce
_MAC = 32  # bytes


def issue(ledger: Ledger, subject: UUID, now: Instant) -> tuple[str, Instant]:
    """A token for this person, and when it ends."""
    until = now + LIFE
    said = _SHAPE.pack(subject.bytes, until, secrets.token_bytes(8))
    sealed = base64.urlsafe_b64encode(said + _mac(ledger, said)).rstrip(b"=")
    return PREFIX + sealed.decode(), until


def who(ledger: Ledger, token: str, now: Instant) -> Who | None:
    """The person who holds this token; None if it is not ours, or has ended.

    Her id says which token (`blind`) and nothing of whom: the log of who asked tells a stolen one
    from the one that was issued.
    """
    text = token.removeprefix(PREFIX)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _SHAPE.size + _MAC:
        return None
    said, mac = raw[: _SHAPE.size], raw[_SHAPE.size :]
    if not hmac.compare_digest(mac, _mac(ledger, said)):
        return None
    subject, until, _ = _SHAPE.unpack(said)
    if now >= until:
        return None
    return Who(blind(ledger, token), frozenset({SUBJECT}), UUID(bytes=subject))


def blind(ledger: Ledger, token: str) -> str:
    """What a token is called where it may not be shown: a keyed hash, told when it is issued."""
    secret = ledger.keyring.secret("subject-token-id")
    return f"{HERSELF}:{hmac.digest(secret, token.encode(), 'sha256')[:8].hex()}"


def is_erased(ledger: Ledger, subject: UUID) -> bool:
    """Whether every class of data through which this person was known has been erased."""
    if not ledger.has_erased(ledger.epoch()):
        return False
    with ledger.database.read() as connection:
        return bool(erasure.closed_subjects(connection, {subject}))


def _mac(ledger: Ledger, said: bytes) -> bytes:
    return hmac.digest(ledger.keyring.secret("subject-token"), said, "sha256")
