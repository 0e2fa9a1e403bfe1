"""The live tables row by row: read one subject, read what a batch builds on, write what it changes.

Everything here runs inside the caller's transaction; whoever writes holds the head row. Read next:
`ledger/projections/live.py`, the pure half.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa
from psycopg2.extras import execute_values

from ledger.events import CORRECTION, KINDS, VOID, Died, Row
from ledger.policy.holds import KEEPING
from ledger.projections.live import Changes, Prior, Wanted, state_of
from ledger.projections.model import (
    ActivityKey,
    ChoiceKey,
    Contract,
    Ended,
    EndedKey,
    Expression,
    Notified,
    Span,
    SubjectState,
)
from ledger.store import tables
from ledger.store.database import once
from ledger.store.hot import Hot, Together
from ledger.store.statements import conflict_clause, sqlite_insert, sqlite_value

V = TypeVar("V")
Values = tuple[Any, ...]

ROW_COLUMNS = tuple(column for column in tables.events.c if column.name not in ("entry", "leaf"))
"""The columns of `events` that make a Row, in the order of its fields."""

_events = tables.events.c
_history = sa.select(*ROW_COLUMNS).order_by(_events.position)
_CARDS = [kind for kind in KINDS if kind.startswith("card.")]
_PAYING = _events.kind.in_([*_CARDS, "order.paid.v1", CORRECTION, VOID])
_entry_of_card = sa.case((_events.kind.in_(_CARDS), _events.entry))
_KEEPING = _events.kind.in_([*KEEPING, CORRECTION, VOID])
HEAD = Hot(sa.select(tables.head.c.position, tables.head.c.last_at, tables.head.c.epoch))

AT_ONCE = 500  # subjects asked for in one query
_PAGE = 2000  # rows fetched at a time from a long result


# --- history ------------------------------------------------------------------------------------


class Part(NamedTuple):
    """Something of one person: under which name it is remembered, what is asked, with which numbers
    each, and what is made of the rows."""

    name: str
    asked: tuple[Hot, ...]
    made: Callable[..., Any] = list
    numbers: dict[str, int] = {}  # noqa: RUF012 - never changed

    def of(self, connection: sa.Connection, subject: UUID) -> Any:
        """Hers."""
        read = partial(self._read, connection, subject)
        return once(connection, (self.name, subject), read)

    def _read(self, connection: sa.Connection, subject: UUID) -> Any:
        asked = _together(*(one.of_one for one in self.asked))
        return self.made(*asked.rows(connection, (subject,), **self.numbers))


def _rows_made(rows: list[Values]) -> list[Row]:
    return list(map(Row._make, rows))


class OfCards(NamedTuple):
    """Her rows about cards and payments, with what amends facts of hers; and position and entry of
    each fact about a card."""

    rows: list[Row]
    entries: list[tuple[int, bytes]]


def _cards_made(found: list[Values]) -> OfCards:
    entries = [(row[0], bytes(row[-1])) for row in found if row[-1] is not None]
    return OfCards([Row._make(row[:-1]) for row in found], entries)


ROWS = Part("rows", (Hot(_history, _events.subject),), _rows_made)
KEPT = Part("holds", (Hot(_history.where(_KEEPING), _events.subject),), _rows_made)
_paid = _history.add_columns(_entry_of_card).where(_PAYING)
CARDS = Part("cards", (Hot(_paid, _events.subject),), _cards_made)


def rows_of(connection: sa.Connection, subject: UUID, known: int | None = None) -> list[Row]:
    """All rows of one subject in position order, up to the position `known`."""
    found: list[Row] = ROWS.of(connection, subject)
    return [row for row in found if known is None or row.position <= known]


def rows_of_holds(connection: sa.Connection, subject: UUID) -> list[Row]:
    """Her rows that keep something, with what amends facts of hers; all of them, where they are
    known already."""
    seen = connection.get_execution_options().get("seen") or {}
    found: list[Row] = (ROWS if ("rows", subject) in seen else KEPT).of(connection, subject)
    return found


def of_cards(connection: sa.Connection, subject: UUID) -> OfCards:
    """What her cards and payments are judged by."""
    found: OfCards = CARDS.of(connection, subject)
    return found


def look_at(connection: sa.Connection, subject: UUID, *parts: Part) -> None:
    """Read these parts of one person and where the log ends in one round trip, where what was read
    is remembered: it is asked for next."""
    seen: dict[Hashable, Any] | None = connection.get_execution_options().get("seen")
    if seen is None or any((part.name, subject) in seen for part in parts):
        return
    asked = [one.of_one for part in parts for one in part.asked]
    numbers = {name: one for part in parts for name, one in part.numbers.items()}
    head, *found = _with_head(*asked).rows(connection, (subject,), **numbers)
    once(connection, "head", lambda: head)
    for part in parts:
        its, found = found[: len(part.asked)], found[len(part.asked) :]
        once(connection, (part.name, subject), partial(part.made, *its))


def with_head(
    connection: sa.Connection, asked: Hot, *values: Collection[Any], **numbers: int
) -> list[Values]:
    """The rows of a question, asked in one round trip with where the log ends, unless that is
    known or nothing would remember it."""
    seen: dict[Hashable, Any] | None = connection.get_execution_options().get("seen")
    if seen is None or "head" in seen:
        return asked.rows(connection, *values, **numbers)
    head, rows = _with_head(asked).each(connection, ((), {}), (values, numbers))
    once(connection, "head", lambda: head)
    return rows


@lru_cache(maxsize=64)  # of the queries of this store, which are few
def _together(*asked: Hot) -> Together:
    return Together(*asked)


def _with_head(*asked: Hot) -> Together:
    return _together(HEAD, *asked)


def rows_of_stream(connection: sa.Connection, stream: UUID) -> list[Row]:
    """All rows of one stream in position order."""
    query = _rows(None).where(tables.events.c.stream == stream)
    return [Row(*row) for row in connection.execute(query.order_by(tables.events.c.position))]


def rows_of_some(
    connection: sa.Connection, subjects: Collection[UUID], known: int | None = None
) -> Iterator[Row]:
    """All rows of these subjects, ordered by (subject, position) within some of them at a time."""
    events, asked = tables.events.c, sorted(subjects)
    for start in range(0, len(asked), AT_ONCE):
        some = _rows(known).where(events.subject.in_(asked[start : start + AT_ONCE]))
        for row in connection.execute(some.order_by(events.subject, events.position)):
            yield Row(*row)


def rows_by_subject(connection: sa.Connection, known: int | None = None) -> Iterator[Row]:
    """All rows that have a subject, ordered by (subject, position), as they come from the database:
    memory stays flat whatever the length of the log."""
    events = tables.events.c
    query = _rows(known).where(events.subject.is_not(None))
    query = query.order_by(events.subject, events.position)
    for row in connection.execute(query, execution_options={"yield_per": _PAGE}):
        yield Row(*row)


def _rows(known: int | None) -> sa.Select[Any]:
    query = sa.select(*ROW_COLUMNS)
    return query if known is None else query.where(tables.events.c.position <= known)


# --- reading the live tables ----------------------------------------------------------------------


def live_state(connection: sa.Connection, subject: UUID) -> SubjectState:
    """The state of one subject as the live tables hold it: all that is known, at no given date."""
    found: SubjectState = LIVE.of(connection, subject)
    return found


def have_died(connection: sa.Connection, people: Collection[UUID]) -> bool:
    """Whether a death of one of these is among the facts of the live tables."""
    return bool(_DEATHS.rows(connection, people))


def _state_made(
    spans: list[Values],
    agreed: list[Values],
    said: list[Values],
    told: list[Values],
    ends: list[Values],
) -> SubjectState:
    return SubjectState(
        {ActivityKey._make(row[:4]): Span._make(row[4:]) for row in spans},
        {row[0]: _contract(row[1:]) for row in agreed},
        {ChoiceKey._make(row[:2]): Expression._make(row[2:]) for row in said},
        Notified(*told[0]) if told else None,
        {EndedKey(*row[:2]): Ended(*row[2:]) for row in ends},
    )


LIVE = Part(
    "state",
    tuple(
        Hot(sa.select(*[one for one in table.c if one is not table.c.subject]), table.c.subject)
        for table in tables.PROJECTIONS
    ),
    _state_made,
)


_of_activity = tables.activity.c
_DEATHS = Hot(
    sa.select(_of_activity.subject).where(_of_activity.kind == Died.kind), _of_activity.subject
)


def read_prior(connection: sa.Connection, wanted: Wanted) -> Prior:
    """The live rows that a batch builds on."""
    return Prior(
        _among(
            connection,
            tables.contracts,
            wanted.contracts,
            lambda r: ((r[0], r[1]), _contract(r[2:])),
        ),
        _among(
            connection,
            tables.consents,
            wanted.consents,
            lambda r: ((r[0], ChoiceKey(r[1], r[2])), Expression(*r[3:])),
        ),
        {
            row[0]: Notified(*row[1:])
            for row in _of_all(connection, tables.notified, wanted.notified)
        },
    )


def _contract(row: Values) -> Contract:
    type_, tacit, *rest = row
    return Contract(type_, None if tacit is None else bool(tacit), *rest)


def _of_all(connection: sa.Connection, table: sa.Table, subjects: set[UUID]) -> Iterator[Values]:
    asked = list(subjects)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        query = sa.select(table).where(table.c.subject.in_(some))
        yield from map(tuple, connection.execute(query))


def _among(
    connection: sa.Connection,
    table: sa.Table,
    keys: set[tuple[UUID, Any]],
    read: Callable[[Values], tuple[tuple[UUID, Any], V]],
) -> dict[tuple[UUID, Any], V]:
    """The rows of these keys. All rows of their subjects are read: they are few."""
    found = map(read, _of_all(connection, table, {key[0] for key in keys}))
    return {key: value for key, value in found if key in keys}


# --- writing the live tables ----------------------------------------------------------------------


def rows_of_changes(changes: Changes) -> dict[sa.Table, list[Values]]:
    """The rows to merge or replace, by table, values in the order of its columns."""
    return {
        tables.activity: [(s, *key, *span) for (s, key), span in changes.activity.items()],
        tables.contracts: [
            (s, item, c.type, None if c.tacit is None else int(c.tacit), *c[2:])
            for (s, item), c in changes.contracts.items()
        ],
        tables.consents: [(s, *key, *said) for (s, key), said in changes.consents.items()],
        tables.notified: [(s, *told) for s, told in changes.notified.items()],
        tables.ended: [(s, *key, *how) for (s, key), how in changes.ended.items()],
    }


def write_changes(connection: sa.Connection, changes: Changes) -> None:
    """Merge the spans, replace the other rows, then fold again the subjects in `refold`.

    The events themselves must be written before.
    """
    upsert(connection, rows_of_changes(changes))
    for subject in changes.refold:
        refold(connection, subject)


def refold(connection: sa.Connection, subject: UUID) -> None:
    """Replace all live rows of one subject by a fold of all her events."""
    for table in tables.PROJECTIONS:
        connection.execute(sa.delete(table).where(table.c.subject == subject))
    state = state_of(rows_of(connection, subject))
    fresh = Changes(
        {(subject, key): span for key, span in state.activity.items()},
        {(subject, item): contract for item, contract in state.contracts.items()},
        {(subject, key): said for key, said in state.consents.items()},
        {} if state.notified is None else {subject: state.notified},
        {(subject, key): how for key, how in state.ended.items()},
        set(),
    )
    upsert(connection, rows_of_changes(fresh))


def upsert(connection: sa.Connection, rows: dict[sa.Table, list[Values]]) -> None:
    """Merge spans into `activity`, replace rows of the other tables."""
    for table, values in rows.items():
        if not values:
            continue
        if connection.dialect.name == "sqlite":
            as_bytes = [tuple(sqlite_value(value) for value in row) for row in values]
            connection.exec_driver_sql(sqlite_insert(table), as_bytes)
        else:
            _insert_postgres(connection, table, values)


def _insert_postgres(connection: sa.Connection, table: sa.Table, values: Iterable[Values]) -> None:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    text = f"INSERT INTO {table.name} ({names}) VALUES %s{conflict_clause(table)}"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor:
        execute_values(cursor, text, values, page_size=1000)
