"""A folder of segments, asked of everybody at once: `replay.controls.at_once.AtOnce`.

What an engine finds by sets (`replay/engines/seeking.py`, `tallying.py`) becomes lives here, as
`replaying.py` makes them of anybody. Whoever is or was joined with somebody is in all that is
sought, and apart in all that is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import starmap
from typing import Self
from uuid import UUID

from ledger import pan
from ledger.calendar import Day, Instant, start_of
from ledger.events import CORRECTION, Row
from ledger.policy.verdicts import Place
from ledger.store.controlling import Whole, grouped
from replay.controls.at_once import (
    Aged,
    Card,
    Chosen,
    Counting,
    Erased,
    Fated,
    First,
    Heeded,
    Kept,
    Lines,
    Moves,
    Placed,
    Sought,
)
from replay.controls.model import EVERYBODY, Event, Kinds, Life
from replay.engines import searching, seeking
from replay.engines.comparing import At, Comparing
from replay.engines.contract import Engine


class Everybody:
    """Everybody at (D, R)."""

    def __init__(
        self,
        engine: Comparing,
        as_of: Instant,
        known: int,
        kin: Mapping[UUID, frozenset[UUID]],
    ) -> None:
        self.engine, self.as_of, self.known, self._kin = engine, as_of, known, kin

    # -- sought ------------------------------------------------------------------------------------

    def having(self, kinds: Collection[str]) -> Sought:
        """Whoever has a fact of these kinds."""
        return self._seek(seeking.of_kinds(kinds))

    def having_otherwise(self, at: Instant) -> Sought:
        """Whoever has a fact that was recorded later, by which something of hers is another."""
        later = self.engine.seek(self.known, f"e.recorded_at > {at:d}")
        if self.engine.size(self.known, [later])[0]:
            then = self.engine.position_at(at)
            later = self.engine.having_otherwise(self.as_of, then, self.known, later)
        return self._with_kin(later)

    def having_within(self, spans: Mapping[str, tuple[Instant, Instant]]) -> Sought:
        """Whoever has a fact of a kind within its span, or within one as it was corrected."""
        each = (
            seeking.within(spans),
            *(seeking.within({CORRECTION: s}) for s in sorted(set(spans.values()))),
        )
        return self._seek(" OR ".join(each))

    def having_other(self, classes: Collection[str]) -> Sought:
        """Whoever has a fact, or a part of one, of a class that is none of these."""
        self.engine.need_some_entries()
        return self._with_kin(self.engine.of_other(self.known, classes))

    def having_such(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        is_such: Callable[[Event], bool],
    ) -> Sought:
        """Whoever has a fact that `is_such`, which is asked of one fact of each sort."""
        found = self._found(fields, turns, is_such, hers=True)
        return self._with_kin(self.engine.having_sorts(found))

    def alike(
        self,
        fields: Mapping[str, Collection[str]],
        moments: Sequence[Instant],
        why: Callable[[Event, Instant], str | None],
        apart: Sought,
    ) -> Iterator[Lines]:
        """The facts of these kinds of everybody but those apart that are a violation."""
        self.engine.need_some_entries()
        of = self.known, apart, fields, moments
        return self.engine.alike(*of, lambda row, entry, at: why(Whole(row, entry), at))

    def having_about(
        self,
        kinds: Collection[str],
        *,
        purposes: Collection[str] | None = None,
        channels: Collection[str] | None = None,
    ) -> Sought:
        """Whoever has a fact of these kinds for these purposes, over these channels."""
        return self._with_kin(self.engine.of_about(self.known, kinds, purposes, channels))

    def having_after(self, later: Collection[str], earlier: Collection[str]) -> Sought:
        """Whoever has a fact of the first kinds after one of the others about the same."""
        return self._with_kin(self.engine.of_after(self.known, later, earlier))

    def having_kept(self, kept: Sequence[Kept]) -> Sought:
        """Whoever has something in the archive for longer than its class is kept at least."""
        return self._with_kin(self.engine.of_kept(self.known, kept))

    def sorts_of_sends(self, heeded: Heeded) -> Iterable[tuple[UUID, int]]:
        """One send of each sort."""
        return self.engine.sort_sends(self.as_of, self.known, heeded)

    def having_sends(self, sorts: Collection[int]) -> Sought:
        """Whoever has a send of these sorts, or of none."""
        return self._with_kin(self.engine.of_sends(sorts))

    def sends(
        self, apart: Sought, lines: Mapping[int, int], limit: int
    ) -> Iterable[tuple[int, int, int, First]]:
        """How many people and sends of each line."""
        return self.engine.count_sends(apart.name, lines, limit)

    def having_digits(self, is_such: Callable[[Event], bool]) -> Sought:
        """Whoever has a fact that `is_such`, of those that hold what card data looks like."""
        self.engine.need_some_entries()
        found = self.engine.holding_digits(self.known, pan.MAY_HOLD)
        such = {row.subject for row, entry in found if is_such(Whole(row, entry))}
        return self.of([one for one in such if one is not None])

    def having_unfinished(self) -> Sought:
        """Whoever has an erasure that was not carried out as it says, or was undone."""
        self.engine.need_some_entries()
        return self._with_kin(self.engine.having_unfinished(self.known))

    def of(self, people: Collection[UUID]) -> Sought:
        """These, and nobody else."""
        name = self.engine.seek(self.known, seeking.of_kinds(()))
        self.engine.add(name, people)
        return Sought(name)

    def _seek(self, condition: str) -> Sought:
        return self._with_kin(self.engine.seek(self.known, condition))

    def _with_kin(self, name: str) -> Sought:
        self.engine.add(name, list(self._kin))
        return Sought(name)

    def _found(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        is_such: Callable[[Event], bool],
        *,
        hers: bool,
    ) -> list[int]:
        """The sorts that are such, of the facts of people, or about nobody."""
        self.engine.need_some_entries()
        days = {self.engine.position_at(start_of(day) - 1) for day in self._effective()}
        asked = self.engine.samples(self.known, fields, sorted({*turns, *days}))
        some = ((n, Whole(row, raw)) for n, row, raw, _ in asked if (row.subject is None) != hers)
        return [number for number, one in some if is_such(one)]

    def _effective(self) -> Iterable[Day]:
        return (one.edition.effective_from for one in self.engine.book.entries)

    # -- about nobody ------------------------------------------------------------------------------

    def heard(self, until: Instant | None = None) -> int:
        """How many facts about nobody there are."""
        return self.engine.heard(self.known, until)

    def ours_such(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        is_such: Callable[[Event], bool],
    ) -> Iterable[Event]:
        """The facts about nobody that `having_such` would find somebody by, in position order."""
        found = self._found(fields, turns, is_such, hers=False)
        others = starmap(Whole, self.engine.of_sorts(found))
        return sorted(others, key=lambda one: one.row.position)

    def ours_with_digits(self, is_such: Callable[[Event], bool]) -> Iterable[Event]:
        """The facts about nobody that `having_digits` would find somebody by."""
        self.engine.need_some_entries()
        asked = self.engine.holding_digits(self.known, pan.MAY_HOLD, seeking.NOBODYS)
        found = starmap(Whole, asked)
        return sorted(filter(is_such, found), key=lambda one: one.row.position)

    def destroyed(self, whom: Sought) -> Iterator[tuple[UUID, int, UUID]]:
        """The keys that were destroyed of those that erasures of these people name."""
        return self.engine.destroyed(self.known, whom.name)

    def erased(self, apart: Sought, by: Instant) -> Erased:
        """The erasures that had happened by then."""
        self.engine.need_entries(self.known)
        of = self.known, apart.name, by
        return Erased(*self.engine.erased(*of), partial(self.engine.erasures, *of))

    def counted(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        apart: Sought,
        limit: int,
    ) -> Iterator[tuple[Event, int, Sequence[int]]]:
        """One fact of each sort, how many there are, and the first of them."""
        self.engine.need_entries(self.known)
        of = self.as_of, apart.name, limit
        for row, entry, n, first in self.engine.counted(self.known, fields, turns, *of):
            yield Whole(row, entry), n, first

    # -- read --------------------------------------------------------------------------------------

    def lives(self, *whom: Sought, reads: Kinds = EVERYBODY) -> Iterator[Life]:
        """Those sought, one at a time, with those joined with them."""
        names = [name for one in whom for name in (one.name, one.cards) if name]
        rows = self.engine.of_sought(self.known, names, reads)
        return lives_of(rows, self.engine, self.known, self._kin)

    def size(self, *whom: Sought) -> tuple[int, int]:
        """How many people, and how many events of theirs."""
        return self.engine.size(self.known, [one.name for one in whom] or None)

    # -- counted -----------------------------------------------------------------------------------

    def apart(
        self, kinds: Kinds, *, amended: Collection[str] = (), with_cards: bool = False
    ) -> Sought:
        """Whom nothing is counted of below."""
        assert kinds is not None
        apart = self._seek(f"{seeking.of_kinds(kinds)} OR {searching.of_amended(amended)}")
        if not with_cards:
            return apart
        carded = self.engine.with_cards(self.as_of, self.known)
        return apart._replace(cards=self.engine.seek(self.known, carded))

    def amended(self, kinds: Collection[str]) -> Sought:
        """Whoever has a fact of one of these kinds that was corrected or voided."""
        return self._with_kin(self.engine.of_amended(self.known, kinds))

    def sort_cards(self, apart: Sought, fated: Fated) -> tuple[Iterable[Life], Iterable[Card]]:
        """One card of each sort that is of more than one, and the lives of whose they are."""
        rows, found = self.engine.sort_cards(self.as_of, self.known, apart, fated)
        return lives_of(rows, self.engine, self.known, self._kin), found

    def with_cards_of(self, apart: Sought, sorts: Collection[int]) -> Sought:
        """Those apart, and the cards of whoever has one of these sorts, or of none."""
        assert apart.cards is not None
        return apart._replace(cards=self.engine.of_cards(apart.cards, sorts))

    def cards(
        self, apart: Sought, lines: Mapping[int, Counting], limit: int
    ) -> Iterable[tuple[int, int | None, int, int, First]]:
        """How many people and cards of each line and age."""
        assert apart.cards is not None
        return self.engine.count_cards(self.as_of, apart.cards, lines, limit)

    def past_cards(
        self, apart: Sought, on: Mapping[int, Sequence[int]], why: str
    ) -> Iterator[Lines]:
        """The cards of these sorts, and the proofs of payments that are past their term."""
        return self.engine.card_lines(self.as_of, self.known, apart, on, why)

    def aged(self, apart: Sought, limit: int) -> Iterable[Aged]:
        """What is held and not erased, by class, months, years and place."""
        return self.engine.aged(self.as_of, self.known, apart, limit)

    def placed(self, apart: Sought, limit: int) -> Iterable[Placed]:
        """What is known of, by class, place and article."""
        return self.engine.placed(self.as_of, self.known, apart, limit)

    def chosen(self, apart: Sought, limit: int) -> Iterable[Chosen]:
        """Every choice, by purpose, channel, state and reason."""
        return self.engine.chosen(self.as_of, self.known, apart.name, limit)

    def purposes(self, apart: Sought) -> Iterable[tuple[str, int, Day]]:
        """Of each purpose: how many facts name it, and the last day of one."""
        return self.engine.purposes(self.as_of, self.known, apart.name)

    def apart_of(self, before: Self) -> Sought:
        """Whose moves are not counted below."""
        unlike = [self.engine.with_cards(one.as_of, one.known) for one in (before, self)]
        cards = self.engine.seek(self.known, " OR ".join(f"({one})" for one in unlike))
        return self._seek(seeking.of_kinds(()))._replace(cards=cards)

    def cards_by_place(self, apart: Sought) -> str:
        """Where each card stands of everybody but those apart."""
        return self.engine.cards_by_place(
            {n: one.deadline.place for n, one in apart.sorts.items() if one.deadline}
        )

    def moved(
        self,
        before: Self,
        apart: Sought,
        cards: tuple[str, str],
        met: Sought,
        limit: int,
        most: int,
    ) -> Iterator[Moves]:
        """What changed since, of everybody but those apart."""
        times = At(before.as_of, before.known), At(self.as_of, self.known)
        return self.engine.moved(*times, apart, cards, met.name, limit, most)

    def past_terms(
        self, apart: Sought, without: Collection[str], why: Callable[[Place, bool, bool], str]
    ) -> Iterator[Lines]:
        """What is past its term where it is, but for these classes."""
        of = self.as_of, self.known, apart
        return self.engine.over_lines(*of, lambda name: name not in without, why)


def lives_of(
    rows: Iterable[tuple[Row, bytes]],
    engine: Engine,
    known: int,
    kin: Mapping[UUID, frozenset[UUID]],
) -> Iterator[Life]:
    """The lives that rows in the order of people are, each with those of her `kin`."""
    for subject, events in grouped(starmap(Whole, rows)):
        family = kin.get(subject, frozenset()) - {subject}
        others: dict[UUID, Life] = {}
        if family:
            theirs = grouped(starmap(Whole, engine.entries(known, people=family)))
            others = {other: Life(other, hers) for other, hers in theirs}
            others |= {gone: Life(gone, ()) for gone in family - others.keys()}
        yield Life(subject, events, kin=others)
