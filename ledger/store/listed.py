"""What is listed for people, page by page: holds, and the retention runs on record.

Both are few among many facts, found through one small partial index. Read next:
`ledger/policy/holds.py`, which says what a hold is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant
from ledger.events import Fact, HoldPlaced, RetentionRan, Row
from ledger.policy.holds import KEEPING
from ledger.store import tables
from ledger.store.database import once
from ledger.store.hot import Hot, Together, number
from ledger.store.mapper import fact_from
from ledger.store.requests import ALL
from ledger.store.states import HEAD, ROW_COLUMNS, with_head

events = tables.events.c
# Written out, not bound: the partial index is found by these very words.
_LISTED = sa.text(tables.LISTED)
_WINDOW = ("after", "known", "limit")
_NEXT = (
    sa.select(events.position, events.stream, events.subject)
    .where(_LISTED, events.kind == HoldPlaced.kind)
    .where(events.position > number("after"), events.position <= number("known"))
    .order_by(events.position)
    .limit(number("limit"))
)
_PLACED = Hot(_NEXT, numbers=_WINDOW)
_PLACED_WITH_FACTS = Together(
    HEAD,
    _PLACED,
    Hot(
        sa.select(*ROW_COLUMNS, events.entry)
        .where(events.stream.in_(sa.select(_NEXT.subquery().c.stream)))
        .order_by(events.stream, events.version),
        numbers=_WINDOW,
    ),
)
_TOLD = Hot(
    sa.select(*ROW_COLUMNS, events.entry)
    .where(events.position <= number("known"))
    .order_by(events.stream, events.version),
    events.stream,
    numbers=("known",),
)
EVERY_HOLD = Hot(
    sa.select(*ROW_COLUMNS)
    .where(
        events.stream.in_(sa.select(events.stream).where(_LISTED, events.kind == HoldPlaced.kind))
    )
    .order_by(events.stream, events.version)
)
RAN = Hot(
    sa.select(events.position, events.recorded_at, events.entry)
    .where(_LISTED, events.kind == RetentionRan.kind, events.position < number("before"))
    .order_by(events.position.desc())
    .limit(number("limit")),
    numbers=("before", "limit"),
)


class Placed(NamedTuple):
    """A hold by the fact that placed it: where it stands in the log, its stream, whose it is."""

    position: int
    stream: UUID
    subject: UUID


class Told(NamedTuple):
    """One fact on the stream of a hold, or that amends one."""

    row: Row
    fact: Fact


def placed(connection: sa.Connection, after: int, limit: int, known: int) -> list[Placed]:
    """The next holds placed after a position, in that order, among those known."""
    rows = _PLACED.rows(connection, after=after, known=known, limit=limit)
    return [Placed(*row) for row in rows]


def placed_now(
    connection: sa.Connection, after: int, limit: int
) -> tuple[list[Placed], dict[UUID, list[Told]]]:
    """The same of all that are known now, each with its facts: in one round trip with where the log
    ends."""
    window = (), {"after": after, "known": ALL, "limit": limit}
    head, rows, facts = _PLACED_WITH_FACTS.each(connection, ((), {}), window, window)
    once(connection, "head", lambda: head)
    found = [Placed(*row) for row in rows]
    return found, _told([one.stream for one in found], facts)


def hold(connection: sa.Connection, stream: UUID) -> Placed | None:
    """The hold that this stream is, or None."""
    query = sa.select(events.position, events.stream, events.subject)
    query = query.where(events.stream == stream, events.kind == HoldPlaced.kind)
    found = connection.execute(query).one_or_none()
    return None if found is None else Placed(*found)


def told(connection: sa.Connection, streams: Sequence[UUID], known: int) -> dict[UUID, list[Told]]:
    """Every fact of these holds that is known, in the order of each."""
    return _told(streams, _TOLD.rows(connection, streams, known=known))


def _told(streams: Sequence[UUID], rows: list[tuple[Any, ...]]) -> dict[UUID, list[Told]]:
    found: dict[UUID, list[Told]] = {stream: [] for stream in streams}
    for *columns, raw in rows:
        row = Row(*columns)
        found[row.stream].append(Told(row, fact_from(entry.read(bytes(raw)))))
    return found


def every_hold(connection: sa.Connection) -> Iterator[list[Row]]:
    """The clear columns of every hold that was ever placed, hold by hold: entries are not read."""
    return by_hold(EVERY_HOLD.rows(connection))


def by_hold(found: Iterable[tuple[Any, ...]]) -> Iterator[list[Row]]:
    """The same from the rows of `EVERY_HOLD`."""
    for _, rows in groupby((Row(*row) for row in found), key=lambda row: row.stream):
        yield list(rows)


def ever_held(connection: sa.Connection, people: Collection[UUID]) -> set[UUID]:
    """Those of these people of whom something was ever to be kept: a hold, a restriction."""
    activity = tables.activity.c
    query = sa.select(activity.subject).where(activity.subject.in_(people))
    return set(connection.scalars(query.where(activity.kind.in_(KEEPING))))


class Run(NamedTuple):
    """A retention run on record."""

    position: int
    recorded_at: Instant
    fact: RetentionRan


def ran(connection: sa.Connection, before: int, limit: int) -> list[Run]:
    """The last runs on record before a position, the newest first."""
    return runs_made(with_head(connection, RAN, before=before, limit=limit))


def runs_made(rows: list[tuple[Any, ...]]) -> list[Run]:
    """The runs, from the rows of `RAN`."""
    found = []
    for position, recorded_at, raw in rows:
        fact = fact_from(entry.read(bytes(raw)))
        assert isinstance(fact, RetentionRan)
        found.append(Run(position, recorded_at, fact))
    return found
