"""Requests that were carried out, remembered for a while: whoever asks again is told again.

A row is written in the transaction of the facts it led to, so that both exist or neither. It holds
keyed hashes of the key and of the body, the problems met, and for each recorded item only its place
among the events that the request wrote: what happened is told by the log itself, never by a copy.
What is more than one commit (a choice, a step of a request) is claimed before it begins, and its
answer kept when it is done. Read next: `ledger/handlers.py`, which writes rows with their facts,
`api/idempotency.py`, which reads them, and `api/once.py`, which claims.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.errors import Refusal
from ledger.store import tables
from ledger.store.database import Database, speaking

BEGUN = b""  # the outcome of a request that is being carried out, or whose server died in it
AT_ONCE = 100  # expired rows deleted by one sweep

commands, events = tables.commands.c, tables.events.c

Place = tuple[int, int]
"""The first and the last event of one accepted wish, counted from the first of its request."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What is to be remembered of a request: keyed hashes, until when, and how its outcome is
    written once every wish was decided."""

    fingerprint: bytes
    payload_mac: bytes
    expires_at: Instant
    outcome: Callable[[Sequence[Place | Refusal]], bytes]

    def row(self, told: Sequence[Place | Refusal], first: int, n: int) -> tuple[Any, ...]:
        """The row of a request that writes `n` events, the first of them named by its index among
        all that the transaction writes."""
        begins = first if n else None
        return self.fingerprint, self.payload_mac, self.outcome(told), begins, n, self.expires_at


class Remembered(NamedTuple):
    """A request that was carried out."""

    payload_mac: bytes
    outcome: bytes
    first_position: int | None  # None when it wrote nothing
    n: int
    expires_at: Instant


class Happened(NamedTuple):
    """One event as an answer tells it; only position and leaf are left of a pruned one."""

    position: int
    stream: UUID | None
    subject: UUID | None
    recorded_at: Instant | None
    entry: bytes | None
    leaf: bytes


def find(connection: sa.Connection, fingerprint: bytes) -> Remembered | None:
    """The request of this fingerprint, expired or not."""
    row = connection.execute(
        sa.select(*list(commands)[1:]).where(commands.fingerprint == fingerprint)
    ).one_or_none()
    return None if row is None else Remembered(bytes(row[0]), bytes(row[1]), *row[2:])


def happened(connection: sa.Connection, found: Remembered) -> list[Happened]:
    """The events that a request wrote, in order."""
    first = found.first_position
    if first is None:
        return []
    query = (
        sa.select(*(events[name] for name in Happened._fields))
        .where(events.position.between(first, first + found.n - 1))
        .order_by(events.position)
    )
    return [Happened(*row) for row in connection.execute(query)]


def claim(database: Database, fingerprint: bytes, payload_mac: bytes, expires_at: Instant) -> bool:
    """Begin a request whose answer is kept when it is done. False when it was begun before."""
    row = fingerprint, payload_mac, BEGUN, None, 0, expires_at
    with speaking(), database.write() as connection:
        known = sa.select(commands.n).where(commands.fingerprint == fingerprint)
        if connection.scalar(known) is not None:
            return False
        try:
            connection.execute(_insert(row))
        except sa.exc.IntegrityError:  # by another process, meanwhile
            connection.rollback()
            return False
    return True


def settle(
    database: Database, fingerprint: bytes, payload_mac: bytes, expires_at: Instant, outcome: bytes
) -> None:
    """Keep the answer of a request that was begun."""
    row = fingerprint, payload_mac, outcome, None, 0, expires_at
    with speaking(), database.write() as connection:
        connection.execute(sa.delete(tables.commands).where(commands.fingerprint == fingerprint))
        connection.execute(_insert(row))


def release(database: Database, fingerprint: bytes) -> None:
    """Forget a request that was begun and recorded nothing."""
    begun = (commands.fingerprint == fingerprint) & (commands.outcome == BEGUN)
    with speaking(), database.write() as connection:
        connection.execute(sa.delete(tables.commands).where(begun))


def _insert(row: tuple[Any, ...]) -> Any:
    names = [column.name for column in commands]
    return sa.insert(tables.commands).values(dict(zip(names, row, strict=True)))


def expired(connection: sa.Connection, now: Instant, limit: int = AT_ONCE) -> list[bytes]:
    """The fingerprints of at most `limit` rows that may be forgotten."""
    query = sa.select(commands.fingerprint).where(commands.expires_at <= now).limit(limit)
    return [bytes(fingerprint) for fingerprint in connection.scalars(query)]


def forget(database: Database, fingerprints: Sequence[bytes], now: Instant) -> None:
    """Delete those of these rows that have expired."""
    doomed = commands.fingerprint.in_(sorted(fingerprints)) & (commands.expires_at <= now)
    with speaking(), database.write() as connection:
        connection.execute(sa.delete(tables.commands).where(doomed))
