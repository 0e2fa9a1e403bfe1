"""One person known under two references, or none that she gave (SS-DSR-8): whose stream is whose,
and which of two choices counts.

A join moves nothing. What is new is recorded of the kept person; what the other did stays hers,
under its own clocks. Pure. Read next: `ledger/choosing/joining.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

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
        """Everybody who was joined to this person, directly or through others, oldest first."""
        found: list[Join] = []
        for join in self._with.get(subject, ()):
            found += [join, *self.others(join.other)]
        return tuple(sorted(found))

    def everybody(self, subject: UUID) -> tuple[UUID, ...]:
        """This person and everybody who was joined to her."""
        return (subject, *(join.other for join in self.others(subject)))


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
    if mine.position > joined_at and mine.at >= theirs.at:
        return mine
    return max(mine, theirs, key=lambda said: (said.rank, said.at, said.position))
