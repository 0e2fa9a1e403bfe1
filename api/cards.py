"""The cards of one person as JSON: on which ground each is kept, why, until when, by which rule.

Card numbers are nowhere, and the ten digits that are kept are sealed: they are not told here. Read
next: `ledger/policy/cards.py`, which judges, and `routes/cards.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.answers import Times
from api.holds import kept_at
from api.settings import Language
from api.things import owner, step
from ledger.application import Ledger
from ledger.calendar import Day, format_day, format_instant, moment_of_instant
from ledger.commands import Record
from ledger.errors import NotFound
from ledger.events import CardRemovalRequested
from ledger.policy.cards import CardItem, cards
from ledger.policy.cards import explain as explain_card
from ledger.policy.holds import Fate, fate_of_card
from ledger.policy.holds import explain as explain_fate
from ledger.store import reader, states
from replay import fold as replaying

BY_HERSELF = "account"  # the channel of what she asks for on our pages


def cards_answer(ledger: Ledger, subject: UUID, times: Times, lang: Language) -> dict[str, Any]:
    """Every card and every proof of a payment of one person at two times, in the order of class
    and id. Raises NotFound for somebody this ledger never knew."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    with ledger.database.read() as connection:
        states.look_at(connection, subject, states.ROWS, states.CARDS)
        known = reader.position_at(connection, times.known_at)
    people = ledger.joins(ledger.epoch(), known).everybody(subject)
    book, items, is_known = ledger.book(ledger.epoch()), [], False
    held = kept_at(ledger, subject, as_of, known)
    for one in people:
        with ledger.database.read() as connection:
            ever = states.rows_of(connection, one)
            facts = reader.card_facts(connection, one)
        is_known |= bool(ever)
        rows = [row for row in ever if row.position <= known]
        state = replaying.fold_subject(rows, as_of, known)
        standing = replaying.effective(rows)
        for card in cards(state, standing, facts, book, as_of, known):
            items.append(card_json(card, fate_of_card(card, held), lang))
    if not is_known:
        raise NotFound("this ledger knows no such subject")
    return {
        "subject": str(subject),
        "as_of": format_instant(as_of),
        "known_at": None if times.known_at is None else format_instant(times.known_at),
        "position": known,
        "items": items,
    }


def card_json(card: CardItem, fate: Fate, lang: Language) -> dict[str, Any]:
    """One card as plain values, with its explanation. `id` names its stream; of the proof of one
    payment, which is no card on file, it is the payment's own."""
    held = [hold.item for hold in fate.held_by if hold.ground is None]
    said = explain_card(card, lang)
    return {
        "id": card.item,
        "class": card.klass,
        "ground": card.ground,
        "why": card.why,
        "until": _day(card.until),
        "status": card.status,
        "held_by": held,
        "removed_on": _day(card.removed_on),
        "psp_acknowledged": card.psp_acknowledged,
        "rule": card.rule,
        "edition": card.edition,
        "clause": card.clause,
        "article": card.article,
        "rests_on": list(card.rests_on),
        "flips_on": _day(card.flips_on),
        "would_change": list(card.would_change),
        "flags": list(card.flags),
        "explanation": said + (explain_fate(fate, lang) if fate.held_by else []),
    }


def asked_by_her(ledger: Ledger, subject: UUID, card: UUID) -> Record:
    """The wish of the person herself that this card of hers be removed. Raises NotFound for one
    that is not hers, known or not."""
    epoch = ledger.epoch()
    if owner(ledger, "card", card) != ledger.joins(epoch).kept(subject):
        raise NotFound("this ledger knows no such card")
    fact = CardRemovalRequested(
        subject=subject,
        occurred=moment_of_instant(ledger.clock.now()),
        actor="self",
        channel=BY_HERSELF,
    )
    return Record(fact, stream=card)


def _day(day: Day | None) -> str | None:
    return None if day is None else format_day(day)


__all__ = ["asked_by_her", "cards_answer", "step"]
