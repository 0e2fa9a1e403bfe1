"""The migrations build exactly the page of tables that the code reads, `tables.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ledger.store import tables
from ledger.store.database import Database
from ledger.store.setup import migrate
from tests.postgres import fresh_schema

BACKENDS = ("sqlite", "postgres")
Make = Callable[[str], Database]


@pytest.fixture
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Empty databases by name, all of one backend."""
    schemas: list[Any] = []
    databases: list[Database] = []

    def new(name: str) -> Database:
        url = f"sqlite:///{tmp_path / name}.sqlite"
        if request.param == "postgres":
            server = request.getfixturevalue("postgres_url")
            schemas.append(fresh_schema(server, f"schema_{name}"))
            url = schemas[-1].__enter__()
        databases.append(Database(url))
        return databases[-1]

    yield new
    for database in databases:
        database.close()
    for schema in schemas:
        schema.__exit__(None, None, None)


@pytest.mark.parametrize("make", BACKENDS, indirect=True)
def test_the_migrations_build_what_the_tables_say(make: Make):
    migrated, created = make("migrated"), make("created")
    migrate(migrated)
    created.create()
    with migrated.read() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "include_object": _is_ours},
        )
        assert compare_metadata(context, tables.metadata) == []
    assert described(migrated) == described(created)


@pytest.mark.parametrize("make", BACKENDS, indirect=True)
def test_a_difference_would_be_seen(make: Make):
    """The comparison itself is tried: a column, an index, a check that are not on the page."""
    created, other = make("one"), make("other")
    created.create()
    other.create()
    for change in (
        "ALTER TABLE keys ADD COLUMN note TEXT",
        "DROP INDEX lookups_subject",
        "DROP TABLE deliveries",
    ):
        with other.write() as connection:
            before = described(created)
            connection.exec_driver_sql(change)
        assert described(other) != before, change
        created, before = other, described(other)


@pytest.mark.parametrize("make", BACKENDS, indirect=True)
def test_migrating_twice_changes_nothing(make: Make):
    database = make("twice")
    migrate(database)
    before = described(database)
    migrate(database)
    assert described(database) == before


def _is_ours(_: Any, name: str | None, kind: str, *__: Any) -> bool:
    return not (kind == "table" and name == "alembic_version")


def described(database: Database) -> dict[str, Any]:
    """Every table as the database itself describes it: columns, keys, checks, indexes."""
    found: dict[str, Any] = {}
    with database.read() as connection:
        inspector = sa.inspect(connection)
        for name in sorted(inspector.get_table_names()):
            if name == "alembic_version":
                continue
            found[name] = {
                "columns": {
                    c["name"]: (str(c["type"]), c["nullable"], c.get("default"))
                    for c in inspector.get_columns(name)
                },
                "primary key": inspector.get_pk_constraint(name)["constrained_columns"],
                "unique": sorted(
                    (str(u["name"]), tuple(u["column_names"]))
                    for u in inspector.get_unique_constraints(name)
                ),
                "checks": sorted(
                    (str(c["name"]), _normal(c["sqltext"]))
                    for c in inspector.get_check_constraints(name)
                ),
                "indexes": sorted(
                    (
                        str(i["name"]),
                        tuple(i["column_names"]),
                        bool(i["unique"]),
                        sorted(
                            (option, _normal(str(value)))
                            for option, value in i.get("dialect_options", {}).items()
                        ),
                    )
                    for i in inspector.get_indexes(name)
                ),
            }
    return found


def _normal(sql: str) -> str:
    return " ".join(sql.replace('"', "").split())
