"""History answered from a folder of segments: no database is asked, nor needed.

Counts by an engine, as `answers.py` gives them; the controls, the inspector's questions and what a
draft would change, handed one person at a time. Read next: `replay/engines/`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID

from api.answers import Past as Listed
from api.answers import Times, check_class, listed_json, population_json, times_json
from api.controlling import asked_about, families
from api.controls import wanted
from api.everybody import Everybody, lives_of
from api.inspecting import answered, checked_positions, named_in, sealed_by, sealed_of
from api.inspecting import wanted as questions
from api.spreading import OnExecutors
from api.trusting import own, pinned, proofs_from, stored_in
from ledger.calendar import Clock, Instant, SystemClock, day_of
from ledger.errors import Misuse, NotFound
from ledger.events import VOID, ClassErased, Joined
from ledger.policy.book import Book
from ledger.policy.consents import UNPROVED
from ledger.policy.model import Edition
from ledger.projections.joins import Join, Joins
from ledger.store.controlling import Whole
from ledger.store.population import Past, PastDue, Said
from ledger.supposing import Supposed, asked_day, weigh
from replay.controls.model import EVERYBODY, Event, Joining, Kinds, Life, Spread, Stored, Unseen
from replay.controls.run import Progress, Result, run
from replay.controls.store import FILES, NOES
from replay.engines import cluster
from replay.engines.aside import Aside, Pins
from replay.engines.comparing import Comparing
from replay.engines.contract import Engine, Files, Report
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.engines.spreading import Spreading
from replay.fold import fold
from replay.inspect.model import Answer, Asked, Sealed
from replay.segments.reading import Segments, open_segments
from replay.verify import Trust

ENGINES: dict[str, Callable[[Files, Book, str | None], Engine]] = {
    "duck": lambda files, book, memory: DuckEngine(files, book, memory=memory),
    "fold": lambda files, book, memory: FoldEngine(files, book, memory=memory),
}
"""What opens each engine over files, with so much memory."""
SPARK = "spark"
PAST = ("past_operational", "past_archive")
JOINED = Joined.kind
OF_FILES = "Q12"
"""The question that tells what the checks of a folder find."""
MACHINE = SystemClock()


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of segments, by whom it is asked, with how much memory ('256MB'); for Spark, on
    which master, and the folder may be a URL that Spark reads. `pins`: where the digests of what
    whoever asks keeps aside are pinned; without them nothing that lies there is looked at."""

    folder: str
    engine: str = "duck"
    memory: str | None = None
    master: str | None = None
    pins: Path | None = None


@contextmanager
def opened(source: Source) -> Iterator[tuple[Segments, Engine]]:
    """The folder and an engine over it. Raises Misuse for an engine that does not exist."""
    if source.engine == SPARK:
        yield from _on_spark(source)
        return
    if source.master is not None:
        raise Misuse(f"--master goes with --engine {SPARK}")
    if source.engine not in ENGINES:
        names = ", ".join((*ENGINES, SPARK))
        raise Misuse(f"over segments, --engine must be one of: {names}")
    segments = open_segments(Path(source.folder))
    files, opener = _files_of(segments), ENGINES[source.engine]
    if source.pins is not None and source.engine == "duck":
        aside = Aside.beside(segments, Pins(source.pins))
        if aside.is_pinned:
            opener = partial(_from_aside, aside)
    with opener(files, segments.book, source.memory) as engine:
        yield segments, engine


def kept_aside(folder: str, pins: Path, memory: str | None = None) -> dict[str, Any]:
    """Lay the facts of a folder out beside it for the questions to come, unless they lie there
    already, and pin them. Raises BadData for a segment that is not the manifest's, Misuse where
    nothing can be written."""
    segments = open_segments(Path(folder))
    aside = Aside.beside(segments, Pins(pins))
    found = aside.is_whole
    aside.path.parent.mkdir(exist_ok=True)
    with DuckEngine(_files_of(segments), segments.book, memory=memory, aside=aside) as engine:
        engine.lay_out()
    path, size = str(aside.path), aside.path.stat().st_size
    return {"path": path, "events": segments.size, "bytes": size, "found": found}


def not_kept_aside(folder: str, pins: Path) -> bool:
    """Remove what lies aside of a folder, and its pin; whether anything did."""
    return Aside.beside(open_segments(Path(folder)), Pins(pins)).remove()


def _from_aside(aside: Aside, files: Files, book: Book, memory: str | None) -> Engine:
    return DuckEngine(files, book, memory=memory, aside=aside)


