"""Nothing personal is in the segments: what is planted in the ledger is looked for in their files
and, because Parquet is compressed, in every value of every column.

First the search is proven: planted in a column of a segment, every canary is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest

from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.handlers import record
from ledger.segmenting.export import export
from ledger.store.vault import Scope
from replay.segments.layout import SCHEMA
from replay.segments.reading import open_segments
from tests.erasure.canaries import DECOYS, PLANTED, REAL, Needles, in_files, seen_in
from tests.erasure.conftest import Place
from tests.erasure.test_canary import told
from tests.evidence.test_export import sealed
from tests.segments.stage import written


def texts(path: Path) -> Iterator[bytes]:
    """Every value of a segment, a column at a time."""
    table = pq.ParquetFile(path).read()
    for name in table.column_names:
        values = table.column(name).to_pylist()
        yield b"\0".join(v if isinstance(v, bytes) else str(v).encode() for v in values)


def seen(folder: Path, sought: Needles = REAL) -> set[str]:
    """Which texts the folder holds, in a value or in the bytes of a file."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    found = set[str]().union(*in_files(paths, sought).values())
    for path in (folder / "events").iterdir():
        found = found.union(*(seen_in(content, sought) for content in texts(path)))
    return found


@pytest.mark.parametrize("column", ["item", "entry"])
def test_planted_in_a_column_every_canary_is_found(tmp_path: Path, column: str):
    """In the values alone, whatever the compression makes of the bytes of the file."""
    (tmp_path / "events").mkdir()
    row = dict.fromkeys(SCHEMA.names) | {"position": 1, "leaf": bytes(32)}
    for name, text in PLANTED.items():
        path = tmp_path / "events" / f"{name}.parquet"
        value = f"{text} " * 50
        row[column] = value.encode() if column == "entry" else value
        written(path, [row])
        told_alone = set[str]().union(*(seen_in(content, DECOYS) for content in texts(path)))
        assert name in told_alone
    assert seen(tmp_path, DECOYS) == set(PLANTED)


def test_nothing_personal_leaves_with_the_segments(place: Place, tmp_path: Path):
    """Before the erasure, after it, and after the prune that makes the next generation."""
    ledger, log, folder = place.ledger, tmp_path / "log", tmp_path / "segments"
    for wish in told(ledger):
        record(ledger, wish)

    def exported() -> int:
        sealed(ledger, log)
        made = export(ledger, log, folder, recipient="analysis", recipient_type="other")
        assert seen(folder) == set()
        return made.generation

    assert exported() == 1
    rows = [row for path in open_segments(folder).paths for row in pq.read_table(path).to_pylist()]
    assert {row["kind"] for row in rows} >= {one.fact.kind for one in told(ledger)}
    *_, who = (row for row in rows if row["kind"] == "customer.contacted_us.v1")
    halves = who["subject_hi"], who["subject_lo"]
    subject = UUID(bytes=b"".join(half.to_bytes(8, "big", signed=True) for half in halves))
    journal = tmp_path / "journal"
    erase_scopes(ledger, [Scope(subject, "contact", "")], journal=journal, reason="request")
    assert exported() == 1  # keys are gone; what is left is as pseudonymous as before
    gone = prune(ledger, journal).entries
    assert gone
    assert exported() == 2
    assert sum(one.pruned for one in open_segments(folder).manifest.files) == gone
