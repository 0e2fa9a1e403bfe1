"""Named questions of the sealed log: leaves by position, how far the tree reaches, checkpoints.

Leaves are read a page at a time; a pruned row has its leaf only. Nothing here takes the head lock:
the log follows what was committed. Read next: `ledger/sealing/sealer.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.store import tables
from ledger.store.database import Database, speaking

PAGE = 4096  # leaves read at a time: sixteen entry bundles
CHECKPOINTS_A_PAGE = 100


class Sealed(NamedTuple):
    """How far the tree reaches, as the database knows it."""

    size: int
    root: bytes
    frontier: bytes


class Leaf(NamedTuple):
    """One leaf and its entry, empty when it was pruned."""

    entry: bytes
    leaf: bytes


def sealed(database: Database) -> Sealed:
    """How far the tree reaches; size 0 before the first checkpoint."""
    log = tables.log.c
    with speaking(), database.read() as connection:
        row = connection.execute(sa.select(log.size, log.root, log.frontier)).one_or_none()
    return Sealed(row.size, bytes(row.root), bytes(row.frontier)) if row else Sealed(0, b"", b"")


def head_position(database: Database) -> int:
    """The last committed position: so many leaves there are."""
    with speaking(), database.read() as connection:
        return connection.scalar(sa.select(tables.head.c.position)) or 0


def waiting(database: Database) -> int:
    """How many committed events are not in the tree yet."""
    size = sa.func.coalesce(sa.select(tables.log.c.size).scalar_subquery(), 0)
    with speaking(), database.read() as connection:
        return connection.scalar(sa.select(tables.head.c.position - size)) or 0


def recorded_at(database: Database, position: int) -> Instant | None:
    """When the event at this position was recorded; None if it was pruned or is none."""
    events = tables.events.c
    with speaking(), database.read() as connection:
        return connection.scalar(sa.select(events.recorded_at).where(events.position == position))


def leaves(database: Database, first: int, last: int) -> Iterator[list[Leaf]]:
    """The leaves of the positions `first` to `last`, in pages that end on whole entry bundles."""
    events = tables.events.c
    query = sa.select(events.entry, events.leaf).order_by(events.position)
    at = first
    while at <= last:
        end = min(last, at - 1 + PAGE - (at - 1) % PAGE)
        with speaking(), database.read() as connection:
            page = connection.execute(query.where(events.position.between(at, end))).all()
        yield [Leaf(bytes(entry or b""), bytes(leaf)) for entry, leaf in page]
        at = end + 1


def advance(database: Database, before: Sealed, after: Sealed, note: bytes) -> bool:
    """The tree has grown and its checkpoint was signed. False when somebody else was quicker."""
    log, checkpoints = tables.log, tables.checkpoints
    values = {"id": 1, "size": after.size, "root": after.root, "frontier": after.frontier}
    with speaking(), database.write() as connection:
        if before.size:
            moved = connection.execute(
                log.update().where(log.c.size == before.size).values(values)
            ).rowcount
            if not moved:
                return False
        elif connection.scalar(sa.select(log.c.size)) is not None:
            return False
        else:
            connection.execute(log.insert().values(values))
        kept = {"size": after.size, "note": note, "cosigned": None, "token": None}
        known = sa.select(checkpoints.c.size).where(checkpoints.c.size == after.size)
        if connection.scalar(known) is None:
            connection.execute(checkpoints.insert().values(kept))
    return True


def checkpoint(database: Database, size: int) -> bytes | None:
    """The signed checkpoint of this size."""
    c = tables.checkpoints.c
    with speaking(), database.read() as connection:
        found = connection.scalar(sa.select(c.note).where(c.size == size))
    return None if found is None else bytes(found)


def checkpoints(database: Database, first: int) -> Iterator[bytes]:
    """The signed checkpoints from this size on, the smallest first, a page at a time."""
    c = tables.checkpoints.c
    query = sa.select(c.size, c.note).order_by(c.size).limit(CHECKPOINTS_A_PAGE)
    while True:
        with speaking(), database.read() as connection:
            page = connection.execute(query.where(c.size >= first)).all()
        yield from (bytes(row.note) for row in page)
        if not page:
            return
        first = page[-1].size + 1


class Said(NamedTuple):
    """An event of the log about itself, and where it stands."""

    position: int
    kind: str
    entry: bytes


def said(database: Database, kinds: tuple[str, ...], last: int) -> list[Said]:
    """The events of these kinds (few) up to `last`, in order. Reads the whole log."""
    c = tables.events.c
    query = sa.select(c.position, c.kind, c.entry).order_by(c.position)
    with speaking(), database.read() as connection:
        rows = connection.execute(query.where(c.kind.in_(kinds), c.position <= last))
        return [Said(row.position, row.kind, bytes(row.entry)) for row in rows]
