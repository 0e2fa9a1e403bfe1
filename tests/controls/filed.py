"""A made-up company written as a folder of segments: entries, columns, leaves, no checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from api.answers import Times
from api.replaying import Reader, SegmentHistory
from ledger import entry
from ledger.store.mapper import Draft, Part, prepare
from replay.controls.model import Event
from replay.engines.contract import Files
from replay.engines.duck import DuckEngine
from replay.segments.layout import FORMAT, SCHEMA, Manifest, Segment, halves, path_of
from replay.segments.reading import Segments

if TYPE_CHECKING:
    from tests.controls.room import Company

POL, SALT = "A" * 43, bytes(16)


def entry_of(event: Event) -> bytes:
    """The entry that states this event, as the recorder would have written it."""
    said = {"kc": POL, "cm": POL, "ct": POL}
    parts = tuple(
        Part(name, kid, {"n": name, "kid": str(kid), **said}, b"") for name, kid in event.parts
    )
    row = event.row
    draft = Draft(row.stream, row.version, event.fact, event.id, row.edition or 0, POL, parts)
    return entry.complete(prepare(draft, SALT), row.recorded_at)


def segments_of(company: Company, folder: Path) -> Segments:
    """Its events as one file."""
    lines = []
    for event in company.events:
        line = event.row._asdict()
        subject, line["class"] = line.pop("subject"), line.pop("klass")
        if subject is not None:
            line["subject_hi"], line["subject_lo"] = halves(subject)
        raw = entry_of(event)
        line |= {"stream": event.row.stream.bytes, "entry": raw}
        lines.append({**line, "leaf": sha256(b"\0" + raw).digest()})
    size = len(lines)
    path = folder / path_of(1, size, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(lines, schema=SCHEMA), path)
    file = Segment(
        path=path_of(1, size, 1),
        first=1,
        last=size,
        rows=size,
        pruned=0,
        bytes=path.stat().st_size,
        sha256="",
        generation=1,
    )
    manifest = Manifest(
        format=FORMAT,
        origin="example.org/company",
        generation=1,
        size=size,
        editions=(),
        files=(file,),
        checkpoint="",
    )
    return Segments(manifest, (str(path),), company.book, folder)


@contextmanager
def filed(company: Company, folder: Path) -> Iterator[SegmentHistory]:
    """The same history at the same two times, from files alone."""
    segments = segments_of(company, folder)
    (file,) = segments.manifest.files
    recorded = [e.row.recorded_at for e in company.events if e.row.position <= company.known]
    times = Times(company.as_of, recorded[-1] if recorded else 0)
    files = Files(segments.paths, segments.size, file.bytes)
    with DuckEngine(files, segments.book) as engine:
        yield SegmentHistory(segments, engine, times, company.as_of, None, Reader())
