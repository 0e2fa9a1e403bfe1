"""Rows written as one file of segments, so that an engine can be asked about any history."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.events import Row
from replay.engines.contract import Files
from replay.segments.layout import ROW_GROUP, SCHEMA, WRITING, halves


def written(path: Path, rows: Iterable[Row], pruned: Iterable[int] = ()) -> Files:
    """The file of these rows, entries empty; `pruned` are bare positions."""
    lines = [_line(row) for row in rows] + [
        {"position": position, "leaf": bytes(32)} for position in pruned
    ]
    lines.sort(key=lambda line: line["position"])
    table = pa.Table.from_pylist(lines, schema=SCHEMA)
    with pq.ParquetWriter(path, SCHEMA, **WRITING) as file:
        file.write_table(table, row_group_size=ROW_GROUP)
    return Files((str(path),), len(lines), path.stat().st_size)


def _line(row: Row) -> dict[str, Any]:
    line: dict[str, Any] = row._asdict()
    subject, line["class"] = line.pop("subject"), line.pop("klass")
    if subject is not None:
        line["subject_hi"], line["subject_lo"] = halves(subject)
    return {**line, "stream": row.stream.bytes, "entry": b"{}", "leaf": bytes(32)}
