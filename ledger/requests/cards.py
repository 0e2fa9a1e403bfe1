"""Which cards of hers a request to remove one may mean, and asking that they go.

A letter seldom says which card. Where she has one, it is that one and goes at once; where she has
several, whoever answers says which (SS-CH-4: what is missing is asked for, and nothing is dropped).
What this file never does: decide how long a card may be kept (`ledger/policy/cards.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Moment
from ledger.commands import Record
from ledger.errors import BadData
from ledger.events import CardKept, CardRemovalRequested, CardRemoved
from ledger.projections.live import standing
from ledger.store import states

# How a request that arrived there is called on the stream of a card.
CARD_CHANNELS = {"page": "account", "api": "account", "agent": "counter"}


class Hers(NamedTuple):
    """Her cards that nothing asks to remove yet, by the ids of their streams, oldest first; and the
    last position at which the removal of one was asked for (0: never)."""

    open: tuple[UUID, ...]
    asked_at: int


def cards_of(ledger: Ledger, subject: UUID) -> Hers:
    """The cards of one person, under all her references."""
    family = ledger.joins(ledger.epoch()).family(subject)
    with ledger.database.read() as connection:
        rows = [row for one in family for row in standing(states.rows_of(connection, one))]
    kept = dict.fromkeys(row.stream for row in rows if row.kind == CardKept.kind)
    asked = [row for row in rows if row.kind == CardRemovalRequested.kind]
    ends = {row.stream for row in rows if row.kind == CardRemoved.kind}
    ends |= {row.stream for row in asked}
    last = max((row.position for row in asked), default=0)
    return Hers(tuple(one for one in kept if one not in ends), last)


def removal(subject: UUID | None, card: UUID, at: Moment, actor: str, channel: str) -> Record:
    """The wish that a card of hers goes."""
    said = CARD_CHANNELS.get(channel, channel)
    fact = CardRemovalRequested(subject=subject, occurred=at, actor=actor, channel=said)
    return Record(fact, stream=card)


def named(ledger: Ledger, subject: UUID, wanted: Sequence[UUID], since: int) -> tuple[UUID, ...]:
    """The cards that go now, of those `wanted`, for a request recorded at a position. Raises
    BadData for one that is not among hers, and while nobody said which of several she means."""
    hers = cards_of(ledger, subject)
    if wanted:
        if not set(wanted) <= set(hers.open):
            raise BadData("field 'cards' names one that is no card of hers, or is to go already")
        return tuple(wanted)
    if hers.open and hers.asked_at < since:
        raise BadData(
            "field 'cards' is required: which of her cards go, by the ids of their streams"
        )
    return ()
