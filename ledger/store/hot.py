"""Queries that are asked thousands of times a second: on PostgreSQL, parsed and planned once.

Building a statement in Python costs more than running it. A `Hot` query is written once in the
words of `tables.py`; each PostgreSQL connection prepares it at its first use and executes it by
name from then on, inside whatever transaction the connection is in. On SQLite it is the same query,
asked the usual way. Values are looked for many at a time; a whole number stands in the query under
its name. Read next: `statements.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any, TypeAlias

import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import replacement_traverse

from ledger.store import tables
from ledger.store.database import session_of, wrapped
from ledger.store.statements import array, cast


def number(name: str) -> sa.BindParameter[int]:
    """A whole number that a hot query is asked with."""
    return sa.bindparam(name, type_=tables.BIG)


Query: TypeAlias = sa.Select[Any] | sa.TextualSelect


class Hot:
    """A query for the rows whose columns `among` are each one of the values given; `numbers` are
    the names of those that the query holds."""

    def __init__(self, query: Query, *among: sa.Column[Any], numbers: tuple[str, ...] = ()) -> None:
        self._query, self._among, self._numbers = query, among, numbers

    def rows(
        self, connection: sa.Connection, *values: Collection[Any], **numbers: int
    ) -> list[tuple[Any, ...]]:
        """The rows, columns in the order of the query. Bytes may come as a memoryview."""
        pairs = zip(self._among, values, strict=True)
        if connection.dialect.name == "sqlite":
            wanted = [column.in_(list(some)) for column, some in pairs]
            query: Any = self._query
            query = query.where(*wanted) if wanted else query
            return [tuple(row) for row in connection.execute(query, numbers)]
        session = session_of(connection.connection)
        said = [array(column, tuple(some)) for column, some in pairs]
        said += [f"{numbers[name]:d}" for name in self._numbers]
        try:
            return session.execute(self._text, ", ".join(said))
        except psycopg2.Error as error:
            raise wrapped(error) from None

    @cached_property
    def _text(self) -> str:
        wanted = [
            sa.text(f"{column.table.name}.{column.name} = ANY (${number}::{cast(column)}[])")
            for number, column in enumerate(self._among, 1)
        ]
        names = {name: n for n, name in enumerate(self._numbers, len(wanted) + 1)}

        def named(element: Any, **_: Any) -> Any:
            is_number = isinstance(element, sa.BindParameter) and element.key in names
            return sa.literal_column(f"${names[element.key]}::bigint") if is_number else None

        query: Any = replacement_traverse(self._query, {}, named)
        query = query.where(*wanted) if wanted else query
        dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
        return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
