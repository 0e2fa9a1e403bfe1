"""The bulk path: thousands of facts that begin streams of their own, in one transaction.

Under the head lock it asks which lines are already imported, whom the references mean and which
orders exist, gives the rest positions and record times, streams the events (COPY on PostgreSQL)
and brings the live tables along. A crash leaves the whole chunk written or nothing of it; running
the import again adds exactly what is missing. It decides nothing: lines were checked at the door.
Read next: `ledger/importing/job.py`, which feeds it.
"""

from __future__ import annotations

import os
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Clock, Instant, Moment, format_instant
from ledger.errors import Stale
from ledger.projections import live
from ledger.projections.joins import Joins
from ledger.store import erasure, reader, states, tables
from ledger.store.database import Database, speaking
from ledger.store.recorder import Head, lock_head
from ledger.store.statements import sqlite_insert
from ledger.store.templates import Template
from ledger.store.vault import Scope

Blind = tuple[str, bytes]  # lookups.kind, lookups.blind
NULL = "\\N"  # as COPY writes it
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_THIS_CHUNK = UUID(int=0)  # stands for a stream that this very chunk begins
LINES_AT_ONCE = 64  # handed to COPY together, some 64 KiB of events


class Line(NamedTuple):
    """One accepted line: its identity for ever, and the fact it states."""

    mac: bytes
    ordinal: int
    person: Blind
    thing: Blind | None
    template: Template
    moment: Moment
    occurred: str  # as the entry writes it
    numbers: dict[str, str]  # the varying fields as entry texts
    amount: int | None


class Person(NamedTuple):
    """A subject's id, as a value and as text; `meant`: hers before she was joined, if she was."""

    id: UUID
    text: str
    meant: UUID | None = None


@dataclass
class Result:
    """What became of a chunk: lines by index that were there already, whose order was, whose person
    was erased after what they say, or the class of it that is known of her."""

    recorded: int = 0
    registered: int = 0
    already: list[int] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    erased: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)


