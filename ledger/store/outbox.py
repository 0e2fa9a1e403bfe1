"""What leaves the ledger: who is to be sent what, and how far each delivery got.

A delivery is put here in the transaction that appends its fact, and by nothing else: no import of
history, no rebuild, no replay, no restore feeds it. Whoever appends knows the endpoints as of the
ledger's epoch, which moves with every change of them, so that no fact slips between. Rows hold ids,
positions and states, never a body. Read next: `ledger/outbound/courier.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.events import Row
from ledger.store import tables
from ledger.store.hot import Hot

endpoints, deliveries = tables.endpoints.c, tables.deliveries.c
AT_ONCE: Instant = 0  # the next attempt waits for nothing


class Endpoint(NamedTuple):
    """Where messages go: whose it is, and of which kinds of fact it is sent."""

    id: UUID
    url: str
    recipient: str
    kinds: tuple[str, ...]
    state: str
    created_at: Instant


class Delivery(NamedTuple):
    """One message to one endpoint, and how far it got."""

    endpoint: UUID
    position: int
    state: str
    attempts: int
    next_at: Instant
    last_at: Instant | None
    last_status: int | None
    last_error: str | None


class Feed(NamedTuple):
    """The endpoints that take messages, as of an epoch of the ledger."""

    epoch: int
    endpoints: tuple[Endpoint, ...]

    def rows(self, appended: Iterable[Row]) -> list[tuple[Any, ...]]:
        """The deliveries that these events ask for. What was imported is told to nobody: it is what
        other systems told us."""
        if not self.endpoints:
            return []
        return [
            (one.id, row.position, "pending", 0, AT_ONCE, None, None, None)
            for row in appended
            if row.actor != "import"
            for one in self.endpoints
            if row.kind in one.kinds
        ]


_LISTED = Hot(sa.select(tables.endpoints).order_by(endpoints.created_at, endpoints.id))
_COUNTS = Hot(
    sa.select(deliveries.endpoint, deliveries.state, sa.func.count()).group_by(
        deliveries.endpoint, deliveries.state
    )
)


def feed(connection: sa.Connection, epoch: int) -> Feed:
    """Who is sent what, at this epoch."""
    return Feed(epoch, tuple(one for one in listed(connection) if one.state == "live"))


def listed(connection: sa.Connection) -> list[Endpoint]:
    """Every endpoint, oldest first."""
    return [
        Endpoint(id, url, recipient, tuple(kinds.split()), *rest)
        for id, url, recipient, kinds, *rest in _LISTED.rows(connection)
    ]


# --- changing who is sent what: under the head lock, the epoch moves with it --------------------


def add(connection: sa.Connection, one: Endpoint) -> None:
    """One more endpoint."""
    values = one._asdict() | {"kinds": " ".join(one.kinds)}
    connection.execute(tables.endpoints.insert().values(values))


def remove(connection: sa.Connection, endpoint: UUID) -> None:
    """No more of this endpoint, nor of what was to be sent there."""
    connection.execute(sa.delete(tables.deliveries).where(deliveries.endpoint == endpoint))
    connection.execute(sa.delete(tables.endpoints).where(endpoints.id == endpoint))


def close(connection: sa.Connection, endpoint: UUID) -> None:
    """This endpoint said that it is gone: what waits for it is dead."""
    connection.execute(
        tables.endpoints.update().where(endpoints.id == endpoint).values(state="gone")
    )
    waiting = (deliveries.endpoint == endpoint) & (deliveries.state == "pending")
    connection.execute(tables.deliveries.update().where(waiting).values(state="dead"))


# --- how far each delivery got -------------------------------------------------------------------


def due(connection: sa.Connection, endpoint: UUID, now: Instant, limit: int) -> list[Delivery]:
    """At most `limit` deliveries whose turn has come, in the order of their facts."""
    waiting = (deliveries.endpoint == endpoint) & (deliveries.state == "pending")
    query = sa.select(tables.deliveries).where(waiting, deliveries.next_at <= now)
    found = connection.execute(query.order_by(deliveries.position).limit(limit))
    return [Delivery(*row) for row in found]


def mark(connection: sa.Connection, done: Iterable[Delivery]) -> None:
    """How these deliveries stand now. One that somebody took back meanwhile stays away."""
    for one in done:
        mine = (deliveries.endpoint == one.endpoint) & (deliveries.position == one.position)
        connection.execute(tables.deliveries.update().where(mine).values(one._asdict()))


def drop(connection: sa.Connection, endpoint: UUID, positions: Collection[int]) -> None:
    """Deliveries that turned out to be nothing to this endpoint."""
    mine = (deliveries.endpoint == endpoint) & deliveries.position.in_(positions)
    connection.execute(sa.delete(tables.deliveries).where(mine))


def again(
    connection: sa.Connection, endpoint: UUID, positions: Sequence[int] | None, now: Instant
) -> int:
    """Send these once more, or all that are dead; what waited its turn is asked for now. Those that
    an older database does not know (it was restored) are put back. Returns how many."""
    mine = deliveries.endpoint == endpoint
    chosen = deliveries.state == "dead" if positions is None else deliveries.position.in_(positions)
    fresh = {"state": "pending", "attempts": 0, "next_at": now}
    changed = connection.execute(tables.deliveries.update().where(mine, chosen).values(fresh))
    count = changed.rowcount
    if positions is not None:
        there = set(connection.scalars(sa.select(deliveries.position).where(mine, chosen)))
        missing = sorted(set(positions) - there)
        rows = [{"endpoint": endpoint, "position": at, **fresh} for at in missing]
        if rows:
            connection.execute(tables.deliveries.insert(), rows)
        count += len(rows)
    return count


def page(
    connection: sa.Connection, endpoint: UUID, state: str | None, after: int, limit: int
) -> list[Delivery]:
    """At most `limit` deliveries of one endpoint after position `after`."""
    query = sa.select(tables.deliveries).where(
        deliveries.endpoint == endpoint, deliveries.position > after
    )
    if state is not None:
        query = query.where(deliveries.state == state)
    found = connection.execute(query.order_by(deliveries.position).limit(limit))
    return [Delivery(*row) for row in found]


def counts(connection: sa.Connection) -> dict[UUID, dict[str, int]]:
    """How many deliveries of each endpoint are in each state."""
    found: dict[UUID, dict[str, int]] = {}
    for endpoint, state, n in _COUNTS.rows(connection):
        found.setdefault(endpoint, {})[state] = n
    return found


def forget(connection: sa.Connection, before: Instant) -> int:
    """Delete the record of deliveries that succeeded before then: the facts say who was told."""
    old = (deliveries.state == "delivered") & (deliveries.last_at < before)
    return connection.execute(sa.delete(tables.deliveries).where(old)).rowcount
