"""What a restore writes: entries that come back byte for byte, and what follows from them.

Everything here may be done twice: entries go on from the head, the rest looks before it writes. It
is called only on a database that is marked as an unfinished restore, which nobody else opens. What
this file never does: believe an entry; whoever calls has compared it with a signed tree. Read next:
`ledger/restoring/restore.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, Instant
from ledger.errors import Tampered
from ledger.events import ClassArchived, Fact, PolicyPublished
from ledger.store import log, pruning, reader, tables
from ledger.store.database import Database, speaking
from ledger.store.mapper import fact_from, row_stated
from ledger.store.recorder import lock_head

PAGE = 1000
_e, _k, _s = tables.events.c, tables.keys.c, tables.sealed.c
_NAMES = tables.events.columns.keys()

Fetch = Callable[[str], bytes | None]


class Back(NamedTuple):
    """An event that comes back; `entry` is empty when it was pruned."""

    position: int
    entry: bytes
    leaf: bytes


# --- events --------------------------------------------------------------------------------------


def put_back(
    database: Database,
    page: Sequence[Back],
    editions: dict[str, Day],
    fetch: Fetch,
    now: Instant,
) -> int:
    """Insert these events behind the head, with what `fetch` finds of them: policy documents, and
    envelopes whose key the backup brought. Returns how many; one transaction.

    `editions` are those known so far; what is published here is added to them. `now` is the record
    time of the head when the last event was pruned and its own is unknown. Raises Tampered for an
    entry that is not canonical, out of time, or under no known policy.
    """
    with speaking(), database.write() as connection:
        head = lock_head(connection)
        fresh = [one for one in page if one.position > head.position]
        if not fresh:
            return 0
        last_at, rows, parts = head.last_at, [], []
        for one in fresh:
            if not one.entry:
                rows.append(dict.fromkeys(_NAMES) | {"position": one.position, "leaf": one.leaf})
                continue
            said = entry.read(one.entry)
            fact: Any = fact_from(said)
            if fact.kind == reader.PUBLISHED:
                _put_document(connection, one.position, fact.document, fetch)
                editions[fact.document] = fact.edition
            if said["pol"] not in editions:
                raise Tampered(f"the entry at position {one.position} names no published policy")
            row = row_stated(said, fact, one.position, editions.__getitem__)
            if row.recorded_at <= last_at:
                raise Tampered(f"the entry at position {one.position} is out of time")
            last_at = row.recorded_at
            rows.append(dict(zip(_NAMES, (*row, one.entry, one.leaf), strict=True)))
            parts += [(one.position, part) for part in said.get("parts", ())]
        connection.execute(sa.insert(tables.events), rows)
        _put_envelopes(connection, parts, fetch)
        moved = {"position": fresh[-1].position, "epoch": head.epoch + 1}
        moved["last_at"] = last_at if fresh[-1].entry else max(last_at, now)
        connection.execute(tables.head.update().values(moved))
    return len(fresh)


def editions(database: Database) -> dict[str, Day]:
    """The editions that are published, by the digest that entries name them with."""
    facts = facts_after(database, 0, PolicyPublished)
    return {fact.document: fact.edition for fact in facts}


def _put_document(connection: sa.Connection, position: int, digest: str, fetch: Fetch) -> None:
    name = entry.from_base64(digest)
    known = sa.select(tables.documents.c.sha256).where(tables.documents.c.sha256 == name)
    if connection.scalar(known) is not None:
        return
    path = f"policies/{name.hex()}"
    content = fetch(path)
    if content is None or sha256(content).digest() != name:
        raise Tampered(
            f"the policy published at position {position} came back with nothing: put its file"
            f" beside the entries as {path} and run this again"
        )
    values = {"sha256": name, "media": "application/toml", "bytes": content}
    connection.execute(sa.insert(tables.documents).values(values))


def _put_envelopes(
    connection: sa.Connection, parts: Sequence[tuple[int, dict[str, str]]], fetch: Fetch
) -> None:
    """The ciphertexts that an evidence bundle holds, where their keys came with the backup."""
    wanted = {UUID(part["kid"]) for _, part in parts}
    query = sa.select(_k.key_id).where(_k.key_id.in_(wanted), _k.wrapped.is_not(None))
    living = set(connection.scalars(query)) if wanted else set()
    for position, part in parts:
        if UUID(part["kid"]) not in living:
            continue
        content = fetch(f"envelopes/{position - 1}-{part['n']}")
        if content is not None and entry.to_base64(entry.envelope_hash(content)) == part["ct"]:
            row = {"position": position, "part": part["n"], "key_id": UUID(part["kid"])}
            connection.execute(sa.insert(tables.sealed).values(row | {"envelope": content}))


def facts_after(database: Database, position: int, kind: type[Fact]) -> Iterator[Any]:
    """The facts of one kind that were recorded after a position, in order."""
    query = sa.select(_e.entry).where(_e.kind == kind.kind, _e.position > position)
    with database.read() as connection:
        entries = connection.scalars(query.order_by(_e.position)).all()
    for raw in entries:
        yield fact_from(entry.read(bytes(raw)))


# --- what follows from them ----------------------------------------------------------------------


def prune_again(database: Database, counts: Mapping[UUID, Sequence[pruning.Cell]]) -> int:
    """Empty the entries that a prune names and the backup brought back. Raises Tampered when an
    entry is missing that no prune names (rule R2).

    `counts` is what the journal kept of each prune, by the id of its fact. Of a prune that it does
    not tell, what came back is counted before it goes: at most what was counted then.
    """
    told = pruning.told(database)
    known = sa.select(tables.pruned_days.c.position).distinct()
    with speaking(), database.write() as connection:
        bare = set(connection.scalars(sa.select(_e.position).where(_e.entry.is_(None))))
        if stray := sorted(bare.difference(*(one.positions for one in told))):
            raise Tampered(f"the entry at position {stray[0]} is missing and no prune names it")
        counted, back = set(connection.scalars(known)), []
        for one in told:
            going = [position for position in one.positions if position not in bare]
            if one.position not in counted:
                cells = counts.get(one.id) or pruning.cells(connection, going)
                pruning.keep(connection, one.position, cells)
            back += going
        if back:
            pruning.empty(connection, database, back)
    return len(back)


def archived_again(database: Database, position: int) -> list[Any]:
    """The rows of keys that a fact after `position` says were archived, and that came back from the
    backup as the service's own."""
    named = {k for fact in facts_after(database, position, ClassArchived) for k in fact.keys or ()}
    if not named:
        return []
    query = sa.select(tables.keys).where(_k.tier == "operational", _k.wrapped.is_not(None))
    with database.read() as connection:
        return [row for row in connection.execute(query) if row.key_id in named]


