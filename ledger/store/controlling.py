"""Named questions of the controls and the inspector: events whole, about nobody or by person.

Everything is read a page at a time, in one transaction of the caller, up to a position; entries are
parsed strictly, personal parts stay sealed. Pruned events have neither entry nor subject any more:
they are counted. Read next: `api/controlling.py`, which hands these to `replay/controls/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.errors import Tampered
from ledger.events import Fact, Row
from ledger.store import tables
from ledger.store.hot import Hot, number
from ledger.store.mapper import fact_from
from ledger.store.states import ROW_COLUMNS

PAGE = 2000
ASK = "control C13, asked alone, tells which"
events = tables.events.c
_WHOLE = sa.select(*ROW_COLUMNS, events.entry)


class Told(NamedTuple):
    """What an entry tells: the fact, the id of the event, its sealed parts (data class, key id)."""

    fact: Fact
    id: UUID
    parts: tuple[tuple[str, UUID], ...]


class Whole:
    """One event: its columns, and what its entry tells, which is read when it is first asked for:
    of most events of most people nobody asks. Reading it raises Tampered."""

    __slots__ = ("_raw", "_told", "row")

    def __init__(self, row: Row, raw: bytes) -> None:
        self.row, self._raw = row, raw
        self._told: Told | None = None

    @property
    def fact(self) -> Fact:
        """The fact, its personal fields unopened."""
        return self.told().fact

    @property
    def id(self) -> UUID:
        """The id of the event."""
        return self.told().id

    @property
    def parts(self) -> tuple[tuple[str, UUID], ...]:
        """The sealed parts that its entry names: data class, key id."""
        return self.told().parts

    def told(self) -> Told:
        """All that its entry tells."""
        if self._told is None:
            self._told = _told(self._raw)
        return self._told


def about_nobody(
    connection: sa.Connection, known: int, kinds: Collection[str] | None = None
) -> Iterator[Whole]:
    """The facts about nobody (of these kinds, if some are named), in position order."""
    query = _WHOLE.where(
        events.subject.is_(None), events.kind.is_not(None), events.position <= known
    ).order_by(events.position)
    if kinds is not None:
        query = query.where(events.kind.in_(kinds))
    for *typed, raw in connection.execute(query, execution_options={"yield_per": PAGE}):
        yield Whole(Row(*typed), raw)


def by_person(
    connection: sa.Connection,
    known: int,
    people: Collection[UUID] | None = None,
    having: Collection[str] | None = None,
) -> Iterator[tuple[UUID, tuple[Whole, ...]]]:
    """Everybody with all that is recorded of her, in the order of the ids; or these people, and
    whoever has a fact of these kinds, if either is named."""
    query = _WHOLE.where(events.subject.is_not(None), events.position <= known)
    whose: list[sa.ColumnElement[bool]] = []
    if people is not None:
        whose.append(events.subject.in_(people))
    if having is not None:
        other = tables.events.alias()
        one = sa.select(other.c.subject).where(other.c.kind.in_(having), other.c.position <= known)
        whose.append(events.subject.in_(one))
    if whose:
        query = query.where(sa.or_(*whose))
    query = query.order_by(events.subject, events.position)
    rows = connection.execute(query, execution_options={"yield_per": PAGE})
    yield from grouped(Whole(Row(*typed), raw) for *typed, raw in rows)


def grouped(found: Iterable[Whole]) -> Iterator[tuple[UUID, tuple[Whole, ...]]]:
    """Events in the order of their people, hers together; those about nobody are left out."""
    for subject, hers in groupby(found, key=lambda one: one.row.subject):
        if subject is not None:
            yield subject, tuple(hers)


_NEWEST = Hot(
    _WHOLE.where(events.subject.is_(None), events.position < number("before"))
    .order_by(events.position.desc())
    .limit(number("limit")),
    events.kind,
    numbers=("before", "limit"),
)


def newest(
    connection: sa.Connection, kind: str, limit: int, before: int | None = None
) -> list[Whole]:
    """The last events of a kind about nobody, newest first, before a position if it is named."""
    below = 2**62 if before is None else before
    found = _NEWEST.rows(connection, [kind], before=below, limit=limit)
    return [Whole(Row(*typed), raw) for *typed, raw in found]


def pruned(connection: sa.Connection, known: int) -> int:
    """How many entries up to a position are gone."""
    query = sa.select(sa.func.count()).where(events.entry.is_(None), events.position <= known)
    return connection.scalar(query) or 0


def with_parts(
    connection: sa.Connection, after: int, known: int, limit: int
) -> list[tuple[int, str]]:
    """The next sealed parts after a position that the service may still open: (position, part)."""
    sealed, keys = tables.sealed.c, tables.keys.c
    query = (
        sa.select(sealed.position, sealed.part)
        .join_from(tables.sealed, tables.keys, keys.key_id == sealed.key_id)
        .where(
            sealed.position > after,
            sealed.position <= known,
            keys.tier == "operational",
            keys.wrapped.is_not(None),
        )
        .order_by(sealed.position)
        .limit(limit)
    )
    return [(row.position, row.part) for row in connection.execute(query)]


def _told(raw: bytes) -> Told:
    try:
        said = entry.read(bytes(raw))
        parts = tuple((part["n"], UUID(part["kid"])) for part in said.get("parts", ()))
        return Told(fact_from(said), UUID(said["id"]), parts)
    except (KeyError, ValueError, TypeError) as error:
        what = f"an entry cannot be read ({type(error).__name__})"
        raise Tampered(f"{what}: {ASK}") from error
    except Tampered as error:
        raise Tampered(f"{error}: {ASK}") from error
