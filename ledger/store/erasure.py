"""What an erasure touches, read and destroyed: keys, envelopes, references, fingerprints.

Read under the head lock, before; destroyed in the transaction that records the facts saying so.
A destroyed key leaves a tombstone, and a class that had no key gets one: its scope is closed for
ever. What this file never does: decide, or write an event. Read next: `ledger/erasing/erase.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, Instant
from ledger.store import tables
from ledger.store.database import Database, speaking
from ledger.store.vault import Scope, Vault

IDENTIFYING = ("contact", "account", "order")
"""The classes through which somebody is known: when all hers have ended, nobody can name her."""

COUNTER = "erasures"  # in `tracking`: how many intents of the journal this database carried out
ERASED_KIND = "customer.class_erased.v1"
AT_ONCE = 500

_events, _keys, _sealed = tables.events, tables.keys, tables.sealed


class Doomed(NamedTuple):
    """A key to destroy. No commitment: nothing that it sealed is left, or nothing ever was."""

    kid: UUID
    kc: str | None
    generation: int


class Condemned(NamedTuple):
    """A scope to end, with all generations of its key, oldest first."""

    scope: Scope
    keys: tuple[Doomed, ...]


class Suppressed(NamedTuple):
    """A blinded reference that shall not come back."""

    kind: str
    blind: bytes
    pepper: int


class Gone(NamedTuple):
    """What was deleted of one scope."""

    envelopes: int
    imports: int


# --- looking -----------------------------------------------------------------------------------


def carried_out(connection: sa.Connection) -> int:
    """How many intents of the journal this database has carried out."""
    t = tables.tracking.c
    query = sa.select(t.notification_id).where(t.application_name == COUNTER)
    return connection.scalar(query) or 0


def condemned(
    connection: sa.Connection, vault: Vault, scopes: Sequence[Scope]
) -> tuple[Condemned, ...]:
    """Those of these scopes that have not ended, each with what must be destroyed."""
    rows: dict[Scope, list[Any]] = {scope: [] for scope in scopes}
    for row in _rows_of(connection, _keys, {scope.subject for scope in scopes}):
        rows.get(Scope(row.subject, row.data_class, row.scope), []).append(row)
    found = []
    for scope, generations in rows.items():
        generations.sort(key=lambda row: row.generation)
        living = [row for row in generations if row.wrapped is not None]
        if generations and not living:
            continue
        keys = [Doomed(row.key_id, _kc(connection, vault, row), row.generation) for row in living]
        found.append(Condemned(scope, tuple(keys) or (Doomed(uuid4(), None, 1),)))
    return tuple(found)


def suppressed(connection: sa.Connection, ending: Sequence[Condemned]) -> tuple[Suppressed, ...]:
    """The references that end with these scopes: hers once nobody can name her any more, those of
    a thing (an order, a contract) with the scope that its first fact is homed in."""
    scopes = {one.scope for one in ending}
    return tuple(
        Suppressed(row.kind, bytes(row.blind), row.pepper)
        for row in _ending_lookups(connection, scopes)
    )


def closed_subjects(connection: sa.Connection, subjects: Collection[UUID]) -> set[UUID]:
    """Those of these people who were erased: every class through which they were known has
    ended."""
    return {
        subject
        for subject, scopes in _closed(connection, subjects).items()
        if subject not in _named(connection, {subject}, scopes)
    }


def closed_scopes(connection: sa.Connection, subject: UUID) -> set[Scope]:
    """The scopes of one person that have ended."""
    return _closed(connection, {subject}).get(subject, set())


def told(connection: sa.Connection, scope: Scope) -> tuple[int, UUID] | None:
    """The position and event id of the fact that says that this scope ended, if there is one."""
    e = _events.c
    query = sa.select(e.position, e.entry).where(
        e.subject == scope.subject,
        e.kind == ERASED_KIND,
        e.decision == scope.data_class,
        sa.func.coalesce(e.item, "") == scope.item,
    )
    row = connection.execute(query.order_by(e.position).limit(1)).one_or_none()
    return row and (row.position, UUID(entry.read(bytes(row.entry))["id"]))


def destruction_stream(kid: UUID) -> UUID:
    """The stream of the one fact that says that this key (and those after it) was destroyed."""
    return entry.derived_id(b"probant/key_destroyed\x00" + kid.bytes)


def begun(connection: sa.Connection, streams: Collection[UUID]) -> set[UUID]:
    """Those of these streams that exist."""
    query = sa.select(_events.c.stream).where(_events.c.stream.in_(list(streams)))
    return set(connection.scalars(query.distinct()))


def _kc(connection: sa.Connection, vault: Vault, row: Any) -> str | None:
    """The commitment to a key, as the entry that created it writes it, or any that it sealed."""
    of_hers = sa.select(_sealed.c.position).join(_events, _events.c.position == _sealed.c.position)
    mine = of_hers.where(_events.c.subject == row.subject, _sealed.c.key_id == row.key_id)
    for where in (row.created_position, mine.limit(1).scalar_subquery()):
        query = sa.select(_events.c.entry).where(_events.c.position == where)
        raw = connection.scalar(query)
        for part in entry.read(bytes(raw)).get("parts", ()) if raw else ():
            if part["kid"] == str(row.key_id):
                return str(part["kc"])
    return vault.commitment_of(row)


def _rows_of(connection: sa.Connection, table: sa.Table, subjects: Collection[UUID]) -> list[Any]:
    asked = list(subjects)
    rows: list[Any] = []
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        rows += connection.execute(sa.select(table).where(table.c.subject.in_(some))).all()
    return rows


def _closed(connection: sa.Connection, subjects: Collection[UUID]) -> dict[UUID, set[Scope]]:
    """The scopes of these people that have ended, for those who have one."""
    newest: dict[Scope, Any] = {}
    for row in _rows_of(connection, _keys, subjects):
        scope = Scope(row.subject, row.data_class, row.scope)
        if scope not in newest or newest[scope].generation < row.generation:
            newest[scope] = row
    found: dict[UUID, set[Scope]] = {}
    for scope, row in newest.items():
        if row.wrapped is None:
            found.setdefault(scope.subject, set()).add(scope)
    return found


def _named(
    connection: sa.Connection, subjects: Collection[UUID], ended: Collection[Scope]
) -> set[UUID]:
    """Those of these people whom a class that has not ended still names."""
    classes = {(scope.subject, scope.data_class) for scope in ended if not scope.item}
    a = tables.activity.c
    asked, found = list(subjects), set()
    for start in range(0, len(asked), AT_ONCE):
        query = sa.select(a.subject, a["class"]).where(
            a.subject.in_(asked[start : start + AT_ONCE]), a["class"].in_(IDENTIFYING)
        )
        for row in connection.execute(query.distinct()):
            if tuple(row) not in classes:
                found.add(row[0])
    return found


def _ending_lookups(connection: sa.Connection, ending: Collection[Scope]) -> list[Any]:
    """The rows of `lookups` that these scopes, with those that have ended before, take away."""
    subjects = {scope.subject for scope in ending}
    ended = set(ending).union(*_closed(connection, subjects).values())
    nameable = _named(connection, subjects, ended)
    rows = _rows_of(connection, tables.lookups, subjects)
    homes = _homes(connection, {row.target for row in rows if row.target != row.subject})
    found = []
    for row in rows:
        if row.target == row.subject:
            ends = row.subject not in nameable
        else:
            home, item = homes.get(row.target, ("", ""))
            ends = any(Scope(row.subject, home, one) in ended for one in {"", item})
        if ends:
            found.append(row)
    return found


def _homes(connection: sa.Connection, streams: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """The class and item that the first fact of each stream is homed in."""
    e, asked = _events.c, list(streams)
    found = {}
    for start in range(0, len(asked), AT_ONCE):
        query = sa.select(e.stream, e["class"], e.item).where(
            e.stream.in_(asked[start : start + AT_ONCE]), e.version == 1
        )
        for row in connection.execute(query):
            found[row[0]] = (row[1] or "", row[2] or "")
    return found


# --- destroying --------------------------------------------------------------------------------


def destroy(
    connection: sa.Connection,
    scopes: Sequence[Condemned],
    positions: Sequence[int],
    epoch: int,
    suppressions: Sequence[Suppressed],
    cutoff: Instant,
    until: Day,
    number: int,
) -> list[Gone]:
    """Destroy these scopes, at the positions of the facts that say so. Doing it twice is doing it
    once. `number` is how many intents are then carried out, `epoch` what tombstones of keys that
    never were claim to be wrapped under."""
    ending = {one.scope for one in scopes}
    references = {(row.kind, bytes(row.blind)) for row in _ending_lookups(connection, ending)}
    references |= {(one.kind, one.blind) for one in suppressions}
    gone = [
        _destroy_scope(connection, one, at, epoch)
        for one, at in zip(scopes, positions, strict=True)
    ]
    lookups = tables.lookups
    for kind, blind in references:
        connection.execute(
            sa.delete(lookups).where(lookups.c.kind == kind, lookups.c.blind == blind)
        )
    rows = [
        {
            **{"kind": one.kind, "blind": one.blind, "pepper": one.pepper, "reason": "erased"},
            **{"purpose": "", "channel": "", "cutoff": cutoff, "until_day": until},
            "at_position": positions[0],
        }
        for one in suppressions
    ]
    _upsert(connection, tables.suppressions, rows, ("cutoff", "until_day", "at_position"))
    counted = [{"application_name": COUNTER, "notification_id": number}]
    _upsert(connection, tables.tracking, counted, ("notification_id",))
    return gone


def tidy(
    database: Database,
    touched: Sequence[str] = ("keys", "sealed", "lookups", "imports", "commands"),
) -> None:
    """Hygiene after an erasure: nothing deleted stays in the write-ahead log of SQLite (pages are
    overwritten there, `secure_delete`), no dead row in the heap of PostgreSQL. A crash before it
    leaves unreadable ciphertext only; the next erasure tidies for this one too."""
    if database.is_memory:
        return
    if database.is_sqlite:
        with speaking(), database.engine.connect() as connection:
            autocommit = connection.connection.driver_connection
            assert autocommit is not None
            autocommit.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return
    owner = database.as_connected()
    try:
        with speaking(), owner.engine.connect() as pooled:
            connection = pooled.execution_options(isolation_level="AUTOCOMMIT")
            for name in touched:
                connection.exec_driver_sql(f"VACUUM {name}")
    finally:
        owner.close()


def _destroy_scope(connection: sa.Connection, one: Condemned, at: int, epoch: int) -> Gone:
    scope = one.scope
    mine = (
        (_keys.c.subject == scope.subject)
        & (_keys.c.data_class == scope.data_class)
        & (_keys.c.scope == scope.item)
    )
    connection.execute(
        sa.update(_keys)
        .where(mine, _keys.c.wrapped.is_not(None))
        .values(wrapped=None, state="destroyed", destroyed_position=at)
    )
    there = set(connection.scalars(sa.select(_keys.c.key_id).where(mine)))
    for key in one.keys:
        if key.kid not in there:
            tombstone = (key.kid, *scope, key.generation, "operational", epoch, None)
            connection.execute(sa.insert(_keys).values((*tombstone, "destroyed", at, at)))
            there.add(key.kid)
    hers = sa.select(_events.c.position).where(_events.c.subject == scope.subject)
    envelopes = connection.execute(
        sa.delete(_sealed).where(_sealed.c.position.in_(hers), _sealed.c.key_id.in_(there))
    ).rowcount
    homed = hers.where(_events.c["class"] == scope.data_class)
    if scope.item:
        homed = homed.where(_events.c.item == scope.item)
    commands, imports = tables.commands, tables.imports
    connection.execute(sa.delete(commands).where(commands.c.first_position.in_(homed)))
    rows = connection.execute(sa.delete(imports).where(imports.c.position.in_(homed))).rowcount
    return Gone(envelopes, rows)


def _upsert(
    connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]], moving: tuple[str, ...]
) -> None:
    from sqlalchemy.dialects import postgresql, sqlite

    if not rows:
        return
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    changed = {name: insert.excluded[name] for name in moving}
    key = [column.name for column in table.primary_key.columns]
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=changed), rows)


# --- reading back ------------------------------------------------------------------------------


class Seen(NamedTuple):
    """What was found after an erasure, of what should be gone and of what stays."""

    living_keys: int
    envelopes: int
    lookups: int
    entries: int  # pseudonymous, until pruned
    epochs: tuple[int, ...]  # of the KEKs that wrapped the destroyed keys


def read_back(connection: sa.Connection, subject: UUID, keys: Sequence[UUID]) -> Seen:
    """Look for what an erasure destroyed."""
    count, ids = sa.func.count(), list(keys)
    mine = _keys.c.key_id.in_(ids)
    lookups = tables.lookups.c.subject == subject

    def number(query: Any) -> int:
        return connection.scalar(query) or 0

    return Seen(
        number(sa.select(count).select_from(_keys).where(mine, _keys.c.wrapped.is_not(None))),
        number(sa.select(count).select_from(_sealed).where(_sealed.c.key_id.in_(ids))),
        number(sa.select(count).select_from(tables.lookups).where(lookups)),
        number(sa.select(count).select_from(_events).where(_events.c.subject == subject)),
        tuple(sorted(connection.scalars(sa.select(_keys.c.kek_epoch).where(mine).distinct()))),
    )


def disclosed(connection: sa.Connection, classes: Collection[str]) -> list[tuple[int, Day, str]]:
    """Every time data of these classes was handed out: position, day, recipient."""
    e = _events.c
    query = sa.select(e.position, e.local_day, e.entry).where(e.kind == "data.disclosed.v1")
    found = []
    for row in connection.execute(query.order_by(e.position)):
        said = entry.read(bytes(row.entry))["meta"]
        if set(said["classes"]) & set(classes):
            found.append((row.position, row.local_day, said["recipient"]))
    return found


def is_log_empty(database: Database) -> bool | None:
    """Whether nothing deleted lies in SQLite's write-ahead log; None where it is not ours."""
    name = database.engine.url.database
    if not database.is_sqlite or database.is_memory or not name:
        return None
    wal = Path(f"{name}-wal")
    return not wal.exists() or wal.stat().st_size == 0
