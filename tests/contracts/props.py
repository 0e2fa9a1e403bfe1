"""Props of the store's contracts: a ledger on any database, people and facts, what must hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from ledger.application import Ledger, pol_of
from ledger.calendar import Moment, moment_of_instant
from ledger.commands import Record, Reference
from ledger.events import ContactedUs, Fact
from ledger.handlers import record
from ledger.store import rebuild, tables
from ledger.store.database import Database
from ledger.store.mapper import Draft
from ledger.store.recorder import read_head


def now(ledger: Ledger) -> Moment:
    """The present, by the ledger's own clock."""
    return moment_of_instant(ledger.clock.now())


def somebody(ledger: Ledger, name: str = "somebody", text: str | None = None) -> UUID:
    """A person who contacted us: two facts, or one if she is known."""
    fact = ContactedUs(occurred=now(ledger), channel="form", text=text)
    subject = record(ledger, Record(fact, person=Reference("shop", name))).subject
    assert subject is not None
    return subject


def draft(ledger: Ledger, fact: Fact, version: int, stream: UUID | None = None) -> Draft:
    """A fact ready for the recorder, without asking anybody whether it is acceptable."""
    edition = ledger.edition(ledger.epoch(), ledger.clock.now())
    stream = stream or fact.subject or uuid4()
    return Draft(stream, version, fact, uuid4(), edition.number, pol_of(edition))


def position(ledger: Ledger) -> int:
    """The last position, as a fresh connection sees it."""
    return ledger.recorder.head().position


@contextmanager
def owner(ledger: Ledger, url: str) -> Iterator[sa.Connection]:
    """A transaction with every right, as an administrator has; the triggers still stand."""
    if ledger.database.is_memory:
        with ledger.database.write() as connection:
            yield connection
        return
    database = Database(url)
    try:
        with database.write() as connection:
            yield connection
    finally:
        database.close()


@contextmanager
def unfenced(ledger: Ledger, url: str) -> Iterator[sa.Connection]:
    """The same with the triggers on `events` and `documents` taken away for good."""
    with owner(ledger, url) as connection:
        for table in ("events", "documents"):
            if connection.dialect.name == "sqlite":
                for action in ("no_update", "no_delete"):
                    connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_{action}")
            else:
                connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield connection


def assert_whole(database: Database) -> None:
    """What holds of every ledger at any moment: no gap in positions, record time strictly
    increasing, versions contiguous, the head where the log ends, live tables as derived."""
    e = tables.events.c
    with database.read() as connection:
        rows: list[Any] = list(
            connection.execute(
                sa.select(e.position, e.stream, e.version, e.recorded_at).order_by(e.position)
            )
        )
        head = read_head(connection)
    assert [row.position for row in rows] == list(range(1, len(rows) + 1))
    times = [row.recorded_at for row in rows]
    assert all(one < next_ for one, next_ in pairwise(times))
    assert (head.position, head.last_at) == (len(rows), times[-1])
    versions: dict[UUID, int] = {}
    for row in rows:
        assert row.version == versions.get(row.stream, 0) + 1, (row.stream, row.version)
        versions[row.stream] = row.version
    assert list(rebuild.differences(database)) == []