def _on_spark(source: Source) -> Iterator[tuple[Segments, Engine]]:
    """A session, the folder read by it if it lies elsewhere, and the engine."""
    remote = "://" in source.folder
    segments = None if remote else open_segments(Path(source.folder))
    with cluster.session(source.master, cluster.heaps(source.memory)) as session:
        from replay.engines.spark import SparkEngine, open_remote

        segments = segments or open_remote(session, source.folder)
        with SparkEngine(_files_of(segments), segments.book, session=session) as engine:
            yield segments, engine


def _files_of(segments: Segments) -> Files:
    size = sum(one.bytes for one in segments.manifest.files)
    return Files(segments.paths, segments.size, size)


_PROOFS = (
    "proofs are made where the files lie: ask `probant inspect --segments DIR --proofs DIR` there,"
    " by the default engine"
)


class Reader(NamedTuple):
    """Who reads files: her anchors file, if she has one; the log that this machine seals, if it
    does."""

    anchors: Path | None = None
    log: Path | None = None


STRANGER = Reader()


class SegmentHistory:
    """A folder of segments at (D, R), as `replay.controls.model.History`: one person in memory at a
    time. What only a database knows is not here, and said not to be (`unseen`): what somebody
    erased had said no to, and what its own checks find."""

    def __init__(
        self,
        segments: Segments,
        engine: Engine,
        times: Times,
        now: Instant,
        subject: UUID | None,
        reader: Reader,
    ) -> None:
        self.segments, self.engine, self.subject, self._now = segments, engine, subject, now
        self.reader = reader
        self.book = segments.book
        self.as_of = now if times.as_of is None else times.as_of
        self.known = known_by(segments, engine, times)
        self.pruned = engine.pruned(self.known)

    def at(self, times: Times) -> SegmentHistory:
        """The same folder at two other times."""
        told = self._now, self.subject, self.reader
        return SegmentHistory(self.segments, self.engine, times, *told)

    @cached_property
    def joined(self) -> Sequence[Joining]:
        """Every join known at R."""
        return joined_in(self.engine, self.known)

    @cached_property
    def _kin(self) -> Mapping[UUID, frozenset[UUID]]:
        return families(self.joined)

    @property
    def spread(self) -> Spread | None:
        """The executors of a cluster, where people are asked about there and it is not one."""
        far = self.subject is None and isinstance(self.engine, Spreading)
        return OnExecutors(self.engine, self) if far else None

    @cached_property
    def at_once(self) -> Everybody | None:
        """Everybody, asked by the engine, where it can and no one person is meant."""
        if self.subject is None and isinstance(self.engine, Comparing):
            return Everybody(self.engine, self.as_of, self.known, self._kin)
        return None

    def company(self, kinds: Kinds = EVERYBODY) -> Iterator[Event]:
        """The facts about nobody, in position order: all, or the first and those of these kinds."""
        return (Whole(*one) for one in self.engine.company(self.known, kinds))

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """Everybody (or the one person named), one at a time, with those she is or was joined
        with. Raises NotFound when nothing is known of the one named."""
        people, kinds = asked_about(self.subject, having, self._kin)
        rows, count = self.engine.entries(self.known, people=people, having=kinds), 0
        for life in lives_of(rows, self.engine, self.known, self._kin):
            yield life
            count += 1
        if self.subject is not None and not count:
            raise NotFound("these segments know no such subject")

    def unseen(self, asked: Collection[str]) -> Mapping[str, Unseen]:
        """What lies in the database alone, and what the keys at hand cannot show. Raises BadData
        where bytes are damaged and it matters: C13, asked alone, tells which."""
        found = dict(FILES)
        if self.segments.folder is None:
            found["C13"] = Unseen("remote", wholly=True)
        elif self.trust is None:
            found["C13"] = Unseen("keyless", wholly=True)
        elif self._pinned is None:
            found["C13"] = Unseen("unpinned")
        if not set(NOES).isdisjoint(asked) and self._has_erased():
            found |= dict.fromkeys(NOES, Unseen("noes"))
        return found

    def _has_erased(self) -> bool:
        kinds = (ClassErased.kind,)
        if isinstance(self.engine, Comparing):
            return self.engine.has(self.known, kinds)
        return any(True for _ in self.engine.entries(self.known, kinds=kinds))

    def stored(self) -> Stored:
        """What the checks of the folder find: all that `probant segments verify` asks."""
        folder = self.segments.folder
        if folder is None or self.trust is None:
            return Stored((), {}, 0, keys=False)
        return stored_in(folder, self.trust)

    @cached_property
    def sealed(self) -> Sealed:
        """How far the folder is sealed, by its own checkpoint; not verified."""
        note = self.segments.manifest.checkpoint
        if self.segments.folder is not None:
            return sealed_of(self.segments.folder)
        return sealed_by(note, ()) if note else Sealed()

    @cached_property
    def trust(self) -> Trust | None:
        """The keys that the folder can be judged by: those pinned, else its own."""
        folder = self.segments.folder
        return None if folder is None else self._pinned or own(folder)

    @cached_property
    def _pinned(self) -> Trust | None:
        anchors, log = self.reader
        return pinned(anchors, log, self.segments.manifest.origin)


