"""One ledger's database: an engine, two kinds of transactions, errors without personal values.

SQLite gets one file, WAL, secure deletion and `BEGIN IMMEDIATE` for writers; PostgreSQL gets one
schema, a lock timeout in the connection options and, once the ledger is initialised, the role that
may only insert and select. Nothing here knows a table. An engine is created per process, never
before a fork. Read next: `ledger/store/recorder.py`.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from threading import RLock, local
from typing import Any, TypeVar
from uuid import UUID

import psycopg2
import sqlalchemy as sa
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, new_type, register_type
from sqlalchemy import event, exc

from ledger.entry import id_from
from ledger.errors import Away, Broken, Misuse
from ledger.store import tables

LOCK_TIMEOUT_MS = 30_000
MAX_WAITING = 16  # idle sessions kept
REMEMBERED = 32  # answers of one transaction
Seen = TypeVar("Seen")


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
        self._url = url
        self._sessions: deque[Session] = deque()
        self._waiting: deque[Seat] = deque()
        self._sitting = local()
        if self.is_sqlite:
            self.engine = self._single = _sqlite_engine(parsed, self.is_memory)
        else:
            self.engine = _postgres_engine(parsed, role)
            # Connections that never begin a transaction: single statements, one round trip each.
            self._single = _postgres_engine(parsed, role, isolation_level="AUTOCOMMIT")
            # And those of sittings, which begin theirs themselves.
            self._seats = _postgres_engine(parsed, role, isolation_level="AUTOCOMMIT")
            event.listen(self._seats, "before_cursor_execute", _seated)

    def read(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that sees one consistent state and changes nothing; in a sitting, its
        one."""
        sitting: Sitting | None = getattr(self._sitting, "of", None)
        return self.newest() if sitting is None else sitting

    @property
    def is_sitting(self) -> bool:
        """Whether this thread reads several things for one answer."""
        return getattr(self._sitting, "of", None) is not None

    @contextmanager
    def sitting(self) -> Iterator[None]:
        """Within, all that this thread reads is read in one transaction, which begins with the
        first question: of one moment, and without a beginning and an end for each. Nothing is to be
        written meanwhile. In memory, where one connection serves all, each read stays alone."""
        if self.is_memory or self.is_sitting:
            yield
            return
        with speaking(), ExitStack() as stack:
            self._sitting.of = Sitting(self, stack)
            try:
                yield
            finally:
                self._sitting.of = None

    @contextmanager
    def newest(self) -> Iterator[sa.Connection]:
        """As `read`, but of the newest state even in a sitting: for what is remembered beyond it,
        which others ask of a later moment."""
        with speaking(), self._reading() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        options: dict[str, Any] = {"seen": {}}
        if not self.is_sqlite:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.lock, self.engine.connect() as pooled:
            connection = pooled.execution_options(**options)
            with connection.begin():
                yield connection

    @contextmanager
    def _seat(self) -> Iterator[sa.Connection]:
        """As `_reading`, by a connection that waits for it, and begun with the first question."""
        try:
            seat = self._waiting.pop()
        except IndexError:
            seat = Seat(self._seats.connect())
        try:
            yield seat.connection
        finally:
            is_sound = seat.leave()
            if is_sound and len(self._waiting) < MAX_WAITING:
                self._waiting.append(seat)
            else:
                seat.close()
            while not is_sound and self._waiting:  # of a server that went away, perhaps
                self._waiting.pop().close()

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that holds, or is about to take, the head lock. Errors of the database
        come out as they are: the recorder tells conflicts from failures."""
        assert getattr(self._sitting, "of", None) is None, "nothing is written in a sitting"
        with self.lock, self.engine.connect() as pooled:
            connection = pooled.execution_options(write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def glance(self) -> Iterator[sa.Connection]:
        """Single statements, each seeing the newest commit: for what a commit will check again."""
        if self.is_sqlite:
            with self.read() as connection:
                yield connection
        else:
            with speaking(), self._single.connect() as connection:
                yield connection

    @contextmanager
    def raw(self) -> Iterator[Session]:
        """A PostgreSQL session in autocommit that prepares its statements: the hot path.

        Sessions wait here and not in SQLAlchemy's pool, which costs more than a statement.
        """
        try:
            session = self._sessions.pop()
        except IndexError:
            pooled = self._single.raw_connection()
            # A glance may have prepared statements on it: their names are taken.
            session = session_of(pooled)
            pooled.detach()
        try:
            yield session
        finally:
            if session.is_sound() and len(self._sessions) < MAX_WAITING:
                self._sessions.append(session)
            else:
                session.close()  # a poisoned connection never goes back

    def as_connected(self) -> Database:
        """The same database as the user its URL names, without the role: what changes the schema
        needs it. To be closed by the caller."""
        return Database(self._url)

    def create(self) -> None:
        """Every table of `tables.py`, without triggers or roles (tests; `init` runs migrations)."""
        with self.write() as connection:
            tables.metadata.create_all(connection)

    def close(self) -> None:
        """Return every connection."""
        while self._sessions:
            self._sessions.pop().close()
        while self._waiting:
            self._waiting.pop().close()
        with self.lock:  # never under a thread that is still reading from memory
            self.engine.dispose()
            if not self.is_sqlite:
                self._single.dispose()
                self._seats.dispose()


class Sitting:
    """The one transaction of everything that a thread reads for one answer; entered, it is the
    connection."""

    def __init__(self, database: Database, stack: ExitStack) -> None:
        self._database, self._stack = database, stack
        self._connection: sa.Connection | None = None

    def __enter__(self) -> sa.Connection:
        """It, begun if this is the first question."""
        if self._connection is None:
            begin = self._database._reading if self._database.is_sqlite else self._database._seat
            self._connection = self._stack.enter_context(begin())
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """It goes on; what the database refuses to do, as Broken."""
        if isinstance(error, REFUSALS):
            raise broken(error) from None


def once(connection: sa.Connection, name: Hashable, read: Callable[[], Seen]) -> Seen:
    """What cannot change while one state is seen: read once in such a transaction; in one that
    writes, each time. A transaction that goes over everybody remembers a few of them."""
    seen: dict[Hashable, Seen] | None = connection.get_execution_options().get("seen")
    if seen is None:
        return read()
    if name not in seen:
        if len(seen) >= REMEMBERED:
            seen.clear()
        seen[name] = read()
    return seen[name]


REFUSALS = (exc.SQLAlchemyError, psycopg2.Error, sqlite3.Error)
AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError, exc.TimeoutError)


@contextmanager
def speaking() -> Iterator[None]:
    """What the database refuses to do, as Broken."""
    try:
        yield
    except REFUSALS as error:
        raise broken(error) from None


def broken(error: BaseException) -> Broken:
    """What it refuses, where that is known; else that it does not answer: the class of the failure,
    never its text."""
    told = getattr(error, "orig", None) or error
    name = getattr(told, "sqlite_errorname", None) or type(told).__name__
    if name in ("SQLITE_FULL", "DiskFull"):
        return Broken("no space is left on a disk that the database writes to")
    if name.startswith("SQLITE_IOERR"):
        return Broken(f"the disk of the database fails, or is full ({name})")
    if name.startswith("SQLITE_READONLY") or name in ("SQLITE_CANTOPEN", "ReadOnlySqlTransaction"):
        return Broken("the database cannot be written to as who you are")
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return Broken("the file of the database is damaged, or is none of a database")
    # What a server says before anybody is in is of the connection: nothing of anybody's data.
    if name == "OperationalError" and "FATAL:" in str(told):
        return Away("the database lets nobody in by that user, password and name, or is starting")
    is_away = isinstance(told, AWAY) or name in ("SQLITE_BUSY", "SQLITE_LOCKED")
    return (Away if is_away else Broken)(f"the database does not answer ({name})")


def wrapped(error: psycopg2.Error) -> exc.DBAPIError:
    """The SQLAlchemy error of a driver error, without its parameters or text."""
    mapped = exc.DBAPIError.instance(None, None, error, psycopg2.Error)
    assert isinstance(mapped, exc.DBAPIError)
    return mapped


def session_of(pooled: Any) -> Session:
    """The session of a pooled connection. What it prepared is remembered with the connection, in a
    dictionary of its own: the pool clears `info` when it replaces a connection that was detached,
    and the session that keeps the old one must not forget with it."""
    return Session(pooled.driver_connection, pooled.info.setdefault("prepared", {}))


class Session:
    """One PostgreSQL session: each statement is parsed and planned once, then executed by name."""

    def __init__(self, driver: Any, prepared: dict[str, str]) -> None:
        self._driver, self._prepared = driver, prepared
        self._cursor: Any = self._driver.cursor()

    def execute(self, statement: str, arguments: str, first: str = "") -> list[tuple[Any, ...]]:
        """Run a prepared statement, in one round trip with what comes `first`. `arguments` are SQL
        literals of our own making."""
        name = self._prepared.get(statement)
        if name is None:
            name = f"probant_{len(self._prepared)}"
            self._cursor.execute(f"{first}PREPARE {name} AS {statement}")
            self._prepared[statement], first = name, ""
        said = f"EXECUTE {name} ({arguments})" if arguments else f"EXECUTE {name}"
        self._cursor.execute(first + said)
        rows: list[tuple[Any, ...]] = self._cursor.fetchall()
        return rows

    def run(self, statement: str) -> None:
        """Run what answers no rows."""
        self._cursor.execute(statement)

    def is_sound(self) -> bool:
        """Whether the next statement may use it."""
        idle: bool = self._driver.info.transaction_status == TRANSACTION_STATUS_IDLE
        return idle and not self._driver.closed

    def close(self) -> None:
        """End the session."""
        if not self._driver.closed:
            self._driver.close()


BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "


class Seat:
    """A PostgreSQL connection that one sitting after another reads by. Its transaction begins in
    the round trip of the first question, which the driver never hears of; so whatever is asked
    through SQLAlchemy is preceded by it (`_seated`), and the driver is told before it reads a long
    answer some rows at a time."""

    def __init__(self, connection: sa.Connection) -> None:
        self._seen: dict[Hashable, Any] = {}  # what was read, for as long as she sits
        self.connection = connection.execution_options(seat=self, seen=self._seen)
        self._driver: Any = connection.connection.driver_connection
        self._session = session_of(connection.connection)
        self._is_begun = False

    def execute(self, statement: str, arguments: str) -> list[tuple[Any, ...]]:
        """As a session does, within the transaction."""
        first, self._is_begun = "" if self._is_begun else BEGIN, True
        return self._session.execute(statement, arguments, first)

    def begin(self, *, is_long: bool) -> None:
        """Begin now, if nothing was asked before; `is_long`: with the driver's knowledge."""
        if not self._is_begun:
            self._is_begun = True
            self._session.run(BEGIN)
        if is_long and self._driver.autocommit:
            self._driver.autocommit = False

    def leave(self) -> bool:
        """End the transaction: whether the next sitting may begin one."""
        self._seen.clear()
        self._is_begun = False
        try:
            if self.connection.in_transaction():  # SQLAlchemy's own idea of one
                self.connection.rollback()
            if not self._driver.autocommit:
                self._driver.rollback()
                self._driver.autocommit = True
            if not self._session.is_sound():
                self._session.run("ROLLBACK")
        except REFUSALS:
            return False
        return self._session.is_sound() and not self.connection.invalidated

    def close(self) -> None:
        """End the session, and have it asked nothing more."""
        with suppress(*REFUSALS):
            self.connection.invalidate()
            self.connection.close()


