"""People past the published term, asked line by line: what `import --reject past-term` needs.

Eight bytes a person past her term are held in memory; nothing about the others.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from ledger.audit.answers import Judged
from ledger.audit.counting import Counter
from ledger.calendar import Day, day_of, parse_day, parse_instant
from ledger.errors import Refusal

CLAUSE = "SS-RET-1"


class PastTerm:
    """Who is past the published term of which class, by one file alone."""

    def __init__(self, counter: Counter, judged: list[Judged]) -> None:
        self._counter, self._mapping = counter, counter.plan.mapping
        self._classes = {one.found.name: one for one in judged if one.found.published_months}
        self._people: dict[str, array[int]] = {}
        at = {name: index for index, name in enumerate(self._mapping.columns)}
        self._person = at[self._mapping.person_column]
        self._kind = at.get(self._mapping.kind_column or "")
        self._occurred = at[self._mapping.occurred_column]
        self._homes = {c.kind: c.home for c in reversed(counter.plan.codes)}
        self._sealed = {c.kind: c.cls.also for c in counter.plan.codes if c.seals}

    def refusals(self, rows: Sequence[Sequence[str]]) -> list[Refusal | None]:
        """For each line (its cells in the order of the map's columns, as `reading.rows` gives
        them) why it may not be imported, or None."""
        persons = [row[self._person] for row in rows]
        expression = self._counter.hashed(self._counter.plan.person("p"))
        ((hashes,),) = self._counter.database.execute(
            f"SELECT list_transform($1::VARCHAR[], lambda p: {expression})", [persons]
        ).fetchall()
        return [self._refusal(row, h) for row, h in zip(rows, hashes, strict=True)]

    def _refusal(self, row: Sequence[str], h: int) -> Refusal | None:
        said = None if self._kind is None else row[self._kind]
        cls = self._mapping.kinds.get(said)
        if cls is None:
            return None
        home = self._homes[cls.kind]
        if home in self._classes and self._is_past(home, row, h):
            return self._refused(home)
        also = self._sealed.get(cls.kind)
        if also in self._classes and self._is_past(also, row, h):
            return self._refused(also)
        return None

    def _is_past(self, name: str, row: Sequence[str], h: int) -> bool:
        judged = self._classes[name]
        if judged.found.clock == "item":
            day = _day(row[self._occurred])
            return day is not None and day < self._counter.plan.terms.first_kept(judged.months)
        hashes = self._hashes(name)
        at = bisect_left(hashes, h)
        return at < len(hashes) and hashes[at] == h

    def _hashes(self, name: str) -> array[int]:
        """The people past the term of a class, sorted."""
        if name not in self._people:
            judged = self._classes[name]
            found: array[int] = array("Q")
            cursor = self._counter.database.execute(
                f"SELECT h FROM person WHERE {judged.present} AND {judged.past} ORDER BY h"
            )
            while rows := cursor.fetchmany(100_000):
                found.extend(h for (h,) in rows)
            self._people[name] = found
        return self._people[name]

    def _refused(self, name: str) -> Refusal:
        judged = self._classes[name]
        return Refusal(
            "past-term",
            f"this person is past the published term of class '{name}', {judged.months} months:"
            " her data is not taken in",
            CLAUSE,
            judged.found.article,
            "person",
        )


def _day(text: str) -> Day | None:
    try:
        return day_of(parse_instant(text)) if "T" in text else parse_day(text)
    except ValueError:
        return None
