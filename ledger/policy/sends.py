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
from ledger.policy.model import Edition
from ledger.policy.permissions import Asked, Company, Person, Verdict, heard_of, verdict_until
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


def sends(
    rows: Iterable[Row],
    book: Book,
    person_at: PersonAt,
    known_at: KnownAt,
    company_at: CompanyAt = lambda _at, _known: Company(),
    offers: Mapping[int, Offer] = MappingProxyType({}),
    *,
    began: Instant | None = None,
    now: int | None = None,
) -> list[Send]:
    """Every message, call and survey among `rows` (one person's facts that stand), in order of
    position.

    `offers`: what is known of the offer a message made, by its position (for the soft opt-in).
    `began`: when the ledger recorded its first event; `now`: the last position known "now" (None:
    all). No verdict says when it changes by calendar.
    """
    found = (row for row in rows if row.kind in KINDS)
    asking = _Asking(book, person_at, company_at, offers)
    judged = []
    for row in sorted(found, key=lambda row: row.position):
        late = row.actor == "import" or (began is not None and row.occurred_at < began)
        # The message itself tells nothing that could have allowed it.
        known = row.position - 1
        known = known if late else min(known_at(row.occurred_at), known)
        judged.append(_judged(row, asking, known, now, late=late))
    return judged


class _Heard(NamedTuple):
    """All that a verdict rests on beside the moment: whoever hears the same says the same, until
    the calendar turns."""

    person: Person
    company: Company
    chain: tuple[Edition, ...]

    def is_as(self, other: _Heard) -> bool:
        """Whether nothing else was heard: of the very same person, of whom no list remembers a no
        (which may be of later)."""
        same = self.person is other.person and not self.person.opposed
        return same and (self.company, self.chain) == (other.company, other.chain)


class _Said(NamedTuple):
    """A verdict, by what was heard, from which moment on and until when nothing turns."""

    verdict: Verdict
    heard: _Heard
    since: Moment
    until: Instant

    def holds(self, heard: _Heard, moment: Moment) -> bool:
        """Whether it is said of a later moment as well."""
        return self.since.at <= moment.at < self.until and self.heard.is_as(heard)


class _Asking:
    """What every question about one person's messages shares, and what was said of the last one of
    each purpose and channel."""

    def __init__(
        self, book: Book, person_at: PersonAt, company_at: CompanyAt, offers: Mapping[int, Offer]
    ) -> None:
        self._book, self._offers = book, offers
        self._person_at, self._company_at = person_at, company_at
        self._said: dict[tuple[str, str, Offer | None], _Said] = {}

    def heard(self, row: Row, moment: Moment, position: int | None) -> _Heard:
        """What is heard for one message at its moment, as known at a position."""
        at = row.occurred_at
        company = heard_of(self._company_at(at, position), moment, position)
        chain = self._book.chain(moment.day, position)
        return _Heard(self._person_at(at, position), company, chain)

    def verdict(self, row: Row, moment: Moment, position: int | None, heard: _Heard) -> Verdict:
        """The permission for it, by what was heard."""
        offer = self._offers.get(row.position)
        about = purpose, channel, _ = row.purpose or "", row.channel or "", offer
        said = self._said.get(about)
        if said is not None and said.holds(heard, moment):
            return said.verdict._replace(at=moment)
        person, company, _ = heard
        asked = Asked(person, self._book, purpose, channel, moment, position, company, offer)
        found, until = verdict_until(asked)
        self._said[about] = _Said(found, heard, moment, until)
        return found


def _judged(row: Row, asking: _Asking, known: int, now: int | None, *, late: bool) -> Send:
    at = row.occurred_at
    moment = Moment(at, "day", row.local_day) if row.grain == "day" else moment_of_instant(at)
    heard, heard_since = asking.heard(row, moment, known), asking.heard(row, moment, now)
    then = asking.verdict(row, moment, known, heard)
    since: Verdict | None = None
    if not heard_since.is_as(heard):
        since = asking.verdict(row, moment, now, heard_since)
        if (then.allowed, then.reasons[0]) == (since.allowed, since.reasons[0]):
            since = None
    told = row.purpose or "", row.channel or "", moment
    return Send(row.position, row.kind, *told, then, since, late)


__all__ = ["Send", "sends"]
