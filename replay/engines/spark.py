"""Spark: the questions of `sql.py` on a cluster, over the Parquet files wherever they lie.

The texts are those that DuckDB runs. `sqlglot` says them in Spark's dialect, and two things are
left to be said here: a pair of integers as one (`SparkWords`), and that a step marked MATERIALIZED
is a relation the executors keep beside until the question is answered. Nothing is decided here.
Rows come to the driver one partition at a time. What is asked of whole people (`shares`) is Python,
and runs on the executors.

Paths are anything that Spark reads: a folder of this machine, `hdfs://…`, `s3a://…`. What this file
never does: start a cluster (`cluster.py`). Read next: `spreading.py`, `docs/spark.md`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from uuid import UUID

import pyarrow as pa
import sqlglot
from sqlglot import expressions as exp
from sqlglot.dialects.spark import Spark
from sqlglot.generators.spark import SparkGenerator

from ledger.errors import BadData, Broken, Misuse
from ledger.policy.book import Book
from replay.engines import cluster
from replay.engines.asking import COLUMNS as TYPED
from replay.engines.asking import SqlEngine
from replay.engines.contract import Files, Report
from replay.engines.spreading import Sent, Work, opened, packed
from replay.engines.sql import BY_SUBJECT
from replay.segments.layout import MANIFEST, SCHEMA, Manifest, halves
from replay.segments.reading import Segments, book_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SQL_TYPES = {pa.int32(): "INT", pa.int64(): "BIGINT", pa.string(): "STRING"}
COLUMNS = ", ".join(f"{f.name} {_SQL_TYPES.get(f.type, 'BINARY')}" for f in SCHEMA)
"""The columns of the layout in Spark's words; given, so that no file is opened to learn them."""
_UNREADABLE = ("PATH_NOT_FOUND", "FAILED_READ_FILE", "CANNOT_READ_FILE", "UNABLE_TO_INFER_SCHEMA")


_UNFIT = ("ModuleNotFoundError", "PYTHON_VERSION_MISMATCH", "Cannot run program")
_NO_PYTHON = (
    "the executors need Python of the driver's version with Probant of the driver's: what is asked"
    " of whole people runs there (docs/spark.md says how it gets there)"
)


class SparkWords:
    """Two integers as one decimal: unlike a pair, its maximum is found by hashing, not sorting."""

    none, place = "''", "BIGINT"

    def wide(self, high: str, low: str) -> str:
        """The two as one of 126 bits."""
        return f"(CAST({high} AS DECIMAL(38, 0)) * {2**63} + {low})"

    def high(self, wide: str) -> str:
        """The first."""
        return f"CAST({wide} // {2**63} AS BIGINT)"

    def low(self, wide: str) -> str:
        """The second."""
        return f"CAST({wide} % {2**63} AS BIGINT)"


class Spoken(Spark):
    """Spark's dialect, its nested steps left where they are: two of them may have one name."""

    class Generator(SparkGenerator):
        """Hive, from which it comes, has no nested steps: they would all be moved to the top."""

        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type[exp.Expr]]] = set()


class Steps(NamedTuple):
    """A query in Spark's dialect: relations to keep first, by name, then the query itself."""

    kept: tuple[tuple[str, str], ...]
    query: str


@lru_cache(maxsize=256)
def translated(text: str) -> Steps:
    """A query of `sql.py` or `judging.py` as Spark is told it.

    A step marked MATERIALIZED is read several times, and Spark would make it anew for each. Where
    its readers are selects that are put together, one for each class, each of its rows is spread
    into theirs at once; any other is kept beside.
    """
    tree: Any = sqlglot.parse_one(text, read="duckdb")
    kept: list[tuple[str, str]] = []
    for clause in list(tree.find_all(exp.With)):
        query: Any = clause.parent
        spread = set()
        plain: list[Any] = []  # the steps so far that stay: what is kept beside may name them
        for common in list(clause.expressions):
            if not common.args.get("materialized"):
                plain.append(common)
                continue
            common.set("materialized", None)
            read = [table for table in query.find_all(exp.Table) if table.name == common.alias]
            if len(read) == sum(_source(select) == common.alias for select in _selects(query)):
                spread.add(common.alias)
            else:
                kept.append((common.alias, _alone(common.this, plain).sql(dialect=Spoken)))
                common.pop()
        before = clause.pop()
        found = _spread(query, spread) if spread else query
        if before.expressions:
            found.set("with_", before)
        if query is tree:
            tree = found
        elif found is not query:
            query.replace(found)
    return Steps(tuple(kept), tree.sql(dialect=Spoken))


