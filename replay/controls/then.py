"""One reference of a person as the rules of permission meet her, at any two times.

A gate asks about one moment; a control asks about each of a hundred letters. Of her facts it takes
only those that the rules heed, and what stands of them at (t, known at t) is made into a person
once for all the moments at which the same stands. Read next: `life.py`.
"""

from __future__ import annotations

from bisect import bisect_right

from ledger.calendar import Instant
from ledger.events import CORRECTION, VOID, Row
from ledger.policy.permissions import Person
from ledger.policy.permitting import HEEDED
from replay.controls.facts import Facts
from replay.controls.model import Life
from replay.fold import SAYING, effective, said_of

MATTERING = HEEDED | SAYING


class Then:
    """One life, which is cut at any two times."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._rows = [event.row for event in life.events]
        self._positions = [row.position for row in self._rows]
        self._mattering = [row for row in self._rows if row.kind in MATTERING]
        self._of_mattering = [row.position for row in self._mattering]
        amending = (row.position for row in self._rows if row.kind in (CORRECTION, VOID))
        self._amended = next(amending, None)
        self._made: dict[tuple[int, ...], Person] = {}

    def at(self, at: Instant, known: int) -> Person:
        """The person at (t, known at a position). The same one, where nothing is different."""
        if self._amended is not None and self._amended <= known:
            standing = effective(self._rows[: self._until(known)])
            mattering = [row for row in standing if row.kind in MATTERING]
            return self._person(mattering, standing, at, known)
        count = bisect_right(self._of_mattering, known)
        while count and self._mattering[count - 1].occurred_at > at:
            count -= 1  # what comes last and has not happened yet changes nothing before it
        mattering = self._mattering[:count]
        key = tuple([row.position for row in mattering if row.occurred_at <= at])
        if not key:
            return self._person(mattering, self._rows[: self._until(known)], at, known)
        if key not in self._made:
            self._made[key] = self._person(mattering, [], at, known)
        return self._made[key]

    def _until(self, known: int) -> int:
        return bisect_right(self._positions, known)

    def _person(self, mattering: list[Row], standing: list[Row], at: Instant, known: int) -> Person:
        """She, of what matters of what stands. Where nothing of it had happened, one other fact by
        which she is known is among hers."""
        stand = [row for row in mattering if row.occurred_at <= at]
        stand = stand or [row for row in standing if row.occurred_at <= at][:1]
        facts = Facts(self._life.events[: self._until(known)], stand)
        return Person(said_of(mattering, at), tuple(stand), facts, self._life.opposed)
