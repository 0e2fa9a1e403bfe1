"""What the store promises of the log, on each database: one order, no gaps, nothing rewritten."""

from __future__ import annotations

import logging
import re
import traceback
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import eventsourcing.persistence as library
import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import day_of, format_day
from ledger.commands import Record, Reference
from ledger.errors import BadData, Broken, Misuse, Stale
from ledger.events import ContactedUs, OrderCancelled, OrderPlaced, ProfileRectified
from ledger.handlers import publish, record, record_many
from ledger.opening import create
from ledger.policy.book import shipped_bytes
from ledger.store import tables
from ledger.store.database import Database
from ledger.store.hot import Hot, Together, number
from ledger.store.migrations.fences import REFUSAL
from ledger.store.recorder import Work
from ledger.store.roles import PRUNER
from ledger.store.states import HEAD
from tests.clock import StepClock
from tests.contracts.props import assert_whole, draft, now, owner, position, somebody

CANARY = "zanzibar-canary-7731"


# --- one order -------------------------------------------------------------------------------


def test_a_new_ledger_holds_one_event_its_policy_and_creating_it_again_adds_nothing(
    ledger: Ledger, ledger_url: str
):
    assert position(ledger) == 1
    with ledger.database.read() as connection:
        document = connection.execute(sa.select(tables.documents)).one()
        first = connection.execute(sa.select(tables.events)).one()
    assert document.bytes == shipped_bytes()
    assert (first.kind, first.version, first.subject) == ("policy.published.v1", 1, None)
    if not ledger.database.is_memory:
        with pytest.raises(Misuse):  # its keys were never put into a file
            create(ledger_url)
        assert position(ledger) == 1
    assert_whole(ledger.database)


def test_positions_stay_contiguous_whatever_is_rolled_back(ledger: Ledger):
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    huge = ProfileRectified(occurred=now(ledger), subject=subject, changed=("x" * 60,) * 400)
    for n in range(20):
        before = position(ledger)
        with pytest.raises(library.IntegrityError):  # the second one takes a version twice
            ledger.save(draft(ledger, call, n + 3), draft(ledger, call, 2))
        with pytest.raises(BadData):
            ledger.save(draft(ledger, call, n + 3), draft(ledger, huge, n + 4))
        (refused,) = record_many(ledger, [Record(OrderCancelled(occurred=now(ledger)))])
        assert (position(ledger), hasattr(refused, "problem")) == (before, True)
        assert record(ledger, Record(call)).position == before + 1
    assert_whole(ledger.database)


@pytest.mark.parametrize("step", [0, -1, -1_000_000])
def test_record_time_increases_when_the_clock_stands_still_or_runs_backwards(
    ledger_url: str, step: int
):
    clock = StepClock(step=step)
    start = clock.now()
    ledger = create(ledger_url, clock=clock)
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    written = [w for _ in range(15) for w in record(ledger, Record(call)).written]
    many = record_many(ledger, [Record(call)] * 15)
    written += [w for outcome in many for w in getattr(outcome, "written", ())]
    assert len(written) == 30
    assert written[-1].recorded_at < start + 1000  # by microseconds, not by the clock
    assert_whole(ledger.database)
    ledger.close()


def test_record_time_follows_the_clock_when_it_moves_on(ledger: Ledger, clock: StepClock):
    subject = somebody(ledger)
    at = clock.advance(hours=2)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    assert record(ledger, Record(call)).written[-1].recorded_at == at
    assert_whole(ledger.database)


def test_a_batch_is_written_whole_or_not_at_all(ledger: Ledger):
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    before = _contents(ledger)
    work = Work(commands=[(b"f" * 16, b"m" * 16, b"{}", None, 1, 0)])
    work.commands *= 2  # the same key twice
    with pytest.raises(library.IntegrityError):
        ledger.save(draft(ledger, call, 3), work=work)
    assert _contents(ledger) == before


def test_an_import_identity_is_committed_with_its_fact_and_only_then(ledger: Ledger):
    subject = somebody(ledger)
    call = Record(ContactedUs(occurred=now(ledger), subject=subject, channel="phone"))
    wrong = Record(
        OrderCancelled(occurred=now(ledger), subject=subject), thing=Reference("no", "1")
    )
    rows = [("shop.csv", bytes([n]) * 16, 0) for n in range(4)]
    record_many(ledger, [wrong, call, wrong, call], rows)
    found = _contents(ledger)["imports"]
    assert sorted(found) == [(*rows[1], 4), (*rows[3], 5)]
    with pytest.raises(Stale):  # the same line again: nobody may write it twice
        record_many(ledger, [call], rows[1:2])
    assert position(ledger) == 5
    assert_whole(ledger.database)


