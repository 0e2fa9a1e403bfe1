"""From a batch of `events` to the rows of a segment: the subject in two halves, each leaf checked.

Pure. What this file never does: read a database or write a file. Read next:
`replay/segments/layout.py`.
"""

from __future__ import annotations

import sys
from array import array
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ledger.entry import leaf_hash
from ledger.errors import Tampered
from replay.segments.layout import SCHEMA


def rows_of(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows of a segment. Raises Tampered where an entry is not what its leaf was made of: what
    was not recorded is never passed on as if it were."""
    check_leaves(batch)
    hi, lo = halves_of(batch.column("subject"))
    made = {"subject_hi": hi, "subject_lo": lo}
    columns = [
        made[field.name] if field.name in made else batch.column(field.name) for field in SCHEMA
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def check_leaves(batch: pa.RecordBatch) -> None:
    """Every entry that is there hashes to its leaf. Raises Tampered."""
    entries, leaves = batch.column("entry"), batch.column("leaf")
    for at, (entry, leaf) in enumerate(zip(entries.to_pylist(), leaves.to_pylist(), strict=True)):
        if entry is not None and leaf_hash(entry) != leaf:
            position = batch.column("position")[at].as_py()
            raise Tampered(f"the entry at position {position} is not the one recorded")


def halves_of(ids: pa.Array) -> tuple[pa.Array, pa.Array]:
    """16-byte ids as two signed big-endian 64-bit integers; null where there is no id."""
    filled = ids.fill_null(bytes(16))
    numbers = array("q")
    numbers.frombytes(filled.buffers()[1].slice(16 * filled.offset, 16 * len(filled)))
    if sys.byteorder == "little":
        numbers.byteswap()
    there = ids.is_valid()
    return _half(numbers[::2], there), _half(numbers[1::2], there)


def _half(numbers: array[int], there: pa.Array) -> pa.Array:
    buffers: list[Any] = [None, pa.py_buffer(numbers)]
    whole = pa.Array.from_buffers(pa.int64(), len(numbers), buffers)
    return pc.if_else(there, whole, pa.scalar(None, pa.int64()))