def _alone(query: exp.Query, steps: list[Any]) -> exp.Query:
    """A query with the steps that it names brought along."""
    named = {table.name for table in query.find_all(exp.Table)}
    brought = [step.copy() for step in steps if step.alias in named]
    own = query.args.get("with_")
    if brought:
        query.set("with_", exp.With(expressions=[*brought, *(own.expressions if own else ())]))
    return query


def _spread(query: exp.Query, steps: set[str]) -> exp.Query:
    """Selects put together, those that read the same step as one that reads it once."""
    names = query.named_selects
    by_step: dict[str, list[exp.Select]] = {}
    found: list[exp.Query] = []
    for select in _selects(query):
        if (step := _source(select)) in steps:
            by_step.setdefault(step, []).append(select)
        else:
            found.append(select)
    found += [_at_once(step, names, selects) for step, selects in by_step.items()]
    return exp.union(*found, distinct=False) if len(found) > 1 else found[0]


def _source(select: exp.Select) -> str:
    """The relation that a plain select reads; '' if it reads a query, or none."""
    source = select.args.get("from_")
    return source.name if source is not None and isinstance(source.this, exp.Table) else ""


def _selects(query: exp.Query) -> Iterator[exp.Select]:
    """The selects that `UNION ALL` puts together, in order."""
    if isinstance(query, exp.Union):
        assert not query.args["distinct"]
        yield from _selects(query.this)
        yield from _selects(query.expression)
    else:
        assert isinstance(query, exp.Select)
        yield query


def _at_once(step: str, names: list[str], selects: list[exp.Select]) -> exp.Select:
    """`SELECT a AS x FROM s WHERE c UNION ALL SELECT b FROM s WHERE d` as one select of `s`."""
    rows = []
    for select in selects:
        where = select.args.get("where")
        values = [where.this if where else exp.true(), *(e.unalias() for e in select.expressions)]
        spoken = (value.sql(dialect=Spoken) for value in values)
        named = zip(spoken, ("wanted", *names), strict=True)
        rows.append(f"STRUCT({', '.join(f'{value} AS {name}' for value, name in named)})")
    text = f"""SELECT {", ".join(f"r.{name}" for name in names)} FROM {step}
        LATERAL VIEW INLINE(ARRAY({", ".join(rows)})) r AS wanted, {", ".join(names)}
        WHERE r.wanted"""
    return sqlglot.parse_one(text, read=Spoken, into=exp.Select)


