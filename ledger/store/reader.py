"""Named questions. Each reads what one decision or one answer needs, and nothing else.

Every function takes the connection: whoever asks decides which transaction it is. Population
questions are in `population.py`, one person's derived state in `states.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Day, Instant, end_of
from ledger.errors import Tampered
from ledger.events import KINDS, VOID, Fact, Joined
from ledger.policy.book import Book
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition
from ledger.projections.joins import Join
from ledger.store import states, tables
from ledger.store.database import Database, once, speaking
from ledger.store.hot import Hot
from ledger.store.mapper import fact_from

events = tables.events.c
PUBLISHED = "policy.published.v1"
RESTORING = "restoring"  # in `tracking`, while a restore is not finished: the backup's head
AT_ONCE = 500  # identifiers asked for in one query
# Long streams hold many facts that no decision looks back at; these are the others.
_DECISIVE = tuple(
    kind
    for kind in KINDS
    if not kind.startswith(
        (
            *("customer.logged_in", "customer.contacted", "data.read", "optout."),
            *("tracker.", "customer.class_archived", "archive.consulted", "ledger.", "motive."),
            *("recipient.told", "recipient.acknowledged"),
        )
    )
)
_TIPS_POSTGRES = """
SELECT e.stream, e.version, e.kind, e.subject FROM unnest($1::uuid[]) AS s(stream)
CROSS JOIN LATERAL (SELECT stream, version, kind, subject FROM events
WHERE events.stream = s.stream ORDER BY version DESC LIMIT 1) AS e"""
_TIP_SQLITE = """
SELECT stream, version, kind, subject FROM events WHERE stream = ? ORDER BY version DESC LIMIT 1"""


class Target(NamedTuple):
    """What a reference points at: a subject, or a stream of hers."""

    target: UUID
    subject: UUID


class Tip(NamedTuple):
    """Where a stream ends."""

    version: int
    aggregate: str
    subject: UUID | None


class Found(NamedTuple):
    """One event as its clear row and its fact."""

    position: int
    stream: UUID
    version: int
    subject: UUID | None
    recorded_at: Instant
    fact: Fact


class Joining(NamedTuple):
    """A join, and the position of the fact that undid it (None: it stands)."""

    join: Join
    undone_at: int | None


def origin(connection: sa.Connection) -> str:
    """The ledger's name for ever. Raises LookupError before `init`."""
    if not sa.inspect(connection).has_table("head"):
        raise LookupError("this database holds no ledger")
    found = connection.scalar(sa.select(tables.head.c.origin))
    if found is None:
        raise LookupError("this database holds no ledger")
    return str(found)


def unfinished_restore(connection: sa.Connection) -> int | None:
    """Where the backup ended whose restore was not finished; None in a ledger that may serve."""
    t = tables.tracking.c
    return connection.scalar(sa.select(t.notification_id).where(t.application_name == RESTORING))


_names = tables.lookups.c
_LOOKUPS = Hot(sa.select(_names.blind, _names.target, _names.subject), _names.kind, _names.blind)


def lookups(
    connection: sa.Connection, wanted: Collection[tuple[str, bytes]]
) -> dict[tuple[str, bytes], Target]:
    """The targets of blinded references, those that are known."""
    found: dict[tuple[str, bytes], Target] = {}
    for kind, blinds in _by_kind(wanted).items():
        for blind, *target in _LOOKUPS.rows(connection, [kind], blinds):
            found[kind, bytes(blind)] = Target(*target)
    return found


def kinds_of_reference(connection: sa.Connection, family: str) -> list[str]:
    """The kinds of references that are known of a family (`person`, `order`…). Each is found by one
    step through the index, however many people have it."""
    found: list[str] = []
    query = sa.select(sa.func.min(_names.kind))
    kind = connection.scalar(query)
    while kind is not None:
        found.append(kind)
        kind = connection.scalar(query.where(_names.kind > kind))
    return [kind.partition("/")[2] for kind in found if kind.startswith(f"{family}/")]


