"""One way of answering one question over a folder of segments, in a process of its own.

    python -m tests.bench.asked WAY FOLDER [MEMORY]

The question: the last activity of everybody, where every class and thing of everybody stands, and
every choice, as of one date. Prints one JSON object: seconds, rows read, peak memory of the process
(VmHWM), and the counts of the answer, so that ways that should agree can be compared.

`duck` is the engine, and `fold` the definition over tuples in memory (reading them is not timed);
`aside` is `duck` where an earlier question has laid the facts out aside (if none has, one is asked
first, which is not timed). `packed` and `argmax` are the SQL of the ledger's own store over the
same files, by DuckDB: the whole answer, last facts found by the maximum of day and position in one
integer, or by arg_max. `library` is the eventsourcing library: a repository replays aggregates that
have the streams of the ledger out of its own store on a PostgreSQL server (`library-sqlite`: in a
file of SQLite; `library-memory`: in memory), and the plain fold judges what they hold; `repository`
is the first half of that.

The others answer a *lean* question that knows no correction, contract, notice, archive or erasure:
one term for each class. `lean` is that in DuckDB, `tuples` a plain Python loop over tuples in
memory (reading them is not timed), `spark` the DataFrame form on two cores (starting the JVM is not
timed).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import duckdb

from ledger.calendar import add_days, add_months, day_of, end_of
from ledger.events import Row
from ledger.policy.terms import moving_rows, terms_table
from ledger.store import population as store
from ledger.store.rebuild import PACK, PACKED, Question
from replay.engines.aside import Aside, Pins
from replay.engines.asking import moving
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.segments.layout import ASIDE
from replay.segments.reading import Segments, open_segments
from tests.bench.peers import library_environment, library_sqlite
from tests.postgres import running_postgres

AS_OF = end_of(20241231)
TODAY = day_of(AS_OF)
THREADS = 2
CHOSEN = (
    "consent.given.v1",
    "consent.renewed.v1",
    "consent.withdrawn.v1",
    "consent.refused.v1",
    "objection.raised.v1",
)
Answer = tuple[float, int, Any]  # seconds, rows, counts


def main() -> None:
    """Answer, and say what it took."""
    way, folder, *memory = sys.argv[1:]
    segments = open_segments(Path(folder))
    seconds, rows, counts = WAYS[way](segments, memory[0] if memory else None)
    peak = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    print(json.dumps({"seconds": seconds, "rows": rows, "peak": peak, "counts": counts}))


# --- the whole answer -----------------------------------------------------------------------------


def _engine(segments: Segments, opened: Callable[[Files], Engine]) -> Answer:
    files = _files(segments)
    began = time.perf_counter()
    with opened(files) as engine:
        population = engine.population(AS_OF)
        people = sum(1 for _ in engine.activity(AS_OF))
    seconds = time.perf_counter() - began
    said = population.to_json()
    classes = {name: list(one["items"].values()) for name, one in said["classes"].items()}
    return seconds, segments.size, {"classes": classes, "people": people}


def _files(segments: Segments) -> Files:
    read = sum(one.bytes for one in segments.manifest.files)
    return Files(tuple(map(str, segments.paths)), segments.size, read)


def _duck(segments: Segments, memory: str | None) -> Answer:
    return _engine(
        segments, lambda files: DuckEngine(files, segments.book, memory=memory, threads=THREADS)
    )


def _aside(segments: Segments, memory: str | None) -> Answer:
    assert segments.folder
    (segments.folder / ASIDE).mkdir(exist_ok=True)
    aside = Aside.beside(segments, Pins(segments.folder / "aside.json"))

    def opened(files: Files) -> Engine:
        return DuckEngine(files, segments.book, memory=memory, threads=THREADS, aside=aside)

    if not aside.is_whole:
        _engine(segments, opened)
    return _engine(segments, opened)


class _InMemory(FoldEngine):
    """The plain fold over rows that lie in memory, by (subject, position)."""

    rows: Sequence[Row] = ()

    def people(self, known: int | None = None) -> Iterator[Row]:
        """They, as often as they are asked for."""
        assert known is None
        return iter(self.rows)


def _rows(segments: Segments, memory: str | None) -> list[Row]:
    with FoldEngine(_files(segments), segments.book, memory=memory) as engine:
        return list(engine.people())


def _fold(segments: Segments, memory: str | None) -> Answer:
    """The definition, over tuples in memory; reading them is not timed."""
    rows = _rows(segments, memory)
    return _engine(segments, lambda files: _folded(files, segments, rows))


def _folded(files: Files, segments: Segments, rows: Sequence[Row]) -> Engine:
    engine = _InMemory(files, segments.book)
    engine.rows = rows
    return engine


def _store(segments: Segments, memory: str | None, *, arg_max: bool) -> Answer:
    database = _database(segments, memory)
    began = time.perf_counter()
    kinds = database.execute("SELECT DISTINCT kind FROM events WHERE kind IS NOT NULL").fetchall()
    text, names = _written(segments, frozenset(kind for (kind,) in kinds), arg_max=arg_max)
    rows = database.execute(text, names).fetchall()
    listed = ", ".join(f"'{kind}'" for kind in moving(segments.book, AS_OF, None))
    last = f"MAX({PACKED})" if not arg_max else "arg_max(position, (local_day, position))"
    standing = f"""subject_hi IS NOT NULL AND occurred_at <= {AS_OF} AND kind IN ({listed})
        AND position NOT IN (SELECT ref_position FROM events WHERE kind = 'fact.voided.v1')"""
    found = database.execute(
        f"SELECT subject_hi, subject_lo, {last} FROM events WHERE {standing} GROUP BY ALL"
    ).fetchall()
    seconds = time.perf_counter() - began
    # present, operational, suspended, past, past archive, archived, erased: by thing
    classes = {row[1]: list(row[12:19]) for row in rows if row[0] == "class"}
    return seconds, segments.size, {"classes": classes, "people": len(found)}


def _written(
    segments: Segments, kinds: frozenset[str], *, arg_max: bool
) -> tuple[str, dict[str, str]]:
    """The store's own text for everybody at one time, and its parameters."""
    query = object.__new__(store.Query)  # without a connection: the parts are put together here
    query.names = {}
    policy = store._Policy(segments.book, AS_OF, None, None)
    values = [
        query._values("classes", "class, by_item", policy.classes()),
        query._values("parts", "class, kind", policy.parts()),
        query._values("terms", f"class, {store._TERM}", policy.terms()),
        query._values("moving", f"class, by_item, kind, {store._TERM}", policy.moving()),
        query._values(
            "suspending", "class, by_item, type, era_from, era_below", policy.suspending()
        ),
    ]
    facts = store._from_events(Question(AS_OF, None, True, kinds))
    text = ",\n".join([*facts, *values, store._judged(TODAY)])
    if arg_max:
        for short, name in (("MIN", "head"), ("MAX", "tail")):
            packed, arg = f"{short}({PACKED}) AS {name}", f"arg_{short.lower()}"
            assert packed in text
            both = "(local_day, position)"
            text = text.replace(
                packed,
                f"CAST({arg}(local_day, {both}) AS BIGINT) * {PACK}"
                f" + {arg}(position, {both}) AS {name}",
            )
    text = f"WITH {text}\n{store._counts(segments.book, store._unproved('ended_by', 'said'))}"
    return text.replace(":name_", "$name_"), query.names


