"""Single events, as somebody walks through the log: one by its position, and its neighbours.

Clear columns and sealed bytes only; nothing here opens a part. Read next: `timeline.py`, which says
what a fact states and whether it stands.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Day
from ledger.events import Row
from ledger.store import tables
from ledger.store.states import ROW_COLUMNS

events = tables.events.c


class Single(NamedTuple):
    """One event as it is stored: its typed columns, its entry and its leaf. A pruned one has its
    position and its leaf left: `row` and `entry` are None."""

    position: int
    row: Row | None
    entry: bytes | None
    leaf: bytes


class Step(NamedTuple):
    """Another event of the same stream."""

    position: int
    version: int
    kind: str


def single(connection: sa.Connection, position: int) -> Single | None:
    """The event at a position; None when there is none."""
    query = sa.select(*ROW_COLUMNS, events.entry, events.leaf).where(events.position == position)
    found = connection.execute(query).one_or_none()
    if found is None:
        return None
    *columns, entry, leaf = found
    if entry is None:
        return Single(position, None, None, bytes(leaf))
    return Single(position, Row(*columns), bytes(entry), bytes(leaf))


def neighbours(
    connection: sa.Connection, stream: UUID, version: int
) -> tuple[Step | None, Step | None]:
    """The events of a stream just before and just after a version, of those that are not pruned."""
    query = sa.select(events.position, events.version, events.kind).where(events.stream == stream)
    before = query.where(events.version < version).order_by(events.version.desc()).limit(1)
    after = query.where(events.version > version).order_by(events.version).limit(1)
    found = [connection.execute(one).one_or_none() for one in (before, after)]
    earlier, later = (None if row is None else Step(*row) for row in found)
    return earlier, later


def first_day(connection: sa.Connection) -> Day | None:
    """The first day of which a fact about somebody is known; None when there is none."""
    day: Day | None = connection.scalar(sa.select(sa.func.min(tables.activity.c.first_day)))
    return day