def erased_until(
    connection: sa.Connection, wanted: Collection[tuple[str, bytes]]
) -> dict[tuple[str, bytes], Instant]:
    """For each of these blinded references that was erased: nothing it did up to this instant may
    come back (suppressions outlive the person, SS-DSR-3)."""
    table = tables.suppressions.c
    found: dict[tuple[str, bytes], Instant] = {}
    for kind, blinds in _by_kind(wanted).items():
        for start in range(0, len(blinds), AT_ONCE):
            query = sa.select(table.blind, table.cutoff).where(
                table.reason == "erased",
                table.kind == kind,
                table.blind.in_(blinds[start : start + AT_ONCE]),
            )
            found |= {(kind, bytes(row.blind)): row.cutoff for row in connection.execute(query)}
    return found


def joined(connection: sa.Connection) -> list[Joining]:
    """Every join that was ever recorded, oldest first."""
    said, undone = tables.events.alias("said"), tables.events.alias("undone")
    void = (
        sa.select(sa.func.min(undone.c.position))
        .where(undone.c.ref_position == said.c.position, undone.c.kind == VOID)
        .scalar_subquery()
    )
    query = (
        sa.select(said.c.position, said.c.subject, said.c.entry, void.label("undone_at"))
        # Written out, not bound: the partial index is found by these very words.
        .where(sa.text("said.kind = 'customer.joined.v1'"))
        .order_by(said.c.position)
    )
    found = []
    for row in connection.execute(query):
        fact = fact_from(entry.read(bytes(row.entry)))
        assert isinstance(fact, Joined)
        join = Join(row.position, row.subject, fact.other)
        found.append(Joining(join, row.undone_at))
    return found


