"""One person's history as it was recorded: a query over the log, not a table.

Clear columns and entries only: nothing here opens a sealed part, it says whether it could be. Read
next: `api/timeline.py`, which tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant
from ledger.events import CORRECTION, KINDS, VOID, Fact, Row
from ledger.fields import Unreadable
from ledger.store import reader, tables
from ledger.store.hot import Hot, Together, number
from ledger.store.mapper import SHARED, fact_from
from ledger.store.requests import ALL
from ledger.store.states import ROW_COLUMNS, Part

events, keys, sealed = tables.events.c, tables.keys.c, tables.sealed.c
_AMENDING = SHARED | {"ref", "root", "class"}  # of an amendment, told in other words

_EXTENT = Hot(
    sa.select(sa.func.max(events.position), sa.func.max(events.occurred_at)).where(
        events.position <= number("known")
    ),
    events.subject,
    numbers=("known",),
)
_NEXT = (
    sa.select(*ROW_COLUMNS, events.entry)
    .where(events.position > number("after"), events.position <= number("known"))
    .order_by(events.position)
    .limit(number("limit"))
)
_PAGE = Hot(_NEXT, events.subject, numbers=("after", "known", "limit"))
_PAGE_OF_KINDS = Hot(_NEXT, events.subject, events.kind, numbers=("after", "known", "limit"))
_AMENDING_SOME = Hot(
    sa.select(*ROW_COLUMNS)
    .where(events.kind.in_((CORRECTION, VOID)), events.position <= number("known"))
    .where(events.ref_position.is_not(None))  # the partial index is found by these very words
    .order_by(events.position),
    events.ref_position,
    numbers=("known",),
)
_HELD = Hot(sa.select(keys.key_id, keys.wrapped.is_not(None), keys.tier), keys.key_id)
_SEALED = Hot(sa.select(sealed.position, sealed.part), sealed.position)
_BESIDE = Together(_AMENDING_SOME, _HELD, _SEALED)

Amendments = dict[int, list[Row]]
Parts = dict[tuple[int, str], Unreadable]


class Extent(NamedTuple):
    """How far a person's history goes: its last position, and its latest moment (0, 0: nothing
    was known of her yet)."""

    position: int
    occurred_at: Instant


class Told(NamedTuple):
    """One event: its clear columns, its entry, and its sealed parts (name, key id)."""

    row: Row
    said: dict[str, Any]
    parts: tuple[tuple[str, UUID], ...]

    @property
    def fact(self) -> Fact:
        """The fact that its entry states. Raises Tampered if it states none."""
        return fact_from(self.said)


Page: TypeAlias = tuple[list[Told], Amendments, Parts]


EXTENT = Part("extent", (_EXTENT,), numbers={"known": ALL})


def extent(connection: sa.Connection, people: Sequence[UUID], known: int) -> Extent | None:
    """The extent of what was known at position `known` of a person, under all the ids she has;
    None if she is nobody's."""
    is_now = len(people) == 1 and known == reader.read_head(connection).position
    ((position, occurred_at),) = (
        EXTENT.of(connection, people[0])
        if is_now
        else _EXTENT.rows(connection, people, known=known)
    )
    if position is not None:
        return Extent(position, occurred_at)
    mine = events.subject.in_(people)
    ever = connection.scalar(sa.select(events.position).where(mine).limit(1))
    return None if ever is None else Extent(0, 0)


def page(
    connection: sa.Connection,
    people: Sequence[UUID],
    after: int,
    known: int,
    limit: int,
    kinds: Collection[str] | None = None,
) -> list[Told]:
    """At most `limit` events of one person, under all the ids she has, after position `after`, up
    to position `known`; of some kinds only, if they are named."""
    numbers = {"after": after, "known": known, "limit": limit}
    if kinds is None:
        rows = _PAGE.rows(connection, people, **numbers)
    else:
        rows = _PAGE_OF_KINDS.rows(connection, people, kinds, **numbers)
    return [_told(row) for row in rows]