def _database(segments: Segments, memory: str | None) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect(config={"threads": THREADS, "preserve_insertion_order": False})
    database.execute("SET integer_division = true; SET enable_progress_bar = false")
    if memory is not None:
        database.execute(f"SET memory_limit = '{memory}'")
    paths = ", ".join(f"'{path}'" for path in segments.paths)
    database.execute(
        f"""CREATE VIEW events AS SELECT *,
        subject_hi::HUGEINT * {2**64}::HUGEINT + subject_lo AS subject
        FROM read_parquet([{paths}])"""
    )
    return database


# --- the lean question ----------------------------------------------------------------------------

Moving = dict[str, list[tuple[str, bool, int]]]


def _moving(segments: Segments) -> Moving:
    """By kind: the classes that it moves, whether thing by thing, and the months of their terms,
    as the edition in force says."""
    edition = segments.book.in_force(TODAY, None)
    assert edition is not None
    months = {
        (row.klass, row.era): row.operational_months for row in terms_table(segments.book, AS_OF)
    }
    found: Moving = {}
    for row in moving_rows(segments.book, AS_OF):
        if row.era == edition.number:
            term = (row.klass, row.clock == "item", months[row.klass, row.era])
            found.setdefault(row.kind, []).append(term)
    return found


def _lean_sql(segments: Segments) -> str:
    """One text that DuckDB and Spark both understand: tag, people, things, past."""
    rows = ", ".join(
        f"('{kind}', '{klass}', {int(by_item)}, {_before(months)})"
        for kind, terms in _moving(segments).items()
        for klass, by_item, months in terms
    )
    person = ", ".join(f"'{kind}'" for kind in moving(segments.book, AS_OF, None))
    chosen = ", ".join(f"'{kind}'" for kind in CHOSEN)
    packed = f"CAST(local_day AS BIGINT) * {PACK} + position"
    facts = f"subject_hi IS NOT NULL AND occurred_at <= {AS_OF}"
    return f"""WITH moving AS (SELECT * FROM (VALUES {rows}) v (kind, class, by_item, used)),
    ends AS (SELECT subject_hi, subject_lo, m.class, CASE WHEN by_item = 1 THEN item END AS scope,
            MAX({packed}) AS last, MAX(used) AS used
        FROM events e JOIN moving m ON m.kind = e.kind WHERE {facts} GROUP BY 1, 2, 3, 4),
    active AS (SELECT subject_hi, subject_lo, MAX({packed}) AS last
        FROM events WHERE {facts} AND kind IN ({person}) GROUP BY 1, 2),
    said AS (SELECT subject_hi, subject_lo, purpose, channel,
            MAX(occurred_at) AS last
        FROM events WHERE {facts} AND kind IN ({chosen}) GROUP BY 1, 2, 3, 4)
    SELECT class AS what, COUNT(*) AS n,
        SUM(CASE WHEN last < used * {PACK} THEN 1 ELSE 0 END) AS past FROM ends GROUP BY class
    UNION ALL SELECT 'people', COUNT(*), MAX(last) FROM active
    UNION ALL SELECT 'choices', COUNT(*), MAX(last) FROM said"""


