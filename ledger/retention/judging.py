"""What of one person is past its end: her deadlines, cards by their own ends, her open holds, and
what she asked to keep restricted (GDPR art. 18(1)(b), (c)).

The rules are the policy room's; here they are given her state, and what has ended already is left
out. What this file never does: change anything. Read next: `run.py`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.erasing.request import ever_held, holds_of
from ledger.policy.book import Book
from ledger.policy.cards import cards, governed
from ledger.policy.evaluate import deadlines_now
from ledger.policy.holds import KEEPING, Fate, fates
from ledger.policy.verdicts import Deadline
from ledger.projections.joins import Joins
from ledger.projections.live import standing
from ledger.projections.model import SubjectState
from ledger.store import archival, erasure, reader, states
from ledger.store.vault import Scope

What: TypeAlias = Literal["archive", "erase", "held"]
CARDS = ("card", "card_proof")


class Judged(NamedTuple):
    """One class, or one thing of it, of one person that is past its end. `why`: the articles that
    block its erasure, if it is held."""

    scope: Scope
    what: What
    deadline: Deadline
    why: tuple[str, ...] = ()


class Known(NamedTuple):
    """What is known when people are judged: the policy book, and who is one person with whom."""

    book: Book
    joins: Joins


def known_now(ledger: Ledger) -> Known:
    """The same as of now."""
    epoch = ledger.epoch()
    return Known(ledger.book(epoch), ledger.joins(epoch))


def terms(
    ledger: Ledger, book: Book, subject: UUID, at: Instant
) -> tuple[SubjectState, list[Deadline]]:
    """One person as the live tables know her, and the term of each class and thing of hers, cards
    by their own rules."""
    with ledger.database.read() as connection:
        state = states.live_state(connection, subject)
        paid = any(key.klass in CARDS for key in state.activity)
        heard = states.of_cards(connection, subject).rows if paid else []
        facts = reader.card_facts(connection, subject) if paid else {}
    items = cards(state, standing(heard), facts, book, at)
    return state, governed(deadlines_now(state, book, at), items)


def judge(ledger: Ledger, known: Known, subject: UUID, at: Instant) -> list[Judged]:
    """What of one person is past its end at that moment and has not ended yet. What is kept of her
    under one reference is kept under all."""
    book, family = known.book, known.joins.family(subject)
    state, found = terms(ledger, book, subject, at)
    # Few people have one: the facts she has are counted by kind, those that stand only.
    held = any(key.kind in KEEPING for key in state.activity)
    held = held or (len(family) > 1 and bool(ever_held(ledger, {subject})))
    holds = holds_of(ledger, subject, at, restricted=True) if held else []
    judged = [
        Judged(Scope(subject, fate.klass, fate.scope), _what(fate), deadline, _why(fate))
        for deadline, fate in zip(found, fates(found, holds), strict=True)
        if fate.due != "nothing" or _is_archived(deadline)
    ]
    if not judged:
        return []
    scopes = [one.scope for one in judged]
    with ledger.database.read() as connection:
        alive = erasure.living(connection, scopes)
        readable = archival.operational_keys(connection, scopes)
    return [
        one
        for one in judged
        if one.scope in alive and (readable[one.scope] or not _is_archived(one.deadline))
    ]


def _is_archived(deadline: Deadline) -> bool:
    """Whether it is in the archive, within its term. What was recorded after that about a day
    before it moves no clock and so is not held anew; if it was sealed, it follows to the archive.
    """
    return deadline.tier_now == "archived"


def _why(fate: Fate) -> tuple[str, ...]:
    return tuple(dict.fromkeys(hold.article for hold in fate.held_by)) if fate.blocked else ()


def _what(fate: Fate) -> What:
    if fate.blocked:
        return "held"
    return "erase" if fate.due == "erase" else "archive"
