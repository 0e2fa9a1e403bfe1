"""A ledger on each database, with every file that the database writes within reach."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.application import Ledger
from ledger.opening import create
from tests.contracts.props import owner
from tests.postgres import PostgresMissing, PostgresServer, running_postgres, schema_url


class Place(NamedTuple):
    """A ledger, and the folder of all files that its database keeps (None: in memory)."""

    ledger: Ledger
    url: str
    folder: Path | None
    log: Path | None
    since: float

    def files(self) -> list[Path]:
        """Every file written to since the test began, everything flushed."""
        with owner(self.ledger, self.url) as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("CHECKPOINT")
        paths = self.folder.rglob("*") if self.folder else ()
        return [path for path in paths if path.is_file() and _written(path) >= self.since]


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of this module's own, as talkative as can be: it logs every statement it is sent,
    values included."""
    try:
        with running_postgres({"log_statement": "all"}) as running:
            yield running
    except PostgresMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture(params=["sqlite-memory", "sqlite-file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty ledger on each database."""
    began = tmp_path / "began"
    began.touch()
    since = began.stat().st_mtime
    url, folder, log = "sqlite://", None, None
    if request.param == "sqlite-file":
        folder = tmp_path / "database"
        url = f"sqlite:///{folder / 'ledger.sqlite'}"
    elif request.param == "postgres":
        running: PostgresServer = request.getfixturevalue("server")
        url, folder = schema_url(running.url, f"c_{uuid.uuid4().hex}"), running.socket_directory
        log = folder / "server.log"
    ledger = create(url, tmp_path / "keyring.json" if folder else None)
    yield Place(ledger, url, folder, log, since)
    ledger.close()
