"""The counting: blocks of lines go into DuckDB, people come out. Memory is bounded; it spills.

A block is handed over as one text and cut there; what is kept of a good line is a keyed hash of the
person, the code of the fact and its day. The key is made up for the run and forgotten with it.
"""

from __future__ import annotations

import secrets
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from ledger.audit.blocks import Block
from ledger.audit.cards import Gate
from ledger.audit.plan import Plan, day_literal, literal
from ledger.audit.report import NUMBERS_KEPT, Report
from ledger.events import Choice

MEMORY = "384MB"
WORKERS = 2

_TABLES = """
CREATE TABLE seen (h UBIGINT, code UTINYINT, first_day DATE, last_day DATE, line UBIGINT,
                   n UBIGINT, reach BOOLEAN);
CREATE TABLE choices (h UBIGINT, purpose VARCHAR, channel VARCHAR, weight UTINYINT,
                      moment TIMESTAMPTZ, rank UTINYINT, line UBIGINT, proved BOOLEAN);
CREATE TABLE contracts (h UBIGINT, thing UBIGINT, kind VARCHAR, moment TIMESTAMPTZ, day DATE,
                        line UBIGINT, type VARCHAR, until DATE, tacit BOOLEAN);
CREATE TABLE things (h UBIGINT, thing UBIGINT, code UTINYINT, day DATE);
"""
# Aggregates whose class ends thing by thing, as a contract does.
THINGS = ("card", "hold", "rights_request")
# As the ledger weighs them: (weight, rank); a grant also says whether something proves it.
GRANTS = ("consent.given.v1", "consent.renewed.v1")
OPENINGS = ("objection.lifted.v1", "objection.assessed.v1")
REQUESTED = "consent.requested.v1"
NO_EXPRESSION = ("optout.offered.v1",)


