"""What a permission depends on, for many people in a few round trips.

Whole histories for the exact answer, with the few entries whose fields no column holds; and what
the company declared. Everything inside the caller's transaction, so that it is one state of the
ledger. Read next: `suppressions.py` for what outlives an erasure, `ledger/permitting/`, which asks,
and `shapes.py` for a million people at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
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
from ledger.store.hot import Hot
from ledger.store.mapper import fact_from
from ledger.store.states import AT_ONCE, ROW_COLUMNS

events = tables.events.c
T = TypeVar("T")

IN_FULL = (
    *(CustomerRegistered.kind, ProfileRectified.kind, CallPlaced.kind, CORRECTION),
    *(kind for kind, cls in KINDS.items() if any(spec.key == "form" for spec in cls.specs)),
)
"""The kinds of a person's facts that the rules read in full."""
DECLARED = (FormPublished.kind, AssessmentRecorded.kind, PurposeDeclared.kind, CORRECTION, VOID)


_HISTORIES = Hot(
    sa.select(*ROW_COLUMNS, sa.case((events.kind.in_(IN_FULL), events.entry))).order_by(
        events.subject, events.position
    ),
    events.subject,
)


class Entries(Mapping[int, Fact]):
    """The facts of some entries, by position. An entry is read when a rule looks at it, in full;
    most questions look at none or one of hers."""

    def __init__(self) -> None:
        self.raw: dict[int, bytes] = {}
        self._read: dict[int, Fact] = {}

    def __getitem__(self, position: int) -> Fact:
        if position not in self._read:
            self._read[position] = fact_from(entry.read(bytes(self.raw[position])))
        return self._read[position]

    def __iter__(self) -> Iterator[int]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)


class History(NamedTuple):
    """All rows of one person in position order, corrections unresolved; some facts in full."""

    rows: list[Row]
    facts: Entries


def histories(connection: sa.Connection, subjects: Collection[UUID]) -> dict[UUID, History]:
    """The history of each of these people; an empty one for somebody nobody knows."""
    found = {subject: History([], Entries()) for subject in subjects}
    for some in _batches(found):
        for *columns, raw in _HISTORIES.rows(connection, some):
            row = Row(*columns)
            assert row.subject is not None
            hers = found[row.subject]
            hers.rows.append(row)
            if raw is not None:
                hers.facts.raw[row.position] = raw
    return found


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


def ahead(
    connection: sa.Connection, after: int, upto: int, now: Instant
) -> tuple[tuple[Instant, UUID], ...]:
    """The facts about people, recorded after a position and up to another, that happen after
    `now`: when, and of whom."""
    query = sa.select(events.occurred_at, events.subject).where(
        events.position > after,
        events.position <= upto,
        events.occurred_at > now,
        events.subject.is_not(None),
    )
    return tuple((row.occurred_at, row.subject) for row in connection.execute(query))


def _batches(values: Collection[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, AT_ONCE)):
        yield some
