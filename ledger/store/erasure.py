"""What an erasure touches, read and destroyed: keys, envelopes, references, fingerprints.

Read under the head lock, before; destroyed in the transaction that records the facts saying so.
A destroyed key leaves a tombstone, and a class that had no key gets one: what the scope held is
gone for ever. What is recorded of it later, while she can be named, is held anew (decision 0059).
What this file never does: decide, or write an event. Read next: `ledger/erasing/erase.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, Instant
from ledger.store import suppressions, tables
from ledger.store.database import Database, speaking
from ledger.store.hot import Hot
from ledger.store.statements import upsert
from ledger.store.states import Part
from ledger.store.suppressions import Suppressed
from ledger.store.vault import Scope, Vault, recorded_from

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


# --- looking -----------------------------------------------------------------------------------


_ENTRIES = Hot(
    sa.select(tables.events.c.entry).where(tables.events.c.entry.is_not(None)),
    tables.events.c.position,
)
_k, _a = _keys.c, tables.activity.c
_TOLD_SINCE = sa.exists().where(
    _a.subject == _k.subject,
    _a["class"] == _k.data_class,
    (_k.scope == "") | (_a.scope == _k.scope),
    _a.last_position > _k.destroyed_position,
)
# Whether something is held: under a key that lives, or in clear since the last one was destroyed.
_HOLDS = _k.wrapped.is_not(None) | _TOLD_SINCE
_GENERATIONS = Hot(
    sa.select(_k.subject, _k.data_class, _k.scope, _k.generation, _HOLDS), _k.subject
)
_tracking = tables.tracking.c
CARRIED_OUT = Hot(sa.select(_tracking.notification_id).where(_tracking.application_name == COUNTER))


def carried_out(connection: sa.Connection) -> int:
    """How many intents of the journal this database has carried out."""
    return counted(CARRIED_OUT.rows(connection))


def counted(found: Sequence[tuple[Any, ...]]) -> int:
    """The number that `CARRIED_OUT` found."""
    return int(found[0][0] or 0) if found else 0


def condemned(
    connection: sa.Connection, vault: Vault, scopes: Sequence[Scope]
) -> tuple[Condemned, ...]:
    """Those of these scopes that have not ended, each with what must be destroyed."""
    rows: dict[Scope, list[Any]] = {scope: [] for scope in scopes}
    for row in _rows_of(connection, _keys, {scope.subject for scope in scopes}):
        rows.get(Scope(row.subject, row.data_class, row.scope), []).append(row)
    said = _said(connection, [row for some in rows.values() for row in some])
    ended: set[Scope] = set().union(*_closed(connection, {one.subject for one in rows}).values())
    found = []
    for scope, generations in rows.items():
        if scope in ended:
            continue
        generations.sort(key=lambda row: row.generation)
        keys = [
            Doomed(row.key_id, said.get(row.key_id) or _kc(connection, vault, row), row.generation)
            for row in generations
            if row.wrapped is not None
        ]
        after = generations[-1].generation + 1 if generations else 1
        found.append(Condemned(scope, tuple(keys) or (Doomed(uuid4(), None, after),)))
    return tuple(found)


def unheld(connection: sa.Connection, ended: Sequence[Condemned]) -> list[Scope]:
    """Those of these scopes, as the journal says that they ended, of which a key is no tombstone
    here."""
    dead = destroyed(connection, {key.kid for one in ended for key in one.keys})
    return [one.scope for one in ended if any(key.kid not in dead for key in one.keys)]


def destroyed(connection: sa.Connection, keys: Collection[UUID]) -> set[UUID]:
    """Those of these keys that are tombstones."""
    found: set[UUID] = set()
    for some in _chunks(keys):
        query = sa.select(_k.key_id).where(_k.key_id.in_(some), _k.wrapped.is_(None))
        found.update(connection.scalars(query))
    return found


def unfinished(connection: sa.Connection, after: int = 0) -> list[int]:
    """Where an erasure is on record, behind a position, that does not hold: nothing says that its
    scope ended, or a key of it lives that was made before."""
    e = _events.c
    here = sa.exists().where(
        _k.subject == e.subject,
        _k.data_class == e.decision,
        _k.scope == sa.func.coalesce(e.item, ""),
    )
    lives = here.where(_k.wrapped.is_not(None), _k.created_position < e.position)
    query = sa.select(e.position).where(
        e.kind == ERASED_KIND, e.position > after, ~here.where(_k.wrapped.is_(None)) | lives
    )
    return list(connection.scalars(query.order_by(e.position)))


def living(connection: sa.Connection, scopes: Sequence[Scope]) -> set[Scope]:
    """Those of these scopes that have not ended, or are held anew."""
    subjects = {scope.subject for scope in scopes}
    ended: set[Scope] = set().union(*_closed(connection, subjects).values())
    return set(scopes) - ended


def ending_references(connection: sa.Connection, ending: Sequence[Condemned]) -> list[Any]:
    """The rows of `lookups` that end with these scopes: hers once nobody can name her any more,
    those of a thing (an order, a contract) with the scope that its first fact is homed in."""
    return _ending_lookups(connection, {one.scope for one in ending})


def references_of(connection: sa.Connection, subjects: Collection[UUID]) -> list[Any]:
    """The rows of `lookups` that mean these people, and not a thing of theirs."""
    rows = _rows_of(connection, tables.lookups, subjects) if subjects else []
    return [row for row in rows if row.target == row.subject]


def closed_subjects(connection: sa.Connection, subjects: Collection[UUID]) -> set[UUID]:
    """Those of these people who were erased: every class through which they were known has
    ended."""
    closed = _closed(connection, subjects)
    ended: set[Scope] = set().union(*closed.values())
    return closed.keys() - _named(connection, closed, ended)


def closed_since(connection: sa.Connection, subjects: Collection[UUID]) -> dict[UUID, int]:
    """Those of these people who were erased, each with the position at which the last class ended
    through which she was known."""
    k, last = _keys.c, sa.func.max(_keys.c.destroyed_position)
    query = sa.select(k.subject, last).where(k.data_class.in_(IDENTIFYING), k.scope == "")
    found: dict[UUID, int] = {}
    for some in _chunks(closed_subjects(connection, subjects)):
        rows = connection.execute(query.where(k.subject.in_(some)).group_by(k.subject))
        found |= {subject: int(at or 0) for subject, at in rows}
    return found


def closed_scopes(connection: sa.Connection, subject: UUID) -> set[Scope]:
    """The scopes of one person that have ended."""
    return _closed(connection, {subject}).get(subject, set())


def ended_until(connection: sa.Connection, subjects: Collection[UUID]) -> dict[Scope, Instant]:
    """When the classes of these people that ever ended did so last; if what says so was pruned, the
    instant of the next entry that was not."""
    last: dict[Scope, tuple[int, Instant | None]] = {}
    query = (
        sa.select(
            *(_k.subject, _k.data_class, _k.scope, _k.destroyed_position, _events.c.recorded_at)
        )
        .select_from(_keys.outerjoin(_events, _events.c.position == _k.destroyed_position))
        .where(sa.text("keys.state = 'destroyed'"), _k.scope == "")
        .order_by(_k.destroyed_position)
    )
    for some in _chunks(subjects):
        for *of, at, recorded in connection.execute(query.where(_k.subject.in_(some))):
            last[Scope(*of)] = at, recorded
    return {
        scope: recorded_from(connection, at) if recorded is None else recorded
        for scope, (at, recorded) in last.items()
    }


def told(
    connection: sa.Connection, ending: Sequence[Condemned], since: Instant
) -> dict[Scope, tuple[int, UUID]]:
    """The position and event id of the fact that says that a scope ended, for those that have one:
    what names a key of it; where nothing was sealed, what says so at `since` or later."""
    kids = {one.scope: {str(key.kid) for key in one.keys if key.kc} for one in ending}
    found: dict[Scope, tuple[int, UUID]] = {}
    e = _events.c
    query = sa.select(e.position, e.subject, e.decision, e.item, e.occurred_at, e.entry).where(
        e.kind == ERASED_KIND
    )
    for some in _chunks({scope.subject for scope in kids}):
        for row in connection.execute(query.where(e.subject.in_(some)).order_by(e.position)):
            scope = Scope(row.subject, row.decision, row.item or "")
            if scope not in kids:
                continue
            said = entry.read(bytes(row.entry))
            named = set(said["meta"].get("keys", ()))
            if named & kids[scope] or (not named | kids[scope] and row.occurred_at >= since):
                found.setdefault(scope, (row.position, UUID(said["id"])))
    return found


def destruction_stream(kid: UUID) -> UUID:
    """The stream of the one fact that says that this key (and those after it) was destroyed."""
    return entry.derived_id(b"probant/key_destroyed\x00" + kid.bytes)


def begun(connection: sa.Connection, streams: Collection[UUID]) -> set[UUID]:
    """Those of these streams that exist."""
    query = sa.select(_events.c.stream).where(_events.c.stream.in_(list(streams)))
    return set(connection.scalars(query.distinct()))


def _said(connection: sa.Connection, rows: Sequence[Any]) -> dict[UUID, str]:
    """The commitments to these keys, as the entries that created them write them."""
    found: dict[UUID, str] = {}
    for some in _chunks({row.created_position for row in rows}):
        for (raw,) in _ENTRIES.rows(connection, some):
            for part in entry.read(bytes(raw)).get("parts", ()):
                found[UUID(part["kid"])] = str(part["kc"])
    return found


def _kc(connection: sa.Connection, vault: Vault, row: Any) -> str | None:
    """The commitment to a key whose first entry does not tell it: as any entry that it sealed
    writes it, or as we know it."""
    of_hers = sa.select(_sealed.c.position).join(_events, _events.c.position == _sealed.c.position)
    mine = of_hers.where(_events.c.subject == row.subject, _sealed.c.key_id == row.key_id)
    query = sa.select(_events.c.entry).where(_events.c.position == mine.limit(1).scalar_subquery())
    raw = connection.scalar(query)
    for part in entry.read(bytes(raw)).get("parts", ()) if raw else ():
        if part["kid"] == str(row.key_id):
            return str(part["kc"])
    return vault.commitment_of(row)


def _chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    asked = list(values)
    for start in range(0, len(asked), AT_ONCE):
        yield asked[start : start + AT_ONCE]


def _rows_of(connection: sa.Connection, table: sa.Table, subjects: Collection[UUID]) -> list[Any]:
    rows: list[Any] = []
    for some in _chunks(subjects):
        rows += connection.execute(sa.select(table).where(table.c.subject.in_(some))).all()
    return rows


KEYS = Part("keys", (_GENERATIONS,))  # which of hers live


def _closed(connection: sa.Connection, subjects: Collection[UUID]) -> dict[UUID, set[Scope]]:
    """The scopes of these people that have ended, for those who have one: the newest generation of
    a key decides, and what was recorded since."""
    newest: dict[Scope, tuple[int, bool]] = {}
    for some in _chunks(subjects):
        hers = next(iter(some)) if len(some) == 1 else None
        for *of, generation, lives in (
            _GENERATIONS.rows(connection, some) if hers is None else KEYS.of(connection, hers)
        ):
            scope = Scope(*of)
            newest[scope] = max(newest.get(scope, (0, True)), (generation, bool(lives)))
    found: dict[UUID, set[Scope]] = {}
    for scope, (_, lives) in newest.items():
        if not lives:
            found.setdefault(scope.subject, set()).add(scope)
    return found


def _named(
    connection: sa.Connection, subjects: Collection[UUID], ended: Collection[Scope]
) -> set[UUID]:
    """Those of these people whom a class that has not ended still names."""
    classes = {(scope.subject, scope.data_class) for scope in ended if not scope.item}
    a = tables.activity.c
    found = set()
    for some in _chunks(subjects):
        query = sa.select(a.subject, a["class"]).where(
            a.subject.in_(some), a["class"].in_(IDENTIFYING)
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
    e, found = _events.c, {}
    for some in _chunks(streams):
        query = sa.select(e.stream, e["class"], e.item).where(e.stream.in_(some), e.version == 1)
        for row in connection.execute(query):
            found[row[0]] = (row[1] or "", row[2] or "")
    return found


# --- destroying --------------------------------------------------------------------------------


def destroy(
    connection: sa.Connection,
    scopes: Sequence[Condemned],
    positions: Sequence[int],
    epoch: int,
    suppressed: Sequence[Suppressed],
    cutoff: Instant,
    until: Day,
    number: int,
) -> list[int]:
    """Destroy these scopes, at the positions of the facts that say so. Doing it twice is doing it
    once. `number` is how many intents are then carried out, `epoch` what tombstones of keys that
    never were claim to be wrapped under. Returns how many envelopes went with each scope."""
    ending = {one.scope for one in scopes}
    references = {(row.kind, bytes(row.blind)) for row in _ending_lookups(connection, ending)}
    # Her no is remembered under references of hers that go on meaning her, too.
    references |= {(one.kind, one.blind) for one in suppressed if one.reason == "erased"}
    kids = _destroy_keys(connection, scopes, positions, epoch)
    gone = _delete_envelopes(connection, kids)
    _delete_fingerprints(connection, ending)
    asked = [{"of_kind": kind, "of_blind": blind} for kind, blind in references]
    there = tables.lookups.c
    _many(
        connection,
        sa.delete(tables.lookups).where(
            there.kind == sa.bindparam("of_kind"), there.blind == sa.bindparam("of_blind")
        ),
        asked,
    )
    suppressions.add(connection, suppressed, cutoff, until, positions[0])
    counted = [{"application_name": COUNTER, "notification_id": number}]
    upsert(connection, tables.tracking, counted, ("notification_id",))
    return [gone[one.scope] for one in scopes]


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


def _destroy_keys(
    connection: sa.Connection, scopes: Sequence[Condemned], positions: Sequence[int], epoch: int
) -> dict[UUID, Scope]:
    """Turn the keys of these scopes into tombstones, and make the tombstones that are missing.
    Returns every key there ever was, with its scope."""
    at_of = {one.scope: at for one, at in zip(scopes, positions, strict=True)}
    kids: dict[UUID, Scope] = {}
    living = []
    for row in _rows_of(connection, _keys, {scope.subject for scope in at_of}):
        scope = Scope(row.subject, row.data_class, row.scope)
        if scope in at_of:
            kids[row.key_id] = scope
            if row.wrapped is not None:
                living.append({"kid": row.key_id, "at": at_of[scope]})
    destroyed = sa.update(_keys).where(_keys.c.key_id == sa.bindparam("kid"))
    values: dict[str, Any] = {
        "wrapped": None,
        "state": "destroyed",
        "destroyed_position": sa.bindparam("at"),
    }
    _many(connection, destroyed.values(values), living)
    names = [column.name for column in _keys.columns]
    missing = []
    for one in scopes:
        for key in one.keys:
            if key.kid not in kids:
                kids[key.kid], at = one.scope, at_of[one.scope]
                row = (key.kid, *one.scope, key.generation, "operational", epoch, None)
                missing.append(dict(zip(names, (*row, "destroyed", at, at), strict=True)))
    _many(connection, sa.insert(_keys), missing)
    return kids


def _delete_envelopes(connection: sa.Connection, kids: dict[UUID, Scope]) -> Counter[Scope]:
    """Delete what these keys sealed. Returns how much that was, by scope."""
    gone: Counter[Scope] = Counter()
    places = []
    query = sa.select(_sealed.c.position, _sealed.c.part, _sealed.c.key_id).join(
        _events, _events.c.position == _sealed.c.position
    )
    for some in _chunks({scope.subject for scope in kids.values()}):
        for row in connection.execute(query.where(_events.c.subject.in_(some))):
            if row.key_id in kids:
                gone[kids[row.key_id]] += 1
                places.append({"place": row.position, "name": row.part})
    _many(
        connection,
        sa.delete(_sealed).where(
            _sealed.c.position == sa.bindparam("place"), _sealed.c.part == sa.bindparam("name")
        ),
        places,
    )
    return gone


def _delete_fingerprints(connection: sa.Connection, ending: set[Scope]) -> None:
    """Delete what could tell that a command or a line about these scopes was seen before."""
    e, homed = _events.c, []
    query = sa.select(e.position, e.subject, e["class"], e.item)
    for some in _chunks({scope.subject for scope in ending}):
        for at, subject, klass, item in connection.execute(query.where(e.subject.in_(some))):
            if klass and {Scope(subject, klass, ""), Scope(subject, klass, item or "")} & ending:
                homed.append(at)
    for table, column in (
        (tables.commands, tables.commands.c.first_position),
        (tables.imports, tables.imports.c.position),
    ):
        for some in _chunks(homed):
            connection.execute(sa.delete(table).where(column.in_(some)))


def _many(connection: sa.Connection, statement: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


# --- reading back ------------------------------------------------------------------------------


class Seen(NamedTuple):
    """What was found after an erasure, of what should be gone and of what stays."""

    living_keys: int
    envelopes: int
    lookups: int
    entries: int  # pseudonymous, until pruned
    epochs: tuple[int, ...]  # of the KEKs that wrapped the destroyed keys


def read_back(connection: sa.Connection, people: Sequence[UUID], keys: Sequence[UUID]) -> Seen:
    """Look for what an erasure of one person, under all these ids, destroyed."""
    count, ids = sa.func.count(), list(keys)
    mine = _keys.c.key_id.in_(ids)
    lookups = tables.lookups.c.subject.in_(people)

    def number(query: Any) -> int:
        return connection.scalar(query) or 0

    return Seen(
        number(sa.select(count).select_from(_keys).where(mine, _keys.c.wrapped.is_not(None))),
        number(sa.select(count).select_from(_sealed).where(_sealed.c.key_id.in_(ids))),
        number(sa.select(count).select_from(tables.lookups).where(lookups)),
        number(sa.select(count).select_from(_events).where(_events.c.subject.in_(people))),
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