class SparkEngine(SqlEngine):
    """Spark over files, in a session of `cluster.session` or of your own."""

    words = SparkWords()

    def __init__(self, files: Files, book: Book, *, session: SparkSession) -> None:
        super().__init__(files, book)
        # A session of its own on the same cluster: its relations have names that others may use.
        self._spark = session.newSession()
        self._spark.conf.set("spark.sql.ansi.enabled", "true")
        self._kept: set[str] = set()
        self._asked: list[DataFrame] = []
        self._seconds, self._before = 0.0, -1
        with _speaking():
            self._read().createOrReplaceTempView("events")

    def _read(self) -> DataFrame:
        if not self.files.paths:
            nothing = [f"CAST(NULL AS {c.split()[1]}) AS {c.split()[0]}" for c in _columns()]
            return self._spark.range(0).selectExpr(*nothing)
        paths = [located(path) for path in self.files.paths]
        return self._spark.read.schema(COLUMNS).parquet(*paths)

    @property
    def name(self) -> str:
        """As `--engine` names it."""
        return "spark"

    def close(self) -> None:
        """Let the executors forget what they keep. The session stays open: whoever opened it closes
        it."""
        self._forget()

    def _forget(self) -> None:
        """What nothing names any more, Spark's own cleaner takes from the executors."""
        for name in self._kept:
            self._spark.catalog.dropTempView(name)
        self._kept.clear()

    def _begin(self) -> None:
        self._forget()
        self._laid = None  # it rests on what is forgotten
        self._asked, self._seconds = [], 0.0
        self._before = next((stage.stageId() for stage in self._stages()), -1)

    def _keep(self, name: str, text: str) -> None:
        with self._timed():
            self._keep_frame(name, self._frame(text))

    def _lay(self, texts: Mapping[str, str]) -> None:
        """Views: each reader reads the files again, and the executors keep nothing great."""
        for name, text in texts.items():
            self._show(f"all_{name}", text)

    def _show(self, name: str, text: str) -> None:
        with self._timed():
            self._frame(text).createOrReplaceTempView(name)

    def _keep_frame(self, name: str, frame: DataFrame) -> None:
        """What does not fit in an executor's memory goes to its disk. The plan ends here: else
        Spark plans each step anew under every one that names it, for minutes. An executor that is
        lost with it fails the question, which is asked again."""
        from pyspark import StorageLevel

        kept = frame.localCheckpoint(storageLevel=StorageLevel.MEMORY_AND_DISK)
        kept.createOrReplaceTempView(name)
        self._kept.add(name)

    def _rows(self, text: str) -> Iterator[tuple[Any, ...]]:
        with self._timed():
            frame = self._frame(text)
            self._asked.append(frame)
            rows = frame.toLocalIterator()
        yield from self._taken(rows)

    def _taken(self, rows: Iterator[Any]) -> Iterator[Any]:
        """One after the other, each taken from the executors on the question's time."""
        end = object()
        while True:
            with self._timed():
                row = next(rows, end)
            if row is end:
                return
            yield row

    def under(self, book: Book) -> SparkEngine:
        """The same files under other editions, in the same session; to be closed too."""
        return SparkEngine(self.files, book, session=self._spark)

    def shares(
        self, work: Work, families: Mapping[UUID, Collection[UUID]], known: int | None = None
    ) -> Iterator[Any]:
        """What a work gave of each share of the people, in the order of their ids (`Spreading`).

        Rows are brought together by person, in ranges of ids; each range is a share. The answers,
        small beside the rows, wait on the executors' disks until the driver takes them in turn.
        """
        from pyspark import StorageLevel

        self._begin()
        context = self._spark.sparkContext
        with self._timed():
            sent = context.broadcast(packed(work))
            found = self._owned(families, known).rdd.mapPartitions(Sent(sent))
            found.persist(StorageLevel.DISK_ONLY)
        try:
            with self._timed():
                found.count()  # all shares at once; what follows only fetches
                rows = found.toLocalIterator()
            yield from map(opened, self._taken(rows))
        finally:
            found.unpersist()
            sent.unpersist()

    def _owned(self, families: Mapping[UUID, Collection[UUID]], known: int | None) -> DataFrame:
        """Whose each row is (its person's, and that of each of her family), and the row."""
        from pyspark.sql import functions as f

        columns = ", ".join(f"e.{name}" for name in (*TYPED, "entry"))
        upto = "TRUE" if known is None else f"e.position <= {known:d}"
        text = f"""SELECT e.subject_hi AS hi, e.subject_lo AS lo, {columns} FROM events e
            WHERE e.subject_hi IS NOT NULL AND {upto}"""
        kin = [(*halves(a), *halves(b)) for a, all_ in families.items() for b in all_ if a != b]
        if kin:
            frame = self._spark.createDataFrame(
                kin, "hi BIGINT, lo BIGINT, of_hi BIGINT, of_lo BIGINT"
            )
            frame.createOrReplaceTempView("kin")
            text += f"""
                UNION ALL SELECT /*+ BROADCAST(k) */ k.hi, k.lo, {columns} FROM events e
                JOIN kin k ON k.of_hi = e.subject_hi AND k.of_lo = e.subject_lo WHERE {upto}"""
        order = [f.expr(one) for one in BY_SUBJECT.split(", ")]
        number = int(self._spark.conf.get("spark.sql.shuffle.partitions") or 200)
        apart = self._spark.sql(text).repartitionByRange(number, *order)
        self._asked.append(apart)
        return apart.sortWithinPartitions(*order, "position")

    def _frame(self, text: str) -> DataFrame:
        steps = translated(text)
        for name, step in steps.kept:
            self._keep_frame(name, self._spark.sql(step))
        return self._spark.sql(steps.query)

    def _plan(self, frame: DataFrame) -> str:
        java: Any = self._spark.sparkContext._jvm
        explain = java.org.apache.spark.sql.api.python.PythonSQLUtils.explainString
        return str(explain(frame._jdf.queryExecution(), "formatted"))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.perf_counter()
        with _speaking():
            yield
        self._seconds += time.perf_counter() - began

    def report(self) -> Report:
        """Where the time of the last question went. Bytes are what the executors read, of what they
        keep beside too; memory is the sum of their highest heaps since they started."""
        mine = list(takewhile(lambda stage: stage.stageId() > self._before, self._stages()))
        peaks = [
            found.get()
            for one in self._executors()
            if not (found := one.peakMemoryMetrics()).isEmpty()
        ]
        return Report(
            engine=self.name,
            seconds=self._seconds,
            rows=self.files.rows,
            bytes_read=sum(stage.inputBytes() for stage in mine),
            memory=sum(peak.getMetricValue("JVMHeapMemory") for peak in peaks),
            spilled=sum(stage.diskBytesSpilled() for stage in mine),
            plan="\n".join(map(self._plan, self._asked)),
        )

    def _stages(self) -> Iterator[Any]:
        """What Spark remembers of its stages, the newest first."""
        gateway: Any = self._spark.sparkContext._gateway
        nothing = gateway.new_array(gateway.jvm.double, 0), gateway.jvm.java.util.ArrayList()
        return _each(self._store().stageList(None, False, False, *nothing))

    def _executors(self) -> Iterator[Any]:
        return _each(self._store().executorList(False))

    def _store(self) -> Any:
        java: Any = self._spark.sparkContext._jsc
        return java.sc().statusStore()


