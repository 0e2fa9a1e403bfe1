"""Rebuilding on PostgreSQL while others write and read: nothing lost, nothing seen half made."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.errors import Misuse, Stale
from ledger.events import ConsentGiven, ContractStarted, OrderPlaced
from ledger.handlers import record
from ledger.opening import create
from ledger.store import bluegreen, tables, twins
from ledger.store.database import Database
from ledger.store.rebuild import Rebuilt, differences, rebuild
from tests.contracts.props import assert_whole, now, position, somebody
from tests.faults.test_two_writers import write_at_once

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300  # seconds: more than `bluegreen.PATIENCE`


class Live(NamedTuple):
    """A ledger on PostgreSQL, and how to reach it."""

    ledger: Ledger
    url: str
    keyring: Path


@pytest.fixture
def live(postgres_schema_url: str, tmp_path: Path) -> Iterator[Live]:
    """With something in every live table that can have it."""
    keyring = tmp_path / "keyring.json"
    ledger = create(postgres_schema_url, keyring)
    for n in range(5):
        somebody(ledger, f"{n}")
        told(ledger, OrderPlaced(occurred=now(ledger)), f"{n}", f"O-{n}")
        told(ledger, ContractStarted(occurred=now(ledger), type="service"), f"{n}", f"C-{n}")
        given = ConsentGiven(occurred=now(ledger), purpose="newsletter", channel="email")
        told(ledger, given, f"{n}")
    yield Live(ledger, postgres_schema_url, keyring)
    ledger.close()


@contextmanager
def owner(live: Live) -> Iterator[sa.Connection]:
    """A transaction with every right."""
    database = Database(live.url)
    try:
        with database.write() as connection:
            yield connection
    finally:
        database.close()


def told(ledger: Ledger, fact: Any, who: str, thing: str | None = None) -> None:
    """This happened."""
    order = Reference("ref", thing) if thing else None
    record(ledger, Record(fact, Reference("shop", who), thing=order))


def rows(live: Live) -> dict[str, list[tuple[Any, ...]]]:
    """What the live tables hold."""
    with live.ledger.database.read() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for table in tables.PROJECTIONS
        }


def catalogue(live: Live) -> list[tuple[Any, ...]]:
    """Every relation, column, constraint, index and privilege of the schema, without its ids."""
    here = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
    text = f"""
    SELECT relname, relkind::text, relpersistence::text, relowner::regrole::text,
        relacl::text, reloptions::text FROM pg_class WHERE relnamespace = {here}
    UNION ALL SELECT c.relname, a.attname, format_type(atttypid, atttypmod),
        attnum::text, concat(attnotnull, attstorage, attacl), pg_get_expr(d.adbin, d.adrelid)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = {here} AND attnum > 0
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid),
        conindid::regclass::text, '', '' FROM pg_constraint WHERE connamespace = {here}
    UNION ALL SELECT indrelid::regclass::text, indexrelid::regclass::text,
        pg_get_indexdef(indexrelid), concat(indisprimary, indisunique, indisvalid), '', ''
        FROM pg_index JOIN pg_class c ON c.oid = indrelid WHERE relnamespace = {here}
    ORDER BY 1, 2, 3, 4"""
    with live.ledger.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.text(text))]


def epoch(live: Live) -> int:
    return live.ledger.recorder.head().epoch


# --- while others write ---------------------------------------------------------------------------


def test_facts_keep_flowing_while_the_live_tables_are_rebuilt(live: Live) -> None:
    """Zero differing rows, commits during it, and afterwards everything is as derived."""
    before = position(live.ledger)
    done: list[Rebuilt] = []
    reports = write_at_once(
        live, "together", 150, lambda: done.append(rebuild(live.ledger.database))
    )
    assert sum(one.differing or 0 for one in done) == 0
    assert sum(one.during or 0 for one in done) > 0
    worst = max(one.stall_ms or 0 for one in done)
    flowed = sum(one.during or 0 for one in done)
    print(
        f"{len(done)} rebuilds, {flowed} facts during them, writers waited {worst:.0f} ms at most"
    )
    assert position(live.ledger) == before + sum(len(report["written"]) for report in reports)
    assert [report["errors"] for report in reports] == [[], []]
    assert_whole(live.ledger.database)


def test_facts_of_between_the_fold_and_the_gate_are_not_lost(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New people, more of the same, a new kind of row: each is folded again before the swap."""
    fold = bluegreen._Work.fold

    def slow(work: bluegreen._Work) -> None:
        fold(work)
        somebody(live.ledger, "newcomer")
        somebody(live.ledger, "0")
        given = ConsentGiven(occurred=now(live.ledger), purpose="newsletter", channel="sms")
        told(live.ledger, given, "1")

    monkeypatch.setattr(bluegreen._Work, "fold", slow)
    done = rebuild(live.ledger.database)
    assert (done.differing, done.during, done.events) == (0, 4, position(live.ledger))
    found = rows(live)
    assert done.rows == {name: len(held) for name, held in found.items()}
    assert list(differences(live.ledger.database)) == []


