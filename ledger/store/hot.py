"""Queries that are asked thousands of times a second: on PostgreSQL, parsed and planned once.

Building a statement in Python costs more than running it. A `Hot` query is written once in the
words of `tables.py`; each PostgreSQL connection prepares it at its first use and executes it by
name from then on, inside whatever transaction the connection is in. On SQLite it is the same query,
asked the usual way. Values are looked for many at a time; a whole number stands in the query under
its name. What several ask of the same values, `Together` asks in one round trip. Read next:
`statements.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import psycopg2
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.visitors import replacement_traverse

from ledger.entry import id_from
from ledger.store import tables
from ledger.store.database import Seat, Session, session_of, wrapped
from ledger.store.statements import cast, literal_of


def number(name: str) -> sa.BindParameter[int]:
    """A whole number that a hot query is asked with."""
    return sa.bindparam(name, type_=tables.BIG)


Query: TypeAlias = sa.Select[Any] | sa.TextualSelect
Values: TypeAlias = tuple[tuple[Collection[Any], ...], dict[str, int]]
_ARGUMENT = re.compile(r"\$(\d+)")


class Hot:
    """A query for the rows whose columns `among` are each one of the values given; `numbers` are
    the names of those that the query holds."""

    _is_of_one = False

    def __init__(self, query: Query, *among: sa.Column[Any], numbers: tuple[str, ...] = ()) -> None:
        self._query, self._among, self._numbers = query, among, numbers

    @cached_property
    def of_one(self) -> Hot:
        """The same, asked with one id of each column only: PostgreSQL looks that up, and plans a
        list as if it had ten."""
        made = Hot(self._query, *self._among, numbers=self._numbers)
        made._is_of_one = True
        return made

    def rows(
        self, connection: sa.Connection, *values: Collection[Any], **numbers: int
    ) -> list[tuple[Any, ...]]:
        """The rows, columns in the order of the query. Bytes may come as a memoryview."""
        if connection.dialect.name == "sqlite":
            pairs = zip(self._among, values, strict=True)
            wanted = [column.in_(list(some)) for column, some in pairs]
            query: Any = self._query
            query = query.where(*wanted) if wanted else query
            return [tuple(row) for row in connection.execute(query, numbers)]
        return _executed(connection, self.text, self.arguments(values, numbers))

    def of_these(
        self,
        connection: sa.Connection,
        values: Collection[Collection[Any]],
        numbers: dict[str, int],
    ) -> list[tuple[Any, ...]]:
        """The rows, asked with what it takes of these."""
        its = {name: numbers[name] for name in self._numbers}
        return self.rows(connection, *(values if self._among else ()), **its)

    def arguments(
        self,
        values: Collection[Collection[Any]],
        numbers: dict[str, int],
        known: dict[tuple[int, Any], str] | None = None,
    ) -> str:
        """What its `text` is executed with on PostgreSQL. `known`: the values written already, of
        questions asked together."""
        said, known = [], {} if known is None else known
        for literal, some in zip(self._literals, values, strict=True):
            if (id(some), literal) not in known:
                known[id(some), literal] = literal(tuple(some))
            said.append(known[id(some), literal])
        return ", ".join(said + [f"{numbers[name]:d}" for name in self._numbers])

    @cached_property
    def _literals(self) -> list[Callable[[tuple[Any, ...]], str]]:
        return [_one_id if self._is_of_one else literal_of(column) for column in self._among]

    @property
    def arity(self) -> int:
        """How many arguments its `text` has."""
        return len(self._among) + len(self._numbers)

    @property
    def is_ordered(self) -> bool:
        """Whether its rows come in an order."""
        return not isinstance(self._query, sa.Select) or bool(self._query._order_by_clauses)

    @property
    def columns(self) -> list[sa.ColumnElement[Any]]:
        """Its columns, in their order."""
        return list(self._query.selected_columns)

    @cached_property
    def text(self) -> str:
        """What is prepared on PostgreSQL."""
        told = "= ${}::{}" if self._is_of_one else "= ANY (${}::{}[])"
        wanted = [
            sa.text(f"{column.table.name}.{column.name} {told.format(number, cast(column))}")
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


class Together:
    """Hot queries that are asked at once: on PostgreSQL one statement, to which each gives its rows
    as one list, for a round trip costs more than any of them. What they have of bytes
    comes in a row beside the lists, which would write out each byte; what has neither bytes nor an
    order comes as one list for all, which costs less."""

    def __init__(self, *asked: Hot) -> None:
        self._asked = asked

    def rows(
        self, connection: sa.Connection, *values: Collection[Any], **numbers: int
    ) -> list[list[tuple[Any, ...]]]:
        """The rows of each, as it would give them alone, asked with the same values and numbers, or
        with nothing where it takes nothing."""
        if connection.dialect.name == "sqlite":
            return [one.of_these(connection, values, numbers) for one in self._asked]
        fullest = max(self._asked, key=lambda one: one.arity)
        return self._told(connection, self._same, fullest.arguments(values, numbers))

    def each(self, connection: sa.Connection, *values: Values) -> list[list[tuple[Any, ...]]]:
        """The same where each is asked with values and numbers of its own."""
        pairs = list(zip(self._asked, values, strict=True))
        if connection.dialect.name == "sqlite":
            return [one.rows(connection, *among, **numbers) for one, (among, numbers) in pairs]
        known: dict[tuple[int, Any], str] = {}
        said = [one.arguments(among, numbers, known) for one, (among, numbers) in pairs]
        return self._told(connection, self._apart, ", ".join(filter(None, said)))

    def _told(
        self, connection: sa.Connection, text: str, arguments: str
    ) -> list[list[tuple[Any, ...]]]:
        ((of_all, *found),) = _executed(connection, text, arguments)
        told: list[list[Any]] = [[] for _ in self._asked]
        for row in msgspec.json.decode(of_all or "[]"):
            told[row.pop()].append(row)
        content: list[Any] = [None] * len(told)
        for n, rows, of_bytes in zip(self._alone, found[::2], found[1::2], strict=True):
            told[n], content[n] = msgspec.json.decode(rows or "[]"), of_bytes
        return [read(*its) for read, *its in zip(self._read, told, content, strict=True)]

    @cached_property
    def _same(self) -> str:
        """The text in which the arguments are the same for all."""
        return self._side_by_side([self._listed(n) for n in range(len(self._asked))])

    @cached_property
    def _apart(self) -> str:
        """The text in which the arguments of each come after those of the ones before it."""
        said, before = [], 0
        for n, one in enumerate(self._asked):
            pieces = _ARGUMENT.split(self._listed(n))  # every second one is a number
            pieces[1::2] = [f"${int(number) + before}" for number in pieces[1::2]]
            said.append("".join(pieces))
            before += one.arity
        return self._side_by_side(said)

    def _side_by_side(self, listed: list[str]) -> str:
        """All of them as one query of one row: the list for all, then two columns each. What has no
        bytes is a value by itself, which costs less than to be joined with the others."""
        for_all = " UNION ALL ".join(t for n, t in enumerate(listed) if n not in self._alone)
        told = [f"(SELECT json_agg(j)::text FROM ({for_all}) AS u (j))" if for_all else "NULL"]
        joined = []
        for n in self._alone:
            if _raw(self._asked[n].columns):
                told.append(f"q{n}.*")
                joined.append(f"{listed[n]} AS q{n}")
            else:
                told.append(f"{listed[n]}, NULL")
        return f"SELECT {', '.join(told)}" + (f" FROM {', '.join(joined)}" if joined else "")

    def _listed(self, n: int) -> str:
        """A query as one row: a JSON list of its rows, which are lists, in which the length of
        bytes stands for them; and, where it has any, all these bytes. Or as rows that end with its
        number, for the list for all."""
        one = self._asked[n]
        names = [f"c{n}" for n in range(len(one.columns))]
        raw, told = _raw(one.columns), list(names)
        for column in raw:
            told[column] = f"octet_length({names[column]})"
        source = f"FROM ({one.text}) AS q ({', '.join(names)})"
        if n not in self._alone:
            return f"SELECT json_build_array({', '.join([*told, str(n)])}) {source}"
        content = " || ".join(f"COALESCE({names[column]}, '')" for column in raw)
        more = f", string_agg({content}, '')" if raw else ""
        return f"(SELECT json_agg(json_build_array({', '.join(told)}))::text{more} {source})"

    @cached_property
    def _alone(self) -> list[int]:
        """Which of them have bytes or an order."""
        return [n for n, one in enumerate(self._asked) if one.is_ordered or _raw(one.columns)]

    @cached_property
    def _read(self) -> list[Callable[[list[list[Any]], Any], list[Any]]]:
        return [_reader(one.columns) for one in self._asked]


def _one_id(values: tuple[Any, ...]) -> str:
    assert len(values) == 1, "this is asked of one"
    return f"'{values[0].hex}'"


def _raw(columns: list[sa.ColumnElement[Any]]) -> list[int]:
    return [n for n, column in enumerate(columns) if isinstance(column.type, sa.LargeBinary)]


class _Ids(dict[str, UUID]):
    """The ids of a result by their text: most are there again and again, and are made once."""

    def __missing__(self, text: str) -> UUID:
        made = self[text] = id_from(text)
        return made


def _reader(columns: list[sa.ColumnElement[Any]]) -> Callable[[list[list[Any]], Any], list[Any]]:
    """From rows in JSON, with all their bytes, to rows: ids, which JSON has not, are texts."""
    ids = [n for n, column in enumerate(columns) if isinstance(column.type, tables.Id)]
    raw = _raw(columns)

    def read(rows: list[list[Any]], of_all: Any) -> list[tuple[Any, ...]]:
        known, at, content = _Ids(), 0, bytes(of_all or b"")
        for row in rows:
            for n in ids:
                if row[n] is not None:
                    row[n] = known[row[n]]
            for n in raw:
                if row[n] is not None:
                    size, at = row[n], at + row[n]
                    row[n] = content[at - size : at]
        return list(map(tuple, rows))

    return read


def _executed(connection: sa.Connection, text: str, arguments: str) -> list[tuple[Any, ...]]:
    seat = connection.get_execution_options().get("seat")
    session: Seat | Session = session_of(connection.connection) if seat is None else seat
    try:
        return session.execute(text, arguments)
    except psycopg2.Error as error:
        raise wrapped(error) from None
