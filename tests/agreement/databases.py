"""A database filled straight with rows, and its derived tables read back as states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.events import Row
from ledger.projections import live
from ledger.projections.model import (
    ActivityKey,
    ChoiceKey,
    Contract,
    Ended,
    EndedKey,
    Expression,
    Notified,
    Span,
    SubjectState,
    empty_state,
)
from ledger.store import states, tables
from ledger.store.database import Database
from ledger.store.rebuild import Question, select_of

LEAF = bytes(32)


def record(database: Database, rows: Sequence[Row], sizes: Sequence[int]) -> None:
    """Replace everything by these rows, recorded in batches of these sizes, live tables kept."""
    with database.write() as connection:
        for table in (tables.events, *tables.PROJECTIONS):
            connection.execute(sa.delete(table))
    start, turn = 0, 0
    while start < len(rows):
        size = sizes[turn % len(sizes)]
        batch = rows[start : start + size]
        with database.write() as connection:
            prior = states.read_prior(connection, live.wanted(batch))
            insert(connection, batch)
            states.write_changes(connection, live.changes(batch, prior))
        start, turn = start + size, turn + 1


def insert(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """The rows into `events`, with an empty entry."""
    names = [column.name for column in states.ROW_COLUMNS]
    values = [{**dict(zip(names, row, strict=True)), "entry": b"{}", "leaf": LEAF} for row in rows]
    connection.execute(sa.insert(tables.events), values)


def live_states(connection: sa.Connection) -> dict[UUID, SubjectState]:
    """The live tables, by subject."""
    known = connection.scalars(sa.select(tables.activity.c.subject).distinct())
    return {subject: states.live_state(connection, subject) for subject in known}


def derived_states(connection: sa.Connection, question: Question) -> dict[UUID, SubjectState]:
    """What the set-based selects answer, by subject."""
    found: dict[UUID, SubjectState] = {}

    def state(subject: UUID) -> SubjectState:
        return found.setdefault(subject, empty_state())

    for subject, *row in _select(connection, tables.activity, question):
        state(subject).activity[ActivityKey(*row[:4])] = Span(*row[4:])
    for subject, item, type_, tacit, *rest in _select(connection, tables.contracts, question):
        stated = None if tacit is None else bool(tacit)
        state(subject).contracts[item] = Contract(type_, stated, *rest)
    for subject, purpose, channel, *row in _select(connection, tables.consents, question):
        state(subject).consents[ChoiceKey(purpose, channel)] = Expression(*row)
    for subject, *row in _select(connection, tables.notified, question):
        found[subject] = state(subject)._replace(notified=Notified(*row))
    for subject, klass, scope, *row in _select(connection, tables.ended, question):
        state(subject).ended[EndedKey(klass, scope)] = Ended(*row)
    return found


def _select(connection: sa.Connection, table: sa.Table, question: Question) -> Any:
    columns = [sa.column(column.name, column.type) for column in table.columns]
    return map(tuple, connection.execute(sa.text(select_of(table, question)).columns(*columns)))