def _before(months: int) -> int:
    """Counted from a day before this one, a term is over today."""
    day = add_days(add_months(TODAY, -months), -3)
    while add_months(day, months) < TODAY:
        day = add_days(day, 1)
    return day


def _told(rows: Any) -> dict[str, list[int]]:
    return {what: [int(n), int(past)] for what, n, past in rows}


def _lean(segments: Segments, memory: str | None) -> Answer:
    database = _database(segments, memory)
    began = time.perf_counter()
    rows = database.execute(_lean_sql(segments)).fetchall()
    return time.perf_counter() - began, segments.size, _told(rows)


def _spark(segments: Segments, _memory: str | None) -> Answer:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master(f"local[{THREADS}]")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "3g",
        "spark.sql.shuffle.partitions": "8",
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark.range(1000).count()
    began = time.perf_counter()
    spark.read.parquet(*map(str, segments.paths)).createOrReplaceTempView("events")
    rows = [tuple(row) for row in spark.sql(_lean_sql(segments)).collect()]
    seconds = time.perf_counter() - began
    spark.stop()
    return seconds, segments.size, _told(rows)


def _tuples(segments: Segments, memory: str | None) -> Answer:
    """The same in a loop a beginner would write, and that nobody would call slow Python."""
    terms, person = _moving(segments), moving(segments.book, AS_OF, None)
    before = {months: _before(months) for of in terms.values() for _, _, months in of}
    rows = (
        _database(segments, memory)
        .execute(
            f"""SELECT position, kind, subject_hi, subject_lo, item, purpose, channel, local_day,
        occurred_at FROM events WHERE position <= {MOST} AND subject_hi IS NOT NULL"""
        )
        .fetchall()
    )
    began = time.perf_counter()
    last: dict[Any, tuple[int, int]] = {}
    ends: dict[Any, tuple[int, int]] = {}
    said: dict[Any, tuple[int, int]] = {}
    used: dict[str, int] = {}
    for position, kind, hi, lo, item, purpose, channel, day, occurred in rows:
        if occurred > AS_OF:
            continue
        subject, fact = (hi, lo), (day, position)
        if kind in person and fact > last.get(subject, (0, 0)):
            last[subject] = fact
        for klass, by_item, months in terms.get(kind, ()):
            key = (subject, klass, item if by_item else None)
            used[klass] = max(used.get(klass, 0), before[months])
            if fact > ends.get(key, (0, 0)):
                ends[key] = fact
        if kind in CHOSEN:
            choice = (subject, purpose, channel)
            said[choice] = max(said.get(choice, (0, 0)), (occurred, position))
    found = {klass: [0, 0] for klass in used}
    for (_, klass, _), (day, _) in ends.items():
        found[klass][0] += 1
        found[klass][1] += day < used[klass]
    seconds = time.perf_counter() - began
    return seconds, len(rows), {**found, "people": [len(last), 0], "choices": [len(said), 0]}