def _contents(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    with ledger.database.read() as connection:
        return {
            name: [tuple(row) for row in connection.execute(sa.select(table))]
            for name, table in tables.metadata.tables.items()
        }


def test_a_sitting_sees_one_moment_and_writes_nothing(ledger: Ledger):
    """Whatever others write meanwhile. In memory, where one connection serves all, each read stays
    alone, and so sees it."""
    before = position(ledger)
    with ledger.database.sitting(), ThreadPoolExecutor(1) as others:
        assert position(ledger) == before
        others.submit(somebody, ledger).result()
        is_alone = ledger.database.is_memory
        assert (position(ledger) > before) is is_alone
        assert others.submit(position, ledger).result() > before
        if not is_alone:
            with pytest.raises(AssertionError), ledger.database.write():
                pass
    assert position(ledger) > before
    assert_whole(ledger.database)


def test_what_is_asked_together_is_what_is_asked_alone(ledger: Ledger):
    """Ids, bytes, texts, numbers and nothing: on each database the very same rows."""
    subject = somebody(ledger)
    record(ledger, Record(ContactedUs(occurred=now(ledger), subject=subject, channel="phone")))
    events, keys, activity = tables.events, tables.keys, tables.activity
    alone = [
        Hot(sa.select(events).order_by(events.c.position), events.c.subject),
        Hot(sa.select(keys.c.key_id, keys.c.wrapped, keys.c.scope), keys.c.subject),
        Hot(sa.select(tables.ended), tables.ended.c.subject),
        Hot(sa.select(events.c.kind).order_by(events.c.position.desc()), events.c.subject),
        Hot(sa.select(activity), activity.c.subject),
    ]
    with ledger.database.read() as connection:
        found = Together(*alone).rows(connection, [subject])
        head, *of_one = Together(HEAD, *(one.of_one for one in alone)).rows(connection, [subject])
        expected = [one.rows(connection, [subject]) for one in alone]
        assert head == HEAD.rows(connection)
    assert found == of_one == [[tuple(map(_plain, row)) for row in rows] for rows in expected]
    assert len(found[0]) > 1
    assert found[2] == []
    assert [kind for (kind,) in found[3]] == [row[3] for row in reversed(found[0])]
    assert len(found[4]) > 1


def test_questions_of_different_things_are_asked_at_once(ledger: Ledger):
    """Each with values and numbers of its own, none of them another's."""
    first, second = somebody(ledger), somebody(ledger, "another")
    events = tables.events.c
    upto = sa.select(events.position, events.subject).where(events.position <= number("known"))
    hers = Hot(upto.order_by(events.position), events.subject, numbers=("known",))
    known = position(ledger)
    with ledger.database.read() as connection:
        none, ours, theirs, nobody = Together(hers, hers, hers, hers).each(
            connection,
            (([first],), {"known": 0}),
            (([first],), {"known": known}),
            (([second],), {"known": known}),
            (([],), {"known": known}),
        )
    assert none == nobody == []
    assert {subject for _, subject in ours} == {first}
    assert {subject for _, subject in theirs} == {second}
    with ledger.database.read() as connection:
        assert hers.of_one.rows(connection, [first], known=known) == ours
        assert Together(hers.of_one).each(connection, (([second],), {"known": known})) == [theirs]
        if connection.dialect.name != "sqlite":
            with pytest.raises(AssertionError, match="asked of one"):
                hers.of_one.rows(connection, [first, second], known=known)


def _plain(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_a_sitting_reads_a_long_answer_some_rows_at_a_time(ledger: Ledger):
    """A page may go over everybody: memory stays flat there too."""
    somebody(ledger)
    every = list(range(1, position(ledger) + 1))
    query = sa.select(tables.events.c.position).order_by(tables.events.c.position)
    with ledger.database.sitting(), ledger.database.read() as connection:
        found = connection.execute(query, execution_options={"yield_per": 1})
        assert [row.position for row in found] == every


def test_a_sitting_is_of_the_moment_of_its_first_question_however_it_is_asked(ledger: Ledger):
    """Prepared or not, and some rows at a time: whatever comes first begins it, and what others
    write after that is not seen. The next one begins anew."""
    events = tables.events.c
    counted = sa.select(sa.func.count(events.position))
    every = sa.select(events.position).order_by(events.position)

    def hot(connection: sa.Connection) -> int:
        return int(Hot(counted).rows(connection)[0][0])

    def plain(connection: sa.Connection) -> int:
        return connection.scalar(counted) or 0

    def long(connection: sa.Connection) -> int:
        found = connection.execute(every, execution_options={"yield_per": 1})
        return len(list(found))

    before = position(ledger)
    for first in (hot, plain, long):
        with ledger.database.sitting(), ThreadPoolExecutor(1) as others:
            with ledger.database.read() as connection:
                seen = first(connection)
            others.submit(somebody, ledger, str(first)).result()
            with ledger.database.read() as connection:
                again = [ask(connection) for ask in (hot, plain, long, hot)]
        now = position(ledger)
        assert now > before == seen
        assert again == [now if ledger.database.is_memory else before] * 4
        before = now


def test_a_sitting_that_fails_takes_nothing_with_it(ledger: Ledger):
    """What was asked wrongly, or of a session that is gone, is told once; the next one is sound."""
    before = position(ledger)
    with (
        pytest.raises(Broken),
        ledger.database.sitting(),
        ledger.database.read() as connection,
    ):
        connection.execute(sa.text("SELECT nothing FROM nowhere"))
    with ledger.database.sitting():
        assert position(ledger) == before
    if not ledger.database.is_sqlite:
        with pytest.raises(Broken), ledger.database.sitting():
            with ledger.database.read() as connection:
                killed = connection.scalar(sa.text("SELECT pg_backend_pid()"))
            with ledger.database.as_connected().write() as other:
                other.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": killed})
            Hot(sa.select(tables.head.c.position)).rows(connection)
        with ledger.database.sitting():
            assert position(ledger) == before


def test_a_sitting_takes_no_edition_away_from_whoever_asks_later(ledger: Ledger):
    """The book that all threads share is never read from the state of an old sitting."""
    day = day_of(ledger.clock.now())
    toml = re.sub(rb"(?m)^id = .*$", b'id = "next"', shipped_bytes(), count=1)
    dated = b"effective_from = " + format_day(day).encode()
    toml = re.sub(rb"(?m)^effective_from = .*$", dated, toml, count=1)
    with ledger.database.sitting(), ThreadPoolExecutor(1) as others:
        before = ledger.epoch()
        others.submit(publish, ledger, toml).result()
        newest = others.submit(ledger.epoch).result()
        assert newest > before
        assert len(others.submit(ledger.book, newest).result().entries) == 2
        assert len(ledger.book(before).entries) == 2


def test_any_text_is_stored_as_it_is(ledger: Ledger):
    """The hot path writes its own literals: no text may end one."""
    subject = somebody(ledger)
    texts = [
        "it's",
        "\\",
        '"',
        "\\'",
        "a\\'b'); DROP TABLE events; --",
        "{}",
        ",",
        "NULL",
        "null",
        "",
    ]
    texts += ["%s %(x)s :x $1 ?", "é😀", "a\nb\tc\r", " x ", "\x7f\u2028", "$$", "E'\\x41'"]
    for batch in ([text] for text in texts), [texts]:
        for items in batch:
            made = [OrderPlaced(occurred=now(ledger), subject=subject, item=i) for i in items]
            before = position(ledger)
            ledger.save(*(draft(ledger, fact, 1, uuid4()) for fact in made))
            query = sa.select(tables.events.c.item).where(tables.events.c.position > before)
            with ledger.database.read() as connection:
                found = connection.scalars(query.order_by(tables.events.c.position)).all()
            assert list(found) == items
    assert_whole(ledger.database)


# --- conflicts and connections ---------------------------------------------------------------


def test_a_conflict_leaves_no_poisoned_connection(ledger: Ledger):
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    for n in range(40):
        for _ in range(1 + n % 3):
            with pytest.raises(library.IntegrityError):
                ledger.save(draft(ledger, call, 1))
        with ledger.database.glance() as connection:
            assert connection.scalar(sa.select(tables.head.c.position)) == 3 + n
        assert record(ledger, Record(call)).position == 4 + n
    pool = ledger.database.engine.pool
    assert getattr(pool, "checkedout", lambda: 0)() == 0
    assert_whole(ledger.database)


def test_a_decision_made_under_an_old_epoch_writes_nothing(ledger: Ledger, ledger_url: str):
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    epoch = ledger.epoch()
    with owner(ledger, ledger_url) as connection:
        connection.execute(tables.head.update().values(epoch=epoch + 1))
    before = position(ledger)
    with pytest.raises(library.IntegrityError):
        ledger.save(draft(ledger, call, 3), work=Work(epoch=epoch))
    assert position(ledger) == before
    assert record(ledger, Record(call)).position == before + 1  # decided again by itself


def test_a_writer_whose_belief_is_old_finds_out_and_goes_on(ledger_url: str, clock: StepClock):
    if ledger_url == "sqlite://":
        return  # nobody else can open it
    one = create(ledger_url, clock=clock)
    other = Ledger(Database(ledger_url, role=one.database.role), one.keyring, clock)
    for n in range(12):
        for ledger in (one, other, other):
            somebody(ledger, f"person-{n % 4}")
    assert_whole(one.database)
    other.close()
    one.close()


def test_the_ledger_goes_on_after_its_connections_were_cut(
    postgres_schema_url: str, clock: StepClock
):
    name = f"cut-{uuid4().hex}"
    ledger = create(f"{postgres_schema_url}%20-capplication_name%3D{name}", clock=clock)
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    cut = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = :name"
    )
    for _ in range(3):
        with owner(ledger, postgres_schema_url) as connection:
            assert connection.execute(cut, {"name": name}).all()
        outcomes: list[int | Exception] = []
        for _ in range(5):
            try:
                outcomes.append(record(ledger, Record(call)).position)
            except Exception as error:
                outcomes.append(error)
        failed = [one for one in outcomes if isinstance(one, Exception)]
        assert len(failed) <= 2, outcomes  # a read and a write may each meet a dead connection
        assert all(isinstance(one, int) for one in outcomes[2:]), outcomes
        assert all(isinstance(one, Broken) for one in failed), failed
    ledger.close()
    fresh = Database(postgres_schema_url)
    assert_whole(fresh)
    fresh.close()


def test_too_many_conflicts_say_that_nothing_was_written(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    subject = somebody(ledger)
    call = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")

    def conflict(*_: object, **__: object) -> None:
        raise library.IntegrityError("UniqueViolation")

    monkeypatch.setattr(ledger.recorder, "insert_events", conflict)
    with pytest.raises(Stale, match="nothing was written"):
        record(ledger, Record(call))


# --- what failures say -------------------------------------------------------------------------


def test_no_failure_repeats_a_value(ledger: Ledger, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    subject = somebody(ledger)
    item = OrderPlaced(occurred=now(ledger), subject=subject, item=CANARY)
    stream = uuid4()
    ledger.save(draft(ledger, item, 1, stream))
    raw = CANARY.encode()
    command = (raw, raw, raw, None, 1, 0)
    failing = [
        ((draft(ledger, item, 1, stream),), Work()),
        ((draft(ledger, item, 2, stream),), Work(commands=[command, command])),
        ((draft(ledger, item, 2, stream),), Work(commands=[(raw, raw, None, None, 1, 0)])),
        ((draft(ledger, item, 2, stream),), Work(lookups=[(CANARY, raw, 1, subject, None)])),
    ]
    if not ledger.database.is_sqlite:  # SQLite takes anything into any column
        wrong = Work(lookups=[(CANARY, raw, CANARY, subject, CANARY)])
        failing.append(((draft(ledger, item, 2, stream),), wrong))
    for drafts, work in failing:
        with pytest.raises(library.PersistenceError) as caught:
            ledger.save(*drafts, work=work)
        said = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
        source = "\n".join(line for line in said.splitlines() if "CANARY" not in line)
        assert CANARY not in source
        assert raw.hex() not in source
        assert str(caught.value).isidentifier()  # the class of the failure and nothing else
    assert CANARY not in caplog.text
    assert_whole(ledger.database)


# --- append-only ---------------------------------------------------------------------------------

PRUNE = "UPDATE events SET " + ", ".join(
    f'"{column.name}" = NULL'
    for column in tables.events.columns
    if column.name not in ("position", "leaf")
)
REWRITES = (
    "DELETE FROM events",
    "DELETE FROM events WHERE position = 2",
    "UPDATE events SET kind = 'order.placed.v1' WHERE position = 2",
    "UPDATE events SET entry = NULL WHERE position = 2",
    "UPDATE events SET position = 99 WHERE position = 2",
    PRUNE + ", leaf = entry WHERE position = 2",
    PRUNE.replace('"subject" = NULL, ', "") + " WHERE position = 2",
    "INSERT INTO events (position, leaf) SELECT position, leaf FROM events WHERE position = 2 "
    "ON CONFLICT (position) DO UPDATE SET leaf = excluded.leaf, kind = 'x'",
    "DELETE FROM documents",
    "UPDATE documents SET media = 'text/plain'",
)


def test_history_cannot_be_rewritten_even_by_its_owner(ledger: Ledger, ledger_url: str):
    somebody(ledger)
    before = _contents(ledger)
    for rewrite in REWRITES:
        refused = pytest.raises(sa.exc.DBAPIError, match=REFUSAL)
        with refused, owner(ledger, ledger_url) as connection:
            connection.exec_driver_sql(rewrite)
        assert _contents(ledger) == before, rewrite


def test_a_row_can_be_pruned_and_keeps_its_position_and_its_leaf(ledger: Ledger, ledger_url: str):
    somebody(ledger)
    with owner(ledger, ledger_url) as connection:
        leaf = connection.scalar(
            sa.select(tables.events.c.leaf).where(tables.events.c.position == 2)
        )
        connection.exec_driver_sql(PRUNE + " WHERE position = 2")
        found = connection.execute(sa.select(tables.events).where(tables.events.c.position == 2))
        row = found.one()
    assert (row.position, row.leaf) == (2, leaf)
    assert set(row[1:-1]) == {None}


@pytest.mark.parametrize("table", ["events", "documents"])
def test_history_cannot_be_truncated(postgres_schema_url: str, clock: StepClock, table: str):
    ledger = create(postgres_schema_url, clock=clock)
    refused = pytest.raises(sa.exc.DBAPIError, match=REFUSAL)
    with refused, owner(ledger, postgres_schema_url) as connection:
        connection.exec_driver_sql(f"TRUNCATE {table} CASCADE")
    assert position(ledger) == 1
    ledger.close()


@pytest.mark.parametrize("table", ["events", "documents"])
@pytest.mark.parametrize("kind", ["memory", "file"])
def test_history_cannot_be_replaced_on_sqlite(
    table: str, kind: str, tmp_path: object, clock: StepClock
):
    url = "sqlite://" if kind == "memory" else f"sqlite:///{tmp_path}/ledger.sqlite"
    ledger = create(url, clock=clock)
    names = [column.name for column in tables.metadata.tables[table].columns]
    chosen = ", ".join(
        "zeroblob(32)" if name in ("leaf", "bytes") else f'"{name}"' for name in names
    )
    before = _contents(ledger)
    with pytest.raises(sa.exc.DBAPIError, match=REFUSAL), ledger.database.write() as connection:
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} SELECT {chosen} FROM {table}")
    assert _contents(ledger) == before
    ledger.close()


def test_the_service_may_not_touch_history_and_the_pruner_may_only_empty_rows(
    postgres_schema_url: str, clock: StepClock
):
    ledger = create(postgres_schema_url, clock=clock)
    somebody(ledger, text="sealed")
    pruner = Database(postgres_schema_url, role=PRUNER)
    try:
        for statement in (*REWRITES, "TRUNCATE events", "DROP TABLE events"):
            assert _refusal(ledger.database, statement) == "42501", statement
        assert _refusal(ledger.database, "DROP TRIGGER events_append_only ON events") == "42501"
        assert _refusal(ledger.database, "ALTER TABLE events DISABLE TRIGGER ALL") == "42501"
        for statement in (
            "DELETE FROM events",
            "UPDATE events SET leaf = entry",
            "INSERT INTO events (position, leaf) VALUES (99, 'x')",
            "UPDATE head SET position = 0",
            "SELECT * FROM keys",
            "SELECT * FROM sealed",
            "SELECT * FROM lookups",
            "DELETE FROM documents",
        ):
            assert _refusal(pruner, statement) == "42501", statement
        assert _refusal(pruner, "UPDATE events SET kind = 'x' WHERE position = 2") == "P0001"
        with pruner.write() as connection:
            connection.exec_driver_sql(PRUNE + " WHERE position = 2")
            assert connection.scalar(sa.text("SELECT kind FROM events WHERE position = 2")) is None
    finally:
        pruner.close()
        ledger.close()


def _refusal(database: Database, statement: str) -> str:
    with pytest.raises(sa.exc.DBAPIError) as caught, database.write() as connection:
        connection.exec_driver_sql(statement)
    code: str = caught.value.orig.pgcode  # type: ignore[union-attr]
    return code
