"""Importing somebody else's history: streaming, resumable, every line with its own outcome.

A line is identified for ever by (source, key column) or, without one, by (source, content, ordinal
among equal lines): running an import again, or after a kill, adds exactly what is missing. Bad
lines go to a rejects file with their number and the reason, never their content; good lines are
kept. Memory does not grow with the file.

`maps.py` reads the map file, `reading.py` the lines, `job.py` records them. What this room never
does: open a database, or decide by itself what is acceptable. Read next: `maps.py`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ledger.application import Ledger
from ledger.importing.job import ImportReport, Job, PastJudge
from ledger.importing.maps import ImportMap, load_map
from ledger.importing.reading import Rejects, chunks, opened, rows
from ledger.store.ordinals import Ordinals

Progress = Callable[[int, int, int], None]  # bytes done, bytes in all, lines read


def import_file(
    ledger: Ledger,
    path: Path,
    mapping: ImportMap,
    *,
    rejects: Path | None = None,
    progress: Progress | None = None,
    past: PastJudge | None = None,
) -> ImportReport:
    """Record what a file says. Raises BadData if the file as a whole cannot be read, Broken if the
    database fails: what was recorded until then stays, and running again completes it. With `past`,
    the lines of people past the published term are rejected and nothing of them is recorded."""
    started = time.monotonic()
    report = ImportReport(mapping.source)
    with (
        opened(path) as file,
        Rejects(rejects) as bad,
        Ordinals() as ordinals,
        ThreadPoolExecutor(max_workers=1, thread_name_prefix="import") as writer,
    ):
        job = Job(ledger, mapping, report, bad, ordinals, writer, past)
        size = max(path.stat().st_size, 1)
        for chunk in chunks(rows(file, mapping, bad, report), job.size):
            job.record(chunk)
            if progress:
                progress(file.tell(), size, report.read)
        job.finish()
        bad.flush()
        report.rejected, report.rejects_file = bad.count, bad.written_to
    report.seconds = round(time.monotonic() - started, 3)
    return report


__all__ = ["ImportMap", "ImportReport", "Progress", "import_file", "load_map"]
