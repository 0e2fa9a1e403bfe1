"""The SQL of the append, built once from `tables.py` for each database.

PostgreSQL takes everything in one data-modifying statement whose first part moves the head only if
it is still where the writer believed it to be; when it is not, nothing at all is written. Its text
depends only on which tables are written, so each connection prepares it once. SQLite
has no such statement and runs the same inserts one after another inside BEGIN IMMEDIATE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ledger.store import tables

Rows = Mapping[sa.Table, Sequence[tuple[Any, ...]]]

_SMALLER = "(excluded.first_day, excluded.first_position) < ({t}.first_day, {t}.first_position)"
_LARGER = "(excluded.last_day, excluded.last_position) > ({t}.last_day, {t}.last_position)"


@cache
def conflict_clause(table: sa.Table) -> str:
    """What an insert does when the row exists: projections are replaced (activity: merged), all
    other tables refuse."""
    if table not in tables.PROJECTIONS:
        return ""
    key = ", ".join(_quoted(c.name) for c in table.primary_key)
    rest = [c.name for c in table.columns if not c.primary_key]
    if table is tables.activity:
        small, large = (text.format(t=table.name) for text in (_SMALLER, _LARGER))
        sets = [
            f"{column} = CASE WHEN {test} THEN excluded.{column} ELSE {table.name}.{column} END"
            for test, columns in (
                (small, ("first_day", "first_position")),
                (large, ("last_day", "last_position")),
            )
            for column in columns
        ]
        sets.append(f"n = {table.name}.n + excluded.n")
    else:
        sets = [f"{_quoted(name)} = excluded.{_quoted(name)}" for name in rest]
    return f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(sets)}"


def upsert(
    connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]], moving: tuple[str, ...]
) -> None:
    """Insert rows; where one exists, the columns in `moving` take the new values."""
    if not rows:
        return
    insert: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    changed = {name: insert.excluded[name] for name in moving}
    key = [column.name for column in table.primary_key.columns]
    connection.execute(insert.on_conflict_do_update(index_elements=key, set_=changed), rows)


@cache
def sqlite_insert(table: sa.Table) -> str:
    """One row, positional parameters."""
    marks = ", ".join("?" for _ in table.columns)
    return f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks}){conflict_clause(table)}"


def sqlite_value(value: Any) -> Any:
    """A UUID is 16 bytes on SQLite; everything else travels as it is."""
    return value.bytes if isinstance(value, UUID) else value


@cache
def postgres_append(tables_written: tuple[sa.Table, ...]) -> str:
    """The append as the text of one statement with one array per column, for any number of rows.

    It returns a row if and only if it wrote: `h` moves the head only from where it is believed
    to be ($1, $2: new position and last_at; $3, $4: believed position and epoch).
    """
    number = 4
    parts = [
        "WITH h AS (UPDATE head SET position = $1::bigint, last_at = $2::bigint "
        "WHERE id = 1 AND position = $3::bigint AND epoch = $4::bigint RETURNING id)"
    ]
    for index, table in enumerate(tables_written):
        arrays = []
        for column in table.columns:
            number += 1
            arrays.append(f"${number}::{cast(column)}[]")
        parts.append(
            f"i{index} AS (INSERT INTO {table.name} ({_columns(table)}) SELECT v.* "
            f"FROM unnest({', '.join(arrays)}) AS v, h{conflict_clause(table)})"
        )
    return ", ".join(parts) + " SELECT id FROM h"


def postgres_arguments(head: tuple[int, ...], rows: Rows) -> str:
    """The arguments of `postgres_append` for these rows, as SQL literals."""
    arguments = [str(number) for number in head]
    for table, values in rows.items():
        literals = _literals(table)
        arguments += [
            literal(column)
            for literal, column in zip(literals, zip(*values, strict=True), strict=True)
        ]
    return ", ".join(arguments)


@cache
def _literals(table: sa.Table) -> tuple[Any, ...]:
    return tuple(_BY_CAST.get(cast(column), _plain) for column in table.columns)


def _plain(values: tuple[Any, ...]) -> str:
    return "'{" + ",".join(["NULL" if v is None else str(v) for v in values]) + "}'"


def _bytes(values: tuple[Any, ...]) -> str:
    listed = ["NULL" if v is None else f'"\\\\x{v.hex()}"' for v in values]
    return "'{" + ",".join(listed) + "}'"


def _texts(values: tuple[Any, ...]) -> str:
    listed = ["NULL" if v is None else _text(v) for v in values]
    return "'{" + ",".join(listed) + "}'"


@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("'", "''")
    return f'"{escaped}"'


_BY_CAST = {"bytea": _bytes, "text": _texts}


def literal_of(column: sa.Column[Any]) -> Callable[[tuple[Any, ...]], str]:
    """Of values of this column their SQL literal: an array, to be cast to `cast(column)[]`."""
    return _BY_CAST.get(cast(column), _plain)


def cast(column: sa.Column[Any]) -> str:
    """The name of the column's type."""
    if isinstance(column.type, tables.Id):
        return "uuid"
    if isinstance(column.type, sa.LargeBinary):
        return "bytea"
    if isinstance(column.type, sa.SmallInteger):
        return "smallint"
    if isinstance(column.type, sa.BigInteger):
        return "bigint"
    return "integer" if isinstance(column.type, sa.Integer) else "text"


def _columns(table: sa.Table) -> str:
    return ", ".join(_quoted(column.name) for column in table.columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
