"""Spark on two executors answers what DuckDB and the fold answer, and says what it is told to.

A question takes seconds there, whatever its size: many histories are put into one log, of other
people each, and asked about at once.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, seed, settings
from pyspark.sql import SparkSession

from ledger.errors import BadData
from ledger.events import Row
from ledger.policy.book import Book
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.engines.spark import SparkEngine, translated
from tests.agreement.histories import ASKED, HISTORIES, book, rows_of
from tests.engines.conftest import Company
from tests.engines.files import written
from tests.engines.test_cluster import tasks_by_executor

SEED = int(os.environ.get("PROBANT_TEST_SEED", "20261127"))
HISTORIES_AT_ONCE = 40


def answers(engine: Engine, as_of: int, known: int | None) -> dict[str, Any]:
    """Every answer over everybody."""
    return {
        "population": engine.population(as_of, known),
        "ages": engine.ages(as_of, known),
        "deadlines": list(engine.deadlines(as_of, known)),
        "choices": list(engine.choices(as_of, known)),
        "activity": list(engine.activity(as_of, known)),
        "people": list(engine.people(known)),
    }


def agree(files: Files, policy: Book, spark: SparkSession, as_of: int, known: int | None) -> None:
    """The three engines, question by question."""
    with FoldEngine(files, policy) as fold:
        defined = answers(fold, as_of, known)
    with DuckEngine(files, policy) as duck:
        assert answers(duck, as_of, known) == defined
    with SparkEngine(files, policy, session=spark) as engine:
        found = answers(engine, as_of, known)
    for question, answer in defined.items():
        assert found[question] == answer, question


def drawn(number: int) -> list[list[Row]]:
    """So many histories that nobody thought of, from the seed."""
    found: list[list[Row]] = []

    @seed(SEED)
    @settings(max_examples=number, database=None, deadline=None, phases=[Phase.generate])
    @given(history=HISTORIES)
    def draw(history: Any) -> None:
        found.append(rows_of(history))

    draw()
    return found


def at_once(histories: list[list[Row]]) -> list[Row]:
    """All histories as one log, their facts in turns, each of other people: every other one has an
    id whose highest bit is set, and sorts behind the others only if halves are unsigned."""
    n = len(histories)

    def moved(row: Row, history: int) -> Row:
        apart = (history % 2 << 127) | (history << 96)
        return row._replace(
            position=row.position * n + history,
            subject=UUID(int=row.subject.int | apart) if row.subject else None,
            ref_position=row.ref_position and row.ref_position * n + history,
        )

    rows = [moved(row, at) for at, history in enumerate(histories) for row in history]
    return sorted(rows, key=lambda row: row.position)


def later(policy: Book, times: int) -> Book:
    """The same editions, published that many times later."""
    found = Book()
    for entry in policy.entries:
        found = found.with_edition(entry.edition, entry.position * times)
    return found


def test_many_histories_at_once_are_told_alike(spark: SparkSession, tmp_path: Path) -> None:
    """Every question, at a random two times, by both executors."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    histories = drawn(HISTORIES_AT_ONCE)
    rows = at_once(histories)
    files = written(tmp_path / "events.parquet", rows)
    before = tasks_by_executor(spark)
    as_of, known = chance.choice(ASKED), chance.randint(rows[-1].position // 2, rows[-1].position)
    print(f"{len(rows)} rows of {len(histories)} histories, as of {as_of}, known {known}")
    agree(files, later(book(), len(histories)), spark, as_of, known)
    after = tasks_by_executor(spark)
    assert len(after) == 2
    assert all(after[one] > before.get(one, 0) for one in after)


def test_ten_made_up_years_are_told_alike(spark: SparkSession, company: Company) -> None:
    """The demo company: every question at a random time."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    as_of, known = chance.choice(ASKED), chance.randint(1, company.files.rows)
    print(f"as of {as_of}, known {known}")
    agree(company.files, company.book, spark, as_of, known)


def test_a_folder_may_have_any_name(spark: SparkSession, tmp_path: Path) -> None:
    """Its characters are no pattern, and not an address."""
    folder = tmp_path / "année [2024] {a,b} 100%20 *?"
    folder.mkdir()
    rows = at_once(drawn(2))
    files = written(folder / "events.parquet", rows)
    with SparkEngine(files, book(), session=spark) as engine:
        assert len(list(engine.people())) == sum(row.subject is not None for row in rows)


def test_a_file_that_is_gone_is_a_sentence(spark: SparkSession, tmp_path: Path) -> None:
    files = Files((str(tmp_path / "gone.parquet"),), 1, 1)
    with pytest.raises(BadData, match="missing or cannot be read"):
        SparkEngine(files, book(), session=spark).population(ASKED[0])


# --- what is said in another way ------------------------------------------------------------------


def test_steps_of_one_name_stay_apart() -> None:
    """A step inside a step may have the name of another: none is moved to the top."""
    inner = "SELECT * FROM (WITH codes AS (SELECT {} AS n) SELECT n FROM codes) s"
    said = translated(f"{inner.format(1)} UNION ALL {inner.format(2)}").query
    assert said.count("WITH codes AS") == 2


def test_a_step_read_by_many_is_read_once() -> None:
    """Its selects become rows of one, each with its own condition; other selects stay."""
    said = translated(
        """WITH p AS MATERIALIZED (SELECT 1 AS a, 2 AS b)
        SELECT a AS x FROM p WHERE a > 0 UNION ALL SELECT b FROM p UNION ALL SELECT 3"""
    ).query
    assert "MATERIALIZED" not in said
    assert said.count("FROM p") == 1
    assert "STRUCT(a > 0 AS wanted, a AS x), STRUCT(TRUE AS wanted, b AS x)" in said
    assert said.startswith("WITH p AS (SELECT 1 AS a, 2 AS b) SELECT 3 UNION ALL")


def test_a_step_read_in_other_ways_is_kept() -> None:
    """It is made once, before the query that reads it twice."""
    said = translated(
        """SELECT a FROM (WITH s AS MATERIALIZED (SELECT 1 AS a)
        SELECT x.a FROM s x JOIN (SELECT * FROM s) y ON x.a = y.a) q"""
    )
    assert said.kept == (("s", "SELECT 1 AS a"),)
    assert "WITH" not in said.query
    assert said.query.count("FROM s") == 2


@pytest.mark.parametrize(
    ("duck", "spoken"),
    [
        ("SELECT a // 2", "SELECT a DIV 2"),
        ("SELECT a % 2", "SELECT a % 2"),
        ("SELECT MAX(p) FILTER (WHERE l <> 0)", "SELECT MAX(p) FILTER(WHERE l <> 0)"),
        ("SELECT BIT_OR(a & 3)", "SELECT BIT_OR(a & 3)"),
    ],
)
def test_what_the_dialects_say_differently(duck: str, spoken: str) -> None:
    assert translated(duck) == ((), spoken)