@contextmanager
def _memory() -> Iterator[dict[str, str]]:
    yield {"PERSISTENCE_MODULE": "eventsourcing.popo"}


@contextmanager
def _sqlite() -> Iterator[dict[str, str]]:
    with TemporaryDirectory(prefix="probant-bench-") as aside:
        yield library_sqlite(f"{aside}/library.sqlite")


@contextmanager
def _postgres() -> Iterator[dict[str, str]]:
    with running_postgres() as server:
        yield library_environment(server, "public")


def _library(
    segments: Segments,
    memory: str | None,
    *,
    store: Callable[[], AbstractContextManager[dict[str, str]]],
    judged: bool,
) -> Answer:
    """Aggregates of the library with the streams that the ledger has, saved in one of its own
    stores: each replayed by the repository, what they hold then judged by the plain fold, if it is.
    Which streams are whose lies in memory: the library has no index of them."""
    from eventsourcing.application import Application
    from eventsourcing.domain import Aggregate, event

    class Stream(Aggregate):
        """What the library folds: the facts of a stream, as plain values."""

        @event("Began")
        def __init__(self) -> None:
            self.facts: list[list[Any]] = []

        @event("Recorded")
        def record(self, fact: list[Any]) -> None:
            """One fact."""
            self.facts.append(fact)

    class Streams(Application[UUID]):
        """The library's application, its repository without a cache."""

    rows = _rows(segments, memory)
    streams: dict[tuple[UUID, UUID], Stream] = {}  # in the order of people
    for row in rows:
        assert row.subject is not None
        plain = [value for value in row if not isinstance(value, UUID)]
        streams.setdefault((row.subject, row.stream), Stream()).record(plain)
    with store() as environment, Streams(env=environment) as app:
        for stream in streams.values():
            app.save(stream)
        ids = [(*whose, stream.id) for whose, stream in streams.items()]
        del streams
        began = time.perf_counter()
        found: list[Row] = []
        for subject, hers in groupby(ids, key=itemgetter(0)):
            told: list[Row] = []
            for _, name, id in hers:
                held: list[list[Any]] = app.repository.get(id).facts
                told += (Row(f[0], name, f[1], f[2], subject, *f[3:]) for f in held)
            found.extend(sorted(told))
        seconds = time.perf_counter() - began
    assert found == rows
    if not judged:
        return seconds, segments.size, None
    more, size, counts = _engine(segments, lambda files: _folded(files, segments, found))
    return seconds + more, size, counts


MOST = 1_000_000  # events that a loop in Python is given
WAYS: dict[str, Callable[[Segments, str | None], Answer]] = {
    "duck": _duck,
    "aside": _aside,
    "fold": _fold,
    "packed": partial(_store, arg_max=False),
    "argmax": partial(_store, arg_max=True),
    "lean": _lean,
    "spark": _spark,
    "tuples": _tuples,
    "library": partial(_library, store=_postgres, judged=True),
    "library-sqlite": partial(_library, store=_sqlite, judged=True),
    "library-memory": partial(_library, store=_memory, judged=True),
    "repository": partial(_library, store=_postgres, judged=False),
}

if __name__ == "__main__":
    main()
