"""The layout of a folder of segments: its columns, its manifest, its paths. Stable (format 1).

    manifest.json           what the folder holds and which checkpoint proves it; written last
    checkpoint              the signed note of that size (C2SP), as it is in the manifest too
    events/<first>-<last>.g<G>.parquet   rows in order of position, immutable
    policies/<SHA-256>      the policy documents that the manifest's editions name
    aside/                  made by whoever wants it: what an engine keeps for the next question

A segment is one Parquet file: `SCHEMA` exactly, row groups of 122,880 rows (DuckDB's own vector of
row groups), written as `WRITING` says. A position is in one file only and there is no hole between
two files. A pruned position keeps `position` and `leaf`, every other column is null. `G` is the
generation of the folder when the file was written: a prune makes the files it touches be written
again with the next.

What may change in format 1: keys may be added to the manifest. What may not: a column's name, type,
place or meaning. Read next: `reading.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pyarrow as pa

from ledger.calendar import Day
from ledger.entry import id_of
from ledger.errors import BadData

FORMAT = "probant-segments/1"
MANIFEST, CHECKPOINT = "manifest.json", "checkpoint"
EVENTS, POLICIES, ASIDE = "events", "policies", "aside"
ROW_GROUP = 122_880  # rows
FILE_ROWS = 4 * ROW_GROUP  # rows of a full file, at most

SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64(), nullable=False),
        pa.field("stream", pa.binary(16)),  # not the logical type UUID: Spark refuses it
        pa.field("version", pa.int64()),
        pa.field("kind", pa.string()),
        pa.field("subject_hi", pa.int64()),
        pa.field("subject_lo", pa.int64()),
        pa.field("class", pa.string()),
        pa.field("item", pa.string()),
        pa.field("purpose", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("decision", pa.string()),
        pa.field("basis", pa.string()),
        pa.field("grade", pa.string()),
        pa.field("actor", pa.string()),
        pa.field("edition", pa.int32()),
        pa.field("until_day", pa.int32()),
        pa.field("ref_position", pa.int64()),
        pa.field("amount_minor", pa.int64()),
        pa.field("occurred_at", pa.int64()),
        pa.field("grain", pa.string()),
        pa.field("local_day", pa.int32()),
        pa.field("recorded_at", pa.int64()),
        pa.field("entry", pa.binary()),
        pa.field("leaf", pa.binary(32), nullable=False),
    ]
)
"""The columns, in order. Instants are microseconds UTC, days are YYYYMMDD, amounts minor units."""

CODES = (
    *("kind", "class", "purpose", "channel", "decision", "basis", "grade", "actor", "edition"),
    *("until_day", "grain", "local_day", "version"),
)
"""Columns of few values. A dictionary of entries, leaves or random ids would be thrown away."""
RISING = ("position", "occurred_at", "recorded_at")
"""Columns of which the next value is near the last: differences are written."""
_AS_IT_IS = (*CODES, *RISING, "item")
WRITING: dict[str, Any] = {
    "compression": {name: "none" if name in _AS_IT_IS else "zstd" for name in SCHEMA.names},
    "use_dictionary": list(CODES),
    "column_encoding": dict.fromkeys(RISING, "DELTA_BINARY_PACKED"),
    "write_statistics": ["position", *CODES],
    "store_schema": False,
}
"""How pyarrow is told to write one; a reader need not know. What is written as a number or as a
difference is small already; both, and items, which a question reads three times, are read faster
without zstd."""

_LAID = "probant-aside/3"
_PATH = re.compile(r"events/([0-9]{12,})-([0-9]{12,})\.g([1-9][0-9]*)\.parquet", re.ASCII)


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One file: the positions `first` to `last` (inclusive), as they were at that generation."""

    path: str
    first: int
    last: int
    rows: int
    pruned: int  # how many of the rows are bare
    bytes: int
    sha256: str  # hexadecimal, of the file
    generation: int


class EditionFile(msgspec.Struct, frozen=True, kw_only=True):
    """A published edition: its document lies in `policies/<sha256>`."""

    id: str
    number: Day  # the effective day, as the column `edition` has it
    position: int  # where it was published
    sha256: str  # hexadecimal, of the document: what an entry calls `pol`


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder holds. It proves nothing: its hashes find damage, its checkpoint convicts."""

    format: str
    origin: str
    generation: int
    size: int  # the positions 1 to `size` are here: leaves [0, size) of the log
    editions: tuple[EditionFile, ...]
    files: tuple[Segment, ...]  # in order of position
    checkpoint: str  # the signed note of that size

    def to_bytes(self) -> bytes:
        """Indented JSON, the same bytes for the same manifest."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    @classmethod
    def parse(cls, raw: bytes) -> Manifest:
        """Strict where it matters: a known format, files that follow one another from position 1 to
        the size, each with the name it must have. Raises BadData."""
        try:
            manifest = msgspec.json.decode(raw, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise BadData("the manifest of these segments cannot be read") from error
        if manifest.format != FORMAT:
            raise BadData(f"these segments are of another format than {FORMAT}")
        expected = 1
        for one in manifest.files:
            if one.path != path_of(one.first, one.last, one.generation):
                raise BadData("a segment has another name than its positions give it")
            if one.first != expected or one.last - one.first + 1 != one.rows or one.rows < 1:
                raise BadData("the segments do not follow one another")
            if not (0 <= one.pruned <= one.rows and one.generation <= manifest.generation):
                raise BadData("a segment is described in contradiction with itself")
            expected = one.last + 1
        if expected != manifest.size + 1:
            raise BadData("the segments do not reach the size that the manifest states")
        if any(not re.fullmatch(r"[0-9a-f]{64}", one.sha256) for one in manifest.editions):
            raise BadData("an edition of the manifest is named by no SHA-256")
        return manifest


def path_of(first: int, last: int, generation: int) -> str:
    """Where a segment lies, relative to the folder; sorts in order of position."""
    return f"{EVENTS}/{first:012}-{last:012}.g{generation}.parquet"


def aside_path(digests: Iterable[str]) -> str:
    """Where an engine keeps aside what it laid out of segments of these SHA-256, in order: another
    path for other segments, so nothing that lies there is ever stale."""
    return f"{ASIDE}/{sha256(' '.join((_LAID, *digests)).encode()).hexdigest()[:32]}.duckdb"


def is_segment(path: str) -> bool:
    """Whether a relative path is that of a segment."""
    return _PATH.fullmatch(path) is not None


class Halves(NamedTuple):
    """A UUID as two signed 64-bit integers, big-endian: engines join integers fast."""

    hi: int
    lo: int


def halves(subject: UUID) -> Halves:
    """`subject_hi` and `subject_lo` of a person's random id."""
    raw = subject.bytes
    return Halves(
        int.from_bytes(raw[:8], "big", signed=True), int.from_bytes(raw[8:], "big", signed=True)
    )


def whole(hi: int, lo: int) -> UUID:
    """The inverse of `halves`."""
    return id_of(hi % 2**64 << 64 | lo % 2**64)
