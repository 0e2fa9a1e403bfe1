"""What the company told, remembered while people go by: editions, declarations, grants, keys.

Knowledge is by position: whatever is asked "as known at p" is answered from what stood at or before
p. Few facts are kept (declarations and grants), and of each destroyed key its id and two positions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from uuid import UUID

from ledger.aggregates import AGGREGATES, fold, policy_book, standing
from ledger.calendar import Instant, day_of
from ledger.events import (
    CORRECTION,
    KINDS,
    VOID,
    AccessGranted,
    AccessRevoked,
    AssessmentRecorded,
    AudienceMeasured,
    Fact,
    FactCorrected,
    FactVoided,
    FormPublished,
    KeyDestroyed,
    NoticePublished,
    PolicyPublished,
    PurposeDeclared,
)
from ledger.policy.book import Book
from ledger.policy.model import Edition
from ledger.policy.notices import shown_since
from ledger.policy.permissions import Company
from ledger.projections.joins import Joins
from replay.controls.model import Event, Joining, Named, Said, Several, Value, several

AMENDING = (FactCorrected, FactVoided)
TOLD = {kind for kind, cls in KINDS.items() if cls.aggregate == "policy_book"} | {CORRECTION, VOID}
HEARD = (FormPublished, AssessmentRecorded, PurposeDeclared, *AMENDING)
"""What the rules of permission look at of what the company told."""
REMEMBERED = frozenset({*TOLD, AudienceMeasured.kind, AccessGranted.kind, AccessRevoked.kind})
"""What a scene remembers, but for the keys that were destroyed: there is one for almost every
erasure, and few ask for them."""
KEYS = frozenset({KeyDestroyed.kind})


class Scene:
    """The company at (D, R): `as_of` is D, `known` the last position known at R."""

    def __init__(
        self, book: Book, joined: Iterable[Joining], as_of: Instant, known: int, *, pruned: int = 0
    ) -> None:
        self.book, self.as_of, self.known, self.pruned = book, as_of, known, pruned
        self.today = day_of(as_of)
        self.began: Instant | None = None
        self.told: list[tuple[int, Fact]] = []  # on the stream of the book
        self.grants: dict[UUID, list[tuple[int, Fact]]] = {}
        self._destroyed: dict[UUID, tuple[int, UUID]] = {}
        self._destroying: list[Event] = []  # whose entries nobody has asked for yet
        self._visits: list[Event] = []  # counted, of nobody
        self.published: dict[int, Event] = {}  # effective day -> the fact that published it
        self._recorded: list[Instant] = []
        self._positions: list[int] = []
        self._joined = list(joined)
        self._joins = lru_cache(maxsize=64)(self._joins_at)
        self._company = lru_cache(maxsize=256)(self._company_of)
        self._declared = lru_cache(maxsize=256)(self._declared_of)
        self._first_shown = lru_cache(maxsize=1)(self._first_shown_of)

    def hear(self, event: Event) -> None:
        """One more fact about nobody, in position order."""
        row = event.row
        if self.began is None:
            self.began = row.recorded_at
        if row.kind in TOLD:
            fact = event.fact
            self.told.append((row.position, fact))
            self._positions.append(row.position)
            self._recorded.append(row.recorded_at)
            if isinstance(fact, PolicyPublished):
                self.published[fact.edition] = event
        elif row.kind == AudienceMeasured.kind:
            self._visits.append(event)
        elif row.kind in (AccessGranted.kind, AccessRevoked.kind):
            self.grants.setdefault(row.stream, []).append((row.position, event.fact))
        elif row.kind == KeyDestroyed.kind:
            self._destroying.append(event)

    @property
    def destroyed(self) -> Mapping[UUID, tuple[int, UUID]]:
        """Of each key that was destroyed: the position that says so, and on which order."""
        for event in self._destroying:
            if isinstance(event.fact, KeyDestroyed):
                for key in event.fact.keys:
                    self._destroyed[key.kid] = event.row.position, event.fact.authority
        self._destroying.clear()
        return self._destroyed

    def remember(self, destroyed: Iterable[tuple[UUID, int, UUID]]) -> None:
        """Keys that were destroyed, by whom the facts that say so were read: key, position, order;
        the last says so."""
        for key, position, order in destroyed:
            self._destroyed[key] = position, order

    def known_at(self, at: Instant) -> int:
        """The last position told by the company that was recorded at or before an instant."""
        found = bisect_right(self._recorded, at)
        return self._positions[found - 1] if found else 0

    def turns(self) -> list[tuple[int, Instant, Instant]]:
        """What the company told after which a permission may be another: the position, when it was
        recorded, and when it happened."""
        each = zip(self.told, self._recorded, strict=True)
        return [
            (position, recorded, fact.occurred.at)
            for (position, fact), recorded in each
            if isinstance(fact, (*HEARD, PolicyPublished)) and position <= self.known
        ]

    def declared_purposes(self) -> list[PurposeDeclared]:
        """The purposes that were declared beside the editions, in every way they ever read."""
        amended = [position for position, fact in self.told if isinstance(fact, AMENDING)]
        each = [self.told, *(self.company_at(position).facts for position in amended)]
        return [fact for some in each for _, fact in some if isinstance(fact, PurposeDeclared)]

    def company_at(self, known: int | None) -> Company:
        """What the company had declared, as known at a position."""
        return self._company(self._index(known))

    def _company_of(self, index: int) -> Company:
        return Company(standing([one for one in self.told[:index] if isinstance(one[1], HEARD)]))

    def standing(self) -> tuple[tuple[int, Fact], ...]:
        """The declarations that stand at (D, R)."""
        found = standing(self.told[: self._index(self.known)])
        return tuple(one for one in found if one[1].occurred.at <= self.as_of)

    def edition_at(self, recorded_at: Instant, known: int) -> Edition | None:
        """The edition in force when something was recorded, with the purposes declared beside it,
        as known at a position."""
        edition = self.book.in_force(day_of(recorded_at), known)
        return edition and policy_book.with_declared(edition, self.declared_at(known))

    def declared_at(self, known: int) -> policy_book.Declared:
        """What was declared beside the editions, as known at a position."""
        return self._declared(self._index(known))

    def _declared_of(self, index: int) -> policy_book.Declared:
        found: policy_book.Declared = fold(AGGREGATES["policy_book"], self.told[:index])
        return found

    def declared(self) -> policy_book.Declared:
        """What was declared beside the editions at (D, R)."""
        found: policy_book.Declared = fold(AGGREGATES["policy_book"], self.standing())
        return found

    def _index(self, known: int | None) -> int:
        return len(self.told) if known is None else bisect_right(self._positions, known)

    # -- names -------------------------------------------------------------------------------------

    def klass(self, code: str, item: str | None = None) -> Value:
        """A data class by its name, and which thing of it."""
        named = self._names[0].get(code) or Named(code, code, code)
        return Several((named, item), " ") if item else named

    def classes(self, codes: Iterable[str]) -> Value | None:
        """Several of them."""
        return several(self.klass(code) for code in codes)

    def purpose(self, code: str) -> Named:
        """A purpose by its name."""
        return self._names[1].get(code) or Named(code, code, code)

    def choice(self, purpose: str, channel: str) -> Value:
        """A purpose, and the channel it is about."""
        named = self.purpose(purpose)
        return Several((named, Said("channel", channel)), " / ") if channel else named

    @cached_property
    def _names(self) -> tuple[dict[str, Named], dict[str, Named]]:
        """The names of classes and of purposes, in the newest edition known that has them."""
        classes: dict[str, Named] = {}
        purposes: dict[str, Named] = {}
        for edition in self.book.known(self.known):
            for code, klass in edition.classes.items():
                classes[code] = Named(code, klass.label_fr, klass.label_en)
            for code, one in edition.purposes.items():
                purposes[code] = Named(code, one.label_fr or code, one.label_en or code)
        return classes, purposes

    def joins_at(self, known: int) -> Joins:
        """Who was one person with whom, as known at a position."""
        return self._joins(known) if self._joined else Joins()

    def joining(self, one: UUID, other: UUID) -> tuple[int, ...]:
        """The positions of the joins by which two references are one person at R; if they are not
        any more, of those by which they were."""
        ever = Joins(found.join for found in self._joined if found.join.position <= self.known)
        return self.joins_at(self.known).between(one, other) or ever.between(one, other)

    def _joins_at(self, known: int) -> Joins:
        return Joins(
            one.join
            for one in self._joined
            if one.join.position <= known and (one.undone_at is None or one.undone_at > known)
        )

    def visits(self) -> tuple[tuple[int, Fact], ...]:
        """The counts of visits that stand at (D, R)."""
        amended = [one for one in self.told if isinstance(one[1], AMENDING)]
        counted = [(event.row.position, event.fact) for event in self._visits]
        found = standing(sorted([*counted, *amended], key=lambda one: one[0]))
        return tuple(
            (position, fact)
            for position, fact in found
            if position <= self.known and fact.occurred.at <= self.as_of
        )

    @cached_property
    def noticed(self) -> Mapping[str, Instant]:
        """Moment of collection -> since when a notice is shown at it, as it stands at (D, R)."""
        said = (fact for _, fact in self.standing())
        return shown_since(fact for fact in said if isinstance(fact, NoticePublished))

    @property
    def shown(self) -> Mapping[str, Instant]:
        """Since when each form and notice is shown, by code, as far as it was told; the earliest
        day stands."""
        return self._first_shown(len(self.told))

    def _first_shown_of(self, _told: int) -> Mapping[str, Instant]:
        found: dict[str, Instant] = {}
        for _, fact in self.standing():
            if isinstance(fact, FormPublished | NoticePublished):
                code = fact.form if isinstance(fact, FormPublished) else fact.notice
                found[code] = min(fact.occurred.at, found.get(code, fact.occurred.at))
        return found
