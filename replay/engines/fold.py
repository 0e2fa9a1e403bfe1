"""The definition as an engine: rows by person, in pages, through `replay/fold.py` one at a time.

The rows are sorted outside of memory by DuckDB; everything that is decided is decided in Python.
Slow by design: it is what the other engines are held to. Read next: `replay/fold.py`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterator
from typing import Self
from uuid import UUID

from ledger.calendar import Instant
from ledger.events import Row
from ledger.policy.book import Book
from ledger.policy.consents import counted_as
from ledger.policy.evaluate import choices, deadlines_now
from ledger.projections.population import Age, Population
from replay import fold
from replay.engines.asking import check_kinds, moving
from replay.engines.contract import Choice, Due, Files, Last, Report
from replay.engines.duck import DuckEngine

try:
    import resource
except ImportError:  # not on every system
    resource = None  # type: ignore[assignment]


class FoldEngine:
    """The plain fold over files; what sorts them for it takes the settings of `DuckEngine`."""

    def __init__(self, files: Files, book: Book, *, memory: str | None = None) -> None:
        self.files, self.book = files, book
        self._sorter = DuckEngine(files, book, memory=memory)
        self._began = self._ended = time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """As `--engine` names it."""
        return "fold"

    @property
    def memory(self) -> int:
        """Of what sorts, in bytes."""
        return self._sorter.memory

    def close(self) -> None:
        """Free what sorts."""
        self._sorter.close()

    def population(self, as_of: Instant, known: int | None = None) -> Population:
        """The counts over everybody."""
        return fold.population(self.people(known), self.book, as_of, known)

    def ages(self, as_of: Instant, known: int | None = None) -> tuple[Age, ...]:
        """People and things by class and years since their last activity."""
        return tuple(fold.ages(self.people(known), self.book, as_of, known))

    def deadlines(
        self, as_of: Instant, known: int | None = None, klass: str | None = None
    ) -> Iterator[Due]:
        """Every deadline of everybody, or those of one class."""
        for subject, state in fold.fold(self.people(known), as_of, known):
            for d in deadlines_now(state, self.book, as_of, known):
                if klass in (None, d.klass):
                    yield Due(
                        subject,
                        d.klass,
                        d.scope,
                        d.place,
                        d.counted.day,
                        d.counted.position,
                        d.operational_until,
                        d.archive_until,
                    )

    def choices(self, as_of: Instant, known: int | None = None) -> Iterator[Choice]:
        """Every choice of everybody."""
        for subject, state in fold.fold(self.people(known), as_of, known):
            for c in choices(state, self.book, as_of, known):
                what, why = counted_as(c)
                said = c.kind or "", c.day or 0, c.position or 0
                yield Choice(subject, c.purpose, c.channel, what, why, *said)

    def activity(self, as_of: Instant, known: int | None = None) -> Iterator[Last]:
        """The last activity of everybody who has one."""
        kinds = moving(self.book, as_of, known)
        for subject, state in fold.fold(self.people(known), as_of, known):
            found = [
                (span.last_day, span.last_position)
                for key, span in state.activity.items()
                if key.kind in kinds
            ]
            if found:
                yield Last.of(subject, *max(found))

    def timeline(self, subject: UUID, known: int | None = None) -> list[Row]:
        """All rows of one person, in position order."""
        return self._sorter.timeline(subject, known)

    def people(self, known: int | None = None) -> Iterator[Row]:
        """All rows that have a subject, by (subject, position)."""
        self._began = time.perf_counter()
        for row in self._sorter.people(known):
            check_kinds((row.kind,))
            yield row
        self._ended = time.perf_counter()

    def entries(
        self,
        known: int | None = None,
        *,
        people: Collection[UUID] | None = None,
        having: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows that have a subject with their entries, by (subject, position)."""
        return self._sorter.entries(known, people=people, having=having, kinds=kinds)

    def company(
        self, known: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows about nobody, with their entries, in position order."""
        return self._sorter.company(known, kinds)

    def naming(self, kind: str, ids: Collection[UUID], after: int) -> Iterator[tuple[Row, bytes]]:
        """The rows of one kind after a position whose entries name one of these ids."""
        return self._sorter.naming(kind, ids, after)

    def pruned(self, known: int | None = None) -> int:
        """How many positions are bare."""
        return self._sorter.pruned(known)

    def position_at(self, at: Instant) -> int:
        """The last position recorded at or before an instant."""
        return self._sorter.position_at(at)

    def report(self) -> Report:
        """Where the time of the last question went; memory is the whole process's."""
        sorted_ = self._sorter.report()
        seconds = max(self._ended - self._began, sorted_.seconds)
        memory = None
        if resource is not None:
            used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            memory = used if sys.platform == "darwin" else used * 1024
        return Report(
            self.name,
            seconds,
            self.files.rows,
            sorted_.bytes_read,
            memory,
            sorted_.spilled,
            sorted_.plan,
        )
