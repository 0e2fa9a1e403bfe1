"""History answered from a folder of segments: no database is asked, nor needed.

Counts by an engine, as `answers.py` gives them; the controls, the inspector's questions and what a
draft would change, handed one person at a time. Read next: `replay/engines/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from api.answers import Past as Listed
from api.answers import Times, check_class, listed_json, population_json, times_json
from api.controlling import families
from api.controls import wanted
from api.inspecting import answered, checked_positions, sealed_by
from ledger.calendar import Clock, Instant, SystemClock, day_of
from ledger.errors import Misuse, NotFound
from ledger.events import VOID, Joined
from ledger.policy.book import Book
from ledger.policy.model import Edition
from ledger.projections.joins import Join
from ledger.store.controlling import whole
from ledger.store.population import Past, PastDue, Said
from ledger.supposing import Supposed, asked_day, weigh
from replay.controls.catalogue import CONTROLS
from replay.controls.model import Event, Joining, Life, Stored
from replay.controls.run import Progress, Result, run
from replay.engines.contract import Engine, Files, Report
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.inspect.model import Answer, Asked
from replay.segments.reading import Segments, open_segments

ENGINES: dict[str, Callable[[Files, Book, str | None], Engine]] = {
    "duck": lambda files, book, memory: DuckEngine(files, book, memory=memory),
    "fold": lambda files, book, memory: FoldEngine(files, book, memory=memory),
}
"""What opens each engine over files, with so much memory."""
PAST = ("past_operational", "past_archive")
JOINED = Joined.kind
MACHINE = SystemClock()


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


class SegmentHistory:
    """A folder of segments at (D, R), as `replay.controls.model.History`: one person in memory at a
    time. What only a database knows is not here: what somebody erased had said no to, and what the
    store's own checks find."""

    def __init__(
        self, segments: Segments, engine: Engine, times: Times, now: Instant, subject: UUID | None
    ) -> None:
        self.segments, self.engine, self.subject, self._now = segments, engine, subject, now
        self.book = segments.book
        self.as_of = now if times.as_of is None else times.as_of
        self.known = known_by(segments, engine, times)
        self.pruned = engine.pruned(self.known)
        self.joined: Sequence[Joining] = list(self._joined())
        self._kin = families(self.joined)

    def at(self, times: Times) -> SegmentHistory:
        """The same folder at two other times."""
        return SegmentHistory(self.segments, self.engine, times, self._now, self.subject)

    def _joined(self) -> Iterator[Joining]:
        found = [whole(*one) for one in self.engine.entries(self.known, kinds=(JOINED, VOID))]
        undone: dict[int | None, int] = {}
        for one in found:
            if one.row.kind == VOID:
                about, at = one.row.ref_position, one.row.position
                undone[about] = min(at, undone.get(about, at))
        for one in sorted(found, key=lambda one: one.row.position):
            if isinstance(one.fact, Joined) and one.row.subject is not None:
                at = one.row.position
                yield Joining(Join(at, one.row.subject, one.fact.other), undone.get(at))

    def company(self) -> Iterator[Event]:
        """The facts about nobody, in position order."""
        return (Event(*whole(*one)) for one in self.engine.company(self.known))

    def lives(self) -> Iterator[Life]:
        """Everybody (or the one person named), one at a time, with those she is or was joined
        with. Raises NotFound when nothing is known of the one named."""
        count = 0
        for subject, events in self._by_person(None if self.subject is None else [self.subject]):
            kin: dict[UUID, Life] = {}
            family = self._kin.get(subject, frozenset()) - {subject}
            if family:
                kin = {other: Life(other, hers) for other, hers in self._by_person(family)}
                kin |= {gone: Life(gone, ()) for gone in family - kin.keys()}
            yield Life(subject, events, kin=kin)
            count += 1
        if self.subject is not None and not count:
            raise NotFound("these segments know no such subject")

    def _by_person(
        self, people: Collection[UUID] | None
    ) -> Iterator[tuple[UUID, tuple[Event, ...]]]:
        found = (Event(*whole(*one)) for one in self.engine.entries(self.known, people=people))
        for subject, hers in groupby(found, key=lambda one: one.row.subject):
            if subject is not None:
                yield subject, tuple(hers)

    def stored(self) -> Stored:
        """Never asked: a control that asks it is not asked of segments."""
        raise Misuse("segments cannot say what the store's own checks find")


