"""One person known under two references, or none that she gave (SS-DSR-8): whose stream is whose,
which of two choices counts, and what of two was said last.

A join moves nothing. What is new is recorded of the kept person; what the other did stays hers,
under its own clocks. What protects her under one reference protects her under all. Pure. Read next:
`ledger/choosing/joining.py`, decision 0047.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.events import Row
from ledger.projections.consents import REQUESTED
from ledger.projections.model import ChoiceKey, Expression


class Join(NamedTuple):
    """At this position it was said that `other` is the same person as `kept`."""

    position: int
    kept: UUID
    other: UUID


class Joins:
    """The joins that stand. Nobody is joined to two people, nor to herself through others: whoever
    records a join looks (`ledger/choosing/joining.py`)."""

    def __init__(self, joins: Iterable[Join] = ()) -> None:
        self._into = {join.other: join for join in joins}
        self._with: dict[UUID, list[Join]] = {}
        for join in self._into.values():
            self._with.setdefault(join.kept, []).append(join)

    def __bool__(self) -> bool:
        return bool(self._into)

    def people(self) -> frozenset[UUID]:
        """Whoever was joined to somebody, or somebody to her."""
        return frozenset((*self._into, *self._with))

    def twice(self, subjects: Iterable[UUID]) -> int:
        """How many of these are somebody who is among them already under another reference."""
        asked = set(subjects)
        return len(asked) - len({self.kept(one) for one in asked})

    def kept(self, subject: UUID) -> UUID:
        """Of whom new facts about this person are recorded; herself if she was not joined."""
        while subject in self._into:
            subject = self._into[subject].kept
        return subject

    def others(self, subject: UUID) -> tuple[Join, ...]:
        """Everybody who was joined to this person, directly or through others, the oldest join
        first. `position` is since when they are one: of joins in a row, that of the last."""
        if not self._with:
            return ()
        return tuple(since for _, since in sorted(self._reached(subject, 0)))

    def _reached(self, subject: UUID, since: int) -> Iterator[tuple[Join, Join]]:
        """Each join below this person, as it was recorded and since when it reaches her."""
        for join in self._with.get(subject, ()):
            at = max(join.position, since)
            yield join, join._replace(position=at)
            yield from self._reached(join.other, at)

    def everybody(self, subject: UUID) -> tuple[UUID, ...]:
        """This person and everybody who was joined to her."""
        return (subject, *(join.other for join in self.others(subject)))

    def family(self, subject: UUID) -> tuple[UUID, ...]:
        """Every id of one person, whichever of them this is: the one that is kept first."""
        return self.everybody(self.kept(subject))

    def between(self, one: UUID, other: UUID) -> tuple[int, ...]:
        """The positions of the joins by which these two are one person; none if they are not."""
        up, down = self._up(one), self._up(other)
        if self.kept(one) != self.kept(other):
            return ()
        return tuple(sorted(set(up) ^ set(down)))

    def _up(self, subject: UUID) -> Iterator[int]:
        while subject in self._into:
            yield self._into[subject].position
            subject = self._into[subject].kept

    def speaks_for(self, said: Row, of: Row) -> bool:
        """Whether what `said` says is said of whom `of` is about, too: she is the same, or had been
        joined to her when it was recorded."""
        since, other = 0, of.subject
        while other != said.subject:
            if other is None or other not in self._into:
                return False
            join = self._into[other]
            since, other = max(since, join.position), join.kept
        return said.position > since


ALONE = Joins()
"""Nobody is joined with anybody."""


def last_words(rows: Iterable[Row], joins: Joins = ALONE) -> list[Row]:
    """Of facts that take each other's place, what was said last under each reference of hers.

    What she says after a join, as the one person she now is, takes the place of what was said under
    either reference. What was said before it does not: we may have joined two people.
    """
    stand: list[Row] = []
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.position)):
        stand = [*(one for one in stand if not joins.speaks_for(row, one)), row]
    return stand


Said = dict[ChoiceKey, Expression]


def honoured(own: Said, others: Sequence[tuple[int, Said]]) -> Said:
    """What counts for one person, given what was said under her other references, each with the
    position of its join.

    A no under either reference holds, whatever was said before the join under the other one: we may
    have joined two people, and one of them said no. Only what she says after the join, as the one
    person she now is, is stronger (GDPR art. 7(3), 21; SS-LB-2, SS-LB-3).
    """
    counts = dict(own)
    for joined_at, theirs in others:
        keys = counts.keys() | theirs.keys()
        mine, hers = _over(keys, counts), _over(keys, theirs)
        for key in keys:
            one, other = mine.get(key), hers.get(key)
            said = _stronger(one, other, joined_at) if one and other else one or other
            if said is not None:
                counts[key] = said
    return counts


def _over(keys: Iterable[ChoiceKey], said: Said) -> Said:
    """What one said about each of these: a no over all channels is one over each, until she says
    otherwise there."""
    found = {}
    for key in keys:
        own, for_all = said.get(key), said.get(ChoiceKey(key.purpose, ""))
        if for_all is not None and for_all.rank == 1 and (own is None or _later(for_all, own)):
            own = for_all
        if own is not None:
            found[key] = own
    return found


def _later(one: Expression, than: Expression) -> bool:
    return (one.at, one.rank, one.position) > (than.at, than.rank, than.position)


def _stronger(mine: Expression, theirs: Expression, joined_at: int) -> Expression:
    if (mine.kind == REQUESTED) != (theirs.kind == REQUESTED):  # she was asked; that says nothing
        return theirs if mine.kind == REQUESTED else mine
    if mine.position > joined_at and mine.at >= theirs.at:
        return mine
    return max(mine, theirs, key=lambda said: (said.rank, said.at, said.position))
