"""A ledger with people, its sealed log, and the folder of segments made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.events import OrderPlaced
from ledger.fields import Money
from ledger.handlers import record_many
from ledger.seal.note import SigningKey
from ledger.segmenting.export import Exported, export
from ledger.store import tables
from replay.segments.layout import MANIFEST, SCHEMA, Manifest
from replay.segments.verify import Report, verify_segments
from replay.verify import Key, Trust
from tests.evidence.test_export import sealed

Rows = list[dict[str, Any]]


@dataclass
class Stage:
    """One ledger and its folders."""

    ledger: Ledger
    url: str
    home: Path

    @property
    def log(self) -> Path:
        """The folder of the sealed log."""
        return self.home / "log"

    @property
    def folder(self) -> Path:
        """The folder of segments."""
        return self.home / "segments"

    def orders(self, n: int, mark: str) -> None:
        """So many orders of forty people."""
        at = moment_of_instant(self.ledger.clock.now())
        wishes = [
            Record(
                OrderPlaced(occurred=at, amount=Money(100 + i, "EUR")),
                person=Reference("shop", f"C-{i % 40}"),
                thing=Reference("shop", f"{mark}-{i}"),
            )
            for i in range(n)
        ]
        record_many(self.ledger, wishes)

    def seal(self, size: int | None = None) -> SigningKey:
        """Everything recorded is in the log, or so many leaves."""
        return sealed(self.ledger, self.log, size)

    def export(self, folder: Path | None = None, **options: Any) -> Exported:
        """An export to the analysts."""
        options = {"recipient": "analysis", "recipient_type": "other"} | options
        return export(self.ledger, self.log, folder or self.folder, **options)

    @property
    def trust(self) -> Trust:
        """What somebody pins who was here once."""
        origin = self.ledger.keyring.origin
        (line, *_) = (self.log / "keys/history.txt").read_text().splitlines()
        return Trust(origin, (Key.parse(line.split(" ")[0], 1),))

    def verify(self, folder: Path | None = None, trust: Trust | None = None) -> Report:
        """The verdict."""
        return verify_segments(folder or self.folder, trust or self.trust)

    def accepted(self, folder: Path | None = None) -> Report:
        """The verdict, which must be that all is well."""
        report = self.verify(folder)
        assert report.ok, "\n".join(report.lines())
        return report

    @property
    def manifest(self) -> Manifest:
        """What the folder says of itself."""
        return Manifest.parse((self.folder / MANIFEST).read_bytes())

    def rows(self, folder: Path | None = None) -> Rows:
        """All rows, in order."""
        folder = folder or self.folder
        manifest = Manifest.parse((folder / MANIFEST).read_bytes())
        paths = [folder / one.path for one in manifest.files]
        return [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]

    def stored(self) -> list[Any]:
        """All rows of the database, in order."""
        with self.ledger.database.read() as connection:
            return list(connection.execute(sa.select(tables.events).order_by("position")))


def files(folder: Path) -> dict[str, bytes]:
    """Every file but the lock, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".lock"
    }


def failed(report: Report) -> set[int]:
    """The numbers of the checks that failed."""
    return {check for check, n in report.found.counts.items() if n}


def written(path: Path, rows: Rows, schema: pa.Schema = SCHEMA) -> None:
    """A segment of these rows, as anybody can write one."""
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as file:
        file.write_table(pa.Table.from_pylist(rows, schema=schema))


Change = Callable[[Rows], Rows | None]
