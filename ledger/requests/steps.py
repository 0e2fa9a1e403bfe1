"""Receiving a request, and recording each of its steps.

What admits no delay is recorded in the same transaction as the request itself: an objection stops
marketing at once (GDPR art. 21(3), SS-DSR-4), a card that must go serves nothing more (SS-CARD-4).
Everything else waits for whoever answers. Read next: `fulfilling.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.aggregates import AGGREGATES, fold
from ledger.aggregates.rights_request import HANDING, is_done, refuse_unnamed
from ledger.application import Ledger
from ledger.choosing.choose import find
from ledger.commands import Record, Reference
from ledger.errors import NotFound, Refusal, Refused
from ledger.events import (
    Fact,
    ObjectionRaised,
    RequestReceived,
)
from ledger.handlers import Accepted, Outcome, record, record_many
from ledger.policy.estate import estate_of
from ledger.policy.model import Edition
from ledger.requests import heirs
from ledger.requests.cards import cards_of, removal
from ledger.store import reader
from ledger.store import requests as store

ALREADY = Refusal("conflict", "this request is already recorded", "SS-CH-3", "RGPD art. 12(3)")


class Received(NamedTuple):
    """A request that was recorded, and the kinds of the facts that took effect with it."""

    stream: UUID
    subject: UUID
    position: int
    at_once: tuple[str, ...]


def receive(
    ledger: Ledger,
    fact: RequestReceived,
    person: Reference | None = None,
    *,
    stream: UUID | None = None,
    over: str | None = None,
) -> Received:
    """Record a request and what it does at once.

    Whom it concerns is the fact's subject or `person`, registered if nobody knew her. `stream` is
    the id the caller gave it: sent twice, it is refused the second time, effects included. `over`
    narrows an objection to one channel; an objection is heard even when something else in the
    request is refused. Raises Refused.
    """
    if stream is not None and ledger.version(stream):
        raise Refused(ALREADY)
    wishes = wishes_of(ledger, fact, person, stream=stream or uuid4(), over=over)
    return received(wishes, record_many(ledger, wishes))


def wishes_of(
    ledger: Ledger,
    fact: RequestReceived,
    person: Reference | None = None,
    *,
    stream: UUID,
    over: str | None = None,
) -> list[Record]:
    """The request on its stream, and behind it what it does at once. Raises BadData."""
    edition = ledger.edition(ledger.epoch(), ledger.clock.now())
    effects = [*_objections(fact, over, edition), *_removals(ledger, fact, person)]
    return [Record(fact, person, stream), *(_with(effect, person) for effect in effects)]


def received(wishes: Sequence[Record], outcomes: Sequence[Outcome]) -> Received:
    """What came of `wishes_of`. Raises Refused."""
    (request, *effects), (outcome, *others) = wishes, outcomes
    if not isinstance(outcome, Accepted):
        raise Refused(outcome)
    assert outcome.subject is not None
    kinds = [
        effect.fact.kind
        for effect, done in zip(effects, others, strict=True)
        if isinstance(done, Accepted)
    ]
    assert request.stream is not None
    at_once = tuple(dict.fromkeys(kinds))
    return Received(request.stream, outcome.subject, outcome.position, at_once)


def record_step(ledger: Ledger, stream: UUID, fact: Fact) -> Accepted:
    """Record one step of a request. Raises NotFound when there is no such request, Refused when
    the law or the order of things forbids it."""
    subject, state = current(ledger, stream)
    rules = AGGREGATES["rights_request"].decide(state, fact), refuse_unnamed(state, fact)
    refusal = next(filter(None, rules), None) or _refuse_to_heirs(ledger, subject, state, fact)
    if refusal is not None:
        raise Refused(refusal)
    return record(ledger, Record(replace(fact, subject=subject), stream=stream))


def _refuse_to_heirs(ledger: Ledger, subject: UUID, state: Any, fact: Fact) -> Refusal | None:
    """Why this answer hands over what nobody may have: she died, and her directive says so."""
    if state.right not in HANDING or not is_done(fact):
        return None
    death = heirs.of_now(ledger, subject)
    if death is None or not death.is_proved:
        return None
    found = estate_of(death, is_asked=True)
    return found if isinstance(found, Refusal) else None


def current(ledger: Ledger, stream: UUID) -> tuple[UUID, Any]:
    """Whose request it is, and the state that decisions about it depend on. Raises NotFound."""
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        begun = store.of_stream(connection, stream, known)
        told = store.steps(connection, [stream], known)[stream] if begun else []
    if begun is None:
        raise NotFound("this ledger knows no such request")
    history = ((step.position, step.fact) for step in told)
    return begun.subject, fold(AGGREGATES["rights_request"], history)


def _with(effect: Record, person: Reference | None) -> Record:
    """An effect is about whom the request is about."""
    return replace(effect, person=person)


def _objections(fact: RequestReceived, over: str | None, edition: Edition) -> Iterator[Record]:
    """An objection to one purpose, or to all marketing when none is named: each channel has a
    state of its own, so each is told."""
    if fact.right != "objection":
        return
    if fact.purpose is not None:
        named = edition.purposes.get(fact.purpose)
        purposes = [named] if named is not None else []
    else:
        purposes = [purpose for purpose in edition.purposes.values() if purpose.marketing]
    for purpose in purposes:
        if over is not None and purpose.channels and over not in purpose.channels:
            continue
        for channel in (over,) if over and purpose.channels else purpose.channels or (None,):
            yield Record(
                ObjectionRaised(
                    subject=fact.subject,
                    occurred=fact.occurred,
                    actor=fact.actor,
                    purpose=purpose.id,
                    channel=channel,
                    grade="asserted",
                )
            )


def _removals(ledger: Ledger, fact: RequestReceived, person: Reference | None) -> Iterator[Record]:
    """The card that must go: the one that is named, or the only one she has. Of several, whoever
    answers says which (`cards.py`): her request is received all the same."""
    if fact.right != "card_removal":
        return
    card, subject = fact.card, fact.subject
    if card is None:
        subject = subject or (find(ledger, person) if person else None)
        hers = cards_of(ledger, subject).open if subject else ()
        card = hers[0] if len(hers) == 1 else None
    if card is not None:
        yield removal(fact.subject, card, fact.occurred, fact.actor, fact.channel)
