"""The events as Arrow batches: the log read by the hundred thousand, never a row at a time.

PostgreSQL streams them through ADBC (COPY in its binary form, no Python object per value); SQLite
hands over plain tuples, a page at a time. Memory stays flat on both; every statement is one
consistent view, and no transaction outlives the positions that it was asked for. The columns are
those of `events`; ids come as 16 bytes. Read next: `ledger/segmenting/export.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import sqlalchemy as sa
from adbc_driver_postgresql import StatementOptions, dbapi
from psycopg2.extensions import make_dsn

from ledger import entry
from ledger.errors import Broken, Tampered
from ledger.events import Pruned
from ledger.store import tables
from ledger.store.database import Database, speaking

PAGE = 8192  # rows of SQLite read at a time
BATCH_BYTES = 8 << 20  # of PostgreSQL's stream

_INTEGERS = {"edition": pa.int32(), "until_day": pa.int32(), "local_day": pa.int32()}
_BYTES = {
    "stream": pa.binary(16),
    "subject": pa.binary(16),
    "entry": pa.binary(),
    "leaf": pa.binary(32),
}


def type_of(column: sa.Column[Any]) -> pa.DataType:
    """The Arrow type of a column of `events`."""
    if column.name in _BYTES:
        return _BYTES[column.name]
    if column.name in _INTEGERS:
        return _INTEGERS[column.name]
    return pa.string() if isinstance(column.type, sa.Text) else pa.int64()


TYPES = {column.name: type_of(column) for column in tables.events.c}
"""The Arrow type of each column of `events`."""


def batches(
    database: Database, first: int, last: int, columns: Sequence[str] = tuple(TYPES)
) -> Iterator[pa.RecordBatch]:
    """These columns of the positions `first` to `last`, in order of position.

    Raises Broken when the database does not answer, Tampered where a value is not of its type.
    """
    read = _from_sqlite if database.is_sqlite else _from_postgres
    schema = pa.schema([(name, TYPES[name]) for name in columns])
    try:
        yield from read(database, schema, first, last)
    except dbapi.Error as error:
        raise Broken(f"the database does not answer ({type(error).__name__})") from None
    except pa.ArrowException:
        raise Tampered(f"an event of {first} to {last} holds what is not of its type") from None


def _select(names: Sequence[str], first: int, last: int) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    where = f"position BETWEEN {int(first)} AND {int(last)}"
    return f"SELECT {listed} FROM events WHERE {where} ORDER BY position"


def _from_postgres(
    database: Database, schema: pa.Schema, first: int, last: int
) -> Iterator[pa.RecordBatch]:
    _, given = database.engine.dialect.create_connect_args(database.engine.url)
    hint = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)}
    with (
        speaking(),
        dbapi.connect(make_dsn(**given), autocommit=True) as connection,
        connection.cursor(adbc_stmt_kwargs=hint) as cursor,
    ):
        cursor.execute(_select(schema.names, first, last))
        for batch in cursor.fetch_record_batch():
            yield pa.RecordBatch.from_arrays(
                [_plain(batch.column(n), schema.field(n).type) for n in range(len(schema))],
                schema=schema,
            )


def _plain(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    """PostgreSQL's uuid comes as an extension type, bytea without a width."""
    stored = column.storage if isinstance(column, pa.ExtensionArray) else column
    return stored if stored.type == wanted else stored.cast(wanted)


def _from_sqlite(
    database: Database, schema: pa.Schema, first: int, last: int
) -> Iterator[pa.RecordBatch]:
    for start in range(first, last + 1, PAGE):
        with database.read() as connection:
            driver: Any = connection.connection.driver_connection
            end = min(start + PAGE - 1, last)
            rows = driver.execute(_select(schema.names, start, end)).fetchall()
        columns = zip(*rows, strict=True) if rows else [()] * len(schema)
        yield pa.RecordBatch.from_arrays(
            [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)],
            schema=schema,
        )


class Prune(NamedTuple):
    """A `ledger.pruned` fact: where it stands, and the ranges of positions that it names."""

    position: int
    ranges: tuple[tuple[int, int], ...]


def prunes_after(database: Database, position: int) -> list[Prune]:
    """The prunes recorded after this position, in order. Reads only what came after it."""
    e = tables.events.c
    query = sa.select(e.position, e.entry).where(e.kind == Pruned.kind, e.position > position)
    with database.read() as connection:
        rows = connection.execute(query.order_by(e.position)).all()
    return [
        Prune(at, tuple((first, last) for first, last in entry.read(raw)["meta"]["ranges"]))
        for at, raw in rows
    ]
