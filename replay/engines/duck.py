"""DuckDB: the questions of `sql.py` on one machine, over the Parquet files where they lie.

It reads the columns a question needs, on all cores, and lays the facts out narrowly in a database
of its own in memory, of which it writes aside what does not fit in `memory`. What is grouped must
fit: where people are too many, the facts are laid out in the order of their ids, and answered in
shares, one range of ids after the other. Read next: `judging.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias, TypeVar

import duckdb

from ledger.errors import BadData, Misuse
from ledger.policy.book import Book
from replay.controls.at_once import Lines
from replay.engines.aside import CREATED, LAID, NARROWED, NO_ITEM, NUMBERED, RELATIONS, Aside, named
from replay.engines.comparing import Comparing
from replay.engines.contract import Files, Report
from replay.engines.lanes import Sort
from replay.engines.lines import BatchOfLines
from replay.segments.layout import SCHEMA

T = TypeVar("T")
Asked: TypeAlias = duckdb.DuckDBPyConnection
_PAGE = 4096  # rows fetched at a time
_BYTES = 128  # of memory for each fact of a share
_LIMIT = "SELECT CAST(parse_formatted_bytes(current_setting('memory_limit')) AS BIGINT)"


class DuckWords:
    """Two integers as one of 128 bits; no item, by its number where items are numbered."""

    def __init__(self, none: str, rows: int) -> None:
        self.none, self.place = none, "INTEGER" if rows < 2**29 else "BIGINT"

    def wide(self, high: str, low: str) -> str:
        """The two as one."""
        return f"((CAST({high} AS HUGEINT) << 63) | {low})"

    def high(self, wide: str) -> str:
        """The first."""
        return f"CAST(({wide}) >> 63 AS BIGINT)"

    def low(self, wide: str) -> str:
        """The second."""
        return f"CAST(({wide}) & {2**63 - 1} AS BIGINT)"


class DuckEngine(Comparing):
    """DuckDB over files. `memory` is as DuckDB writes it ('256MB'; None: four fifths of what the
    machine has), `threads` None: all cores, `spill` a folder for what does not fit (None: a fresh
    one of its own), `at_once` the facts of a share (None: as many as fit in the memory), `aside`
    where facts are kept for the next question (None: nowhere)."""

    def __init__(
        self,
        files: Files,
        book: Book,
        *,
        memory: str | None = None,
        threads: int | None = None,
        spill: Path | None = None,
        at_once: int | None = None,
        aside: Aside | None = None,
    ) -> None:
        super().__init__(files, book)
        self._aside = aside
        self._called = "raw" if aside else "all"
        self.words = DuckWords(NO_ITEM if aside else "''", files.rows)
        self._own_spill = TemporaryDirectory(prefix="probant-replay-") if spill is None else None
        spilling = Path(self._own_spill.name) if self._own_spill else spill
        settings: dict[str, Any] = {
            "temp_directory": str(spilling),
            "preserve_insertion_order": False,
            "checkpoint_threshold": "1TB",  # in memory there is nothing to write back
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        if memory is not None:
            settings["memory_limit"] = memory
        if threads is not None:
            settings["threads"] = threads
        self._profiles: dict[str, list[dict[str, Any]]] = {}  # by query: each share asks it
        self._spans: list[tuple[float, float]] = []  # of each query, from when until when
        try:
            self._db = duckdb.connect(":memory:", config=settings)
        except duckdb.Error:
            self._free_spill()
            raise Misuse("the memory is written as a size, for example 256MB or 4GB") from None
        self.memory: int = self._db.execute(_LIMIT).fetchall()[0][0]  # bytes
        self._cuts: list[tuple[int, int]] | None = None  # quantiles are approximate, and vary
        self._at_once = at_once or max(self.memory // _BYTES, 1)
        paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files.paths)
        source = f"read_parquet([{paths}])" if files.paths else _NOTHING
        try:
            _told(lambda: self._db.execute(f"CREATE VIEW events AS SELECT * FROM {source}"))
        except BadData:
            self.close()
            raise

    @property
    def name(self) -> str:
        """As `--engine` names it."""
        return "duck"

    def close(self) -> None:
        """Close the database and remove what it wrote aside."""
        self._db.close()
        self._free_spill()

    def _free_spill(self) -> None:
        if self._own_spill is not None:
            self._own_spill.cleanup()

    def _begin(self) -> None:
        self._profiles, self._spans = {}, []

    def _keep(self, name: str, text: str) -> None:
        with self._asking(_KEEP.format(name, text)):
            pass

    def _show(self, name: str, text: str) -> None:
        self._db.execute(f"CREATE OR REPLACE VIEW {name} AS {text}")

    def _lay(self, texts: Mapping[str, str]) -> None:
        """In the order of people where there may be several shares: who reads one passes over the
        rest, wherever it lies."""
        order = "ORDER BY hi" if self.files.rows > self._at_once else ""
        for name, text in texts.items():
            self._keep(f"{self._called}_{name}", f"SELECT * FROM ({text}) x {order}")

    def _shares(self) -> Iterable[tuple[int, int]]:
        """The same each time: two answers may go through them side by side."""
        if self._cuts is None:
            self._cuts = self._ranges("all_facts")
        return self._cuts

    def _ranges(self, name: str) -> list[tuple[int, int]]:
        """Ranges of the first half of their ids, with about as many facts each; both ends included.
        None crosses zero: ids are ordered as if their halves had no sign."""
        (facts,) = next(self._rows(f"SELECT COUNT(*) FROM {name}"))
        n = -(-facts // self._at_once)
        if n < 2:
            return [(-(2**63), 2**63 - 1)]
        parts = ", ".join(str(i / n) for i in range(1, n))
        (edges,) = next(self._rows(f"SELECT APPROX_QUANTILE(hi, [{parts}]) FROM {name}"))
        begins = sorted({-(2**63), 0, *edges})
        ranges = zip(begins, [*(begin - 1 for begin in begins[1:]), 2**63 - 1], strict=True)
        return sorted(ranges, key=lambda share: (share[0] < 0, share))

    def _among(self, share: tuple[int, int]) -> str:
        return f"AND hi BETWEEN {share[0]} AND {share[1]}"

    def _named(self, text: str, columns: str, order: str = "") -> str:
        return named(text, columns, order) if self._aside else super()._named(text, columns, order)

    def _numbered(self, name: str, more: str = "") -> str:
        if self._aside is None:
            return super()._numbered(name, more)
        return f"""SELECT p.number AS hi, 0 AS lo{more} FROM {name} s
            JOIN people p ON p.hi = s.hi AND p.lo = s.lo"""

    def _add(self, name: str, people: Sequence[tuple[int, int]]) -> None:
        if people:
            each = [list(half) for half in zip(*people, strict=True)]
            self._db.execute(f"INSERT INTO {name} SELECT UNNEST(?), UNNEST(?)", each)

    # -- kept aside ------------------------------------------------------------------------------

    def _lay_out(self) -> dict[int, Sort]:
        """As it lies aside; laid out there first, where it does not."""
        if self._aside and self._laid is None:
            self._laid = self._recalled(self._aside)
            if self._laid is None:
                self._keep_aside(self._aside)
                self._laid = self._recalled(self._aside)
        return super()._lay_out()

    def _recalled(self, aside: Aside) -> dict[int, Sort] | None:
        """What lies aside: None where it is not what was laid out there."""
        if not aside.is_whole:
            return None
        try:
            self._db.execute(f"ATTACH '{_quoted(aside.path)}' AS kept (READ_ONLY)")
            found = self._db.execute("SELECT * FROM kept.sorts ORDER BY number").fetchall()
            sorts = {number: Sort(*sort) for number, *sort in found}
        except duckdb.Error:
            self._db.execute("DETACH DATABASE IF EXISTS kept")
            return None
        for name in RELATIONS:
            self._show(name, f"SELECT * FROM kept.{name}")
        return sorts

    def _keep_aside(self, aside: Aside) -> None:
        """Lay everything out in a file that has its name only when it is whole; files of other
        segments go. Raises Misuse where nothing can be written."""
        try:
            aside.check(self.files.paths)
            with TemporaryDirectory(dir=aside.path.parent, prefix="new-") as new:
                path = Path(new) / "facts.duckdb"
                self._db.execute(f"ATTACH '{_quoted(path)}' AS kept")
                try:
                    sorts = super()._lay_out()
                    self._narrow()
                    for number, sort in sorts.items():
                        self._db.execute(_SORT, [number, *sort])
                finally:
                    self._db.execute("DETACH kept")
                for other in aside.path.parent.glob("*.duckdb"):
                    other.unlink()
                path.rename(aside.path)
            aside.pin()
        except OSError:
            raise Misuse(
                "facts cannot be kept aside in this folder: it cannot be written"
            ) from None

    def _narrow(self) -> None:
        """Number people and items, one range of people after the other, and drop what is wide."""
        for statement in CREATED:
            self._db.execute(statement)
        for low, high in self._ranges("raw_facts"):
            for name in LAID:
                self._show(name, f"SELECT * FROM raw_{name} WHERE hi BETWEEN {low} AND {high}")
            for name, text in NUMBERED.items():
                self._keep(name, text)
            for text in NARROWED:
                with self._asking(text):
                    pass
        for name in (*(f"raw_{name}" for name in LAID), *NUMBERED):
            self._db.execute(f"DROP TABLE {name}")

    # -- asking ----------------------------------------------------------------------------------

    def _rows(self, text: str) -> Iterator[tuple[Any, ...]]:
        with self._asking(text) as cursor:
            while page := _told(lambda: cursor.fetchmany(_PAGE)):
                yield from page

    def _lines_of(self, text: str) -> Iterator[Lines]:
        with self._asking(text, _in_batches) as reader:
            while (batch := _told(lambda: next(reader, None))) is not None:
                yield BatchOfLines(batch)

    @contextmanager
    def _asking(
        self, text: str, ask: Callable[[Asked, str], Any] = duckdb.DuckDBPyConnection.execute
    ) -> Iterator[Any]:
        """A query on a connection of its own: another may be asked while its rows are read."""
        began = time.perf_counter()
        with self._db.cursor() as cursor:
            cursor.execute("SET enable_progress_bar = false")  # it would draw on stdout
            cursor.execute("SET enable_profiling = 'no_output'")
            cursor.execute("SET profiling_coverage = 'ALL'")
            yield _told(lambda: ask(cursor, text))
            profile = json.loads(cursor.get_profiling_information(format="json"))
            self._profiles.setdefault(text, []).append(profile)
            self._spans.append((began, time.perf_counter()))

    def report(self) -> Report:
        """Where the time of the last question went: all its queries, with the peak of the worst."""
        profiles = [one for asked in self._profiles.values() for one in asked]

        def peak(what: str) -> int:
            return max((int(one["system"][what]) for one in profiles), default=0)

        return Report(
            engine=self.name,
            seconds=covered(self._spans),
            rows=self.files.rows,
            bytes_read=sum(int(one["io"]["total_bytes_read"]) for one in profiles),
            memory=peak("peak_buffer_memory"),
            spilled=peak("peak_temp_dir_size"),
            plan="\n".join(line for asked in self._profiles.values() for line in _plan(asked)),
        )


def _in_batches(asked: Asked, text: str) -> Any:
    return asked.sql(text).to_arrow_reader()


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of what these spans cover: where several are, it counts once."""
    length, until = 0.0, float("-inf")
    for began, ended in sorted(spans):
        length += max(ended - max(began, until), 0)
        until = max(until, ended)
    return length


