"""Per-event functions, set-based SQL and the plain fold give the same rows and the same counts.

On a failure hypothesis prints the smallest history it found and how to run it again.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ledger.calendar import add_months
from ledger.events import Row
from ledger.policy.evaluate import deadlines
from ledger.projections import live
from ledger.sqltime import add_months_sql
from ledger.store import states, tables
from ledger.store.ages import ages, next_end
from ledger.store.database import Database
from ledger.store.population import PastDue, Source, past_due, population
from ledger.store.rebuild import Question, differences, has_corrections, rebuild
from replay import fold
from tests.agreement.databases import derived_states, live_states, record
from tests.agreement.histories import ASKED_AT, BASE, HISTORIES, Event, book, rows_of
from tests.stories import test_two_times as two_times

NOW = BASE + 10**12  # after every fact
SIZES = st.lists(st.integers(1, 12), min_size=1, max_size=4)
POSITIONS = st.none() | st.integers(0, 40)


@pytest.fixture
def database(ledger_url: str) -> Iterator[Database]:
    """An empty ledger of each kind."""
    opened = Database(ledger_url)
    opened.create()
    yield opened
    opened.close()


Check: TypeAlias = Callable[[Database, list[Row], int | None, int | None], None]


def histories(check: Check, in_memory: int = 200) -> Callable[[Database], None]:
    """Run a check on many histories in memory, on a few where each costs a round trip."""

    def run(database: Database) -> None:
        @settings(
            max_examples=in_memory if database.is_memory else 25,
            deadline=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(history=HISTORIES, sizes=SIZES, as_of=ASKED_AT, known=POSITIONS)
        def examples(history: Any, sizes: Any, as_of: Any, known: Any) -> None:
            rows = rows_of(history)
            note("\n".join(map(repr, rows)))
            record(database, rows, sizes)
            check(database, rows, as_of, known)

        examples()

    run.__name__, run.__doc__ = check.__name__, check.__doc__
    return run


def folded(rows: list[Row], as_of: int | None, known: int | None) -> dict[Any, Any]:
    """The definition, by subject."""
    return dict(fold.fold(ordered(rows), as_of, known))


def ordered(rows: list[Row]) -> list[Row]:
    """As the store streams them."""
    hers = [row for row in rows if row.subject is not None]
    return sorted(hers, key=lambda row: (row.subject, row.position))


@histories
def test_the_live_tables_are_what_the_fold_says(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """Kept batch by batch, folded per subject, and folded by definition: the same rows."""
    defined = folded(rows, None, None)
    with database.read() as connection:
        assert live_states(connection) == defined
        assert list(states.rows_by_subject(connection)) == ordered(rows)
    for subject, state in defined.items():
        hers = [row for row in rows if row.subject == subject]
        assert live.state_of(hers) == state


@histories
def test_a_rebuild_changes_nothing(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """The set-based rebuild writes what was there, and the comparison finds nothing to say."""
    assert list(differences(database)) == []
    with database.read() as connection:
        before = live_states(connection)
    done = rebuild(database)
    assert done.events == len(rows)
    assert list(differences(database)) == []
    with database.read() as connection:
        assert live_states(connection) == before


@histories
def test_sql_answers_at_any_two_times_what_the_fold_answers(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """The selects at (as_of, known), with and without their shortcuts."""
    defined = folded(rows, as_of, known)
    with database.read() as connection:
        quick = Question(
            as_of,
            known,
            corrections=has_corrections(connection),
            kinds=frozenset(row.kind for row in rows),
        )
        assert derived_states(connection, Question(as_of, known)) == defined
        assert derived_states(connection, quick) == defined


@partial(histories, in_memory=120)
def test_everybody_is_counted_alike(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """The fold, SQL over the events, and the live tables for all that is known now."""
    then = as_of or NOW
    with database.read() as connection:
        defined = fold.population(ordered(rows), book(), then, known)
        assert population(connection, book(), then, known) == defined
        now = fold.population(ordered(rows), book(), NOW)
        assert population(connection, book(), NOW) == now
        assert population(connection, book(), NOW, source="live") == now


@partial(histories, in_memory=100)
def test_ages_are_counted_alike(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """By class and whole years: the fold, SQL over the events, and the live tables."""
    then = as_of or NOW
    with database.read() as connection:
        assert ages(connection, book(), then, known) == fold.ages(
            ordered(rows), book(), then, known
        )
        now = fold.ages(ordered(rows), book(), NOW)
        assert ages(connection, book(), NOW, source="live") == now


@histories
def test_the_next_end_is_the_first_that_the_fold_finds(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """Of what is in daily use and runs, from the live tables."""
    ends = [
        d.operational_until
        for _, state in fold.fold(ordered(rows), NOW)
        for d in deadlines(state, book(), NOW)
        if d.tier_now == "operational" and not d.suspended_by and d.operational_until is not None
    ]
    with database.read() as connection:
        assert next_end(connection, book(), NOW) == min(ends, default=None)


@partial(histories, in_memory=100)
def test_those_past_their_term_are_listed_alike(
    database: Database, rows: list[Row], as_of: int | None, known: int | None
) -> None:
    """Page by page, each item once, in order, with the ends that the fold finds: from the events,
    and now from the live tables, where a page looks at some people at a time."""
    questions: tuple[tuple[Source, int, int | None], ...] = (
        *(("events", as_of or NOW, known),),
        *(("live", NOW, None),),
    )
    for source, then, known_at in questions:
        expected: dict[str, list[PastDue]] = {"unheard_of": []}
        for subject, state in fold.fold(ordered(rows), then, known_at):
            for found in deadlines(state, book(), then, known_at):
                until = found.operational_until
                if found.is_past and until:
                    item = PastDue(subject, found.scope, until, found.archive_until)
                    expected.setdefault(found.klass, []).append(item)
        for klass, items in expected.items():
            assert _listed(database, then, known_at, klass, source) == items


def _listed(
    database: Database, then: int, known: int | None, klass: str, source: Source
) -> list[PastDue]:
    """All of them, two at a time."""
    listed: list[PastDue] = []
    with database.read() as connection:
        while len(listed) % 2 == 0:
            page = past_due(
                *(connection, book(), then, known),
                klass=klass,
                limit=2,
                after=listed[-1][:2] if listed else None,
                source=source,
            )
            listed += page
            if not page:
                break
    return listed


def test_the_two_times_stories_are_told_alike(database: Database) -> None:
    """Every history of the story table, at its own two times."""
    for story in two_times.STORIES:
        rows = two_times.rows(story.history)
        _, as_of, known = two_times.at_two_times(*story)
        record(database, rows, [1])
        with database.read() as connection:
            assert live_states(connection) == folded(rows, None, None)
            assert derived_states(connection, Question(as_of, known)) == folded(rows, as_of, known)
            counted = population(connection, two_times.book(), as_of, known)
        assert counted == fold.population(rows, two_times.book(), as_of, known)


# --- what the comparison is for -----------------------------------------------------------------


def test_a_row_changed_by_hand_is_found(database: Database) -> None:
    """Changed, added and removed rows are three different findings; a rebuild mends them."""
    rows = _some_orders()
    record(database, rows, [3])
    activity = tables.activity
    first, second = sorted({row.subject for row in rows if row.subject})
    with database.write() as connection:
        extra = connection.execute(sa.select(activity).where(activity.c.subject == first)).one()
        connection.execute(
            sa.update(activity).where(activity.c.subject == first).values(last_day=20991231)
        )
        connection.execute(sa.delete(activity).where(activity.c.subject == second))
        added = {**extra._mapping, "class": "account"}
        connection.execute(sa.insert(activity).values(added))
    found = list(differences(database))
    sides = [(one.key[0], one.key[1], one.live is None, one.derived is None) for one in found]
    assert sides == [
        (first, "account", False, True),
        (first, "order", False, False),
        (second, "order", True, False),
    ]
    rebuild(database)
    assert list(differences(database)) == []


def test_a_rebuild_tells_its_progress(database: Database) -> None:
    """Table by table, with the rows written."""
    record(database, _some_orders(), [10])
    heard: list[tuple[str, int]] = []
    rebuild(database, lambda table, rows: heard.append((table, rows)))
    assert heard == [
        ("activity", 2),
        ("contracts", 0),
        ("consents", 0),
        ("notified", 0),
        ("ended", 0),
    ]


def _some_orders() -> list[Row]:
    """Six orders of two subjects."""
    order = Event(
        "fact", "order.placed.v1", 0, 0, "self", 0, 0, None, None, None, 1, None, home=0, target=1
    )
    return rows_of([replace(order, subject=n % 2, at=n) for n in range(6)])


# --- months -------------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [0, 1, 6, 12, 15, 36, 60, 119, 120, 1200])
def test_months_in_sql_are_the_months_of_the_calendar(database: Database, months: int) -> None:
    """Every day of eight years, leap years and century years among them."""
    days = [
        year * 10000 + month * 100 + day
        for year in (1999, 2000, 2019, 2020, 2023, 2024, 2099, 2100)
        for month in range(1, 13)
        for day in range(1, 1 + monthrange(year, month)[1])
    ]
    values = ", ".join(f"({day})" for day in days)
    text = f"""WITH d (day, months) AS (SELECT column1, {months} FROM (VALUES {values}) v)
        SELECT day, {add_months_sql("day", "months")} FROM d"""
    with database.read() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(text))]
    assert sorted(found) == [(day, add_months(day, months)) for day in days]
