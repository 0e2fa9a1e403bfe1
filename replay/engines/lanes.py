"""The policy as small numbers for an engine: which facts move which class, and for how long.

A *sort* is what all facts of one kind, class and edition share. The facts that move a class for the
same term, whatever the person was told, make a *lane*: of a lane only the last fact matters, so an
engine keeps one maximum for each. Whether a term is over is then a comparison with one day, found
here by asking the calendar once: an engine adds no months, except to compare lanes of two terms.

Eras are indices into the editions known: `ledger/policy/terms.py` tabulates the rule of each. Pure.
Read next: `sql.py`, which writes these numbers into a query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeAlias

from ledger.calendar import Day, Instant, add_days, add_months, date_of, day_of
from ledger.errors import BadData
from ledger.events import CORRECTION, KINDS, VOID
from ledger.policy.book import Book
from ledger.policy.clocks import classes_of
from ledger.policy.evaluate import moving_rows, suspending_rows, terms_table
from ledger.policy.model import CONTRACT_ENDED, DataClass

NOTIFIED = "policy.notified.v1"
CONTRACTS = frozenset(f"contract.{what}.v1" for what in ("started", "renewed", "amended", "ended"))
META = (CORRECTION, VOID)
PACK_BITS = 36
"""Bits of a packed integer below its day: the position, and the era in the lowest of them."""
ERA_BITS = 4
BITS_MAX = 62  # of a mask
_FIRST, _LAST = 19120101, 89991231


class Sort(NamedTuple):
    """Facts of one kind, class and edition; `scoped`: those that name an item; `ends`: those that
    archive or erase this class ('' if none)."""

    kind: str
    klass: str | None
    edition: int
    scoped: bool
    ends: str = ""


class Term(NamedTuple):
    """Months of daily use, and of the archive (None: none), counted from where; the article that
    gives them."""

    months: int
    archive: int | None
    from_start: bool
    article: str = ""

    def until(self, since: Day) -> Day:
        """The last day of daily use."""
        return add_months(since, self.months)

    def archive_until(self, since: Day) -> Day | None:
        """The last day in the archive."""
        if self.archive is None:
            return None
        until = self.until(since)
        return max(until, add_months(since if self.from_start else until, self.archive))


ByEra: TypeAlias = tuple[Term | None, ...]
"""The term of a lane by the era of the edition a person was told of; None: it does not move."""


class Lane(NamedTuple):
    """One maximum to keep, and the term it gives this class."""

    number: int
    terms: ByEra


@dataclass(frozen=True)
class Clock:
    """One class as an engine judges it. `bit` marks it in masks."""

    name: str
    number: int
    by_item: bool
    lanes: tuple[Lane, ...]
    terms: tuple[Term, ...]  # by era: what a fact that moves nothing is entitled to
    stopped_by: tuple[tuple[str, int], ...]  # types of contract, with the era of their plan

    @property
    def bit(self) -> int:
        """Its place in a mask."""
        return 1 << self.number

    @property
    def simple(self) -> bool:
        """Whether one maximum and one term say all: no contract, no edition, no second lane."""
        return len(self.lanes) == 1 and len({*self.terms, *self.lanes[0].terms}) == 1


class Plan:
    """The clocks of a question, the lanes they share, and what each sort of fact does to them.

    `sorts` are those of the files by their numbers; sorts that are not named do not exist.
    `told`: whether anybody was told of an edition.
    """

    def __init__(
        self,
        book: Book,
        as_of: Instant,
        known: int | None,
        sorts: Mapping[int, Sort],
        klass: str | None = None,
    ) -> None:
        self.as_of, self.today = as_of, day_of(as_of)
        self.sorts = dict(sorts)
        kinds = {s.kind for s in self.sorts.values()}
        editions = book.known(known)
        self.eras = tuple(edition.number for edition in editions)
        self.told = NOTIFIED in kinds and len(self.eras) > 1
        self.contracts = bool(self.eras) and not kinds.isdisjoint(CONTRACTS)
        self._asked = (book, as_of, known)
        self._classes = classes_of(editions)
        self._lanes: dict[frozenset[tuple[str, int]], int] = {}
        names = sorted(name for name in self._classes if klass in (None, name))
        self.clocks = tuple(self._clock(number, name) for number, name in enumerate(names))
        most = max(len(self._lanes), len(self.clocks))
        if most > BITS_MAX or len(self.eras) > 2**ERA_BITS:
            raise BadData("these editions have more classes or eras than an engine can tell apart")

    # -- eras ------------------------------------------------------------------------------------

    def era(self, edition: int) -> int:
        """The index of the newest known edition not above this number; 0 below the first."""
        return max((i for i, number in enumerate(self.eras) if number <= edition), default=0)

    @property
    def _told_eras(self) -> range:
        return range(len(self.eras)) if self.told else range(1)

    # -- clocks ----------------------------------------------------------------------------------

    @cached_property
    def _terms(self) -> dict[str, tuple[Term, ...]]:
        found: dict[str, dict[int, Term]] = {}
        for row in terms_table(*self._asked):
            from_start = row.archive_from == "start"
            term = Term(row.operational_months, row.archive_months, from_start, row.article)
            found.setdefault(row.klass, {})[row.era] = term
        return {name: tuple(by[era] for era in self.eras) for name, by in found.items()}

    @cached_property
    def _moving(self) -> dict[str, list[set[str]]]:
        found = {name: [set[str]() for _ in self.eras] for name in self._classes}
        for row in moving_rows(*self._asked):
            found[row.klass][self.eras.index(row.era)].add(row.kind)
        return found

    def _clock(self, number: int, name: str) -> Clock:
        data_class, terms, moving = self._classes[name], self._terms[name], self._moving[name]
        by_terms: dict[ByEra, set[tuple[str, int]]] = {}
        for kind, era in self._pairs():
            lane = tuple(
                terms[max(era, told)] if kind in moving[max(era, told)] else None
                for told in self._told_eras
            )
            if any(lane):
                by_terms.setdefault(lane, set()).add((kind, era))
        lanes = [
            Lane(self._lanes.setdefault(frozenset(pairs), len(self._lanes)), lane)
            for lane, pairs in by_terms.items()
        ]
        stopped = tuple(
            (row.contract_type, self.eras.index(row.era))
            for row in suspending_rows(*self._asked)
            if row.klass == name and self.contracts
        )
        return Clock(name, number, data_class.clock == "item", tuple(lanes), terms, stopped)

    def _pairs(self) -> list[tuple[str, int]]:
        """Kinds and eras of the facts there are, and of the ends of contracts there may be."""
        found = {
            (s.kind, self.era(s.edition)) for s in self.sorts.values() if s.kind != CONTRACT_ENDED
        }
        if self.contracts:
            found |= {(CONTRACT_ENDED, era) for era in range(len(self.eras))}
        return sorted(found)

    # -- masks -----------------------------------------------------------------------------------

    def mask(self, kind: str, era: int) -> int:
        """The lanes that a fact of this kind and era belongs to."""
        return sum(1 << lane for pairs, lane in self._lanes.items() if (kind, era) in pairs)

    def lanes_of(self, clocks: Iterable[Clock]) -> list[int]:
        """The lanes these clocks look at."""
        return sorted({lane.number for clock in clocks for lane in clock.lanes})

    def held(self, sort: Sort, klass: str | None, scoped: bool) -> int:
        """The clocks of which a fact holds something under this key of its: an entry at home, or a
        sealed part (`ledger/policy/evaluate.py`)."""
        return sum(
            clock.bit
            for clock in self.clocks
            if klass == clock.name
            or (clock.by_item and scoped and sort.kind in self._class(clock).parts_of)
        )

    def _class(self, clock: Clock) -> DataClass:
        return self._classes[clock.name]

    # -- whose items are of one fact each --------------------------------------------------------

    @cached_property
    def plain(self) -> frozenset[Clock]:
        """The clocks of items of which every fact moves the clock, and no other fact does, for one
        and the same term: the last fact of an item says all there is to say of it."""
        found = set()
        for clock in self.clocks:
            if not (clock.by_item and clock.simple) or clock.stopped_by:
                continue
            lane = 1 << clock.lanes[0].number
            ends = any(self.mask(CONTRACT_ENDED, era) & lane for era in range(len(self.eras)))
            holding = self.holding(clock)
            moving = {
                s for s in self.sorts.values() if self.mask(s.kind, self.era(s.edition)) & lane
            }
            bare = any(not s.scoped for s in holding)
            if not ends and not bare and holding == {s for s in moving if s.scoped}:
                found.add(clock)
        return frozenset(found)

    def holding(self, clock: Clock) -> set[Sort]:
        """The sorts of facts that hold something of a class."""
        return {
            s for s in self.sorts.values() for k in self.keys(s) if self.held(s, *k) & clock.bit
        }

    def keys(self, sort: Sort) -> list[tuple[str | None, bool]]:
        """The classes under which a fact is entered, and whether with its item (`replay/fold.py`,
        `_keys`)."""
        also = KINDS[sort.kind].also
        if also is None:
            return [(sort.klass, sort.scoped)]
        return [(sort.klass, False), (also, True)] if sort.scoped else [(sort.klass, False)]


def past_before(term: Term, today: Day) -> tuple[Day, Day]:
    """Two days: counted from a day before the first, daily use is over today; before the second,
    the archive too (0: it has none)."""
    used = _first(lambda day: term.until(day) >= today)
    if term.archive is None:
        return used, 0
    return used, _first(lambda day: (term.archive_until(day) or 0) >= today)


def _first(holds: Callable[[Day], bool]) -> Day:
    """The first day for which something holds that goes on to hold; the days end in 8999."""
    low, high = 0, (date_of(_LAST) - date_of(_FIRST)).days + 1
    while low < high:
        middle = (low + high) // 2
        if holds(add_days(_FIRST, middle)):
            high = middle
        else:
            low = middle + 1
    return add_days(_FIRST, low)
