"""`python -m tests.bench.segmenting`: what leaves PostgreSQL for a replay, beside the bare copy.

The peer is `COPY events TO STDOUT (FORMAT binary)` to nowhere: every byte of every row, looked at
by nobody. Ours is what a replay of a live database would do: the columns of the questions, as Arrow
batches, through one great scan of DuckDB (a group for each person and kind, the last day of each).
In turns; medians of the ratios of each round. Then the export of everything and of one newest day:
rows and bytes written, and rows asked of the database.

`--lines N` of the imported file, `--rounds N`, `--json`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pyarrow as pa
import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.importing import import_file, load_map
from ledger.store import arrow
from tests.bench.__main__ import _postgres_ledger, _shop
from tests.postgres import running_postgres
from tests.segments.stage import Stage

AIM = 0.45
DAY = 1000  # orders of the newest day
# What the questions of `replay/engines` read; the entry and the leaf stay where they are.
ASKED = (
    *("position", "kind", "subject", "class", "item", "purpose", "channel", "decision", "basis"),
    *("grade", "edition", "until_day", "ref_position", "occurred_at", "local_day"),
)
SCAN = """SELECT count(*), max(hash(person, kind, "class", last, place, said)) FROM (
    SELECT subject AS person, kind, "class", max(local_day) AS last, max(position) AS place,
        max(hash(item, purpose, channel, decision, basis, grade, edition, until_day,
            ref_position, occurred_at)) AS said
    FROM events GROUP BY ALL)"""


class Nowhere:
    """A file that forgets."""

    bytes = 0

    def write(self, content: bytes) -> int:
        """Count."""
        self.bytes += len(content)
        return len(content)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="probant-bench-") as folder,
        running_postgres() as server,
        _postgres_ledger(server, Path(folder)) as (ledger, url, _),
    ):
        home = Path(folder)
        shop, mapping = _shop(home, options.lines)
        import_file(ledger, shop, load_map(mapping))
        with ledger.database.as_connected().engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE events")
        found = passes(ledger, url, options.rounds) | exports(Stage(ledger, url, home))
    if options.json:
        print(json.dumps(found))
        return
    for key, value in found.items():
        print(f"{key:<44} {value}")


def passes(ledger: Ledger, url: str, rounds: int) -> dict[str, Any]:
    """Both sides in turns, the first one changing each round."""
    last = ledger.recorder.head().position
    ratios, ours, bare = [], [], []
    scan(ledger, last)  # warm: the pages are in memory for both
    for turn in range(rounds):
        sides = [(ours, lambda: scan(ledger, last)), (bare, lambda: copy(url))]
        for kept, side in sides if turn % 2 else sides[::-1]:
            began = time.perf_counter()
            side()
            kept.append(last / (time.perf_counter() - began))
        ratios.append(ours[-1] / bare[-1])
    return {
        "events": last,
        "database to Arrow to DuckDB, events/s": round(statistics.median(ours)),
        "binary COPY to nowhere, events/s": round(statistics.median(bare)),
        f"ratio (aim: {AIM} at least)": round(statistics.median(ratios), 2),
        "ratios of the rounds": [round(one, 2) for one in ratios],
    }


def scan(ledger: Ledger, last: int) -> Any:
    """One great scan over the database as a stream of batches."""
    schema = pa.schema([(name, arrow.TYPES[name]) for name in ASKED])
    batches = arrow.batches(ledger.database, 1, last, ASKED)
    with duckdb.connect() as engine:
        engine.register("events", pa.RecordBatchReader.from_batches(schema, batches))
        return engine.execute(SCAN).fetchall()


def copy(url: str) -> int:
    """The bare copy; how many bytes it was."""
    engine = sa.create_engine(url)
    connection: Any = engine.raw_connection()
    nowhere = Nowhere()
    try:
        with connection.cursor() as cursor:
            assert isinstance(cursor, psycopg2.extensions.cursor)
            cursor.copy_expert("COPY events TO STDOUT (FORMAT binary)", nowhere)
    finally:
        connection.close()
        engine.dispose()
    return nowhere.bytes


def exports(stage: Stage) -> dict[str, Any]:
    """Everything, then one day."""
    stage.seal()
    began = time.perf_counter()
    everything = stage.export()
    seconds = time.perf_counter() - began
    stage.orders(DAY, "newest")
    stage.seal()
    asked: list[int] = []
    real = arrow.batches

    def counting(database: Any, first: int, last: int) -> Iterator[pa.RecordBatch]:
        asked.append(last - first + 1)
        return real(database, first, last)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow, "batches", counting)
        day = stage.export()
    return {
        "whole export, rows": everything.rows,
        "whole export, bytes a row": round(everything.bytes / everything.rows),
        "whole export, rows/s": round(everything.rows / seconds),
        "newest day, rows written": day.rows,
        "newest day, rows asked of the database": sum(asked),
        "newest day, bytes": day.bytes,
        "newest day / whole, rows": round(day.rows / everything.rows, 4),
        "newest day / whole, bytes": round(day.bytes / everything.bytes, 4),
    }


if __name__ == "__main__":
    main()
