"""Why a database does not do what it is asked: each reason by its own sentence, and which of them
passes by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from ledger.errors import Away, Broken
from ledger.store.database import Database, speaking


def refused(database: Database, *statements: str) -> Broken:
    """What is said of it, to whoever writes."""
    with pytest.raises(Broken) as said, speaking():
        try:
            with database.write() as connection:
                for statement in statements:
                    connection.execute(sa.text(statement))
        finally:
            database.close()
    return said.value


def test_a_full_disk_is_no_database_that_is_away(tmp_path: Path) -> None:
    """SQLite's own: no page may be added."""
    full = ("CREATE TABLE t AS SELECT zeroblob(100) b", "PRAGMA max_page_count = 1")
    fill = "INSERT INTO t SELECT zeroblob(1000000)"
    said = refused(Database(f"sqlite:///{tmp_path / 'full.sqlite'}"), *full, fill)
    assert (type(said), "no space is left" in said.speak()) == (Broken, True), said


def test_a_file_that_is_no_database_is_called_so(tmp_path: Path) -> None:
    file = tmp_path / "letter.sqlite"
    file.write_bytes(b"Dear Sir or Madam, " * 100)
    said = refused(Database(f"sqlite:///{file}"), "SELECT 1")
    assert (type(said), "damaged" in said.speak()) == (Broken, True), said


def test_a_server_that_lets_nobody_in_is_not_said_to_be_silent(postgres_url: str) -> None:
    """By a name that it does not know: said without the name."""
    stranger = (
        sa.make_url(postgres_url).set(username="zoe-canari").render_as_string(hide_password=False)
    )
    said = refused(Database(stranger), "SELECT 1")
    assert (type(said), "lets nobody in" in said.speak()) == (Away, True), said
    assert "zoe" not in said.speak()


def test_a_server_that_is_not_there_is_away() -> None:
    """Nobody listens on the port of nothing; it may come back."""
    said = refused(Database("postgresql+psycopg2://nobody@127.0.0.1:1/nothing"), "SELECT 1")
    assert (type(said), "does not answer" in said.speak()) == (Away, True), said


def test_what_we_asked_wrongly_is_our_failure(ledger_url: str) -> None:
    """A table that is not there does not come by waiting."""
    database = Database(ledger_url)
    said = refused(database, "SELECT * FROM nowhere")
    assert type(said) is Broken, said
