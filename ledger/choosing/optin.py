"""A consent in two steps, the second of which only the person can take (GDPR art. 7(1)).

1. She is asked: `consent.requested`, act `double_opt_in`. A token is made for that very request and
   handed to whatever carries messages to her own address; it is in no answer, log, table or fact.
   Where no function carries it, the courier does, to the webhook that the command line registered
   for confirmations: the token is made when the message is sent, and again if it is sent again.
2. The token comes back: `consent.given`, proved, by herself. Until then nobody's yes is taken, ours
   least of all; a no ends the matter, as always.

The token is a keyed hash of (position of the request, person, last instant): nothing is stored.
It serves once, for whatever was said since about the same purpose and channel makes it void. Who is
awaited for longer than the edition says (`confirmation_days`, else 72 hours) has not answered: the
question lapses, and others are heard again.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, moment_of_instant
from ledger.choosing.awaited import awaited_of
from ledger.commands import Record
from ledger.entry import from_base64, to_base64
from ledger.errors import BadData, Refusal
from ledger.events import DOUBLE_OPT_IN, ConsentGiven, ConsentRequested
from ledger.handlers import Accepted, record_many
from ledger.policy.choosing import waits_until
from ledger.store import reader

ACT = DOUBLE_OPT_IN
_PURPOSE = "choosing/double_opt_in"
_POSITION, _INSTANT, _MAC = 8, 8, 32  # bytes

VOID_TOKEN = Refusal(
    "token-void",
    "this token is not one of ours, is too old, was used, or something was said since",
    "SS-LB-2",
    "RGPD art. 7(1)",
    "token",
)


class Confirmation(NamedTuple):
    """What is carried to the person, and to nobody else."""

    subject: UUID
    purpose: str
    channel: str | None
    token: str
    expires_at: Instant
    form: str | None = None


Void: TypeAlias = Literal["void", "expired"]
"""Why a confirmation would serve nothing: something was said since, or it is too old."""

Carry = Callable[[Confirmation], None]
"""Takes a confirmation to the person's own address. Must not raise for what can be tried again."""


def ask(
    ledger: Ledger, subject: UUID, wish: ConsentRequested, carry: Carry | None = None
) -> Accepted | Refusal:
    """Record that she was asked, then have the token carried to her (None: by the courier, whose
    delivery is of the same transaction). What came of it, without the token: whoever asked does
    not learn it."""
    (outcome,) = record_many(ledger, [Record(wish)])
    if isinstance(outcome, Accepted) and carry is not None:
        expires_at = _until(ledger, outcome.written[-1].recorded_at)
        token = _token(ledger, outcome.position, subject, expires_at)
        carry(Confirmation(subject, wish.purpose, wish.channel, token, expires_at, wish.form))
    return outcome


def complete(ledger: Ledger, token: str) -> Accepted | Refusal:
    """The token came back: she consents. Under the head lock, so that it serves once."""
    with nullcontext() if ledger.recorder.is_alone else ledger.recorder.alone():
        found = _opened(ledger, token)
        if found is None:
            return VOID_TOKEN
        wish = ConsentGiven(
            subject=found.subject,
            occurred=moment_of_instant(ledger.clock.now()),
            purpose=found.asked.purpose,
            channel=found.asked.channel,
            act=ACT,
            form=found.asked.form,
            grade="proved",
        )
        (outcome,) = record_many(ledger, [Record(wish)])
        return outcome


def confirmation_of(ledger: Ledger, position: int) -> Confirmation | Void | None:
    """What is carried to her about the request at this position: the very same, whenever it is
    asked. Why not, when it would serve nothing any more; None for a request of another act.
    """
    with ledger.database.read() as connection:
        asked, found = _request(connection, position), reader.event_at(connection, position)
        if asked is None or found is None or found.subject is None:
            return None
    waits = _waits(ledger, found)
    expires_at = _until(ledger, found.recorded_at)
    if not waits:
        return "void"
    if ledger.clock.now() > expires_at:
        return "expired"
    token = _token(ledger, position, found.subject, expires_at)
    return Confirmation(found.subject, asked.purpose, asked.channel, token, expires_at, asked.form)


def _waits(ledger: Ledger, asked: reader.Found) -> bool:
    """Whether she is still awaited: nothing was said since about the same, by whichever reference
    it was hers to say it."""
    assert asked.subject is not None
    epoch = ledger.epoch()
    joins, book = ledger.joins(epoch), ledger.book(epoch)
    with ledger.database.read() as connection:
        waits = awaited_of(connection, joins, asked.subject, book)
    return any(one.position == asked.position for one in waits)


def _until(ledger: Ledger, asked: Instant) -> Instant:
    return waits_until(ledger.book(ledger.epoch()), asked)


class _Opened(NamedTuple):
    subject: UUID
    asked: ConsentRequested


def _opened(ledger: Ledger, token: str) -> _Opened | None:
    """The request that a token answers; None if it is not ours, too old, or void."""
    try:
        raw = from_base64(token)
    except (BadData, ValueError):
        return None
    if len(raw) != _POSITION + _INSTANT + _MAC:
        return None
    position = int.from_bytes(raw[:_POSITION])
    expires_at = int.from_bytes(raw[_POSITION:-_MAC])
    if max(position, expires_at) >= 2**63:
        return None
    with ledger.database.read() as connection:
        found = reader.event_at(connection, position)
        if found is None or found.subject is None:
            return None
    waits = _waits(ledger, found)
    expected = _token(ledger, position, found.subject, expires_at)
    is_ours = hmac.compare_digest(expected.encode(), token.encode())
    if not (is_ours and waits and ledger.clock.now() <= expires_at):
        return None
    assert isinstance(found.fact, ConsentRequested)
    return _Opened(found.subject, found.fact)


def _request(connection: Any, position: int) -> ConsentRequested | None:
    """The request in two steps at this position, if it is one."""
    found = reader.event_at(connection, position)
    fact = found.fact if found else None
    return fact if isinstance(fact, ConsentRequested) and fact.act == ACT else None


def _token(ledger: Ledger, position: int, subject: UUID, expires_at: Instant) -> str:
    said = position.to_bytes(_POSITION) + expires_at.to_bytes(_INSTANT)
    mac = hmac.digest(ledger.keyring.secret(_PURPOSE), said + subject.bytes, "sha256")
    return to_base64(said + mac)
