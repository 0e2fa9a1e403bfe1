"""Named questions of the archive: its keys, grants and consultations, and what one of them opens.

Everything here is ciphertext, wrapped for the archive's recipient: nothing in it could be opened by
whoever asks. Read next: `ledger/archiving/asking.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.store import reader, tables
from ledger.store.database import Database, speaking

_e, _k, _s = tables.events.c, tables.keys.c, tables.sealed.c


class ArchivedKey(NamedTuple):
    """A data key that only the opener unwraps: the recipient's digest, then the wrapped key."""

    kid: UUID
    scope: str
    generation: int
    wrapped: bytes


class SealedPart(NamedTuple):
    """An entry, and the envelope of one of its parts."""

    position: int
    part: str
    entry: bytes
    envelope: bytes


class Entry(NamedTuple):
    """An entry, and where it stands."""

    stream: UUID
    position: int
    entry: bytes


def stream(database: Database, wanted: UUID) -> list[Entry]:
    """The entries of one stream, in order."""
    return _entries(database, _e.stream == wanted)


def recorded_since(database: Database, kind: str, since: Instant) -> list[Entry]:
    """The entries of one kind recorded after an instant, in order: only what is younger is read."""
    with speaking(), database.read() as connection:
        after = reader.position_at(connection, since)
    return _entries(database, (_e.position > after) & (_e.kind == kind))


def archived_keys(
    database: Database, subject: UUID, data_class: str, scope: str | None = None
) -> list[ArchivedKey]:
    """The archived, living keys of one person's class (of one scope of it, when named)."""
    wanted = (_k.subject == subject) & (_k.data_class == data_class)
    if scope is not None:
        wanted &= _k.scope == scope
    return _keys(database, wanted)


def living(database: Database, kids: Collection[UUID]) -> list[ArchivedKey]:
    """Those of these keys that are still in the archive."""
    return _keys(database, _k.key_id.in_(kids))


def sealed_under(database: Database, kids: Collection[UUID]) -> list[SealedPart]:
    """Every part that is sealed under these keys, with its entry, in order."""
    query = (
        sa.select(_s.position, _s.part, _e.entry, _s.envelope)
        .join_from(tables.sealed, tables.events, _e.position == _s.position)
        .where(_s.key_id.in_(kids), _e.entry.is_not(None))
        .order_by(_s.position, _s.part)
    )
    return [
        SealedPart(row.position, row.part, bytes(row.entry), bytes(row.envelope))
        for row in _rows(database, query)
    ]


def entry_at(database: Database, position: int) -> bytes | None:
    """The entry at a position, None where there is none (any more)."""
    return _entry(database, _e.position == position)


def first_of(database: Database, stream: UUID) -> tuple[int, bytes] | None:
    """The position and the entry of the first event of a stream."""
    query = sa.select(_e.position, _e.entry).where(_e.stream == stream, _e.version == 1)
    for row in _rows(database, query):
        return row.position, bytes(row.entry)
    return None


def _entry(database: Database, where: Any) -> bytes | None:
    for row in _rows(database, sa.select(_e.entry).where(where)):
        return None if row.entry is None else bytes(row.entry)
    return None


def _entries(database: Database, where: Any) -> list[Entry]:
    query = sa.select(_e.stream, _e.position, _e.entry).where(where, _e.entry.is_not(None))
    rows = _rows(database, query.order_by(_e.position))
    return [Entry(row.stream, row.position, bytes(row.entry)) for row in rows]


def _keys(database: Database, where: Any) -> list[ArchivedKey]:
    query = (
        sa.select(_k.key_id, _k.scope, _k.generation, _k.wrapped)
        .where(where, _k.tier == "archive", _k.wrapped.is_not(None))
        .order_by(_k.scope, _k.generation)
    )
    return [
        ArchivedKey(row.key_id, row.scope, row.generation, bytes(row.wrapped))
        for row in _rows(database, query)
    ]


def _rows(database: Database, query: sa.Select[Any]) -> list[Any]:
    with speaking(), database.read() as connection:
        return list(connection.execute(query))