def joined_in(engine: Engine, known: int) -> list[Joining]:
    """Every join known at a position, oldest first."""
    found = [Whole(*one) for one in engine.entries(known, kinds=(JOINED,))]
    if found:
        found += [Whole(*one) for one in engine.entries(known, kinds=(VOID,))]
    undone: dict[int | None, int] = {}
    for one in found:
        if one.row.kind == VOID:
            about, at = one.row.ref_position, one.row.position
            undone[about] = min(at, undone.get(about, at))
    return sorted(
        Joining(
            Join(one.row.position, one.row.subject, one.fact.other), undone.get(one.row.position)
        )
        for one in found
        if isinstance(one.fact, Joined) and one.row.subject is not None
    )


def _twice(engine: Engine, as_of: Instant, known: int) -> int:
    """How many of those who are counted are somebody counted already, as the joins stood at R."""
    joins = Joins(one.join for one in joined_in(engine, known) if one.undone_at is None)
    rows = (row for row, _ in engine.entries(known, people=joins.people()))
    return joins.twice(subject for subject, _ in fold(rows, as_of, known))


@contextmanager
def segment_history(
    source: Source,
    times: Times,
    subject: UUID | None = None,
    reader: Reader = STRANGER,
    clock: Clock = MACHINE,
) -> Iterator[SegmentHistory]:
    """History at these times, from a folder of segments."""
    with opened(source) as (segments, engine):
        yield SegmentHistory(segments, engine, times, clock.now(), subject, reader)


def known_by(segments: Segments, engine: Engine, times: Times) -> int:
    """The last position known at the times asked."""
    return segments.size if times.known_at is None else engine.position_at(times.known_at)


@contextmanager
def inspected_alone(
    source: Source,
    times: Times,
    names: Sequence[str],
    *,
    subject: UUID | None,
    positions: int,
    reader: Reader,
    progress: Progress,
    proofs: Path | None = None,
) -> Iterator[tuple[dict[str, Any], tuple[Answer, ...]]]:
    """The inspector's answers, whose lines may be read as long as the folder is open; of what is
    wrong, what the checks of the folder find. `proofs`: the folder into which the proof of each
    position named goes, made from the leaves of the files."""
    asked, positions = questions(names), checked_positions(positions)
    if proofs is not None and "://" in source.folder:
        raise Misuse(_PROOFS)
    with segment_history(source, times, subject, reader) as found:
        check = OF_FILES in asked and subject is None and found.trust is not None
        told = Asked(subject, positions, found.stored() if check else None, found.sealed)
        about, answers = answered(found, times, asked, told, progress)
        if proofs is not None:
            about["proofs"] = proofs_from(found.segments, named_in(answers), proofs)
        yield about, answers


def controlled_alone(
    source: Source, times: Times, names: Sequence[str], reader: Reader, progress: Progress
) -> Result:
    """A run of the controls; what files cannot show is said of each."""
    asked = wanted(names)
    with segment_history(source, times, reader=reader) as found:
        return run(found, asked, progress)


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
            with _under(source, engine, book) as by:
                for due in by.deadlines(when, known):
                    if due.until is not None and due.place in PAST:
                        over = due.place == "past_archive" or due.archive_until is None
                        fate: Literal["erase", "archive"] = "erase" if over else "archive"
                        yield Past(due.subject, due.klass, due.scope, due.until, fate)

        said = (
            Said(c.subject, c.purpose, c.channel, c.kind, c.day)
            for c in engine.choices(when, known)
            if c.reason != UNPROVED
        )
        return weigh(segments.book, draft, segments.size, when, past, said, klass, limit)


def _under(source: Source, engine: Engine, book: Book) -> Engine:
    """The same files under other editions, by the same engine; to be closed too. Two such are
    asked side by side: each has half the memory."""
    if source.engine == SPARK:
        from replay.engines.spark import SparkEngine

        assert isinstance(engine, SparkEngine)
        return engine.under(book)
    assert isinstance(engine, DuckEngine | FoldEngine)
    return ENGINES[source.engine](engine.files, book, f"{engine.memory // 2}B")


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
        joined = _twice(engine, as_of, known)
        edition = segments.book.in_force(day_of(as_of), known)
        answer = {
            **times_json(as_of, times.known_at, known),
            "engine": engine.name,
            **population_json(counted, edition),
            "joined": joined,
            "people": counted.subjects - joined,
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