class Bulk:
    """One import's writer. Remembers who is who for as long as the ledger's epoch stands."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        pepper: int,
        source: str,
        joins: Callable[[int], Joins] = lambda _epoch: Joins(),
    ) -> None:
        self.database, self.clock, self.pepper, self.source = database, clock, pepper, source
        self._joins_at, self._joins = joins, Joins()
        self._people: dict[Blind, Person] = {}
        self._known_limit = 100_000  # people remembered: bounds memory whatever the file

    def write(self, lines: Sequence[Line], registration: Template, epoch: int) -> Result:
        """Record a chunk in one transaction. Raises Stale, with nothing written, if the epoch
        moved: the lines must then be decided again."""
        self._joins = self._joins_at(epoch)
        with speaking(), self.database.write() as connection:
            head = lock_head(connection)
            if head.epoch != epoch:
                self._people.clear()
                raise Stale("the policy changed during the import; the chunk is read again")
            result = Result()
            fresh = self._fresh(connection, lines, result)
            new_people = self._find_people(connection, [lines[i] for i in fresh])
            fresh = self._not_erased(connection, lines, fresh, new_people, result)
            if fresh:
                _Chunk(self, connection, head, registration, new_people).write(
                    [lines[index] for index in fresh], result
                )
        if len(self._people) > self._known_limit:
            self._people.clear()
        return result

    def _fresh(self, connection: sa.Connection, lines: Sequence[Line], result: Result) -> list[int]:
        """The lines not yet imported, and whose order (if they name one) is not yet known."""
        done = existing_imports(connection, self.source, [line.mac for line in lines])
        things = _existing_lookups(connection, {x.thing for x in lines if x.thing})
        fresh: list[int] = []
        for index, line in enumerate(lines):
            if (line.mac, line.ordinal) in done:
                result.already.append(index)
            elif line.thing in things:
                result.taken.append(index)
            else:
                fresh.append(index)
                done.add((line.mac, line.ordinal))  # a key column may repeat itself
                if line.thing:
                    things[line.thing] = _THIS_CHUNK
        return fresh

    def _find_people(self, connection: sa.Connection, lines: Sequence[Line]) -> set[Blind]:
        unknown = {line.person for line in lines if line.person not in self._people}
        for blind, subject in _existing_lookups(connection, unknown).items():
            kept = self._joins.kept(subject)
            self._people[blind] = Person(kept, str(kept), subject)
        return {blind for blind in unknown if blind not in self._people}

    def _not_erased(
        self,
        connection: sa.Connection,
        lines: Sequence[Line],
        fresh: list[int],
        new_people: set[Blind],
        result: Result,
    ) -> list[int]:
        """What was erased does not come back by import, be it a person, a thing of hers, or one
        class of what is known of her: what happened before stays out."""
        ended = self._ended(connection, {lines[index].person for index in fresh})
        things = {thing for index in fresh if (thing := lines[index].thing)}
        until = reader.erased_until(connection, new_people | things)
        kept: list[int] = []
        for index in fresh:
            line = lines[index]
            cutoff = max(until.get(line.person, -1), until.get(line.thing or line.person, -1))
            person = self._people.get(line.person)
            hers = (person.id, person.meant) if ended and person else ()
            klass = line.template.row.klass or ""
            if line.moment.at <= cutoff:
                result.erased.append(index)
            elif any(line.moment.at <= ended.get(Scope(one, klass, ""), -1) for one in hers if one):
                result.ended.append(index)
            else:
                kept.append(index)
        return kept

    def _ended(self, connection: sa.Connection, people: set[Blind]) -> dict[Scope, Instant]:
        if not erasure.carried_out(connection):
            return {}
        known = [person for blind in people if (person := self._people.get(blind))]
        ids = {one for person in known for one in (person.id, person.meant) if one}
        return erasure.ended_until(connection, ids)

    def person(self, blind: Blind) -> Person | None:
        """Whom a blinded reference means, if known."""
        return self._people.get(blind)

    def know(self, people: dict[Blind, Person]) -> None:
        """Remember people who are about to be committed; forgotten again if that fails."""
        self._people |= people


class _Chunk:
    """The rows of one chunk on their way into the database."""

    def __init__(
        self,
        bulk: Bulk,
        connection: sa.Connection,
        head: Head,
        registration: Template,
        new_people: set[Blind],
    ) -> None:
        self.bulk, self.connection = bulk, connection
        self.registration, self.new_people = registration, new_people
        self.is_sqlite = bulk.database.is_sqlite
        self.at = max(bulk.clock.now(), head.last_at + 1)
        self.position = head.position
        self.imports: list[tuple[Any, ...]] = []
        self.lookups: list[tuple[Any, ...]] = []
        self.begun: dict[Blind, Person] = {}
        self.spans: dict[live.SpanKey, list[int]] = {}
        self._second, self._prefix = -1, ""

    def write(self, lines: Sequence[Line], result: Result) -> None:
        """Events first, then all that points at them, then the live tables and the head."""
        if self.is_sqlite:
            insert(self.connection, tables.events, self._events(lines))
        else:
            copy_text(self.connection, tables.events, self._events(lines))
        insert(self.connection, tables.imports, self.imports)
        insert(self.connection, tables.lookups, self.lookups)
        self._project()
        moved = {"position": self.position, "last_at": self.at - 1}
        self.connection.execute(tables.head.update().values(moved))
        self.bulk.know(self.begun)
        result.registered, result.recorded = len(self.begun), len(lines)

    def _events(self, lines: Sequence[Line]) -> Iterator[Any]:
        randoms = _Randoms(len(lines) + len(self.new_people), len(lines) + len(self.new_people))
        known, begun, source = self.bulk.person, self.begun, self.bulk.source
        for line in lines:
            blind = line.person
            person = known(blind) or begun.get(blind)
            if person is None:
                text = randoms.uuid()
                person = begun[blind] = Person(UUID(text), text)
                self._refer(blind, text, text)
                yield self._event(self.registration, text, person, line, {}, None, randoms)
            stream = randoms.uuid()
            yield self._event(
                line.template, stream, person, line, line.numbers, line.amount, randoms
            )
            self.imports.append((source, self._bytes(line.mac), line.ordinal, self.position))
            if line.thing:
                self._refer(line.thing, stream, person.text)

    def _refer(self, blind: Blind, target: str, subject: str) -> None:
        ids = (self._id(target), self._id(subject))
        self.lookups.append((blind[0], self._bytes(blind[1]), self.bulk.pepper, *ids))

    def _id(self, text: str) -> Any:
        """An id as the driver takes it: 16 bytes on SQLite, text for COPY."""
        return bytes.fromhex(text.replace("-", "")) if self.is_sqlite else text

    def _bytes(self, value: bytes) -> Any:
        return value if self.is_sqlite else "\\\\x" + value.hex()

    def _event(
        self,
        template: Template,
        stream: str,
        person: Person,
        line: Line,
        numbers: dict[str, str],
        amount: int | None,
        randoms: _Randoms,
    ) -> Any:
        self.position = position = self.position + 1
        at, self.at = self.at, self.at + 1
        moment, t = line.moment, template.row
        values = {
            "id": randoms.uuid(),
            "stream": stream,
            "subject": person.text,
            "occurred": line.occurred,
            "salt": randoms.salt(),
        }
        values.update(numbers)
        raw = self._stamp(at) + template.prepared(values)
        leaf = entry.leaf_hash(raw)
        key = (person.id, t.klass or "", "", t.kind, t.edition)
        live.extend(self.spans, key, moment.day, position)
        if self.is_sqlite:
            return (
                position, self._id(stream), 1, t.kind, person.id.bytes, t.klass, None, t.purpose,
                t.channel, t.decision, t.basis, t.grade, t.actor, t.edition, t.until_day, None,
                amount, moment.at, moment.grain, moment.day, at, raw, leaf,
            )  # fmt: skip
        return (
            f"{position}\t{stream}\t1\t{t.kind}\t{person.text}\t{template.copied}\t"
            f"{NULL if amount is None else amount}\t{moment.at}\t{moment.grain}\t{moment.day}\t"
            f"{at}\t\\\\x{raw.hex()}\t\\\\x{leaf.hex()}\n"
        )

    def _stamp(self, at: Instant) -> bytes:
        """What `entry.complete` puts in front, formatted once a second."""
        second, micro = divmod(at, 1_000_000)
        if second != self._second:
            self._second = second
            self._prefix = '{"at":"' + format_instant(second * 1_000_000)[:20]
        return f'{self._prefix}{micro:06d}Z",'.encode()

    def _project(self) -> None:
        """Bulk kinds move activity only (`job.BULK_KINDS`)."""
        begun = {person.id for person in self.begun.values()}
        new: list[tuple[Any, ...]] = []
        old: list[tuple[Any, ...]] = []
        for key, span in self.spans.items():
            # Rows of people who begin here cannot exist yet: they need no upsert.
            if key[0] in begun:
                new.append((self._id(str(key[0])), *key[1:], *span))
            else:
                old.append((*key, *span))
        insert(self.connection, tables.activity, new)
        states.upsert(self.connection, {tables.activity: old})


class _Randoms:
    """Random ids and salts cut from one large draw of the operating system's generator."""

    def __init__(self, events: int, streams: int) -> None:
        self._hex = iter(_slices(os.urandom((events + streams) * 16).hex(), 32))
        text = b2a_base64(os.urandom(events * 18), newline=False).decode()
        self._salts = iter(_slices(text.replace("+", "-").replace("/", "_"), 24))

    def uuid(self) -> str:
        """A random UUIDv4."""
        h = next(self._hex)
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{_VARIANT[h[16]]}{h[17:20]}-{h[20:]}"

    def salt(self) -> str:
        """16 random bytes in base64url: 21 free characters, and a last one of four."""
        text = next(self._salts)
        return text[:21] + "AQgw"[ord(text[21]) & 3]