def _told(ask: Callable[[], T]) -> T:
    """DuckDB's errors in sentences of ours: its own may quote what they stumbled on."""
    try:
        return ask()
    except duckdb.OutOfMemoryException:
        raise Misuse("that is too little memory for so many events: give --memory more") from None
    except (duckdb.IOException, duckdb.InvalidInputException):
        raise BadData("a segment cannot be read") from None
    except duckdb.Error as error:
        if type(error) is duckdb.Error:  # of no sort: what damaged bytes make of a decompressor
            raise BadData("a segment cannot be read") from None
        raise


def _plan(asked: list[dict[str, Any]]) -> Iterator[str]:
    """One query: its seconds in all shares, then each operator of the longest with its own seconds
    and the rows it handed on."""
    seconds = [one["query"]["total_time"] for one in asked]
    times = f" in {len(asked)} shares, the longest:" if len(asked) > 1 else ""
    yield f"query, {sum(seconds):.2f} s{times}"
    yield from _operators(asked[seconds.index(max(seconds))]["operator"], 1)


def _operators(found: list[dict[str, Any]], depth: int) -> Iterator[str]:
    for one in found:
        extra = one.get("extra_info", {})
        said = [extra[key] for key in ("Function", "Join Type", "Groups") if extra.get(key)]
        about = " ".join(", ".join(x) if isinstance(x, list) else str(x) for x in said)
        timed = f"{one['timing']:.2f} s, {one['intermediate_rows']} rows"
        yield f"{'  ' * depth}{one['type'].lower().replace('_', ' ')} {about} ({timed})"
        yield from _operators(one.get("children", []), depth + 1)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


_KEEP = "CREATE OR REPLACE TABLE {} AS {}"
_SORT = "INSERT INTO kept.sorts VALUES (?, ?, ?, ?, ?, ?)"
_NOTHING = "(SELECT " + ", ".join(f"NULL AS {name}" for name in SCHEMA.names) + " WHERE 1 = 0)"