def reach(database: Database, sealed: log.Sealed, note: bytes) -> None:
    """The tree is known to reach this checkpoint, unless it is known to reach further."""
    known = log.sealed(database)
    if known.size < sealed.size:
        log.advance(database, known, sealed, note)


def lost(database: Database, position: int) -> list[int]:
    """The positions after `position` whose sealed parts did not come back, and whose keys were not
    destroyed: what only the disk had (rule R3)."""
    found: list[int] = []
    after = position
    while True:
        with database.read() as connection:
            query = sa.select(_e.position, _e.entry).where(_e.position > after)
            rows = connection.execute(query.order_by(_e.position).limit(PAGE)).all()
            if not rows:
                return found
            parts = [
                (row.position, part["n"], UUID(part["kid"]))
                for row in rows
                if row.entry is not None and b'"parts":' in row.entry
                for part in entry.read(bytes(row.entry)).get("parts", ())
            ]
            found += _missing(connection, parts)
        after = rows[-1].position


def _missing(connection: sa.Connection, parts: Sequence[tuple[int, str, UUID]]) -> list[int]:
    if not parts:
        return []
    between = _s.position.between(parts[0][0], parts[-1][0])
    there = {
        tuple(row) for row in connection.execute(sa.select(_s.position, _s.part).where(between))
    }
    dead = _k.key_id.in_({kid for _, _, kid in parts}) & _k.wrapped.is_(None)
    destroyed = set(connection.scalars(sa.select(_k.key_id).where(dead)))
    return sorted({p for p, n, kid in parts if (p, n) not in there and kid not in destroyed})


def unnamed(database: Database, position: int) -> int:
    """How many people were first heard of after `position`: their references did not come back."""
    query = sa.select(sa.func.count()).where(
        _e.position > position, _e.stream == _e.subject, _e.version == 1
    )
    with database.read() as connection:
        return connection.scalar(query) or 0


def unmark(connection: sa.Connection) -> None:
    """The restore is finished: this ledger may serve."""
    t = tables.tracking
    connection.execute(sa.delete(t).where(t.c.application_name == reader.RESTORING))


def leaves(database: Database, last: int) -> Iterator[bytes]:
    """The leaves of the positions 1 to `last`."""
    for page in log.leaves(database, 1, last):
        yield from (one.leaf for one in page)
