"""The recorder: one order, no gaps, everything a fact implies in one commit.

What must hold, and does by construction:

1. Positions are contiguous: they are counted by the head row, in the transaction that fills them.
2. Record time strictly increases with position: it is settled with the head.
3. Versions are contiguous per stream: unique (stream, version), one next version per writer.
4. What a decision read is still true: the streams it read by (3), everything else by the epoch.
5. Projections, keys, envelopes and lookups are committed with the events or not at all.

PostgreSQL, alone: one statement moves the head if it is where we believe it is (one round trip).
In company, or when it was not: take the head lock first, then the same statement. SQLite: BEGIN
IMMEDIATE. Crash at any point: the transaction did not happen. Read next: `ledger/store/states.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from threading import Event, Thread, local
from typing import Any, NamedTuple
from uuid import UUID

import eventsourcing.persistence as library
import psycopg2
import sqlalchemy as sa
import sqlalchemy.exc as sa_errors

from ledger import entry
from ledger.calendar import Clock, Instant
from ledger.errors import Broken, Unsure
from ledger.events import Row
from ledger.projections import live
from ledger.store import outbox, reader, states, tables
from ledger.store.database import Database, Session, session_of, speaking, wrapped
from ledger.store.mapper import StoredDraft, StoredFact
from ledger.store.reader import Head, Tip, read_head
from ledger.store.statements import (
    postgres_append,
    postgres_arguments,
    sqlite_insert,
    sqlite_value,
)

RETRIES = 8  # of a transaction that the database itself asked us to repeat
PATIENCE = 50  # appends by the locking path after the head was found moved
TIPS_REMEMBERED = 10_000
ASKED = 3  # times what became of an append whose answer was lost
POLL_SECONDS = 0.05
UNSURE = (
    "the database was cut off while this was written, and does not say whether it was: look before "
    "you send it again, or send it under an Idempotency-Key"
)

_ERRORS = tuple(
    (getattr(sa_errors, name), getattr(library, name))
    for name in (
        "InterfaceError",
        "DataError",
        "OperationalError",
        "IntegrityError",
        "InternalError",
        "ProgrammingError",
        "NotSupportedError",
        "DatabaseError",
    )
)


class Written(NamedTuple):
    """What was committed for one event."""

    position: int
    recorded_at: Instant
    entry: bytes
    leaf: bytes


After = Callable[[sa.Connection, Sequence[Written]], None]
"""What else is done in the transaction that writes, under the head lock, once the events stand."""


@dataclass
class Work:
    """What else one commit carries, and, afterwards, what was written.

    `keys`, `imports` and `commands` name the event that created them (the first one, if any) by its
    index in the batch; the recorder turns it into a position. `epoch` is the one under which
    everything was decided.
    """

    epoch: int | None = None
    keys: list[tuple[int, tuple[Any, ...]]] = field(default_factory=list)
    imports: list[tuple[int, tuple[str, bytes, int]]] = field(default_factory=list)
    lookups: list[tuple[Any, ...]] = field(default_factory=list)
    documents: list[tuple[Any, ...]] = field(default_factory=list)
    commands: list[tuple[Any, ...]] = field(default_factory=list)
    new_epoch: bool = False
    after: After | None = None
    written: list[Written] = field(default_factory=list)


class Moved(Exception):
    """The head was not where we believed; nothing was written."""


class LedgerRecorder(library.ProcessRecorder):
    """The library's recorder contract over one ledger's tables."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock
        self._believed: Head | None = None
        self._feed: outbox.Feed | None = None
        self._tips: dict[UUID, Tip] = {}
        self._in_company = 0
        self._turn = local()

    # -- writing ---------------------------------------------------------------------------

    def insert_events(
        self, stored_events: Sequence[library.StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Record drafts and everything in `work` with them. Returns their positions.

        Raises the library's IntegrityError when a stream, reference, key or command moved first,
        or when the ledger's epoch did; nothing is written then.
        """
        work: Work = kwargs.get("work") or Work()
        tracking: library.Tracking | None = kwargs.get("tracking")
        if not stored_events and tracking is None and not work.commands:
            return []
        drafts = [self.prepared(stored) for stored in stored_events]
        with translated():
            work.written = self._insert(drafts, work, tracking)
        return [written.position for written in work.written]

    def prepared(self, stored: library.StoredEvent) -> StoredDraft:
        """The draft to store (the conformance kit wraps arbitrary events here)."""
        assert isinstance(stored, StoredDraft)
        return stored

    def _insert(
        self, drafts: list[StoredDraft], work: Work, tracking: library.Tracking | None
    ) -> list[Written]:
        ours = self.is_alone
        plain = tracking is None and not work.new_epoch and not work.after and not ours
        if self.database.is_sqlite or not plain or any(live.is_correction(d.row) for d in drafts):
            return self._repeated(drafts, work, tracking)
        if self._in_company > 0:
            self._in_company -= 1
            return self._repeated(drafts, work, tracking)
        try:
            return self._in_one_statement(drafts, work)
        except Moved:
            self._in_company = PATIENCE
            return self._repeated(drafts, work, tracking)

    def _in_one_statement(self, drafts: list[StoredDraft], work: Work) -> list[Written]:
        head = self.believed()
        if work.epoch is not None and head.epoch != work.epoch:
            raise Moved
        wanted = live.wanted([draft.row for draft in drafts])
        prior = self._prior(wanted) if wanted else live.NOTHING
        feed = self._fed(head.epoch)
        with self.database.raw() as session:
            batch = _settle(drafts, work, head, self.clock.now(), prior, feed)
            if batch.refold:
                raise Moved  # a refold reads what it rewrites: under the lock only
            if not append_in(session, head, batch):
                self.forget()
                raise Moved
        # Here everything is committed, or the statement raised and nothing is.
        self._believed = batch.head
        return batch.written

    def _repeated(
        self, drafts: list[StoredDraft], work: Work, tracking: library.Tracking | None
    ) -> list[Written]:
        for attempt in range(RETRIES):
            try:
                return self._under_lock(drafts, work, tracking)
            except sa_errors.OperationalError as error:
                if attempt + 1 == RETRIES or not _should_repeat(error):
                    raise
        raise AssertionError("unreachable")

    def _under_lock(
        self, drafts: list[StoredDraft], work: Work, tracking: library.Tracking | None
    ) -> list[Written]:
        held: sa.Connection | None = getattr(self._turn, "connection", None)
        with nullcontext(held) if held is not None else self.database.write() as connection:
            head = lock_head(connection)
            if self._believed is not None and head.position != self._believed.position:
                self._tips.clear()  # others wrote: what we decided on shows in the versions
            if work.epoch is not None and head.epoch != work.epoch:
                raise library.IntegrityError("the ledger's epoch moved")
            if tracking is not None:
                _track(connection, tracking)
            rows = [draft.row for draft in drafts]
            prior = states.read_prior(connection, live.wanted(rows))
            feed = self._fed(head.epoch, connection)
            batch = _settle(drafts, work, head, self.clock.now(), prior, feed)
            write_rows(connection, head, batch)
            for subject in batch.refold:
                states.refold(connection, subject)
            if work.after is not None:
                work.after(connection, batch.written)
        self._believed = batch.head
        return batch.written

    def settled(self, wished: Sequence[tuple[UUID, UUID, int]]) -> list[Written]:
        """What became of an append whose answer was lost: what was written, or nothing. `wished`
        are its events: id, stream, version.

        Asked under the head lock, so whoever still writes it ends first; and the epoch moves, so
        that what has not arrived yet never will be written. Raises Unsure when the database does
        not say. Where a commit cannot lose its answer (SQLite; a lock still held, whose
        transaction is open) nothing was written.
        """
        if self.database.is_sqlite or self.is_alone or not wished:
            return []
        found: list[Written] = []

        def look(connection: sa.Connection) -> None:
            found[:] = _written(connection, wished)

        for _ in range(ASKED):  # the pool may hold more connections that were cut
            with suppress(sa_errors.SQLAlchemyError, psycopg2.Error):
                self.redo(look)
                return found
        raise Unsure(UNSURE)

    def redo(self, deed: Callable[[sa.Connection], None]) -> None:
        """Do a deed whose facts stand already (they came back from the exported log, the keys from
        a backup), and make every process forget what it cached."""
        held: sa.Connection | None = getattr(self._turn, "connection", None)
        with nullcontext(held) if held is not None else self.database.write() as connection:
            lock_head(connection)
            deed(connection)
            connection.execute(tables.head.update().values(epoch=tables.head.c.epoch + 1))
        self.forget()

    @property
    def is_alone(self) -> bool:
        """Whether this thread holds the head lock already."""
        return getattr(self._turn, "connection", None) is not None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the head lock from before a decision until after its append commits: for whoever
        was overtaken too often. What is read meanwhile, on other connections, cannot move."""
        if self.database.is_memory:
            yield  # one process, one connection: nobody to overtake us for long
            return
        is_done = False
        try:
            with speaking(), self.database.write() as connection:
                lock_head(connection)
                self.forget()
                self._turn.connection = connection
                try:
                    yield
                finally:
                    self._turn.connection = None
                is_done = True
        except Broken:
            self.forget()
            if is_done and not self.database.is_sqlite:  # the commit itself was cut off
                raise Unsure(UNSURE) from None
            raise

    def _prior(self, wanted: live.Wanted) -> live.Prior:
        # Read before the head moves: a projection row changes only with its own stream, and a
        # stream that moved meanwhile makes our version collide.
        with self.database.read() as connection:
            return states.read_prior(connection, wanted)

    def _fed(self, epoch: int, connection: sa.Connection | None = None) -> outbox.Feed:
        """Who is sent what at this epoch. Read too early, it is of a later one: then the epoch
        moved, the append fails, and it is read again."""
        known = self._feed
        if known is None or known.epoch != epoch:
            seeing = nullcontext(connection) if connection is not None else self.database.read()
            with seeing as reading:
                self._feed = known = outbox.feed(reading, epoch)
        return known

    # -- reading ---------------------------------------------------------------------------

    def forget(self) -> None:
        """Read the head and the tips again before the next append."""
        self._believed = None
        self._tips.clear()

    def tips(self, streams: Collection[UUID]) -> dict[UUID, Tip]:
        """Where these streams end, those that exist.

        What this process wrote or read since it last believed otherwise is remembered: if the head
        is still where we believe it to be, nobody wrote to any stream, and if it is not, the append
        fails and everything is read again.
        """
        # One look each: another thread may forget all of them in between.
        known = ((stream, self._tips.get(stream)) for stream in streams)
        found = {stream: tip for stream, tip in known if tip is not None}
        unknown = [stream for stream in streams if stream not in found]
        if unknown:
            found |= reader.tips(self.database, unknown)
        return found

    def remember(self, tips: dict[UUID, Tip]) -> None:
        """Tips that are true at the head just written."""
        if len(self._tips) + len(tips) > TIPS_REMEMBERED:
            self._tips.clear()
        self._tips |= tips

    def believed(self) -> Head:
        """Where the log ended when we last looked; wrong beliefs are found out at commit."""
        return self._believed or self.head()

    def head(self) -> Head:
        """Where the log ends now."""
        with self.database.read() as connection:
            return read_head(connection)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> list[library.StoredEvent]:
        """The events of one stream, in version order."""
        events = tables.events.c
        query = sa.select(
            events.position, events.stream, events.version, events.kind, events.entry
        ).where(events.stream == originator_id)
        if gt is not None:
            query = query.where(events.version > gt)
        if lte is not None:
            query = query.where(events.version <= lte)
        query = query.order_by(events.version.desc() if desc else events.version).limit(limit)
        with translated(), self.database.read() as connection:
            return [self.stored(row) for row in connection.execute(query)]

    def stored(self, row: Any) -> library.StoredEvent:
        """A row as the library wants it (the conformance kit unwraps its events here)."""
        return StoredFact(row.stream, row.version, row.kind, bytes(row.entry), row.position)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> list[library.Notification]:
        """Events by position."""
        events = tables.events.c
        query = sa.select(
            events.position, events.stream, events.version, events.kind, events.entry
        ).where(events.entry.is_not(None))
        if start is not None:
            query = query.where(
                events.position >= start if inclusive_of_start else events.position > start
            )
        if stop is not None:
            query = query.where(events.position <= stop)
        if topics:
            query = query.where(events.kind.in_(topics))
        query = query.order_by(events.position).limit(limit)
        with translated(), self.database.read() as connection:
            found = [(row.position, self.stored(row)) for row in connection.execute(query)]
        return [
            library.Notification(s.originator_id, s.originator_version, s.topic, s.state, id=n)
            for n, s in found
        ]

    def max_notification_id(self) -> int | None:
        """The last position, or None in an empty log."""
        with translated():
            return self.head().position or None

    def insert_tracking(self, tracking: library.Tracking) -> None:
        """Remember how far another application's log was processed."""
        with translated(), self.database.write() as connection:
            _track(connection, tracking)

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far another application's log was processed."""
        t = tables.tracking.c
        with translated(), self.database.read() as connection:
            return connection.scalar(
                sa.select(t.notification_id).where(t.application_name == application_name)
            )

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Any:
        """New events as they come: polled, so that no writer pays for a NOTIFY."""
        return PollingSubscription(self, gt, topics)


class PollingSubscription(library.ListenNotifySubscription[LedgerRecorder]):
    """Wakes up every 50 ms and reads what is new."""

    def __init__(self, recorder: LedgerRecorder, gt: int | None, topics: Sequence[str]) -> None:
        self._ticking = Event()
        super().__init__(recorder, gt, topics)
        self._ticker = Thread(target=self._tick, daemon=True)
        self._ticker.start()

    def stop(self) -> None:
        """End the subscription."""
        self._ticking.set()
        super().stop()

    def _tick(self) -> None:
        while not self._ticking.wait(POLL_SECONDS):
            self._has_been_notified.set()


class Batch(NamedTuple):
    """Everything one commit writes, with positions and record times settled."""

    head: Head
    rows: dict[sa.Table, list[tuple[Any, ...]]]
    written: list[Written]
    refold: set[UUID]


def _settle(
    drafts: Sequence[StoredDraft],
    work: Work,
    head: Head,
    now: Instant,
    prior: live.Prior,
    feed: outbox.Feed,
) -> Batch:
    """Give every draft its position, record time, entry and leaf; derive the live rows, and what
    is to be sent to whom."""
    first_at = max(now, head.last_at + 1)
    written: list[Written] = []
    settled: list[Row] = []
    event_rows: list[tuple[Any, ...]] = []
    sealed: list[tuple[Any, ...]] = []
    for index, draft in enumerate(drafts):
        position, at = head.position + 1 + index, first_at + index
        raw = entry.complete(draft.state, at)
        leaf = entry.leaf_hash(raw)
        row = Row(position, *draft.row[1:-1], at)
        settled.append(row)
        event_rows.append((*row, raw, leaf))
        written.append(Written(position, at, raw, leaf))
        for part in draft.parts:
            sealed.append((position, part.name, part.key_id, part.envelope))
    changes = live.changes(settled, prior)
    first = head.position + 1
    rows: dict[sa.Table, list[tuple[Any, ...]]] = {
        tables.events: event_rows,
        tables.sealed: sealed,
        tables.keys: [(*row, first + index, None) for index, row in work.keys],
        tables.imports: [(*row, first + index) for index, row in work.imports],
        tables.lookups: work.lookups,
        tables.documents: work.documents,
        tables.commands: [
            (*row[:3], None if row[3] is None else first + row[3], *row[4:])
            for row in work.commands
        ],
        **states.rows_of_changes(changes),
        tables.deliveries: feed.rows(settled),
    }
    last_at = first_at + len(drafts) - 1 if drafts else head.last_at
    moved = Head(head.position + len(drafts), last_at, head.epoch + work.new_epoch)
    return Batch(moved, rows, written, changes.refold)


def write_rows(connection: sa.Connection, head: Head, batch: Batch) -> None:
    """Write a settled batch inside a transaction that holds the head lock."""
    if connection.dialect.name == "sqlite":
        for table, rows in batch.rows.items():
            if rows:
                values = [tuple(sqlite_value(v) for v in row) for row in rows]
                connection.exec_driver_sql(sqlite_insert(table), values)
    else:
        try:
            written = append_in(session_of(connection.connection), head, batch)
        except psycopg2.Error as error:
            raise wrapped(error) from None
        assert written, "the head moved under its own lock"
    connection.execute(tables.head.update().values(batch.head._asdict()))


def append_in(session: Session, head: Head, batch: Batch) -> bool:
    """The one statement. False if the head was not where we believed; nothing is written then."""
    rows = {table: values for table, values in batch.rows.items() if values}
    moves = (batch.head.position, batch.head.last_at, head.position, head.epoch)
    statement = postgres_append(tuple(rows))
    return bool(session.execute(statement, postgres_arguments(moves, rows)))


def _written(connection: sa.Connection, wished: Sequence[tuple[UUID, UUID, int]]) -> list[Written]:
    """The events of one append, if they are there: all, or none."""
    e = tables.events.c
    (first, stream, version), size = wished[0], len(wished)
    found = sa.select(e.position).where(e.stream == stream, e.version == version)
    start = connection.execute(found).scalar()
    if start is None:
        return []
    query = sa.select(e.position, e.recorded_at, e.entry, e.leaf)
    query = query.where(e.position.between(start, start + size - 1)).order_by(e.position)
    rows = [
        Written(position, at, bytes(raw or b""), bytes(leaf))
        for position, at, raw, leaf in connection.execute(query)
    ]
    ours = bool(rows[0].entry) and entry.read(rows[0].entry)["id"] == str(first)
    return rows if ours and len(rows) == size else []


def lock_head(connection: sa.Connection) -> Head:
    """Take the head lock: the first thing any write transaction does."""
    h = tables.head.c
    query = sa.select(h.position, h.last_at, h.epoch).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None:
        raise LookupError("this database holds no ledger")
    return Head(*row)


def _track(connection: sa.Connection, tracking: library.Tracking) -> None:
    statement = sa.text(
        "INSERT INTO tracking (application_name, notification_id) VALUES (:name, :id) "
        "ON CONFLICT (application_name) DO UPDATE SET notification_id = excluded.notification_id "
        "WHERE tracking.notification_id < excluded.notification_id RETURNING notification_id"
    )
    values = {"name": tracking.application_name, "id": tracking.notification_id}
    if connection.execute(statement, values).first() is None:
        raise library.IntegrityError("this notification was processed before")


def _should_repeat(error: sa_errors.OperationalError) -> bool:
    code = getattr(error.orig, "pgcode", None)
    return code in ("40P01", "40001") or "locked" in str(error.orig)


@contextmanager
def translated() -> Iterator[None]:
    """Database errors as the library's, naming the class of the failure and nothing else."""
    try:
        yield
    except psycopg2.Error as error:
        raise _translate(wrapped(error)) from None
    except sa_errors.SQLAlchemyError as error:
        raise _translate(error) from None


def _translate(error: sa_errors.SQLAlchemyError) -> library.PersistenceError:
    text = type(getattr(error, "orig", None) or error).__name__
    kinds = (theirs for ours, theirs in _ERRORS if isinstance(error, ours))
    kind: type[library.PersistenceError] = next(kinds, library.PersistenceError)
    return kind(text)


__all__ = ["After", "Head", "LedgerRecorder", "Work", "Written", "lock_head", "read_head"]
