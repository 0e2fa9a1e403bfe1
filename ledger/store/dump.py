"""A database as files, taken while writers write; and back, into an empty database.

Both ways in one transaction. SQLite: one file, page by page, by its online backup interface.
PostgreSQL: each table by COPY (its binary form, the same since version 7.4), so that no program of
the server's is needed. What was loaded is marked as an unfinished restore by the same transaction:
`open_database` refuses it until `ledger/restoring/restore.py` has taken the mark away.

What this file never does: look into a row, or touch a key. Read next: `ledger/restoring/backup.py`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.errors import Misuse
from ledger.store import epochs, erasure, reader, tables
from ledger.store.database import Database, speaking
from ledger.store.recorder import read_head
from ledger.store.setup import make_room, migrate, migrate_in

SQLITE_FILE = "ledger.sqlite"
BINARY = "(FORMAT binary)"
PAGES = 1024  # SQLite pages copied between two reports: four megabytes
BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps beside its file

Progress = Callable[[int, int, str], None]
"""Told how many bytes were written, of about how many, and of which file."""


class About(NamedTuple):
    """What a dump holds, read in the same transaction."""

    origin: str
    position: int  # of the head
    last_at: Instant
    schema: str  # the newest migration that it went through
    sealed: int  # leaves under its newest checkpoint
    erasures: int  # intents of the journal that it carried out
    kek_epochs: tuple[int, ...]  # without these key-encryption keys it cannot be read
    tables: dict[str, list[str]]  # PostgreSQL: the columns of each file, in order


class Standing(NamedTuple):
    """What is where a backup shall be restored."""

    is_empty: bool
    restoring: int | None = None  # head of the backup whose restore was not finished


# --- out ---------------------------------------------------------------------------------------


def dump(database: Database, folder: Path, progress: Progress) -> About:
    """Write the whole database into `folder`, as it is at one instant. Writers go on."""
    with database.read() as connection:
        about = _about(connection)
        if database.is_sqlite:
            _copy_pages(connection, folder / SQLITE_FILE, progress)
        else:
            _copy_tables(connection, folder, about, progress)
    return about


def _about(connection: sa.Connection) -> About:
    head, log = read_head(connection), tables.log.c
    copied = () if connection.dialect.name == "sqlite" else tables.metadata.sorted_tables
    schema = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return About(
        reader.origin(connection),
        head.position,
        head.last_at,
        str(schema),
        connection.scalar(sa.select(log.size)) or 0,
        erasure.carried_out(connection),
        tuple(n.epoch for n in epochs.counts(connection) if n.operational),
        {table.name: list(table.columns.keys()) for table in copied},
    )


def _copy_pages(connection: sa.Connection, file: Path, progress: Progress) -> None:
    # The transaction is open and has read: every step copies from the state that it sees.
    source: Any = connection.connection.driver_connection
    size = int(source.execute("PRAGMA page_size").fetchone()[0])

    def heard(_status: int, left: int, total: int) -> None:
        progress((total - left) * size, total * size, file.name)

    with closing(sqlite3.connect(file)) as target:
        source.backup(target, pages=PAGES, progress=heard)
        target.execute("PRAGMA journal_mode=DELETE")  # complete without a file beside it
    _sync(file)


def _copy_tables(connection: sa.Connection, folder: Path, about: About, progress: Progress) -> None:
    sizes = sa.text("SELECT sum(pg_table_size(CAST(n AS regclass))) FROM unnest(:names) AS n")
    total = int(connection.scalar(sizes, {"names": list(about.tables)}) or 0)
    done = 0
    with _cursor(connection) as cursor:
        for name, columns in about.tables.items():
            with _path(folder, name).open("wb") as file:
                heard = _Heard(file, partial(_hear, progress, done, total, name))
                cursor.copy_expert(f"COPY {_listed(name, columns)} TO STDOUT {BINARY}", heard)
                done += heard.written
                file.flush()
                os.fsync(file.fileno())


def _hear(progress: Progress, before: int, total: int, name: str, written: int) -> None:
    progress(before + written, total, name)


class _Heard:
    """A file that says how much was written to it."""

    def __init__(self, file: Any, hear: Callable[[int], None]) -> None:
        self._file, self._hear, self.written = file, hear, 0

    def write(self, content: bytes) -> None:
        """As a file does."""
        self._file.write(content)
        self.written += len(content)
        self._hear(self.written)


# --- back --------------------------------------------------------------------------------------


def standing(url: str) -> Standing:
    """What is at this URL. Raises Misuse for a SQLite file that is gone but left its log."""
    file = _file_of(url)
    if file is not None and not (file.exists() and file.stat().st_size):
        if any(Path(f"{file}{end}").exists() for end in BESIDE):
            raise Misuse(
                f"what another database left lies beside {file}: remove the files whose names"
                f" end in {', '.join(BESIDE)} first"
            )
        return Standing(is_empty=True)
    database = Database(url)
    try:
        with database.read() as connection:
            there = sa.inspect(connection).get_table_names()
            if not there:
                return Standing(is_empty=True)
            marked = "tracking" in there and reader.unfinished_restore(connection)
            return Standing(is_empty=False, restoring=marked or None)
    finally:
        database.close()


def load(url: str, folder: Path, about: About) -> None:
    """Fill the empty database at `url` with a dump and mark it: all of it, or nothing."""
    file = _file_of(url)
    if file is not None:
        _load_file(folder / SQLITE_FILE, file, about)
        return
    database = Database(url)
    try:
        with speaking():
            make_room(url, database)
            with database.write() as connection:
                _load_tables(connection, folder, about)
    finally:
        database.close()


def complete(database: Database) -> None:
    """Bring the schema of a loaded database up to ours: the backup may be older."""
    with speaking():
        migrate(database)


def _load_file(dump_: Path, file: Path, about: About) -> None:
    aside = file.with_name(f"{file.name}.restoring")
    for end in ("", *BESIDE):
        Path(f"{aside}{end}").unlink(missing_ok=True)  # of a restore that was cut off
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(dump_, aside)
    with closing(sqlite3.connect(aside, isolation_level=None)) as connection:
        connection.execute("INSERT INTO tracking VALUES (?, ?)", (reader.RESTORING, about.position))
    _sync(aside)
    aside.replace(file)
    _sync(file.parent)


def _load_tables(connection: sa.Connection, folder: Path, about: About) -> None:
    migrate_in(connection, about.schema)
    with _cursor(connection) as cursor:
        for name, columns in about.tables.items():
            with _path(folder, name).open("rb") as file:
                cursor.copy_expert(f"COPY {_listed(name, columns)} FROM STDIN {BINARY}", file)
    mark = {"application_name": reader.RESTORING, "notification_id": about.position}
    connection.execute(tables.tracking.insert().values(mark))


def _listed(name: str, columns: list[str]) -> str:
    listed = ", ".join(f'"{column}"' for column in columns)
    return f"{name} ({listed})"


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.copy"


def _cursor(connection: sa.Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


def _file_of(url: str) -> Path | None:
    """The file of a SQLite database. Raises Misuse for one in memory."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in (None, "", ":memory:"):
        raise Misuse("a ledger in memory cannot be restored: name a file")
    return Path(str(parsed.database))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
