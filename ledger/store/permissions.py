"""What a permission depends on, for many people in a few round trips.

Whole histories for the exact answer, with the few entries whose fields no column holds; what the
company declared; and the list of those who opposed before they were erased. Everything inside the
caller's transaction, so that it is one state of the ledger. Read next: `ledger/permitting/`, which
asks, and `shapes.py` for a million people at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant
from ledger.events import (
    CORRECTION,
    KINDS,
    VOID,
    AssessmentRecorded,
    CallPlaced,
    CustomerRegistered,
    Fact,
    FormPublished,
    ProfileRectified,
    PurposeDeclared,
    Row,
)
from ledger.store import tables
from ledger.store.mapper import fact_from
from ledger.store.reader import Target
from ledger.store.states import AT_ONCE, ROW_COLUMNS

events, lists, names = tables.events.c, tables.suppressions.c, tables.lookups.c
Blinded = tuple[str, bytes]  # family and kind of a reference, its keyed HMAC
T = TypeVar("T")

IN_FULL = (
    *(CustomerRegistered.kind, ProfileRectified.kind, CallPlaced.kind, CORRECTION),
    *(kind for kind, cls in KINDS.items() if any(spec.key == "form" for spec in cls.specs)),
)
"""The kinds of a person's facts that the rules read in full."""
DECLARED = (FormPublished.kind, AssessmentRecorded.kind, PurposeDeclared.kind, CORRECTION, VOID)


class Opposed(NamedTuple):
    """An objection that outlived the person's erasure: for a purpose, over a channel ('': all)."""

    purpose: str
    channel: str
    at: Instant
    position: int


class History(NamedTuple):
    """All rows of one person in position order, corrections unresolved; some facts in full."""

    rows: list[Row]
    facts: dict[int, Fact]
    opposed: list[Opposed]


def histories(connection: sa.Connection, subjects: Collection[UUID]) -> dict[UUID, History]:
    """The history of each of these people; an empty one for somebody nobody knows."""
    found = {subject: History([], {}, []) for subject in subjects}
    full = sa.case((events.kind.in_(IN_FULL), events.entry), else_=None)
    for some in _batches(found):
        query = (
            sa.select(*ROW_COLUMNS, full)
            .where(events.subject.in_(some))
            .order_by(events.subject, events.position)
        )
        for *columns, raw in connection.execute(query):
            row = Row(*columns)
            assert row.subject is not None
            hers = found[row.subject]
            hers.rows.append(row)
            if raw is not None:
                hers.facts[row.position] = fact_from(entry.read(bytes(raw)))
    return found


def targets(connection: sa.Connection, wanted: Collection[Blinded]) -> dict[Blinded, Target]:
    """The people whom these references mean, those that are known."""
    columns = names.blind, names.target, names.subject
    return {
        (kind, bytes(row.blind)): Target(row.target, row.subject)
        for kind, some in _by_kind(wanted)
        for row in connection.execute(
            sa.select(*columns).where(names.kind == kind, names.blind.in_(some))
        )
    }


def erased(connection: sa.Connection, wanted: Collection[Blinded]) -> set[Blinded]:
    """Those of these references that were erased."""
    return {
        (kind, bytes(blind))
        for kind, some in _by_kind(wanted)
        for blind in connection.scalars(
            sa.select(lists.blind).where(
                lists.reason == "erased", lists.kind == kind, lists.blind.in_(some)
            )
        )
    }


def opposed(connection: sa.Connection, wanted: Collection[Blinded]) -> dict[Blinded, list[Opposed]]:
    """The objections on the list for these references."""
    found: dict[Blinded, list[Opposed]] = {}
    columns = lists.blind, lists.purpose, lists.channel, lists.cutoff, lists.at_position
    for kind, some in _by_kind(wanted):
        query = sa.select(*columns).where(
            lists.reason == "objected", lists.kind == kind, lists.blind.in_(some)
        )
        for blind, *objection in connection.execute(query):
            found.setdefault((kind, bytes(blind)), []).append(Opposed(*objection))
    return found


def is_listed(connection: sa.Connection, purpose: str) -> bool:
    """Whether anybody at all is on the opposition list of a purpose."""
    query = sa.select(lists.kind).where(lists.reason == "objected", lists.purpose == purpose)
    return connection.scalar(query.limit(1)) is not None


def opposed_people(
    connection: sa.Connection, subjects: Collection[UUID]
) -> Iterator[tuple[UUID, Opposed]]:
    """The objections on the list that were made under a reference these people use again."""
    columns = names.subject, lists.purpose, lists.channel, lists.cutoff, lists.at_position
    same = sa.and_(names.kind == lists.kind, names.blind == lists.blind)
    for some in _batches(subjects):
        query = (
            sa.select(*columns)
            .join_from(tables.lookups, tables.suppressions, same)
            .where(lists.reason == "objected", names.subject.in_(some))
        )
        for subject, *objection in connection.execute(query):
            yield subject, Opposed(*objection)


def declared(connection: sa.Connection, after: int, upto: int) -> list[tuple[int, Fact]]:
    """What the company declared after a position and up to another, corrections unresolved: facts
    about nobody, which the index on (subject, position) finds."""
    query = (
        sa.select(events.position, events.entry)
        .where(
            events.subject.is_(None),
            events.position > after,
            events.position <= upto,
            events.kind.in_(DECLARED),
        )
        .order_by(events.position)
    )
    found = connection.execute(query)
    return [(row.position, fact_from(entry.read(bytes(row.entry)))) for row in found]


def _by_kind(wanted: Collection[Blinded]) -> Iterator[tuple[str, Sequence[bytes]]]:
    """Blinded references by their family, which is half of the index, so many at once."""
    by_kind: dict[str, list[bytes]] = {}
    for kind, blind in wanted:
        by_kind.setdefault(kind, []).append(blind)
    for kind, blinds in by_kind.items():
        for some in _batches(blinds):
            yield kind, some


def _batches(values: Collection[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, AT_ONCE)):
        yield some
