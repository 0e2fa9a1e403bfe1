"""Bringing a ledger into being, and opening one that exists.

`initialise` is done in an order that survives a crash at any step: schema, keyring file, head row,
then the first event. What is missing is added by running it again; nothing is ever replaced.
"""

from __future__ import annotations

import secrets
from importlib import resources
from pathlib import Path

import sqlalchemy as sa

from ledger.errors import Misuse
from ledger.store import keyrings, reader, tables
from ledger.store.database import Database, speaking
from ledger.store.keyring import FileKeyring, Keyring
from ledger.store.keyrings import Where
from ledger.store.roles import APP


def initialise(url: str, keyring: Where | None, origin: str | None) -> tuple[Database, Keyring]:
    """Create what is missing of a ledger but its first event. Returns its database and keyring.

    `keyring` None keeps the keys in memory (a ledger that lives as long as its process).
    Raises Misuse when ledger and keyring do not belong together.
    """
    database = Database(url)
    with speaking():
        make_room(url, database)
        keys = _complete(database, keyring, origin)
    if database.is_memory:
        return database, keys
    database.close()
    return open_database(url), keys


def migrate(database: Database) -> None:
    """Run every migration that has not run yet."""
    with database.write() as connection:
        migrate_in(connection)


def migrate_in(connection: sa.Connection, upto: str = "head") -> None:
    """Run every migration, up to one, that has not run yet, in this transaction."""
    # Imported here: alembic takes a second to load, and only `init` needs it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    location = resources.files("ledger.store").joinpath("migrations")
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, upto)


def open_database(url: str) -> Database:
    """The database of an existing ledger, under the role that may only append if there is one.
    Raises Misuse where there is none, or one whose restore was not finished."""
    database = Database(url)
    with speaking():
        try:
            with database.read() as connection:
                reader.origin(connection)
                unfinished = reader.unfinished_restore(connection)
                role = None if database.is_sqlite else _role(connection)
        except LookupError as error:
            raise Misuse("this database holds no ledger; run `probant init` first") from error
    if unfinished is not None:
        database.close()
        raise Misuse("this ledger is not restored to the end; run the same `probant restore` again")
    if role is None:
        return database
    database.close()
    return Database(url, role=role)


def _complete(database: Database, keyring: Where | None, origin: str | None) -> Keyring:
    migrate(database)
    with database.write() as connection:
        there = connection.scalar(sa.select(tables.head.c.origin))
    keys: Keyring
    if keyring is not None and keyrings.exists(keyring):
        keys = keyrings.load(keyring)
        if there not in (None, keys.origin) or origin not in (None, keys.origin):
            raise Misuse(f"the keyring at {keyring} belongs to another ledger")
    elif there is not None:
        raise Misuse("this ledger exists, but its keyring is not where it should be")
    else:
        name = origin or f"localhost/{secrets.token_hex(4)}"
        keys = keyrings.create(keyring, name) if keyring else FileKeyring.generate(name)
    if there is None:
        # A crash before this line leaves a keyring and an empty schema: running again completes.
        values = {"id": 1, "origin": keys.origin, "position": 0, "last_at": 0, "epoch": 1}
        with database.write() as connection:
            connection.execute(tables.head.insert().values(values))
    return keys


def make_room(url: str, database: Database) -> None:
    """The folder of a SQLite file, or the schema named by the search path."""
    parsed = sa.make_url(url)
    if database.is_sqlite:
        if not database.is_memory and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        return
    with database.write() as connection:
        if connection.scalar(sa.text("SELECT current_schema()")) is None:
            path = connection.scalar(sa.text("SHOW search_path")) or ""
            schema = path.split(",")[0].strip().strip('"')
            connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))


def _role(connection: sa.Connection) -> str | None:
    usable = connection.scalar(
        sa.text(
            "SELECT pg_has_role(current_user, oid, 'MEMBER') "
            "AND has_table_privilege(oid, 'events', 'INSERT') FROM pg_roles WHERE rolname = :role"
        ),
        {"role": APP},
    )
    return APP if usable else None
