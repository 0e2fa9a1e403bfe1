"""Somebody's facts that stand, in full, each read from its entry when it is first asked for.

Which of them stand, and of which kind they are, the columns say (`replay/fold.py`, `effective`); of
most facts no rule asks for more. Read next: `life.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from ledger.aggregates import corrected
from ledger.events import CORRECTION, Fact, FactCorrected, Row
from replay.controls.model import Event

F = TypeVar("F", bound=Fact)


class Facts(Mapping[int, Fact]):
    """The facts of `rows` (those that stand, corrections resolved) by position, in that order."""

    def __init__(self, events: Iterable[Event], rows: Iterable[Row]) -> None:
        self._given = events
        self._rows = {row.position: row for row in rows}

    @cached_property
    def _events(self) -> dict[int, Event]:
        return {event.row.position: event for event in self._given}

    @cached_property
    def _spoken(self) -> dict[int | None, Event]:
        """The last correction of each fact that has one."""
        events = self._events.values()
        return {one.row.ref_position: one for one in events if one.row.kind == CORRECTION}

    def __getitem__(self, position: int) -> Fact:
        if position not in self._rows:
            raise KeyError(position)
        fact, correction = self._events[position].fact, self._spoken.get(position)
        if correction is None:
            return fact
        assert isinstance(correction.fact, FactCorrected)
        return corrected(fact, correction.fact)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def of(self, *kinds: type[F]) -> Iterator[tuple[int, F]]:
        """Those of these kinds; no other is read."""
        wanted = {kind.kind for kind in kinds}
        for position, row in self._rows.items():
            if row.kind in wanted:
                yield position, self[position]  # type: ignore[misc]
