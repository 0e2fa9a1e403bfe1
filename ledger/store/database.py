"""One ledger's database: an engine, two kinds of transactions, errors without personal values.

SQLite gets one file, WAL, secure deletion and `BEGIN IMMEDIATE` for writers; PostgreSQL gets one
schema, a lock timeout in the connection options and, once the ledger is initialised, the role that
may only insert and select. Nothing here knows a table. An engine is created per process, never
before a fork. Read next: `ledger/store/recorder.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import RLock
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from ledger.errors import Broken, Misuse
from ledger.store import tables

LOCK_TIMEOUT_MS = 30_000


class Database:
    """The engine of one ledger. `role`, on PostgreSQL, is assumed by every connection."""

    def __init__(self, url: str, *, role: str | None = None) -> None:
        try:
            parsed = sa.make_url(url)
        except (exc.ArgumentError, ValueError) as error:
            raise Misuse("the database URL cannot be read") from error
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise Misuse("the database URL must begin with sqlite:// or postgresql+psycopg2://")
        self.is_sqlite = backend == "sqlite"
        self.is_memory = self.is_sqlite and parsed.database in (None, "", ":memory:")
        self.lock: Any = RLock() if self.is_memory else nullcontext()
        self.role = role
        if self.is_sqlite:
            self.engine = _sqlite_engine(parsed, self.is_memory)
        else:
            self.engine = _postgres_engine(parsed, role)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one consistent state and changes nothing."""
        with self.lock, self._connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that holds, or is about to take, the head lock."""
        with self.lock, self._connect() as connection:
            connection = connection.execution_options(write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def glance(self) -> Iterator[sa.Connection]:
        """Single statements, each seeing the newest commit: for what a commit will check again."""
        if self.is_sqlite:
            with self.read() as connection:
                yield connection
        else:
            with self._connect() as connection:
                yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def raw(self) -> Iterator[Any]:
        """A pooled psycopg2 connection in autocommit, for the one-round-trip append."""
        with self._translated():
            pooled = self.engine.raw_connection()
        driver: Any = pooled.driver_connection
        try:
            driver.autocommit = True
            yield driver
        except BaseException:
            # A failed statement can leave the session inside a transaction that SQLAlchemy does
            # not know of; handing it back would poison the pool.
            if not driver.closed:
                driver.autocommit = False
                driver.rollback()
            raise
        finally:
            if not driver.closed:
                driver.autocommit = False
            pooled.close()

    def create(self) -> None:
        """Every table of `tables.py`, without triggers or roles (tests; `init` runs migrations)."""
        with self.write() as connection:
            tables.metadata.create_all(connection)

    def close(self) -> None:
        """Return every connection."""
        self.engine.dispose()

    @contextmanager
    def _connect(self) -> Iterator[sa.Connection]:
        with self._translated():
            connection = self.engine.connect()
        with connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            raise Broken(f"the database does not answer ({type(error).__name__})") from None


def _sqlite_engine(url: sa.URL, is_memory: bool) -> sa.Engine:
    options: dict[str, Any] = {"hide_parameters": True}
    if is_memory:
        options |= {"poolclass": sa.StaticPool, "connect_args": {"check_same_thread": False}}
    engine = sa.create_engine(url, **options)

    @event.listens_for(engine, "connect")
    def _pragmas(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None
        # busy_timeout first: switching to WAL needs a lock of its own.
        for pragma in (
            "busy_timeout=30000",
            "journal_mode=WAL",
            "synchronous=FULL",
            "secure_delete=ON",
            "cache_size=-65536",
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgres_engine(url: sa.URL, role: str | None) -> sa.Engine:
    options = str(url.query.get("options", ""))
    options += f" -c lock_timeout={LOCK_TIMEOUT_MS} -c timezone=UTC"
    if role:
        options += f" -c role={role}"
    url = url.set(drivername="postgresql+psycopg2").update_query_dict({"options": options.strip()})
    return sa.create_engine(url, hide_parameters=True, pool_pre_ping=False, pool_size=16)
