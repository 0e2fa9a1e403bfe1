"""Named questions for the register: what was declared, handed over and used, at two times.

Only facts about nobody and counts come back. Read next: `ledger/register/reading.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, Instant
from ledger.events import VOID, Fact
from ledger.store import tables
from ledger.store.mapper import fact_from

events = tables.events.c


def stated(
    connection: sa.Connection, kinds: Collection[str], as_of: Instant, known: int
) -> list[tuple[int, Fact]]:
    """The (position, fact) of facts about nobody, of these kinds, true by `as_of` and recorded by
    position `known`, in position order. What was voided by then is left out."""
    voided = sa.select(events.ref_position).where(
        events.kind == VOID, events.position <= known, events.ref_position.is_not(None)
    )
    query = (
        sa.select(events.position, events.entry)
        .where(events.kind.in_(kinds), events.position <= known, events.occurred_at <= as_of)
        .where(events.entry.is_not(None), events.position.not_in(voided))
        .order_by(events.position)
    )
    found = connection.execute(query)
    return [(row.position, fact_from(entry.read(bytes(row.entry)))) for row in found]


def uses(
    connection: sa.Connection, as_of: Instant, known: int, apart: Collection[str]
) -> dict[str, tuple[int, Day | None]]:
    """For each purpose that facts name: how many do, and the day of the latest. Facts of the kinds
    `apart` declare a purpose without using it. One pass over the events."""
    query = (
        sa.select(events.purpose, sa.func.count(), sa.func.max(events.local_day))
        .where(events.purpose.is_not(None), events.kind.not_in(apart))
        .where(events.position <= known, events.occurred_at <= as_of)
        .group_by(events.purpose)
    )
    rows: Any = connection.execute(query)
    return {purpose: (count, last) for purpose, count, last in rows}
