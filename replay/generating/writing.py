"""A folder of segments, made up: the files, the policies and a manifest that says what it is.

The manifest has one key more than that of real segments, `made_up`, and no checkpoint: it proves
nothing and `probant segments verify` will not have it. Crash half way: there is no manifest, so
nobody takes it for a history; begin anew in another folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import Misuse
from ledger.events import VOID, Joined
from ledger.policy.loader import load_edition
from replay.generating.copying import Copies
from replay.generating.entries import Entries
from replay.generating.pattern import Pattern
from replay.segments import layout

ORIGIN = "generated.invalid"
COUNTED_BY = (Joined.kind, VOID)
"""Joined people are counted once, and only the entry says with whom."""

Progress = Callable[[int, int], None]
"""Hears events written, and events to write."""


class MadeUp(msgspec.Struct, frozen=True):
    """How it was made: the same numbers make the same files. Without `entries` the column `entry`
    is empty, of rows that were not pruned too, but of the few by which everybody is counted; and
    no other leaf is that of an entry."""

    seed: int
    people: int
    copies: int
    entries: bool


class MadeUpManifest(layout.Manifest, frozen=True, kw_only=True):
    """A manifest of a made-up history."""

    made_up: MadeUp


class Written(NamedTuple):
    """What is there now."""

    events: int
    people: int
    files: int
    bytes: int


def write(
    folder: Path,
    pattern: Pattern,
    policies: Sequence[bytes],
    *,
    events: int | None,
    copies: int,
    seed: int,
    entries: bool = False,
    progress: Progress = lambda _done, _total: None,
) -> Written:
    """Write `copies` of a pattern, or their first `events`, into a folder that is empty.

    `policies` are the documents of the editions that the pattern publishes. Raises Misuse when the
    folder holds something, or so many copies do not fit.
    """
    refuse_in_use(folder)
    (folder / layout.EVENTS).mkdir(parents=True)
    with Copies(pattern, copies, seed) as source:
        size = min(events or source.size, source.size)
        complete = partial(Entries(source).add, kinds=None if entries else COUNTED_BY)
        files: list[layout.Segment] = []
        for first in range(1, size + 1, layout.FILE_ROWS):
            last = min(size, first + layout.FILE_ROWS - 1)
            files.append(_file(folder, complete(source.read(first, last))))
            progress(last, size)
        editions = tuple(_editions(folder, source, policies, size))
    manifest = MadeUpManifest(
        format=layout.FORMAT,
        origin=ORIGIN,
        generation=1,
        size=size,
        editions=editions,
        files=tuple(files),
        checkpoint="",
        made_up=MadeUp(seed, pattern.people * copies, copies, entries),
    )
    (folder / layout.MANIFEST).write_bytes(manifest.to_bytes())
    return Written(size, manifest.made_up.people, len(files), sum(file.bytes for file in files))


def refuse_in_use(folder: Path) -> None:
    """Raise Misuse unless this is a new or an empty folder."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misuse("DIR must be a new or an empty folder")


def _file(folder: Path, table: pa.Table) -> layout.Segment:
    """Write one segment, and describe it."""
    positions, pruned = table.column("position"), table.column("kind").null_count
    first, last = positions[0].as_py(), positions[-1].as_py()
    path = folder / layout.path_of(first, last, 1)
    with pq.ParquetWriter(path, layout.SCHEMA, **layout.WRITING) as file:
        file.write_table(table, row_group_size=layout.ROW_GROUP)
    with path.open("rb") as written:
        digest = sha256()
        while some := written.read(1 << 20):
            digest.update(some)
    return layout.Segment(
        path=layout.path_of(first, last, 1),
        first=first,
        last=last,
        rows=len(table),
        pruned=pruned,
        bytes=path.stat().st_size,
        sha256=digest.hexdigest(),
        generation=1,
    )


def _editions(
    folder: Path, source: Copies, policies: Sequence[bytes], size: int
) -> list[layout.EditionFile]:
    published = source.pattern.published()
    (folder / layout.POLICIES).mkdir()
    found = []
    for document in policies:
        name = sha256(document).hexdigest()
        edition = load_edition(document, "the edition")
        position = source.place(published[edition.number], 0)
        if position <= size:
            (folder / layout.POLICIES / name).write_bytes(document)
            found.append(
                layout.EditionFile(
                    id=edition.id, number=edition.number, position=position, sha256=name
                )
            )
    return found
