"""The SQL of the append, built once from `tables.py` for each database.

PostgreSQL takes everything in one data-modifying statement whose first part moves the head only if
it is still where the writer believed it to be; when it is not, nothing at all is written. SQLite
has no such statement and runs the same inserts one after another inside BEGIN IMMEDIATE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

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


@cache
def sqlite_insert(table: sa.Table) -> str:
    """One row, positional parameters."""
    marks = ", ".join("?" for _ in table.columns)
    return f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({marks}){conflict_clause(table)}"  # noqa: S608


def sqlite_value(value: Any) -> Any:
    """A UUID is 16 bytes on SQLite; everything else travels as it is."""
    return value.bytes if isinstance(value, UUID) else value


def postgres_append(
    cursor: Any, head: tuple[int, int, int], to: tuple[int, int], rows: Rows
) -> bytes:
    """The whole append as one statement that returns one row if and only if it wrote.

    `head` is the (position, last_at, epoch) believed current, `to` the new (position, last_at).
    """
    parts = [
        cursor.mogrify(
            "WITH h AS (UPDATE head SET position = %s, last_at = %s "
            "WHERE id = 1 AND position = %s AND epoch = %s RETURNING id)",
            (*to, head[0], head[2]),
        )
    ]
    for number, (table, values) in enumerate(rows.items()):
        if values:
            template = _postgres_template(table)
            listed = b",".join(cursor.mogrify(template, value) for value in values)
            start = f", i{number} AS (INSERT INTO {table.name} ({_columns(table)}) SELECT v.* FROM (VALUES "  # noqa: S608
            end = f") v, h{conflict_clause(table)})"
            parts.append(start.encode() + listed + end.encode())
    parts.append(b" SELECT id FROM h")
    return b"".join(parts)


@cache
def _postgres_template(table: sa.Table) -> str:
    return "(" + ", ".join(f"%s::{_cast(column)}" for column in table.columns) + ")"


def _cast(column: sa.Column[Any]) -> str:
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
