"""One person's history as it was recorded: a query over the log, not a table.

Clear columns and entries only: nothing here opens a sealed part, it says whether it could be. Read
next: `api/timeline.py`, which tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant
from ledger.events import CORRECTION, VOID, Fact, Row
from ledger.fields import Unreadable
from ledger.store import tables
from ledger.store.mapper import fact_from
from ledger.store.states import ROW_COLUMNS

events, keys, sealed = tables.events.c, tables.keys.c, tables.sealed.c


class Extent(NamedTuple):
    """How far a person's history goes: its last position, and its latest moment (0, 0: nothing
    was known of her yet)."""

    position: int
    occurred_at: Instant


class Told(NamedTuple):
    """One event: its clear columns, the fact, and its sealed parts (name, key id)."""

    row: Row
    fact: Fact
    parts: tuple[tuple[str, UUID], ...]


def extent(connection: sa.Connection, people: Sequence[UUID], known: int) -> Extent | None:
    """The extent of what was known at position `known` of a person, under all the ids she has;
    None if she is nobody's."""
    mine = events.subject.in_(people)
    query = sa.select(sa.func.max(events.position), sa.func.max(events.occurred_at))
    position, occurred_at = connection.execute(query.where(mine, events.position <= known)).one()
    if position is not None:
        return Extent(position, occurred_at)
    ever = connection.scalar(sa.select(events.position).where(mine).limit(1))
    return None if ever is None else Extent(0, 0)


def page(
    connection: sa.Connection, people: Sequence[UUID], after: int, known: int, limit: int
) -> list[Told]:
    """At most `limit` events of one person, under all the ids she has, after position `after`, up
    to position `known`."""
    query = (
        sa.select(*ROW_COLUMNS, events.entry)
        .where(events.subject.in_(people), events.position > after, events.position <= known)
        .order_by(events.position)
        .limit(limit)
    )
    found = []
    for *columns, raw in connection.execute(query):
        said = entry.read(bytes(raw))
        parts = tuple((part["n"], UUID(part["kid"])) for part in said.get("parts", ()))
        found.append(Told(Row(*columns), fact_from(said), parts))
    return found


def amendments(
    connection: sa.Connection, roots: Collection[int], known: int
) -> dict[int, list[Row]]:
    """The corrections and voids of these facts known at `known`, oldest first: the last one
    stands."""
    found: dict[int, list[Row]] = {}
    query = (
        sa.select(*ROW_COLUMNS)
        .where(
            events.ref_position.in_(roots),
            events.kind.in_((CORRECTION, VOID)),
            events.position <= known,
        )
        .order_by(events.position)
    )
    for columns in connection.execute(query) if roots else ():
        row = Row(*columns)
        found.setdefault(row.ref_position or 0, []).append(row)
    return found


def parts(connection: sa.Connection, told: Collection[Told]) -> dict[tuple[int, str], Unreadable]:
    """What became of the sealed parts of these events: sealed, archived, erased or lost."""
    wanted = {(one.row.position, name): key for one in told for name, key in one.parts}
    if not wanted:
        return {}
    held = sa.select(keys.key_id, keys.wrapped.is_not(None), keys.tier)
    held = held.where(keys.key_id.in_(set(wanted.values())))
    by_key = {key: (alive, tier) for key, alive, tier in connection.execute(held)}
    positions = {position for position, _ in wanted}
    there = sa.select(sealed.position, sealed.part).where(sealed.position.in_(positions))
    kept = {(position, part) for position, part in connection.execute(there)}
    return {part: _state(by_key.get(key), part in kept) for part, key in wanted.items()}


def _state(key: tuple[bool, str] | None, is_kept: bool) -> Unreadable:
    if key is None:
        return Unreadable.LOST
    alive, tier = key
    if not alive:
        return Unreadable.ERASED
    if not is_kept:
        return Unreadable.LOST
    return Unreadable.SEALED if tier == "operational" else Unreadable.ARCHIVED
