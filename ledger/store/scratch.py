"""A place for a ledger that nobody keeps: a file in a folder, or a schema of its own beside ours.

For drills. Nothing here looks into another ledger; on PostgreSQL the schema has a random name and
is dropped at the end, whatever happened. Read next: `ledger/restoring/drill.py`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from ledger.store.database import Database, speaking


class Scratch:
    """An empty place, by its URL; `wipe` makes it empty again, as the loss of a disk would."""

    def __init__(self, url: str, folder: Path) -> None:
        parsed = sa.make_url(url)
        self._beside = None if parsed.get_backend_name() == "sqlite" else url
        self._file = folder / "scratch.sqlite"
        self._schema = f"probant_drill_{secrets.token_hex(6)}"
        if self._beside is None:
            self.url = f"sqlite:///{self._file}"
            return
        given = str(parsed.query.get("options", ""))
        options = {"options": f"{given} -csearch_path={self._schema}".strip()}
        self.url = parsed.update_query_dict(options).render_as_string(hide_password=False)

    def wipe(self) -> None:
        """Destroy whatever is there. Every connection must be closed."""
        if self._beside is None:
            for path in self._file.parent.glob(f"{self._file.name}*"):
                path.unlink()
            return
        database = Database(self._beside)
        try:
            with speaking(), database.write() as connection:
                drop = sa.schema.DropSchema(self._schema, cascade=True, if_exists=True)
                connection.execute(drop)
        finally:
            database.close()


@contextmanager
def scratch(url: str, folder: Path) -> Iterator[Scratch]:
    """An empty place of the same kind as the database at `url`, gone afterwards."""
    made = Scratch(url, folder)
    try:
        yield made
    finally:
        made.wipe()
