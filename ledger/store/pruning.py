"""Which entries could become bare leaves, and emptying them.

An entry is a candidate when the scope it is homed in has ended for ever and no envelope needs it
any more; what says that keys were destroyed has no home, and goes with the orders it followed
(`endings`). On PostgreSQL the emptying itself is done by the role `probant_pruner`, which may do
nothing else. What this file never does: choose among candidates. Read next:
`ledger/erasing/prune.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day
from ledger.errors import Misuse
from ledger.events import Pruned
from ledger.projections.population import Unreadable
from ledger.store import erasure, tables
from ledger.store.database import Database, speaking
from ledger.store.roles import PRUNER
from ledger.store.vault import Scope

CELL = 5  # facts of one class and day: fewer are not told apart


class Cell(NamedTuple):
    """How many facts of one class and day were pruned together."""

    klass: str
    day: Day
    n: int


_e, _k = tables.events.c, tables.keys.c
_EMPTY = {column.name: None for column in tables.events.c if column.nullable}


class Entry(NamedTuple):
    """One entry of a person: where it stands, and whether it may go."""

    position: int
    stream: UUID
    version: int
    is_candidate: bool


class Ending(NamedTuple):
    """How one scope ended: where its erasure was ordered and where keys are said to have been
    destroyed, and which. Rule R1 compares the three: they are bare leaves together, or not yet."""

    orders: frozenset[int]
    destructions: frozenset[int]
    keys: frozenset[str]


def people(connection: sa.Connection, after: UUID | None, limit: int) -> list[UUID]:
    """People with an entry left in a scope whose key was destroyed, in the order of their ids."""
    left = sa.exists().where(
        _e.subject == _k.subject,
        _e["class"] == _k.data_class,
        (_k.scope == "") | (_k.scope == _e.item),
    )
    query = sa.select(_k.subject).where(_k.state == "destroyed", left)
    if after is not None:
        query = query.where(_k.subject > after)
    return list(connection.scalars(query.distinct().order_by(_k.subject).limit(limit)))


def entries(connection: sa.Connection, subject: UUID) -> list[Entry]:
    """Her entries that are left, in the order of positions."""
    ended = erasure.closed_scopes(connection, subject)
    needed = sa.exists().where(tables.sealed.c.position == _e.position)
    query = sa.select(_e.position, _e.stream, _e.version, _e["class"], _e.item, needed)
    found = []
    for position, stream, version, klass, item, is_needed in connection.execute(
        query.where(_e.subject == subject).order_by(_e.position)
    ):
        scopes = {Scope(subject, klass or "", ""), Scope(subject, klass or "", item or "")}
        found.append(Entry(position, stream, version, bool(scopes & ended) and not is_needed))
    return found


def endings(connection: sa.Connection, subject: UUID) -> list[Ending]:
    """What ended each scope of hers whose order is on record and destroyed a key."""
    orders: dict[Scope, set[int]] = {}
    query = sa.select(_e.position, _e.decision, _e.item).where(_e.subject == subject)
    for position, klass, item in connection.execute(query.where(_e.kind == erasure.ERASED_KIND)):
        orders.setdefault(Scope(subject, klass, item or ""), set()).add(position)
    keys: dict[Scope, set[UUID]] = {}
    query = sa.select(_k.key_id, _k.data_class, _k.scope).where(_k.subject == subject)
    for kid, klass, scope in connection.execute(query.where(_k.wrapped.is_(None))):
        keys.setdefault(Scope(subject, klass, scope), set()).add(kid)
    streams = {
        erasure.destruction_stream(kid): scope for scope in orders for kid in keys.get(scope, ())
    }
    destructions: dict[Scope, set[int]] = {}
    asked = list(streams)
    for start in range(0, len(asked), erasure.AT_ONCE):
        some = asked[start : start + erasure.AT_ONCE]
        found = sa.select(_e.position, _e.stream).where(_e.stream.in_(some))
        for position, stream in connection.execute(found):
            destructions.setdefault(streams[stream], set()).add(position)
    return [
        Ending(frozenset(orders[scope]), frozenset(positions), frozenset(map(str, keys[scope])))
        for scope, positions in destructions.items()
    ]


def sealed_under(connection: sa.Connection, subject: UUID) -> dict[int, frozenset[str]]:
    """The keys that each entry left of hers says sealed a part of it, where there is one."""
    query = sa.select(_e.position, _e.entry).where(_e.subject == subject, _e.entry.is_not(None))
    found = {}
    for position, raw in connection.execute(query):
        if parts := entry.read(bytes(raw)).get("parts"):
            found[position] = frozenset(str(part["kid"]) for part in parts)
    return found


def ended_classes(connection: sa.Connection, subject: UUID) -> set[tuple[str, str]]:
    """The classes and items of hers that have ended."""
    return {(one.data_class, one.item) for one in erasure.closed_scopes(connection, subject)}


def cells(connection: sa.Connection, positions: Sequence[int]) -> tuple[Cell, ...]:
    """How many of these entries, about to go, are of each class and day. A cell under five says too
    much of somebody: it is left out, and what it held is later counted without class and day."""
    found: Counter[tuple[str, int]] = Counter()
    for start in range(0, len(positions), erasure.AT_ONCE):
        some = positions[start : start + erasure.AT_ONCE]
        query = sa.select(_e["class"], _e.local_day, sa.func.count()).where(_e.position.in_(some))
        for klass, day, n in connection.execute(query.group_by(_e["class"], _e.local_day)):
            found[klass or "", day or 0] += n
    return tuple(
        Cell(klass, day, n) for (klass, day), n in sorted(found.items()) if n >= CELL and klass
    )


def keep(connection: sa.Connection, at: int, counted: Sequence[Cell]) -> None:
    """Write down what goes; `at` is where the fact stands that names it."""
    days = [{"position": at, "class": one.klass, "day": one.day, "n": one.n} for one in counted]
    if days:
        connection.execute(sa.insert(tables.pruned_days), days)


def unreadable(connection: sa.Connection) -> Unreadable:
    """What no answer can count any more, whatever two times are asked."""
    days, count = tables.pruned_days.c, sa.func.count()
    keys = sa.select(_k.subject, _k.data_class, _k.scope).where(_k.state == "destroyed")
    erased = connection.scalar(sa.select(count).select_from(keys.distinct().subquery())) or 0
    pruned = connection.scalar(sa.select(count).where(_e.entry.is_(None))) or 0
    query = sa.select(days["class"], sa.func.sum(days.n)).group_by(days["class"])
    return Unreadable(erased, pruned, {klass: int(n) for klass, n in connection.execute(query)})


def empty(connection: sa.Connection, database: Database, positions: Sequence[int]) -> None:
    """Make these entries bare leaves. Raises Misuse when we may not."""
    role = database.role
    if role is not None:
        allowed = connection.scalar(
            sa.text(
                "SELECT pg_has_role(session_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = :r"
            ),
            {"r": PRUNER},
        )
        if not allowed:
            raise Misuse(f"this database user may not prune: grant it the role {PRUNER}")
        connection.exec_driver_sql(f"SET LOCAL ROLE {PRUNER}")
    for start in range(0, len(positions), erasure.AT_ONCE):
        some = list(positions[start : start + erasure.AT_ONCE])
        connection.execute(sa.update(tables.events).where(_e.position.in_(some)).values(_EMPTY))
    if role is not None:
        connection.exec_driver_sql(f"SET LOCAL ROLE {role}")


def tidy(database: Database) -> None:
    """No dead row keeps what an entry said."""
    erasure.tidy(database, ("events", *(table.name for table in tables.PROJECTIONS)))


class Told(NamedTuple):
    """A `ledger.pruned` fact: where it stands, its id, and the positions that it names."""

    position: int
    id: UUID
    positions: list[int]


def told(database: Database) -> list[Told]:
    """Every prune on record, in order."""
    query = sa.select(_e.position, _e.entry).where(_e.kind == Pruned.kind).order_by(_e.position)
    with speaking(), database.read() as connection:
        rows = connection.execute(query).all()
    found = []
    for at, raw in rows:
        said = entry.read(bytes(raw))
        ranges = said["meta"]["ranges"]
        going = [position for first, last in ranges for position in range(first, last + 1)]
        found.append(Told(at, UUID(said["id"]), going))
    return found


def named(database: Database) -> list[int]:
    """Every position that a `ledger.pruned` fact names, in order."""
    return sorted(position for one in told(database) for position in one.positions)


def ranges_of(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Positions as sorted ranges that do not touch."""
    found: list[list[int]] = []
    for position in sorted(positions):
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return [(first, last) for first, last in found]
