"""Named questions about who was told of what: the facts that concern recipients, and the answers.

Read next: `ledger/outbound/standing.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.events import VOID, Fact, RecipientAcknowledged, RecipientTold, Row
from ledger.policy.telling import CONCERNING
from ledger.store import tables
from ledger.store.mapper import fact_from
from ledger.store.states import AT_ONCE, ROW_COLUMNS

events, ended = tables.events.c, tables.ended.c
HEARD = (RecipientTold.kind, RecipientAcknowledged.kind)


class Stated(NamedTuple):
    """One event: its clear columns, its id, and the fact it states."""

    row: Row
    id: UUID
    fact: Fact


def at(connection: sa.Connection, positions: Collection[int]) -> dict[int, Stated]:
    """The events at these positions, those that are there whole."""
    found: dict[int, Stated] = {}
    asked = sorted(positions)
    for start in range(0, len(asked), AT_ONCE):
        some = events.position.in_(asked[start : start + AT_ONCE])
        query = sa.select(*ROW_COLUMNS, events.entry).where(some, events.entry.is_not(None))
        found |= {one.row.position: one for one in _stated(connection, query)}
    return found


def concerning(
    connection: sa.Connection, subject: UUID, positions: Collection[int] | None = None
) -> list[Stated]:
    """The facts of one person of which recipients are told, and which stand."""
    query = sa.select(*ROW_COLUMNS, events.entry).where(
        events.subject == subject, events.kind.in_(CONCERNING), events.entry.is_not(None)
    )
    if positions is not None:
        query = query.where(events.position.in_(positions))
    found = list(_stated(connection, query.order_by(events.position)))
    gone = _voided(connection, subject)
    return [one for one in found if one.row.position not in gone]


def heard(connection: sa.Connection, subjects: Collection[UUID]) -> list[Stated]:
    """Everything that recipients were told, or acknowledged, of these people, in order."""
    found: list[Stated] = []
    asked = list(subjects)
    for start in range(0, len(asked), AT_ONCE):
        some = events.subject.in_(asked[start : start + AT_ONCE])
        query = sa.select(*ROW_COLUMNS, events.entry).where(some, events.kind.in_(HEARD))
        query = query.where(events.entry.is_not(None)).order_by(events.position)
        found += _stated(connection, query)
    return found


def people_concerned(connection: sa.Connection, after: int, limit: int) -> list[tuple[int, UUID]]:
    """The positions, after this one, of facts of which recipients are told, and whose they are."""
    query = (
        sa.select(events.position, events.subject)
        .where(sa.text(tables.CONCERNING_SQL), events.position > after)
        .where(events.actor != "import", events.subject.is_not(None))
        .order_by(events.position)
        .limit(limit)
    )
    return [(row.position, row.subject) for row in connection.execute(query)]


def is_closed(connection: sa.Connection, subjects: Collection[UUID], klass: str) -> set[UUID]:
    """Those of these people whose class has been erased: nothing more of it is recorded."""
    query = sa.select(ended.subject).where(
        ended.subject.in_(list(subjects)), ended["class"] == klass, ended.tier == "erased"
    )
    return set(connection.scalars(query))


def _voided(connection: sa.Connection, subject: UUID) -> set[int]:
    """The facts of a person whose last amendment is a void."""
    query = sa.select(events.ref_position, events.kind).where(
        events.subject == subject, events.ref_position.is_not(None)
    )
    found = connection.execute(query.order_by(events.position))
    last = {row.ref_position: row.kind for row in found}
    return {at for at, kind in last.items() if kind == VOID}


def _stated(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[Stated]:
    for *columns, raw in connection.execute(query):
        said = entry.read(bytes(raw))
        yield Stated(Row(*columns), UUID(said["id"]), fact_from(said))