def _by_kind(wanted: Collection[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    """Blinded references by their family, which is half of the index that finds them."""
    by_kind: dict[str, list[bytes]] = {}
    for kind, blind in wanted:
        by_kind.setdefault(kind, []).append(blind)
    return by_kind


def tips(database: Database, streams: Collection[UUID]) -> dict[UUID, Tip]:
    """The tip of each of these streams that exists: every decision's first question."""
    rows: list[Any] = []
    if database.is_sqlite:
        with database.read() as connection:
            for stream in streams:
                rows += connection.exec_driver_sql(_TIP_SQLITE, (stream.bytes,)).all()
        rows = [(UUID(bytes=s), v, k, UUID(bytes=p) if p else None) for s, v, k, p in rows]
    elif streams:
        with speaking(), database.raw() as session:
            ids = ",".join(str(stream) for stream in streams)
            rows = session.execute(_TIPS_POSTGRES, f"'{{{ids}}}'")
    return {stream: Tip(version, _aggregate(kind), of) for stream, version, kind, of in rows}


def histories(
    connection: sa.Connection, streams: Collection[UUID]
) -> dict[UUID, list[tuple[int, Fact]]]:
    """The (position, fact) of these streams that decisions look back at, in version order."""
    found: dict[UUID, list[tuple[int, Fact]]] = {}
    if streams:
        query = (
            sa.select(events.position, events.stream, events.entry)
            .where(events.stream.in_(streams), events.kind.in_(_DECISIVE))
            .order_by(events.stream, events.version)
        )
        for row in connection.execute(query):
            fact = fact_from(entry.read(bytes(row.entry)))
            found.setdefault(row.stream, []).append((row.position, fact))
    return found


def _aggregate(kind: str) -> str:
    """The aggregate a stream belongs to; a correction may be at any tip, and then it is asked."""
    return KINDS[kind].aggregate if kind in KINDS else "any"


def event_at(connection: sa.Connection, position: int) -> Found | None:
    """The event at a position, or None if there is none or it was pruned."""
    row = connection.execute(
        sa.select(tables.events).where(events.position == position)
    ).one_or_none()
    if row is None or row.entry is None:
        return None
    fact = fact_from(entry.read(bytes(row.entry)))
    return Found(row.position, row.stream, row.version, row.subject, row.recorded_at, fact)


def card_facts(connection: sa.Connection, subject: UUID) -> dict[int, Fact]:
    """One person's facts about cards in full, by position: what ends a card is partly in their
    entries only (its contract, the day of its debit)."""
    found = states.of_cards(connection, subject).entries
    return {position: fact_from(entry.read(raw)) for position, raw in found}


def policy_book(connection: sa.Connection) -> tuple[Book, UUID | None]:
    """Every edition published so far, and the stream of the book."""
    documents = tables.documents.c
    query = (
        sa.select(events.position, events.stream, events.entry)
        .where(events.stream == _book_stream_query())
        .order_by(events.version)
    )
    book, stream = Book(), None
    for row in connection.execute(query).all():
        fact: Any = fact_from(entry.read(bytes(row.entry)))
        if fact.kind != PUBLISHED:
            continue
        sha256 = entry.from_base64(fact.document)
        toml = connection.scalar(sa.select(documents.bytes).where(documents.sha256 == sha256))
        if toml is None:
            raise Tampered(f"the policy document of position {row.position} is missing")
        book, stream = (
            book.with_edition(_edition(bytes(toml), row.position), row.position),
            row.stream,
        )
    return book, stream


@lru_cache(maxsize=64)
def _edition(toml: bytes, position: int) -> Edition:
    """The edition of a document: the same object each time the book is read. What evaluation caches
    by edition is then found by identity, and not by comparing whole policies."""
    return load_edition(toml, f"the edition at position {position}", KINDS)


def policy_book_version(connection: sa.Connection) -> int:
    """How many facts the stream of the policy book has (0: it has not begun): what tells, in one
    look at an index, whether an edition or a declaration was added since."""
    query = sa.select(sa.func.max(events.version)).where(events.stream == _book_stream_query())
    return connection.scalar(query) or 0


def _book_stream_query() -> Any:
    return sa.select(events.stream).where(events.position == 1).scalar_subquery()


def recorded_by(connection: sa.Connection, known: int) -> Instant:
    """When the last event up to a position was recorded that was not pruned; 0 when none was."""
    e = tables.events.c
    query = sa.select(sa.func.max(e.recorded_at)).where(e.position <= known)
    return connection.scalar(query) or 0


def days_told_of(connection: sa.Connection, known: int) -> tuple[Day, Day]:
    """The first and the last day of what had been told by a position."""
    e = tables.events.c
    days = sa.select(sa.func.min(e.local_day), sa.func.max(e.local_day))
    first, last = connection.execute(days.where(e.position <= known)).one()
    return first, last


class Head(NamedTuple):
    """Where the log ends: `epoch` moves with whatever invalidates caches."""

    position: int
    last_at: Instant
    epoch: int


def read_head(connection: sa.Connection) -> Head:
    """Where the log ends, without locking it. Raises LookupError before `init`."""
    rows = once(connection, "head", lambda: states.HEAD.rows(connection))
    if not rows:
        raise LookupError("this database holds no ledger")
    return Head(*rows[0])


def position_at(connection: sa.Connection, known_at: Instant | None) -> int:
    """P(R): the last position recorded at or before R (None: the last of all)."""
    head = read_head(connection).position
    if known_at is None:
        return head
    # Record time increases with position, so the newest row at or before R is found by bisection
    # over the primary key; recorded_at needs no index.
    low, high = 0, head
    while low < high:
        middle = (low + high + 1) // 2
        at = recorded_at(connection, middle)
        low, high = (middle, high) if at is not None and at <= known_at else (low, middle - 1)
    return low


def last_occurred(connection: sa.Connection) -> Instant | None:
    """No fact about a person is later than this instant (None: there is none): from here on the
    live tables answer any `as_of`."""
    day = connection.scalar(sa.select(sa.func.max(tables.activity.c.last_day)))
    return end_of(day) if day is not None else None


def recorded_at(connection: sa.Connection, position: int) -> Instant | None:
    """When this position was recorded, or the nearest unpruned one before it; None for none."""
    query = (
        sa.select(events.recorded_at)
        .where(events.position <= position, events.recorded_at.is_not(None))
        .order_by(events.position.desc())
        .limit(1)
    )
    return connection.scalar(query)