def _each(found: Any) -> Iterator[Any]:
    """The elements of a sequence of Scala's."""
    return map(found.apply, range(found.size()))


def _columns() -> list[str]:
    return COLUMNS.split(", ")


def located(path: str) -> str:
    """A path as Spark is given it: a URL as it is, one of this machine as such, whatever the
    cluster's own default is; its characters are names, never patterns."""
    if "://" in path:
        return path
    return "file://" + re.sub(r"([][{}*?\\])", r"\\\1", str(Path(path).absolute()))


def open_remote(session: SparkSession, url: str) -> Segments:
    """A folder of segments wherever Spark reads: its manifest and its policies come here, its
    events stay. Raises BadData where they are not as the manifest says."""

    def read(path: str) -> bytes:
        with _speaking():
            frame = session.read.format("binaryFile").load(f"{url.rstrip('/')}/{path}")
            return bytes(frame.select("content").collect()[0][0])

    manifest = Manifest.parse(read(MANIFEST))
    paths = tuple(f"{url.rstrip('/')}/{one.path}" for one in manifest.files)
    return Segments(manifest, paths, book_of(manifest, read))


@contextmanager
def _speaking() -> Iterator[None]:
    """What Spark says, as a sentence of ours. Raises BadData for a file that cannot be read, Broken
    for the rest."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        said = cluster.reason_of(error)
        condition = (isinstance(error, PySparkException) and error.getCondition()) or ""
        if any(name in str(error) for name in _UNFIT):
            raise Misuse(_NO_PYTHON) from None
        if any(name in f"{condition} {said}" for name in _UNREADABLE):
            raise BadData("a file of these segments is missing or cannot be read") from None
        raise Broken(f"Spark could not answer: {said}") from None
