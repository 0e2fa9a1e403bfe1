"""A connection cut while a group is being committed: nobody's wish is recorded twice, or lost.

The server ends the session before the commit, or right after it: the writer sees the same broken
connection. Then it asks what became of it, and only what was not written is written again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.errors import Broken, Unsure
from ledger.grouping import Writer
from ledger.handlers import record
from ledger.opening import create
from ledger.store import recorder, tables
from tests.contracts.props import assert_whole
from tests.contracts.test_grouping import PATIENCE, Held, accepted, login

CALLERS = 5


@pytest.fixture
def ledger(postgres_schema_url: str) -> Iterator[Ledger]:
    made = create(postgres_schema_url)
    for number in range(CALLERS):
        record(made, login(made, str(number)))  # they exist: what follows is one event each
    made.recorder._in_company = 0
    yield made
    made.close()


def logins(ledger: Ledger) -> int:
    e = tables.events.c
    query = sa.select(sa.func.count()).where(e.kind == "customer.logged_in.v1")
    with ledger.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def end(ledger: Ledger, session: Any) -> None:
    """The server ends this session, as a restart or a firewall would."""
    owner = ledger.database.as_connected()
    with owner.engine.connect() as other:
        pid = session._driver.info.backend_pid
        other.execute(sa.text("SELECT pg_terminate_backend(:pid, 60000)"), {"pid": pid})
    owner.close()


def cut(ledger: Ledger, patch: pytest.MonkeyPatch, done: bool) -> list[bool]:
    """The next append of them all loses its connection before it is done, or after."""
    real, cuts = recorder.append_in, list[bool]()

    def append(session: Any, head: Any, batch: Any) -> bool:
        if cuts or len(batch.written) < CALLERS:
            return real(session, head, batch)
        cuts.append(done and real(session, head, batch))
        end(ledger, session)
        session.execute("SELECT 1", "")  # raises what a caller sees
        raise AssertionError("the session was not cut")

    patch.setattr(recorder, "append_in", append)
    return cuts


def together(ledger: Ledger, writer: Writer) -> list[Any]:
    """Some callers whose wishes go into one commit."""
    held = Held(writer)
    promises = [writer.record([login(ledger, str(number))]) for number in range(CALLERS)]
    held.let_go()
    return promises


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done but reported failed"])
def test_a_group_whose_connection_is_cut_is_recorded_once(
    ledger: Ledger, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(ledger)
    cuts = cut(ledger, monkeypatch, done)
    try:
        told = [accepted(promise)[0] for promise in together(ledger, writer)]
    finally:
        writer.close()
    assert cuts == [done]
    assert logins(ledger) == 2 * CALLERS
    assert len({one.position for one in told}) == CALLERS
    for one in told:  # each was answered with what stands at its position
        with ledger.database.read() as connection:
            e = tables.events.c
            row = connection.execute(sa.select(tables.events).where(e.position == one.position))
            assert row.one().subject == one.subject
    assert_whole(ledger.database)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done but reported failed"])
def test_where_it_cannot_be_found_out_nothing_is_repeated_and_everybody_is_told(
    ledger: Ledger, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer(ledger)
    cuts = cut(ledger, monkeypatch, done)

    def away(*_: Any) -> None:
        raise psycopg2.OperationalError("no answer")

    monkeypatch.setattr(ledger.recorder, "redo", away)
    try:
        promises = together(ledger, writer)
        for promise in promises:
            with pytest.raises(Unsure, match="does not say whether"):
                promise.result(PATIENCE)
    finally:
        writer.close()
    assert cuts == [done]
    assert logins(ledger) == CALLERS * (2 if done else 1)
    assert_whole(ledger.database)


@pytest.mark.parametrize("done", [False, True], ids=["not done", "done but reported failed"])
def test_a_lone_caller_is_told_that_nothing_was_written_only_where_it_is_so(
    ledger: Ledger, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = recorder.append_in

    def append(session: Any, head: Any, batch: Any) -> bool:
        if done:
            real(session, head, batch)
        end(ledger, session)
        return bool(session.execute("SELECT 1", ""))

    monkeypatch.setattr(recorder, "append_in", append)
    if done:
        assert record(ledger, login(ledger, "0")).position
    else:
        with pytest.raises(Broken, match="nothing was written"):
            record(ledger, login(ledger, "0"))
    assert logins(ledger) == CALLERS + done


def test_what_was_said_not_to_be_written_does_not_arrive_later(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement still under way when its connection was cut reaches a database in which nothing
    was written since: the head is where it believes it to be."""
    real, late = recorder.append_in, list[Any]()

    def append(session: Any, head: Any, batch: Any) -> bool:
        late.append((head, batch))
        end(ledger, session)
        return bool(session.execute("SELECT 1", ""))

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "append_in", append)
        with pytest.raises(Broken, match="nothing was written"):
            record(ledger, login(ledger, "0"))
    head, batch = late[0]
    assert ledger.recorder.head().position == head.position
    with ledger.database.raw() as session:
        assert not real(session, head, batch)
    assert logins(ledger) == CALLERS
    assert record(ledger, login(ledger, "0")).position == head.position + 1
    assert_whole(ledger.database)
