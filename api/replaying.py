"""Everybody at two times, answered from a folder of segments: no database is asked, nor needed.

The answers are those of `answers.py`, with where the time went. Read next: `replay/engines/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from api.answers import Past, Times, check_class, listed_json, population_json, times_json
from ledger.calendar import Instant, day_of
from ledger.errors import Misuse
from ledger.policy.book import Book
from ledger.store.population import PastDue
from replay.engines.contract import Engine, Files, Report
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.segments.reading import Segments, open_segments

ENGINES: dict[str, Callable[[Files, Book, str | None], Engine]] = {
    "duck": lambda files, book, memory: DuckEngine(files, book, memory=memory),
    "fold": lambda files, book, memory: FoldEngine(files, book, memory=memory),
}
"""What opens each engine over files, with so much memory."""


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of segments, by whom it is asked, and with how much memory ('256MB')."""

    folder: Path
    engine: str = "duck"
    memory: str | None = None


@contextmanager
def opened(source: Source) -> Iterator[tuple[Segments, Engine]]:
    """The folder and an engine over it. Raises Misuse for an engine that does not exist."""
    if source.engine not in ENGINES:
        names = ", ".join(ENGINES)
        raise Misuse(f"over segments, --engine must be one of: {names}")
    segments = open_segments(source.folder)
    size = sum(one.bytes for one in segments.manifest.files)
    files = Files(tuple(map(str, segments.paths)), segments.size, size)
    with ENGINES[source.engine](files, segments.book, source.memory) as engine:
        yield segments, engine


def segments_answer(
    source: Source, times: Times, now: Instant, past: Past | None = None, *, ages: bool = False
) -> tuple[dict[str, Any], Report]:
    """Everybody at two times, and where the time went; with `ages`, by years since what counted
    last."""
    as_of = now if times.as_of is None else times.as_of
    with opened(source) as (segments, engine):
        known = segments.size if times.known_at is None else engine.position_at(times.known_at)
        if past is not None:
            check_class(segments.book, known, past.klass)
        counted = engine.population(as_of, known)
        report = engine.report()
        edition = segments.book.in_force(day_of(as_of), known)
        answer = {
            **times_json(as_of, times.known_at, known),
            "engine": engine.name,
            **population_json(counted, edition),
            "pruned": sum(one.pruned for one in segments.manifest.files),
        }
        if ages:
            answer["ages"] = [age._asdict() for age in engine.ages(as_of, known)]
        if past is not None:
            answer["past"] = {"class": past.klass, **_past(engine, as_of, known, past)}
    return answer, report


def _past(engine: Engine, as_of: Instant, known: int, past: Past) -> dict[str, Any]:
    over = ("past_operational", "past_archive")
    found = (
        PastDue(due.subject, due.scope, due.until, due.archive_until)
        for due in engine.deadlines(as_of, known, past.klass)
        if due.place in over and due.until is not None
    )
    return listed_json(islice(found, past.limit))
