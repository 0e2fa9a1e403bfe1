"""Keys that leave daily use, wrapped for the archive's recipient: the service cannot go back.

`wrapped` becomes `SHA-256 of the recipient (32 bytes) || HPKE of the data key`; `kek_epoch` stays:
older copies of the row are readable until that KEK dies. Read next: `recipient.py`, `vault.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.store import tables
from ledger.store.recipient import ArchiveRecipient
from ledger.store.vault import Scope, Vault

_k = tables.keys.c


def operational_keys(connection: sa.Connection, scopes: Sequence[Scope]) -> dict[Scope, list[Any]]:
    """The living keys of these scopes of one person that the service can read."""
    found: dict[Scope, list[Any]] = {scope: [] for scope in scopes}
    query = sa.select(tables.keys).where(
        _k.subject.in_({scope.subject for scope in scopes}),
        _k.tier == "operational",
        _k.wrapped.is_not(None),
    )
    for row in connection.execute(query.order_by(_k.generation)):
        found.get(Scope(row.subject, row.data_class, row.scope), []).append(row)
    return found


def wrap(
    vault: Vault, recipient: ArchiveRecipient, rows: Iterable[Sequence[Any]]
) -> dict[UUID, bytes]:
    """What `wrapped` becomes, by key. Raises Broken when a KEK is gone."""
    return {row.key_id: vault.archived(row, recipient) for some in rows for row in some}


def restrict(connection: sa.Connection, wrapped: dict[UUID, bytes]) -> None:
    """Put these keys into the archive. Inside a transaction that holds the head lock."""
    for key_id, content in wrapped.items():
        connection.execute(
            sa.update(tables.keys)
            .where(_k.key_id == key_id)
            .values(tier="archive", wrapped=content)
        )


def people_with(
    connection: sa.Connection, klass: str, after: tuple[UUID, str] | None, limit: int
) -> list[tuple[UUID, str]]:
    """People and things of whom something of this class is known, in the order of their ids."""
    a = tables.activity.c
    query = sa.select(a.subject, a.scope).where(a["class"] == klass)
    if after is not None:
        beyond = (a.subject == after[0]) & (a.scope > after[1])
        query = query.where((a.subject > after[0]) | beyond)
    ordered = query.distinct().order_by(a.subject, a.scope).limit(limit)
    return [(row.subject, row.scope) for row in connection.execute(ordered)]


def left_behind(
    connection: sa.Connection, after: tuple[UUID, str] | None, limit: int
) -> list[tuple[UUID, str]]:
    """People and things with a key that the service can read of a class that was archived, in the
    order of their ids: what was recorded after it, whatever day it speaks of."""
    e = tables.ended.c
    query = sa.select(_k.subject, _k.scope).where(
        *(_k.subject == e.subject, _k.data_class == e["class"], _k.scope == e.scope),
        *(e.tier == "archived", _k.tier == "operational", _k.wrapped.is_not(None)),
    )
    if after is not None:
        beyond = (_k.subject == after[0]) & (_k.scope > after[1])
        query = query.where((_k.subject > after[0]) | beyond)
    ordered = query.distinct().order_by(_k.subject, _k.scope).limit(limit)
    return [(row.subject, row.scope) for row in connection.execute(ordered)]
