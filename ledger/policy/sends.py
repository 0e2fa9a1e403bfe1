"""Was each message and each call allowed? Every one of them with the verdict of its own moment.

A send at an instant t is judged by what had happened at t and was known at t, as the gate judged
it, or should have (domain rule of C01 and C02). What we know *now* about the same instant is put
beside it when it says otherwise: a withdrawal that reached us late makes no culprit of the gate,
and a grant recorded afterwards no innocent.

What happened before the ledger began, or was imported from another system, nobody could have known
here at that instant: it is judged by what was known when it was told (docs/decisions/0036).

Pure: whoever calls hands over the person at any two times. Read `permissions.py` for the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from ledger.calendar import Instant, Moment, moment_of_instant
from ledger.events import CallPlaced, MessageSent, Row, SurveySent
from ledger.policy.book import Book
from ledger.policy.permissions import Company, Person, Verdict, verdict, verdict_now
from ledger.policy.softoptin import Offer

KINDS = (MessageSent.kind, CallPlaced.kind, SurveySent.kind)

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
    told_late: bool = False  # judged by what was known when it was told, not at its own instant

    @property
    def allowed(self) -> bool:
        """Whether it was allowed, as far as anybody could know."""
        return self.then.allowed


def sends(  # noqa: PLR0913 - what is judged, and by what was known
    rows: Iterable[Row],
    book: Book,
    person_at: PersonAt,
    known_at: KnownAt,
    company_at: CompanyAt = lambda _at, _known: Company(),
    offers: Mapping[int, Offer] = MappingProxyType({}),
    *,
    began: Instant | None = None,
    now: int | None = None,
    ahead: bool = True,
) -> list[Send]:
    """Every message, call and survey among `rows` (one person's facts that stand), in order of
    position.

    `offers`: what is known of the offer a message made, by its position (for the soft opt-in).
    `began`: when the ledger recorded its first event; `now`: the last position known "now" (None:
    all); without `ahead`, no verdict says when it changes by calendar.
    """
    found = (row for row in rows if row.kind in KINDS)
    asking = _Asking(book, person_at, company_at, offers, now, ahead)
    judged = []
    for row in sorted(found, key=lambda row: row.position):
        late = row.actor == "import" or (began is not None and row.occurred_at < began)
        # The message itself tells nothing that could have allowed it.
        known = row.position - 1
        known = known if late else min(known_at(row.occurred_at), known)
        judged.append(_judged(row, asking, known, late=late))
    return judged


class _Asking(NamedTuple):
    """What every question about one person's messages shares."""

    book: Book
    person_at: PersonAt
    company_at: CompanyAt
    offers: Mapping[int, Offer]
    now: int | None
    ahead: bool

    def verdict(self, row: Row, moment: Moment, position: int | None) -> Verdict:
        """The permission for one message at its moment, as known at a position."""
        purpose, channel = row.purpose or "", row.channel or ""
        person = self.person_at(row.occurred_at, position)
        company = self.company_at(row.occurred_at, position)
        rules, offer = verdict if self.ahead else verdict_now, self.offers.get(row.position)
        return rules(person, self.book, purpose, channel, moment, position, company, offer)


def _judged(row: Row, asking: _Asking, known: int, *, late: bool) -> Send:
    at = row.occurred_at
    moment = Moment(at, "day", row.local_day) if row.grain == "day" else moment_of_instant(at)
    then, now = asking.verdict(row, moment, known), asking.verdict(row, moment, asking.now)
    same = (then.allowed, then.reasons[0]) == (now.allowed, now.reasons[0])
    told = row.purpose or "", row.channel or "", moment
    return Send(row.position, row.kind, *told, then, None if same else now, late)


__all__ = ["Send", "sends"]