def _slices(text: str, size: int) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text) - size + 1, size)]


def existing_imports(
    connection: sa.Connection, source: str, macs: Sequence[bytes]
) -> set[tuple[bytes, int]]:
    """Which (fingerprint, ordinal) of these lines were imported before."""
    table = tables.imports.c
    found: set[tuple[bytes, int]] = set()
    macs = list(set(macs))
    if connection.dialect.name == "postgresql":
        listed = "{" + ",".join(f'"\\\\x{mac.hex()}"' for mac in macs) + "}"
        query = (
            "SELECT row_mac, ordinal FROM imports WHERE source = %s AND row_mac = ANY(%s::bytea[])"
        )
        rows = connection.exec_driver_sql(query, (source, listed))
        return {(bytes(mac), ordinal) for mac, ordinal in rows}
    for some in _batches(macs, 500):
        wanted = (table.source == source, table.row_mac.in_(some))
        known = connection.execute(sa.select(table.row_mac, table.ordinal).where(*wanted))
        found |= {(bytes(row.row_mac), row.ordinal) for row in known}
    return found


def _existing_lookups(connection: sa.Connection, wanted: Iterable[Blind]) -> dict[Blind, UUID]:
    table = tables.lookups.c
    by_kind: dict[str, list[bytes]] = {}
    for kind, blind in wanted:
        by_kind.setdefault(kind, []).append(blind)
    found: dict[Blind, UUID] = {}
    for kind, blinds in by_kind.items():
        if connection.dialect.name == "postgresql":
            listed = "{" + ",".join(f'"\\\\x{b.hex()}"' for b in blinds) + "}"
            query = "SELECT blind, target FROM lookups WHERE kind = %s AND blind = ANY(%s::bytea[])"
            for blind, target in connection.exec_driver_sql(query, (kind, listed)):
                found[kind, bytes(blind)] = target
            continue
        for some in _batches(blinds, 500):
            wanted_now = (table.kind == kind, table.blind.in_(some))
            for row in connection.execute(sa.select(table.blind, table.target).where(*wanted_now)):
                found[kind, bytes(row.blind)] = row.target
    return found


def _batches(values: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows that cannot be there yet, as fast as the database takes them. Ids and bytes are
    given as its driver takes them (`_Chunk._id`, `_bytes`); for PostgreSQL no value may be None."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.executemany(sqlite_insert(table), rows)
    else:
        copy_text(connection, table, ("\t".join(map(str, row)) + "\n" for row in rows))


def copy_text(connection: sa.Connection, table: sa.Table, lines: Iterable[str]) -> None:
    """COPY lines of text into a table of PostgreSQL."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN", _Source(lines))


class _Source:
    """A file that COPY reads while its lines are still being made: both processors work."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)

    def read(self, _size: int = 0) -> str:
        """The next block of COPY text, empty at the end."""
        return "".join(islice(self._lines, LINES_AT_ONCE))
