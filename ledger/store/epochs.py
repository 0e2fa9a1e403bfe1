"""The epochs of the key-encryption keys (KEKs), as the database knows them.

Every row of `keys` names the epoch under which its data key was last wrapped, destroyed and
archived ones too: that epoch decides when stale copies of it, in write-ahead logs, replicas and
backups, are dead. An epoch has at most two events, `ledger.kek_retired` and `ledger.kek_destroyed`,
on streams derived from its number: they are found without a search, and nobody records one twice.

What this file never does: unwrap a key (the vault does), or decide when (`ledger/rotating.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, add_days
from ledger.errors import Broken
from ledger.store import tables
from ledger.store.database import Database, speaking
from ledger.store.keyring import Keyring
from ledger.store.recorder import lock_head
from ledger.store.vault import Vault

BATCH = 200  # keys rewrapped under one hold of the head lock
OUTDATED = (
    "a keyring is outdated: another copy of it has a newer key-encryption key; "
    "give every process of this ledger the same keyring"
)
RETIRED, DESTROYED = "ledger.kek_retired", "ledger.kek_destroyed"
_k = tables.keys.c
_WRAPPED_BY_US = (_k.state == "live") & (_k.tier == "operational")


class Told(NamedTuple):
    """What history says of one epoch, by day; None: nothing yet."""

    retired_on: Day | None = None
    dies_on: Day | None = None
    destroyed_on: Day | None = None

    def is_due(self, today: Day) -> bool:
        """Whether the day of its death has come."""
        return self.dies_on is not None and self.dies_on <= today


class Death(NamedTuple):
    """When the last wrapped copy of a destroyed data key is dead, backups included.

    `state` says how firm `day` is: `destroyed` (it was that day), `retired` (the KEK is destroyed
    that day), `in-use` (the KEK still serves others: `day` is the earliest possible, if keys are
    rotated today; it becomes firm with the rotation).
    """

    state: str
    day: Day


class Count(NamedTuple):
    """How many data keys were last wrapped under an epoch, by what became of them."""

    epoch: int
    operational: int
    archived: int
    destroyed: int


def stream_of(kind: str, epoch: int) -> UUID:
    """The stream of the one event of this kind about this epoch."""
    return entry.derived_id(f"probant/{kind}\x00{epoch}".encode())


def told(connection: sa.Connection, epochs: Iterable[int]) -> dict[int, Told]:
    """What history says of each of these epochs."""
    e = tables.events.c
    streams = {stream_of(kind, n): (n, kind) for n in epochs for kind in (RETIRED, DESTROYED)}
    found = {n: Told() for n, _ in streams.values()}
    query = sa.select(e.stream, e.local_day, e.until_day).where(e.stream.in_(list(streams)))
    for row in connection.execute(query):
        n, kind = streams[row.stream]
        if kind == RETIRED:
            found[n] = found[n]._replace(retired_on=row.local_day, dies_on=row.until_day)
        else:
            found[n] = found[n]._replace(destroyed_on=row.local_day)
    return found


def check_keyring(connection: sa.Connection, keyring: Keyring) -> None:
    """Look into the keyring again. Raises Broken when what it would wrap with is retired: what is
    wrapped under such a KEK could be read until a certain day only."""
    keyring.refresh()
    if told(connection, [keyring.epoch])[keyring.epoch].retired_on is not None:
        raise Broken(OUTDATED)


def death_of(connection: sa.Connection, kek_epoch: int, today: Day, horizon: int) -> Death:
    """When every wrapped copy of a data key last wrapped under `kek_epoch` is dead.

    `kek_epoch` is the column of its row in `keys`, which outlives its destruction and archiving.
    Older epochs die no later: they were retired earlier. `horizon` is the days backups are kept.
    """
    said = told(connection, [kek_epoch])[kek_epoch]
    if said.destroyed_on is not None:
        return Death("destroyed", said.destroyed_on)
    if said.dies_on is not None:
        return Death("retired", max(said.dies_on, today))  # overdue: not before today
    return Death("in-use", add_days(today, horizon))


def counts(connection: sa.Connection) -> list[Count]:
    """The data keys of each epoch, oldest epoch first."""
    query = sa.select(_k.kek_epoch, _k.state, _k.tier, sa.func.count()).group_by(
        _k.kek_epoch, _k.state, _k.tier
    )
    found: dict[int, Count] = {}
    for epoch, state, tier, n in connection.execute(query):
        count = found.get(epoch, Count(epoch, 0, 0, 0))
        if state == "destroyed":
            found[epoch] = count._replace(destroyed=count.destroyed + n)
        elif tier == "operational":
            found[epoch] = count._replace(operational=count.operational + n)
        else:
            found[epoch] = count._replace(archived=count.archived + n)
    return [found[epoch] for epoch in sorted(found)]


def wrapped_under(connection: sa.Connection, epochs: Iterable[int]) -> int:
    """How many living keys need one of these KEKs to be read."""
    query = sa.select(sa.func.count()).where(_WRAPPED_BY_US, _k.kek_epoch.in_(list(epochs)))
    return connection.scalar(query) or 0


def unretired(connection: sa.Connection, newest: int) -> list[int]:
    """The epochs before the newest one that history has not retired, oldest first."""
    said = told(connection, range(1, newest))
    return [n for n in range(1, newest) if said[n].retired_on is None]


def begin(database: Database, keyring: Keyring) -> tuple[int, bool]:
    """The KEK that wraps from now on, in every process, and whether it is a new one: if an older
    epoch is not retired, a rotation was interrupted, and the newest KEK there is will do.

    The keyring is durable before the head's epoch moves. A crash between the two leaves a KEK that
    nobody needs yet; running again moves the epoch. Once it has moved, nothing is committed that
    was wrapped under what was newest before.
    """
    with speaking(), database.write() as connection:
        lock_head(connection)
        keyring.refresh()
        is_new = not unretired(connection, keyring.epoch)
        epoch = keyring.begin_epoch() if is_new else keyring.epoch
        connection.execute(tables.head.update().values(epoch=tables.head.c.epoch + 1))
    return epoch, is_new


def rewrap_some(
    database: Database, vault: Vault, newest: int, after: UUID | None
) -> tuple[int, UUID | None]:
    """Wrap up to `BATCH` living keys of older epochs under the newest KEK, in the order of ids.

    Returns how many, and the last id looked at (None: there is nothing behind). Unwrapping and
    wrapping happen before the lock; what was destroyed, archived or rewrapped meanwhile is left
    alone. A crash before the commit changes nothing, one after it leaves keys that are done.
    """
    query = sa.select(tables.keys).where(_WRAPPED_BY_US, _k.kek_epoch < newest)
    if after is not None:
        query = query.where(_k.key_id > after)
    with database.read() as connection:
        rows = connection.execute(query.order_by(_k.key_id).limit(BATCH)).all()
    if not rows:
        return 0, None
    values = []
    for row in rows:
        epoch, wrapped = vault.rewrapped(row)
        values.append({"id": row.key_id, "old": row.kek_epoch, "new": epoch, "wrapped": wrapped})
    change = (
        tables.keys.update()
        .where(_k.key_id == sa.bindparam("id"), _k.kek_epoch == sa.bindparam("old"), _WRAPPED_BY_US)
        .values(kek_epoch=sa.bindparam("new"), wrapped=sa.bindparam("wrapped"))
    )
    with speaking(), database.write() as connection:
        lock_head(connection)
        connection.execute(change, values)
    return len(rows), rows[-1].key_id