@contextmanager
def segment_history(
    source: Source, times: Times, subject: UUID | None = None, clock: Clock = MACHINE
) -> Iterator[SegmentHistory]:
    """History at these times, from a folder of segments."""
    with opened(source) as (segments, engine):
        yield SegmentHistory(segments, engine, times, clock.now(), subject)


def known_by(segments: Segments, engine: Engine, times: Times) -> int:
    """The last position known at the times asked."""
    return segments.size if times.known_at is None else engine.position_at(times.known_at)


def inspected_alone(
    source: Source,
    times: Times,
    names: Sequence[str],
    *,
    subject: UUID | None,
    positions: int,
    progress: Progress,
) -> tuple[dict[str, Any], tuple[Answer, ...]]:
    """The inspector's answers; what the store's own checks find is not among them."""
    with segment_history(source, times, subject) as found:
        sealed = sealed_by(found.segments.manifest.checkpoint, ())
        told = Asked(subject, checked_positions(positions), None, sealed)
        return answered(found, times, names, told, progress)


def controlled_alone(
    source: Source, times: Times, names: Sequence[str], progress: Progress
) -> Result:
    """A run of the controls that history alone can answer."""
    alone = judged_alone(names)
    with segment_history(source, times) as found:
        return run(found, alone, progress)


def judged_alone(names: Iterable[str]) -> tuple[str, ...]:
    """The controls named that history alone can answer; all that can when none is. Raises Misuse
    for one that needs the database."""
    asked = wanted(names)
    alone = tuple(name for name in asked if not CONTROLS[name].store)
    if list(names) and alone != asked:
        told = ", ".join(sorted(set(asked) - set(alone)))
        raise Misuse(f"these controls look into the database, segments do not suffice: {told}")
    return alone


def weighed(
    source: Source,
    draft: Edition,
    as_of: Instant | None,
    klass: str | None,
    limit: int,
    clock: Clock = MACHINE,
) -> Supposed:
    """What a draft edition would change, from a folder of segments."""
    when = asked_day(draft, clock.now(), as_of)
    with opened(source) as (segments, engine):
        known = segments.size + 1

        def past(book: Book) -> Iterator[Past]:
            with ENGINES[source.engine](engine.files, book, source.memory) as by:
                for due in by.deadlines(when, known):
                    if due.until is not None and due.place in PAST:
                        over = due.place == "past_archive" or due.archive_until is None
                        fate: Literal["erase", "archive"] = "erase" if over else "archive"
                        yield Past(due.subject, due.klass, due.scope, due.until, fate)

        said = (
            Said(c.subject, c.purpose, c.channel, c.kind, c.day)
            for c in engine.choices(when, known)
        )
        return weigh(segments.book, draft, segments.size, when, past, said, klass, limit)


def segments_answer(
    source: Source,
    times: Times,
    past: Listed | None = None,
    *,
    ages: bool = False,
    clock: Clock = MACHINE,
) -> tuple[dict[str, Any], Report]:
    """Everybody at two times, and where the time went; with `ages`, by years since what counted
    last."""
    as_of = clock.now() if times.as_of is None else times.as_of
    with opened(source) as (segments, engine):
        known = known_by(segments, engine, times)
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


def _past(engine: Engine, as_of: Instant, known: int, past: Listed) -> dict[str, Any]:
    found = (
        PastDue(due.subject, due.scope, due.until, due.archive_until)
        for due in engine.deadlines(as_of, known, past.klass)
        if due.place in PAST and due.until is not None
    )
    return listed_json(islice(found, past.limit))
