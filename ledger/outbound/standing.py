"""Where the outside systems stand about each withdrawal, objection, rectification and erasure.

Derived from facts alone (told, acknowledged), the declared recipients and a limit in days; nothing
of it is stored. An answer to a rights request, the certificate of an erasure and the person herself
(GDPR art. 19) are told the same. The rules are in `ledger/policy/telling.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Day, Instant, day_of
from ledger.events import FieldDeclared, ProfileRectified, RecipientDeclared, RecipientTold
from ledger.policy import telling as rules
from ledger.policy.telling import Heard, Recipient, Standing
from ledger.store import reader
from ledger.store import telling as questions
from ledger.store.telling import Stated

DAYS = 7  # to acknowledge, unless a setting says otherwise
PAGE = 500


class Declared(NamedTuple):
    """What telling depends on beside the fact: recipients, and the classes of declared fields."""

    recipients: list[Recipient]
    fields: dict[str, tuple[str, ...]]

    def concerned(self, one: Stated) -> tuple[str, ...]:
        """The recipients to be told of a fact, by code."""
        changed = one.fact.changed if isinstance(one.fact, ProfileRectified) else ()
        return rules.concerned(rules.about(one.row, changed or (), self.fields), self.recipients)


class About(NamedTuple):
    """One fact, and where each recipient it concerns stands."""

    position: int
    kind: str
    subject: UUID
    recorded_at: Instant
    recipients: tuple[Standing, ...]


def declared(ledger: Ledger) -> Declared:
    """What the company declared, as known now."""
    book = ledger.book_stream(ledger.epoch())
    with ledger.database.read() as connection:
        facts = reader.histories(connection, {book})[book] if book else []
    recipients = [(at, fact) for at, fact in facts if isinstance(fact, RecipientDeclared)]
    fields = {fact.name: fact.classes for _, fact in facts if isinstance(fact, FieldDeclared)}
    return Declared(rules.recipients(recipients), fields)


def standing(
    ledger: Ledger,
    subject: UUID,
    days: int = DAYS,
    positions: Collection[int] | None = None,
    known: Declared | None = None,
) -> list[About]:
    """Each fact of one person (or those at `positions`) that concerns others, in order."""
    known = known or declared(ledger)
    with ledger.database.read() as connection:
        facts = questions.concerning(connection, subject, positions)
        heard = questions.heard(connection, {subject}) if facts else []
    told, acknowledged = _first(heard)
    today = day_of(ledger.clock.now())
    found = []
    for one in facts:
        at = one.row.position
        standings = tuple(
            rules.standing(
                code,
                one.row.recorded_at,
                told.get((at, code)),
                acknowledged.get((at, code)),
                today,
                days,
            )
            for code in known.concerned(one)
        )
        if standings:
            found.append(About(at, one.row.kind, subject, one.row.recorded_at, standings))
    return found


def overdue(ledger: Ledger, days: int = DAYS, after: int = 0) -> Iterator[About]:
    """Every fact after a position, oldest first, about which somebody outside is overdue; those
    only."""
    known = declared(ledger)
    while True:
        with ledger.database.read() as connection:
            page = questions.people_concerned(connection, after, PAGE)
        found = []
        for subject in dict.fromkeys(subject for _, subject in page):
            mine = {position for position, owner in page if owner == subject}
            for about in standing(ledger, subject, days, mine, known):
                late = tuple(one for one in about.recipients if one.state == "overdue")
                if late:
                    found.append(about._replace(recipients=late))
        yield from sorted(found, key=lambda about: about.position)
        if len(page) < PAGE:
            return
        after = page[-1][0]


def due_day(recorded_at: Instant, days: int) -> Day:
    """The last day to acknowledge a fact recorded then."""
    return rules.standing("", recorded_at, None, None, 0, days).due


Answers = dict[tuple[int, str], Heard]


def _first(heard: Sequence[Stated]) -> tuple[Answers, Answers]:
    """By fact and recipient: when it was first told, and when it first acknowledged."""
    told: Answers = {}
    acknowledged: Answers = {}
    for one in heard:
        where = told if isinstance(one.fact, RecipientTold) else acknowledged
        said = one.fact
        key = (said.fact, said.recipient)  # type: ignore[attr-defined]
        more = (getattr(said, name, None) for name in ("receipt", "reason"))
        where.setdefault(key, Heard(one.row.position, one.row.recorded_at, *more))
    return told, acknowledged
