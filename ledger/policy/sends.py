"""Was each message and each call allowed? Every one of them with the verdict of its own moment.

A send at an instant t is judged by what had happened at t and was known at t, as the gate judged
it, or should have (domain rule of C01 and C02). What we know *now* about the same instant is put
beside it when it says otherwise: a withdrawal that reached us late makes no culprit of the gate,
and a grant recorded afterwards no innocent.

Pure: whoever calls hands over the person at any two times. Read `permissions.py` for the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from ledger.calendar import Instant, Moment, moment_of_instant
from ledger.events import CallPlaced, MessageSent, Row
from ledger.policy.book import Book
from ledger.policy.permissions import Company, Person, Verdict, verdict
from ledger.policy.softoptin import Offer

KINDS = (MessageSent.kind, CallPlaced.kind)

PersonAt: TypeAlias = Callable[[Instant, int | None], Person]
"""The person at (as of, last position known; None: all that is known now)."""

CompanyAt: TypeAlias = Callable[[Instant, int | None], Company]
"""What the company had declared, at the same two times."""

KnownAt: TypeAlias = Callable[[Instant], int]
"""P(t): the last position recorded at or before an instant."""


@dataclass(frozen=True, slots=True)
class Send:
    """One message or call, and whether it was allowed."""

    position: int
    kind: str
    purpose: str
    channel: str
    at: Moment
    then: Verdict  # at (t, known at t)
    now: Verdict | None  # at (t, known now), when it answers otherwise or for another reason

    @property
    def allowed(self) -> bool:
        """Whether it was allowed, as far as anybody could know."""
        return self.then.allowed


def sends(
    rows: Iterable[Row],
    book: Book,
    person_at: PersonAt,
    known_at: KnownAt,
    company_at: CompanyAt = lambda _at, _known: Company(),
    offers: Mapping[int, Offer] = MappingProxyType({}),
) -> list[Send]:
    """Every message and call among `rows` (one person's facts that stand), in order of position.

    `offers`: what is known of the offer a message made, by its position (for the soft opt-in).
    """
    found = (row for row in rows if row.kind in KINDS)
    return [
        # The message itself tells nothing that could have allowed it.
        _judged(
            row,
            book,
            person_at,
            min(known_at(row.occurred_at), row.position - 1),
            company_at,
            offers,
        )
        for row in sorted(found, key=lambda row: row.position)
    ]


def _judged(
    row: Row,
    book: Book,
    person_at: PersonAt,
    known: int,
    company_at: CompanyAt,
    offers: Mapping[int, Offer],
) -> Send:
    at = row.occurred_at
    moment = Moment(at, "day", row.local_day) if row.grain == "day" else moment_of_instant(at)
    purpose, channel = row.purpose or "", row.channel or ""

    def asked(position: int | None) -> Verdict:
        person, company = person_at(at, position), company_at(at, position)
        offer = offers.get(row.position)
        return verdict(person, book, purpose, channel, moment, position, company, offer)

    then, now = asked(known), asked(None)
    same = (then.allowed, then.reasons[0]) == (now.allowed, now.reasons[0])
    return Send(row.position, row.kind, purpose, channel, moment, then, None if same else now)


__all__ = ["Send", "sends"]
