"""What somebody with the database's own password can do: for drills, on a made-up ledger only.

He takes the fences down (triggers, privileges), then changes, removes and adds rows, puts an older
copy back, or writes the whole history anew so that columns, leaves, head and live tables agree
again. None of this is a feature of a ledger, and no other module imports it but the drill
(`tests/test_rooms.py`): it exists so that each attack we claim to find is one that was carried out.
What this file never does: sign, or touch a ledger that it was not handed. Read next: `api/drill/`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.events import PolicyPublished
from ledger.store import rebuild, tables
from ledger.store.database import Database, speaking
from ledger.store.mapper import fact_from, row_from
from ledger.store.states import ROW_COLUMNS

Values = dict[str, Any]
Copy = dict[str, list[Values]]
"""Every row of every table: what a backup of the database holds."""


@contextmanager
def scratch(url: str, folder: Path) -> Iterator[str]:
    """The URL of an empty place on the same kind of database as `url`: a file in `folder`, or a
    schema of its own, dropped at the end. Nothing in the database's other schemas is touched."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        yield f"sqlite:///{folder / 'ledger.sqlite'}"
        return
    schema = f"probant_drill_{secrets.token_hex(6)}"
    options = f"{parsed.query.get('options', '')} -csearch_path={schema}".strip()
    place = parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)
    try:
        yield place
    finally:
        database = Database(place)
        with speaking(), database.write() as connection:
            connection.execute(sa.schema.DropSchema(schema, cascade=True, if_exists=True))
        database.close()


@contextmanager
def unfenced(database: Database) -> Iterator[sa.Connection]:
    """A transaction as the owner of the tables, the triggers on history taken away for good."""
    owner = database.as_connected()
    try:
        with speaking(), owner.write() as connection:
            for table in tables.APPEND_ONLY:
                if database.is_sqlite:
                    for action in ("no_update", "no_delete"):
                        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_{action}")
                else:
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
            yield connection
    finally:
        owner.close()


# --- rows -------------------------------------------------------------------------------------


def rows(database: Database, table: str, **where: Any) -> list[Values]:
    """The rows of a table that have these values."""
    found = tables.metadata.tables[table]
    with speaking(), database.read() as connection:
        query = sa.select(found).where(*_conditions(found, where))
        return [dict(row) for row in connection.execute(query).mappings()]


def change(database: Database, table: str, where: Values, **values: Any) -> None:
    """Rows that have the values of `where` get others."""
    found = tables.metadata.tables[table]
    with unfenced(database) as connection:
        connection.execute(found.update().where(*_conditions(found, where)).values(values))


def remove(database: Database, table: str, **where: Any) -> None:
    """Rows that have these values are gone."""
    found = tables.metadata.tables[table]
    with unfenced(database) as connection:
        connection.execute(found.delete().where(*_conditions(found, where)))


def _conditions(table: sa.Table, where: Values) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in where.items()]


# --- the whole ----------------------------------------------------------------------------------


def copy_of(database: Database) -> Copy:
    """A backup."""
    return {name: rows(database, name) for name in tables.metadata.tables}


def put_back(database: Database, copy: Copy) -> None:
    """Restore a backup over whatever is there."""
    with unfenced(database) as connection:
        for name, table in tables.metadata.tables.items():
            connection.execute(table.delete())
            if copy[name]:
                connection.execute(table.insert(), copy[name])


def history(database: Database) -> list[bytes]:
    """Every entry, in order."""
    return [bytes(row["entry"]) for row in _in_order(rows(database, "events"))]


def rewrite(database: Database, entries: Sequence[bytes]) -> None:
    """History is these entries now. Envelopes move with their events; columns, leaves, head and
    live tables are derived again, so that the database agrees with itself."""
    before = {_id(bytes(row["entry"])): row["position"] for row in rows(database, "events")}
    moved = {before.get(_id(raw)): at for at, raw in enumerate(entries, 1)}
    sealed = [
        {**row, "position": moved[row["position"]]}
        for row in rows(database, "sealed")
        if row["position"] in moved
    ]
    made = list(_derived(entries))
    with unfenced(database) as connection:
        for table, content in ((tables.events, made), (tables.sealed, sealed)):
            connection.execute(table.delete())
            connection.execute(table.insert(), content)
        head = {"position": len(made), "last_at": made[-1]["recorded_at"]}
        connection.execute(tables.head.update().values(head))
    rebuild.rebuild(database)


def forget_seal(database: Database) -> None:
    """As if nothing had ever been sealed."""
    with unfenced(database) as connection:
        for table in (tables.log, tables.checkpoints):
            connection.execute(table.delete())


def _derived(entries: Sequence[bytes]) -> Iterator[Values]:
    """The rows that entries imply, leaf and entry included."""
    editions: dict[str, int] = {}
    names = [column.name for column in ROW_COLUMNS]
    for position, raw in enumerate(entries, 1):
        fact = fact_from(entry.read(raw))
        if isinstance(fact, PolicyPublished):
            editions[fact.document] = fact.edition
        row = row_from(raw, position, editions.__getitem__)
        yield dict(zip(names, row, strict=True)) | {"entry": raw, "leaf": entry.leaf_hash(raw)}


def _id(raw: bytes) -> UUID:
    return UUID(entry.read(raw)["id"])


def _in_order(found: list[Values]) -> list[Values]:
    return sorted(found, key=lambda row: int(row["position"]))