def told_of(row: Row, raw: bytes) -> Told:
    """An event from its columns and its entry."""
    said = entry.read(raw)
    parts = tuple([(part["n"], entry.id_from(part["kid"])) for part in said.get("parts", ())])
    return Told(row, said, parts)


def kinds(connection: sa.Connection, people: Sequence[UUID], known: int) -> list[str]:
    """The kinds of what was known of one person, under all the ids she has, by name."""
    mine = (events.subject.in_(people), events.position <= known)
    query = sa.select(events.kind).where(*mine).distinct().order_by(events.kind)
    return [str(kind) for kind in connection.scalars(query) if kind is not None]


def sealed_entry(connection: sa.Connection, people: Sequence[UUID], position: int) -> bytes | None:
    """The entry at a position, byte for byte as it is sealed; None unless it is of one of these
    people and still there."""
    found = connection.scalar(
        sa.select(events.entry).where(events.position == position, events.subject.in_(people))
    )
    return None if found is None else bytes(found)


def pages(
    connection: sa.Connection, people: Sequence[UUID], after: int, known: int, size: int
) -> Iterator[Page]:
    """The history page by page, each with the amendments and the parts of its facts."""
    while True:
        told = page(connection, people, after, known, size)
        if told:
            yield whole(connection, told, known)
        if len(told) < size:
            return
        after = told[-1].row.position


def whole(connection: sa.Connection, told: list[Told], known: int) -> Page:
    """These events with the corrections and voids of the facts they are about that were known at
    `known`, by the position of the fact, oldest first: the last one stands; and with what became of
    their sealed parts: sealed, archived, erased or lost."""
    wanted = {(one.row.position, name): key for one in told for name, key in one.parts}
    amending, held, sealed = _BESIDE.each(
        connection,
        (({root_of(one.row) for one in told},), {"known": known}),
        ((set(wanted.values()),), {}),
        (({position for position, _ in wanted},), {}),
    )
    amended: Amendments = {}
    for row in map(Row._make, amending):
        amended.setdefault(row.ref_position or 0, []).append(row)
    by_key, kept = {key: (bool(alive), tier) for key, alive, tier in held}, set(sealed)
    return told, amended, {of: _state(by_key.get(key), of in kept) for of, key in wanted.items()}


def _told(found: tuple[Any, ...]) -> Told:
    *columns, raw = found
    return told_of(Row._make(columns), bytes(raw))


def root_of(row: Row) -> int:
    """The position of the fact that this one amends; its own, if it amends none."""
    return row.ref_position if row.ref_position and row.kind in (CORRECTION, VOID) else row.position


def stated(told: Told) -> dict[str, Any]:
    """The clear fields, in the form in which a caller states them."""
    meta, is_root = told.said["meta"], root_of(told.row) == told.row.position
    keys = [spec.key for spec in KINDS[told.row.kind].specs if not spec.personal]
    hidden = SHARED if is_root else _AMENDING
    return {key: meta[key] for key in keys if key in meta and key not in hidden}


def standing(row: Row, amended: Amendments) -> dict[str, Any]:
    """Whether a fact still stands, and what amended it; an amendment names what it amends."""
    root = root_of(row)
    if root == row.position:
        by = amended.get(row.position, [])
        stands = "as_recorded" if not by else "voided" if by[-1].kind == VOID else "corrected"
        return {"stands": stands, "amended_by": [one.position for one in by]}
    is_last = amended[root][-1].position == row.position
    return {"stands": "in_force" if is_last else "superseded", "amends": root}


def _state(key: tuple[bool, str] | None, is_kept: bool) -> Unreadable:
    if key is None:
        return Unreadable.LOST
    alive, tier = key
    if not alive:
        return Unreadable.ERASED
    if not is_kept:
        return Unreadable.LOST
    return Unreadable.SEALED if tier == "operational" else Unreadable.ARCHIVED
