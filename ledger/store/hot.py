"""Queries that are asked thousands of times a second: on PostgreSQL, parsed and planned once.

Building a statement in Python costs more than running it. A `Hot` query is written once in the
words of `tables.py`; each PostgreSQL connection prepares it at its first use and executes it by
name from then on, inside whatever transaction the connection is in. On SQLite it is the same query,
asked the usual way. Values are looked for many at a time. Read next: `statements.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ledger.store.database import session_of, wrapped
from ledger.store.statements import array, cast


class Hot:
    """A query for the rows whose columns `among` are each one of the values given."""

    def __init__(self, query: sa.Select[Any], *among: sa.Column[Any]) -> None:
        self._query, self._among = query, among

    def rows(self, connection: sa.Connection, *values: Collection[Any]) -> list[tuple[Any, ...]]:
        """The rows, columns in the order of the query. Bytes may come as a memoryview."""
        if connection.dialect.name == "sqlite":
            pairs = zip(self._among, values, strict=True)
            wanted = [column.in_(list(some)) for column, some in pairs]
            return [tuple(row) for row in connection.execute(self._query.where(*wanted))]
        session = session_of(connection.connection)
        pairs = zip(self._among, values, strict=True)
        try:
            return session.execute(self._text, ", ".join(array(c, tuple(v)) for c, v in pairs))
        except psycopg2.Error as error:
            raise wrapped(error) from None

    @cached_property
    def _text(self) -> str:
        wanted = [
            sa.text(f"{column.table.name}.{column.name} = ANY (${number}::{cast(column)}[])")
            for number, column in enumerate(self._among, 1)
        ]
        dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        compiled = self._query.where(*wanted).compile(
            dialect=dialect, compile_kwargs={"literal_binds": True}
        )
        return str(compiled)