class Counter:
    """The tables of one run, in a folder that only this user can read and that goes with it."""

    def __init__(self, plan: Plan, report: Report, gate: Gate) -> None:
        self.plan, self.report, self.gate = plan, report, gate
        self._folder = tempfile.TemporaryDirectory(prefix="probant-audit-")
        self.key = secrets.randbits(63)
        self._lock = threading.Lock()
        self._local = threading.local()
        folder = Path(self._folder.name)
        self.database = duckdb.connect(
            str(folder / "counts.duckdb"),
            config={
                "memory_limit": MEMORY,
                "temp_directory": str(folder / "spill"),
                "threads": WORKERS,
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "preserve_insertion_order": "false",
            },
        )
        self.database.execute("SET enable_external_access = false")
        self.database.execute("SET TimeZone = 'Europe/Paris'")
        self.database.execute(_TABLES)
        self._lines = self._lines_sql()
        self._keep = self._keep_sql()

    def __enter__(self) -> Counter:
        """The tables are there."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Nothing stays."""
        self.database.close()
        self._folder.cleanup()

    def add(self, block: Block) -> None:
        """Count one block. May be called from several threads."""
        cursor = self._cursor()
        cursor.execute(self._lines, [block.text, block.apart, block.first])
        for statement in self._keep:
            cursor.execute(statement)
        bad = cursor.execute(
            f"SELECT problem, count(*), list(line ORDER BY line)[:{NUMBERS_KEPT}]"
            " FROM lines WHERE problem IS NOT NULL GROUP BY problem"
        ).fetchall()
        (read, accepted, later), *_ = cursor.execute(
            "SELECT count(*), count(*) FILTER (problem IS NULL),"
            " count(*) FILTER (problem IS NULL AND NOT in_time) FROM lines"
        ).fetchall()
        suspects = cursor.execute(
            "SELECT line, suspect FROM lines WHERE suspect IS NOT NULL"
        ).fetchall()
        found = self.gate.judge(suspects, block.apart)
        with self._lock:
            report = self.report
            report.read += read
            report.accepted += accepted
            report.later += later
            for reason, count, numbers in bad:
                report.rejected[reason].extend(count, numbers)
            for problem, numbers in found.items():
                report.cards[problem].extend(len(numbers), numbers[:NUMBERS_KEPT])

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer to a question, whole."""
        return self.database.execute(sql).fetchall()

    def hashed(self, person: str) -> str:
        """The keyed hash of a person as SQL."""
        return f"hash({person}, {self.key}::UBIGINT)"

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        if not hasattr(self._local, "cursor"):
            cursor = self.database.cursor()
            cursor.execute("SET TimeZone = 'Europe/Paris'")
            self._local.cursor = cursor
        found: duckdb.DuckDBPyConnection = self._local.cursor
        return found

    def _lines_sql(self) -> str:
        return f"""
            CREATE OR REPLACE TEMP TABLE lines AS
            WITH cut AS (
                SELECT unnest(x) AS l, generate_subscripts(x, 1) AS n
                FROM (SELECT string_split($1, chr(10)) AS x)
            ), cells AS (
                SELECT n, l, string_split(l, $2) AS c FROM cut WHERE l <> ''
            ), typed AS (SELECT {self.plan.select()} FROM cells),
            dated AS (SELECT *, moment::DATE AS day FROM typed)
            SELECT n + $3 - 1 AS line, {self.plan.problem()} AS problem,
                {self.plan.in_time()} AS in_time, {self.hashed("person")} AS h, code, day,
                {self._extras()} reach, suspect
            FROM dated"""

    def _extras(self) -> str:
        """Columns that only choices, contracts and other things need."""
        extras = ""
        things = [n for name in ("contract", *THINGS) for n in self._codes_of(name)]
        if self._codes_of("consent") or self._codes_of("contract"):
            extras += "moment::TIMESTAMPTZ AS moment, "
        if self._codes_of("consent"):
            extras += "purpose, channel, grade, decision, "
        if things:
            extras += f"type, until, tacit, {self.hashed(self._thing())} AS thing, "
        return extras

    def _thing(self) -> str:
        # Without a reference each beginning is a thing of its own.
        return f"CASE WHEN {self.plan.blank('thing')} THEN 'line ' || (n + $3) ELSE thing END"

    def _codes_of(self, aggregate: str) -> list[int]:
        return [n for n, c in enumerate(self.plan.codes) if c.cls.aggregate == aggregate]

    def _keep_sql(self) -> list[str]:
        good = "FROM lines WHERE problem IS NULL AND in_time"
        kept = [
            "INSERT INTO seen SELECT h, code, min(day), max(day), min(line), count(*),"
            f" bool_or(reach) {good} GROUP BY h, code"
        ]
        choices = [
            n for n in self._codes_of("consent") if issubclass(self.plan.codes[n].cls, Choice)
        ]
        if choices:
            purposes = ", ".join(map(literal, self.plan.marketing)) or "''"
            kept.append(
                f"INSERT INTO choices SELECT h, purpose, channel, {self._weighed(choices)} {good}"
                f" AND code IN ({listed(choices)}) AND purpose IN ({purposes})"
            )
        contracts = self._codes_of("contract")
        if contracts:
            kinds = " ".join(f"WHEN {n} THEN {literal(self.plan.codes[n].kind)}" for n in contracts)
            kept.append(
                f"INSERT INTO contracts SELECT h, thing, CASE code {kinds} END, moment, day, line,"
                f" nullif(type, ''), until, tacit {good} AND code IN ({listed(contracts)})"
            )
        things = [n for name in THINGS for n in self._codes_of(name)]
        if things:
            kept.append(
                f"INSERT INTO things SELECT h, thing, code, day {good}"
                f" AND code IN ({listed(things)})"
            )
        return kept

    def _weighed(self, choices: list[int]) -> str:
        kinds = {n: self.plan.codes[n].kind for n in choices}
        grants = listed([n for n, kind in kinds.items() if kind in GRANTS])
        opens = listed([n for n, kind in kinds.items() if kind in (*GRANTS, *OPENINGS)])
        none = listed([n for n, k in kinds.items() if k == REQUESTED or k in NO_EXPRESSION])
        return (
            f"CASE WHEN code IN ({none}) THEN 0 ELSE 1 END, moment,"
            f" CASE WHEN code IN ({opens}) AND decision <> 'upheld' THEN 0 ELSE 1 END, line,"
            f" CASE WHEN code IN ({grants}) THEN grade IN ('proved', 'asserted') END"
        )


def listed(codes: list[int]) -> str:
    """Codes as an SQL list that is never empty."""
    return ", ".join(map(str, codes)) or "255"


def before(day_sql: str, day: int) -> str:
    """Whether a day as SQL lies before another."""
    return f"{day_sql} < {day_literal(day)}"
