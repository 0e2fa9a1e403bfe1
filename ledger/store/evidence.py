"""Named questions of an evidence bundle: envelopes, typed columns, documents, one person's events.

Everything is asked a page at a time, so that memory stays flat whatever the length of the log, and
up to a size (a number of leaves: positions 1 to `size`). Nothing here opens an envelope. Read next:
`ledger/evidence/export.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.events import Row
from ledger.store import tables
from ledger.store.database import Database, speaking
from ledger.store.states import ROW_COLUMNS

PAGE = 1000  # rows read at a time


class Envelope(NamedTuple):
    """The ciphertext of one part."""

    position: int
    part: str
    content: bytes


class Whole(NamedTuple):
    """One event as it was sealed: its bytes, and whom it concerns."""

    position: int
    entry: bytes
    leaf: bytes
    recorded_at: Instant


def envelopes(database: Database, first: int, last: int) -> Iterator[Envelope]:
    """Every envelope of the positions `first` to `last`, in order."""
    sealed = tables.sealed.c
    query = sa.select(sealed.position, sealed.part, sealed.envelope).order_by(
        sealed.position, sealed.part
    )
    after = (first - 1, "")
    while True:
        page = query.where(
            sealed.position <= last, sa.tuple_(sealed.position, sealed.part) > sa.tuple_(*after)
        ).limit(PAGE)
        rows = _rows(database, page)
        for row in rows:
            yield Envelope(row.position, row.part, bytes(row.envelope))
        if len(rows) < PAGE:
            return
        after = (rows[-1].position, rows[-1].part)


def columns(database: Database, first: int, last: int) -> Iterator[Row]:
    """The typed columns of the events that stand at `first` to `last`, in order; pruned ones have
    none."""
    events = tables.events.c
    query = sa.select(*ROW_COLUMNS).where(events.entry.is_not(None)).order_by(events.position)
    after = first - 1
    while True:
        page = query.where(events.position > after, events.position <= last).limit(PAGE)
        rows = _rows(database, page)
        for row in rows:
            yield Row(*row)
        if len(rows) < PAGE:
            return
        after = rows[-1].position


def events_of(database: Database, subject: UUID, last: int) -> Iterator[Whole]:
    """The events of one person up to `last` that were not pruned, in order."""
    events = tables.events.c
    query = (
        sa.select(events.position, events.entry, events.leaf, events.recorded_at)
        .where(events.subject == subject)
        .order_by(events.position)
    )
    after = 0
    while True:
        rows = _rows(
            database, query.where(events.position > after, events.position <= last).limit(PAGE)
        )
        for row in rows:
            yield Whole(row.position, bytes(row.entry), bytes(row.leaf), row.recorded_at)
        if len(rows) < PAGE:
            return
        after = rows[-1].position


def events_of_kinds(database: Database, kinds: tuple[str, ...], last: int) -> Iterator[Whole]:
    """The events of these kinds up to `last`, in order (what rules R1 to R3 look for: few)."""
    events = tables.events.c
    query = (
        sa.select(events.position, events.entry, events.leaf, events.recorded_at)
        .where(events.kind.in_(kinds), events.position <= last)
        .order_by(events.position)
    )
    for row in _rows(database, query):
        yield Whole(row.position, bytes(row.entry), bytes(row.leaf), row.recorded_at)


def documents(database: Database) -> Iterator[tuple[bytes, bytes]]:
    """(SHA-256, bytes) of every document: policies, forms, notices."""
    table = tables.documents.c
    for row in _rows(database, sa.select(table.sha256).order_by(table.sha256)):
        name = bytes(row.sha256)
        (content,) = _rows(database, sa.select(table.bytes).where(table.sha256 == name))
        yield name, bytes(content.bytes)


def _rows(database: Database, query: sa.Select[Any]) -> list[Any]:
    with speaking(), database.read() as connection:
        return list(connection.execute(query))


def disclosed(
    database: Database, subject: UUID | None, first: int, last: int
) -> tuple[tuple[str, ...], int]:
    """The data classes of the events that stand at `first` to `last` (of one person, or of
    everybody), at most 32 of them, and how many people they concern."""
    events = tables.events.c
    known: list[sa.ColumnElement[bool]] = [
        events.position.between(first, last),
        events.subject.is_not(None),
    ]
    if subject is not None:
        known.append(events.subject == subject)
    classes = sa.select(events["class"]).where(*known, events["class"].is_not(None)).distinct()
    people = sa.select(sa.func.count(sa.distinct(events.subject))).where(*known)
    names = sorted(row[0] for row in _rows(database, classes))
    ((count,),) = _rows(database, people)
    return tuple(names[:32]), int(count)
