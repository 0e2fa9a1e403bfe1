"""Opening a folder of segments for an engine: the files, and the policies to judge by, no database.

Opening is cheap: the manifest must be consistent, each file must be there with the size and the
columns that it states, each policy must have its hash. What it does not show: that nobody altered a
row. That is `probant segments verify`, which reads everything once (`verify.py`).

An engine that reads while an export replaces files may find one gone: open again. Read next:
`layout.py`, then `replay/engines/`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import BadData, Misuse
from ledger.policy.book import Book
from ledger.policy.loader import load_edition
from replay.segments.layout import MANIFEST, POLICIES, SCHEMA, Manifest, Segment


@dataclass(frozen=True, slots=True)
class Segments:
    """A folder of segments, opened: `paths` in order of position, `book` as of its size, `folder`
    where it lies on this machine, if it does."""

    manifest: Manifest
    paths: tuple[str, ...]
    book: Book
    folder: Path | None = None

    @property
    def size(self) -> int:
        """How many positions it holds: 1 to this one."""
        return self.manifest.size


def open_segments(folder: Path) -> Segments:
    """What an engine needs. Raises Misuse where there are no segments, BadData where they are not
    as the manifest says."""
    try:
        raw = (folder / MANIFEST).read_bytes()
    except OSError:
        raise Misuse("no segments here; write them with `probant segments export`") from None
    manifest = Manifest.parse(raw)
    paths = tuple(str(_checked(folder, one)) for one in manifest.files)
    book = book_of(manifest, lambda path: (folder / path).read_bytes())
    return Segments(manifest, paths, book, folder)


def _checked(folder: Path, one: Segment) -> Path:
    path = folder / one.path
    try:
        with pq.ParquetFile(path) as file:
            whole = file.schema_arrow == SCHEMA and file.metadata.num_rows == one.rows
        if whole and path.stat().st_size == one.bytes:
            return path
    except (OSError, pa.ArrowException):
        pass
    raise BadData(f"{one.path} is missing, or not the segment that the manifest names")


def leaves(segments: Segments) -> Iterator[list[bytes]]:
    """The leaf hash of every position, in order, some thousands at a time."""
    for path in segments.paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=["leaf"]):
                yield batch.column(0).to_pylist()


def book_of(manifest: Manifest, read: Callable[[str], bytes]) -> Book:
    """The editions as they were published; `read` gives the bytes at a path of the folder, or
    raises OSError. Raises BadData for a document of another hash."""
    book = Book()
    for one in sorted(manifest.editions, key=lambda edition: edition.position):
        try:
            content = read(f"{POLICIES}/{one.sha256}")
        except OSError:
            content = b""
        if sha256(content).hexdigest() != one.sha256:
            raise BadData(f"the policy document of edition {one.id} is missing or was altered")
        book = book.with_edition(load_edition(content, f"{one.id}.toml"), one.position)
    return book
