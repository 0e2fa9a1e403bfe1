"""Every engine, the plain fold, SQL in both databases and their live tables give the same answers.

The histories are those of `tests/agreement/histories.py`: late, backdated, imported, corrected,
voided, archived, erased, told of editions or not. On a failure hypothesis prints the smallest.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings

from ledger.calendar import parse_as_of
from ledger.events import Row
from ledger.policy.book import Book
from ledger.policy.consents import counted_as
from ledger.policy.evaluate import choices, deadlines
from ledger.store.database import Database
from ledger.store.population import population
from replay import fold
from replay.engines.contract import Choice, Due, Engine
from tests.agreement.databases import record
from tests.agreement.histories import ASKED_AT, HISTORIES, book, rows_of
from tests.agreement.test_agreement import NOW, POSITIONS, SIZES, ordered
from tests.engines.conftest import ENGINES, SHARES, Company, Opener
from tests.engines.files import written
from tests.stories import test_two_times as two_times

SEED = 20261127
ALOUD = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def check(engine: Engine, rows: list[Row], policy: Book, as_of: int, known: int | None) -> None:
    """Every question of the contract, against a fold of the rows in memory."""
    hers = ordered(rows)
    assert engine.population(as_of, known) == fold.population(hers, policy, as_of, known)
    due: list[Due] = []
    said: list[Choice] = []
    for subject, state in fold.fold(hers, as_of, known):
        due += [
            Due(
                subject,
                d.klass,
                d.scope,
                "suspended" if d.suspended_by else d.tier_now,
                d.counted.day,
                d.counted.position,
                d.operational_until,
                d.archive_until,
            )
            for d in deadlines(state, policy, as_of, known)
        ]
        said += [
            Choice(
                subject,
                c.purpose,
                c.channel,
                *counted_as(c),
                *(c.kind or "", c.day or 0, c.position or 0),  # type: ignore[arg-type]
            )
            for c in choices(state, policy, as_of, known)
        ]
    assert list(engine.deadlines(as_of, known)) == due
    assert list(engine.choices(as_of, known)) == said
    assert list(engine.people(known)) == [r for r in hers if known is None or r.position <= known]


@pytest.fixture
def database(ledger_url: str) -> Iterator[Database]:
    """An empty ledger of each kind."""
    opened = Database(ledger_url)
    opened.create()
    yield opened
    opened.close()


@pytest.mark.parametrize("opened", [*ENGINES.values(), SHARES], ids=[*ENGINES, "shares"])
def test_engines_agree_with_the_fold_on_any_history(opened: Opener, tmp_path: Path) -> None:
    """Whatever happened, at whichever two times."""

    @settings(ALOUD, max_examples=40)
    @given(history=HISTORIES, as_of=ASKED_AT, known=POSITIONS)
    def examples(history: Any, as_of: int | None, known: int | None) -> None:
        rows = rows_of(history)
        note("\n".join(map(repr, rows)))
        files = written(tmp_path / "events.parquet", rows)
        with opened(files, book()) as engine:
            check(engine, rows, book(), as_of or NOW, known)

    examples()


def test_engines_agree_with_the_databases_and_their_live_tables(
    quick: Opener, database: Database, tmp_path: Path
) -> None:
    """The same rows in files and in a database: counted alike then, and now."""

    @settings(ALOUD, max_examples=20 if database.is_memory else 6)
    @given(history=HISTORIES, sizes=SIZES, as_of=ASKED_AT, known=POSITIONS)
    def examples(history: Any, sizes: Any, as_of: int | None, known: int | None) -> None:
        rows = rows_of(history)
        note("\n".join(map(repr, rows)))
        record(database, rows, sizes)
        then = as_of or NOW
        with (
            quick(written(tmp_path / "events.parquet", rows), book()) as engine,
            database.read() as connection,
        ):
            counted = population(connection, book(), then, known)
            assert engine.population(then, known) == counted
            live = population(connection, book(), NOW, source="live")
            assert engine.population(NOW) == live

    examples()


def test_the_two_times_stories_are_told_alike(quick: Opener, tmp_path: Path) -> None:
    """Every history of the story table, at its own two times."""
    for story in two_times.STORIES:
        rows = two_times.rows(story.history)
        _, as_of, known = two_times.at_two_times(*story)
        files = written(tmp_path / "events.parquet", rows)
        with quick(files, two_times.book()) as engine:
            check(engine, rows, two_times.book(), as_of, known)


def test_ten_made_up_years_are_counted_alike_at_random_times(
    quick: Opener, company: Company
) -> None:
    """The demo company, from a printed seed: engines over its rows, SQL over its database."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    with quick(company.files, company.book) as engine:
        for _ in range(3):
            as_of = parse_as_of(f"{chance.randint(2017, 2028)}-{chance.randint(1, 12):02}-28")
            known = chance.choice((None, chance.randint(1, company.files.rows)))
            with company.database.read() as connection:
                counted = population(connection, company.book, as_of, known)
            print(f"as of {as_of}, known {known}: {counted.subjects} people")
            assert engine.population(as_of, known) == counted
        assert engine.population(NOW).subjects > 0