def _seated(connection: sa.Connection, cursor: Any, *_: Any) -> None:
    """Before anything is asked through SQLAlchemy."""
    seat: Seat | None = connection.get_execution_options().get("seat")
    if seat is not None:
        seat.begin(is_long=getattr(cursor, "name", None) is not None)


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
            "recursive_triggers=ON",  # or REPLACE would delete without the trigger
            "cache_size=-65536",
            "wal_autocheckpoint=8192",  # pages: an import would copy the log back at every commit
        ):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine


def _postgres_engine(url: sa.URL, role: str | None, **kwargs: Any) -> sa.Engine:
    options = str(url.query.get("options", ""))
    settings = {
        "lock_timeout": LOCK_TIMEOUT_MS,
        "timezone": "UTC",
        "jit": "off",  # compiling our statements takes longer than running them
        "plan_cache_mode": "force_generic_plan",  # the append is planned once a session
    }
    if role:
        settings["role"] = role
    options += "".join(f" -c {name}={value}" for name, value in settings.items())
    url = url.set(drivername="postgresql+psycopg2").update_query_dict({"options": options.strip()})
    engine = sa.create_engine(url, hide_parameters=True, pool_size=16, **kwargs)

    @event.listens_for(engine, "connect")
    def _ids(dbapi: Any, _record: Any) -> None:
        register_type(_ID, dbapi)

    return engine


def _id_of(text: Any, _cursor: Any) -> UUID | None:
    """An id as the server writes it: ids are what is read most."""
    return None if text is None else id_from(text)


_ID = new_type((2950,), "UUID", _id_of)  # the number of the type `uuid` in every PostgreSQL
