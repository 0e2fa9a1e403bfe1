"""One person known under two references, or none that she gave (SS-DSR-8): whose stream is whose,
which of two choices counts, and what of two was said last.

A join moves nothing. What is new is recorded of the kept person; what the other did stays hers,
under its own clocks. What protects her under one reference protects her under all. Pure. Read next:
`ledger/choosing/joining.py`, decision 0047.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
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
    records a join looks (`ledger/choosing/joining.py`).

    `gone`: those of whom all that named them was erased. Nothing can be recorded of them, so the
    place of one who was kept is taken by her oldest other reference that lives (decision 0057);
    since when any two are one person is told by the joins between them, whoever is kept.
    """

    def __init__(self, joins: Iterable[Join] = (), gone: Collection[UUID] = ()) -> None:
        self._said, self._gone = _forest(joins), frozenset(gone)
        self._into: dict[UUID, Join] = {}
        for join in self._said:
            self._place(join.other)  # kept until then, in the place of somebody who was gone
            self._into[join.other] = join
        self._with = self._below()
        for one in self._gone - self._into.keys():
            living = [since for _, since in self._reached(one, 0) if since.other not in self._gone]
            if living:  # of those since the same, the nearest is the first here
                self._place(min(living, key=lambda join: join.position).other)
        self._with = self._below()

    def _place(self, subject: UUID) -> None:
        """Let new facts be about this person: each join up to whom they were about is turned."""
        up = [self._into[one] for one in self._upwards(subject)]
        for join in up:
            self._into.pop(join.other, None)
        for join in up:
            self._into[join.kept] = Join(join.position, join.other, join.kept)

    def _below(self) -> dict[UUID, list[Join]]:
        found: dict[UUID, list[Join]] = {}
        for join in self._into.values():
            found.setdefault(join.kept, []).append(join)
        return found

    def recorded(self, subject: UUID) -> tuple[Join, ...]:
        """The joins that were recorded of this person, as they were."""
        return tuple(join for join in self._said if join.kept == subject)

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

    def named(self, subject: UUID) -> UUID:
        """Of whom a new fact is recorded that names this id: of the one that is kept; but an id
        that is gone is named for ever, so that nothing it did comes back under another."""
        return subject if subject in self._gone else self.kept(subject)

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
        return (self._into[one].position for one in self._upwards(subject))

    def _upwards(self, subject: UUID) -> Iterator[UUID]:
        """This person, and whom she was joined to, below the one that is kept."""
        while subject in self._into:
            yield subject
            subject = self._into[subject].kept

    def speaks_for(self, said: Row, of: Row) -> bool:
        """Whether what `said` says is said of whom `of` is about, too: she is the same, or the two
        had been joined when it was recorded."""
        one, other = said.subject, of.subject
        if one is None or other is None or self.kept(one) != self.kept(other):
            return one is not None and one == other
        return said.position > max(self.between(one, other), default=0)


def _forest(joins: Iterable[Join]) -> list[Join]:
    """The joins by which each two are one, oldest first; of those that say it twice, the last (some
    may be undone: who ever was one person with whom is asked, too)."""
    part: dict[UUID, UUID] = {}

    def of(one: UUID) -> UUID:
        while one in part:
            one = part[one]
        return one

    found = []
    for join in sorted(joins, reverse=True):
        kept, other = of(join.kept), of(join.other)
        if kept != other:
            part[other] = kept
            found.append(join)
    return found[::-1]


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


def honoured(own: Said, others: Sequence[tuple[int, Said]], unproved: Collection[int] = ()) -> Said:
    """What counts for one person, given what was said under her other references, each with the
    position of its join.

    A no under either reference holds, whatever was said before the join under the other one: we may
    have joined two people, and one of them said no. Only what she says after the join, as the one
    person she now is, is stronger (GDPR art. 7(3), 21; SS-LB-2, SS-LB-3). A yes among `unproved`,
    positions whose proof was erased, says nothing beside another word of hers.
    """
    counts = dict(own)
    for joined_at, theirs in others:
        keys = counts.keys() | theirs.keys()
        mine, hers = _over(keys, counts), _over(keys, theirs)
        for key in keys:
            one, other = mine.get(key), hers.get(key)
            said = one or other
            if one and other:
                said = _proved(one, other, unproved) or _stronger(one, other, joined_at)
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


def _proved(mine: Expression, theirs: Expression, unproved: Collection[int]) -> Expression | None:
    """The one of the two that counts for what it is, when the other is a yes without proof."""
    counts = [one for one in (mine, theirs) if one.rank == 1 or one.position not in unproved]
    return counts[0] if len(counts) == 1 else None


def _stronger(mine: Expression, theirs: Expression, joined_at: int) -> Expression:
    if (mine.kind == REQUESTED) != (theirs.kind == REQUESTED):  # she was asked; that says nothing
        return theirs if mine.kind == REQUESTED else mine
    for one, than in ((mine, theirs), (theirs, mine)):
        if one.position > joined_at and one.at >= than.at:
            return one
    return max(mine, theirs, key=lambda said: (said.rank, said.at, said.position))