def test_a_row_changed_by_hand_is_found_and_repaired(live: Live) -> None:
    """Changed, missing and invented rows; the epoch moves, and nobody builds on what he read."""
    before, first = rows(live), epoch(live)
    with owner(live) as connection:
        connection.execute(tables.contracts.update().values(type="warranty"))
        connection.execute(tables.consents.delete())
        one = connection.execute(sa.select(tables.activity)).first()
        assert one is not None
        connection.execute(tables.activity.insert().values(one._asdict() | {"scope": "invented"}))
    assert rows(live) != before
    assert rebuild(live.ledger.database).differing == 5 + 5 + 1
    assert rows(live) == before
    assert epoch(live) == first + 1
    assert rebuild(live.ledger.database).differing == 0
    assert epoch(live) == first + 1
    told(live.ledger, OrderPlaced(occurred=now(live.ledger)), "0", "O-later")
    assert_whole(live.ledger.database)


def test_a_row_that_differs_and_moves_meanwhile_is_counted_once(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    fold = bluegreen._Work.fold
    with owner(live) as connection:
        kind = tables.activity.c.kind == "customer.contacted_us.v1"
        connection.execute(tables.activity.update().where(kind).values(n=99))

    def slow(work: bluegreen._Work) -> None:
        fold(work)
        somebody(live.ledger, "0")

    monkeypatch.setattr(bluegreen._Work, "fold", slow)
    assert rebuild(live.ledger.database).differing == 5
    assert list(differences(live.ledger.database)) == []


# --- while others read ----------------------------------------------------------------------------


def test_readers_never_see_a_table_empty_or_older_than_their_snapshot(live: Live) -> None:
    """Readers who first look at the head, wait a little and then read a live table: the moment at
    which a rename alone would show them nothing."""
    stop, wrong, looks = Event(), [], [0]

    def read() -> None:
        while not stop.is_set():
            with live.ledger.database.read() as connection:
                expected = connection.scalar(
                    sa.text("SELECT count(DISTINCT subject) FROM events WHERE subject IS NOT NULL")
                )
                time.sleep(0.02)
                a = tables.activity.c
                found = connection.scalar(sa.select(sa.func.count(a.subject.distinct())))
                looks[0] += 1
                if found != expected:
                    wrong.append((expected, found))

    def write() -> None:
        n = 0
        while not stop.is_set():
            somebody(live.ledger, f"new-{n}")
            n += 1

    threads = [Thread(target=work) for work in (read, read, write)]
    for thread in threads:
        thread.start()
    try:
        rebuilt, deadline = 0, time.monotonic() + PATIENCE
        while rebuilt < 5 or looks[0] <= 5:
            assert rebuild(live.ledger.database).differing == 0
            rebuilt += 1
            assert time.monotonic() < deadline, looks
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert_whole(live.ledger.database)


def test_a_reader_who_stays_delays_the_swap_and_nobody_else(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate opens again for the writers; when the reader goes, the swap is made."""
    monkeypatch.setattr(bluegreen, "GATE_MS", 50)
    done: list[Rebuilt] = []
    thread = Thread(target=lambda: done.append(rebuild(live.ledger.database)))
    with live.ledger.database.read() as reader:
        held = reader.scalar(sa.select(sa.func.count()).select_from(tables.activity))
        thread.start()
        for n in range(20):
            somebody(live.ledger, f"meanwhile-{n}")
            time.sleep(0.02)
        assert done == []
        assert reader.scalar(sa.select(sa.func.count()).select_from(tables.activity)) == held
    thread.join(PATIENCE)
    assert [one.differing for one in done] == [0]
    assert_whole(live.ledger.database)


def test_a_reader_who_never_goes_is_blamed_and_nothing_changed(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("GATE_MS", 20), ("BETWEEN_MS", 20), ("PATIENCE", 0.1)):
        monkeypatch.setattr(bluegreen, name, value)
    before = catalogue(live)
    with live.ledger.database.read() as reader:
        reader.execute(sa.select(tables.activity)).all()
        with pytest.raises(Stale, match="stays open"):
            rebuild(live.ledger.database)
    assert catalogue(live) == before


# --- the swap itself ------------------------------------------------------------------------------


def test_the_catalogue_is_the_same_afterwards(live: Live) -> None:
    """Columns, keys, indexes, owner and privileges, those that an administrator added too."""
    with owner(live) as connection:
        connection.exec_driver_sql("CREATE INDEX activity_by_day ON activity (last_day)")
        connection.exec_driver_sql("GRANT SELECT ON consents TO PUBLIC")
        connection.exec_driver_sql("GRANT UPDATE (grade) ON consents TO probant_pruner")
        ids = "SELECT oid FROM pg_class WHERE oid = 'activity'::regclass"
        old = connection.exec_driver_sql(ids).scalar_one()
    before = catalogue(live)
    rebuild(live.ledger.database)
    rebuild(live.ledger.database)
    assert catalogue(live) == before
    with owner(live) as connection:
        assert connection.exec_driver_sql(ids).scalar_one() != old
    somebody(live.ledger, "after")  # as the role that may only append


def test_what_depends_on_a_live_table_is_named_before_anything_changes(live: Live) -> None:
    with owner(live) as connection:
        connection.exec_driver_sql("CREATE VIEW report AS SELECT count(*) FROM activity")
    before = catalogue(live)
    with pytest.raises(Misuse, match="depends on a live table"):
        rebuild(live.ledger.database)
    assert catalogue(live) == before
    somebody(live.ledger, "after")


def test_who_may_not_make_tables_is_told_so(live: Live, postgres_url: str) -> None:
    """A user who may only append cannot rebuild; the message says who can."""
    with owner(live) as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS rebuild_clerk")
        connection.exec_driver_sql("CREATE ROLE rebuild_clerk LOGIN IN ROLE probant_app")
    clerk = sa.make_url(live.url).set(username="rebuild_clerk")
    database = Database(clerk.render_as_string(hide_password=False))
    try:
        with pytest.raises(Misuse, match="owner of the ledger's tables"):
            rebuild(database)
    finally:
        database.close()
        with owner(live) as connection:
            connection.exec_driver_sql("DROP ROLE rebuild_clerk")


def test_two_rebuilds_take_turns(live: Live) -> None:
    done: list[Rebuilt] = []
    threads = [Thread(target=lambda: done.append(rebuild(live.ledger.database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [one.differing for one in done] == [0, 0, 0]


# --- killed in the middle -------------------------------------------------------------------------

KILLED = """
import sys, time
from pathlib import Path
from ledger.store import bluegreen
from ledger.store.database import Database

url, stage, here = sys.argv[1:]

def stay(*_):
    Path(here).touch()
    time.sleep(600)

if stage == "folded":
    bluegreen._Work.catch_up = stay
else:
    adopt, done = bluegreen.adopt, []
    def half(connection, name):
        stay() if done else done.append(adopt(connection, name))
    bluegreen.adopt = half
bluegreen.rebuild(Database(url))
"""


@pytest.mark.parametrize("stage", ["folded", "half renamed"])
def test_a_rebuild_that_is_killed_leaves_the_live_tables_as_they_were(
    live: Live, tmp_path: Path, stage: str
) -> None:
    """And the next one clears what it left."""
    before, shape = rows(live), catalogue(live)
    here = tmp_path / "here"
    command = [sys.executable, "-W", "error", "-c", KILLED, live.url, stage, str(here)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        deadline = time.monotonic() + PATIENCE
        while not here.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert rows(live) == before
    left = {row[0] for row in catalogue(live)} - {row[0] for row in shape}
    assert {twins.twin("activity"), bluegreen.DIFFERING} <= left
    somebody(live.ledger, "0")  # whoever writes is not held up
    assert rebuild(live.ledger.database).differing == 0
    assert catalogue(live) == shape
    assert_whole(live.ledger.database)
