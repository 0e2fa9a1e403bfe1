"""Copies of a pattern, side by side: the events of any range of positions, as one query.

Nothing is sorted and nothing is carried from one range to the next, so time is linear and memory
that of one range. What a copy changes: ids (each masked by a number of that copy, so that a person
keeps hers and no two copies share one; a stream of choices keeps its derived id), amounts (a few
cents more), record times and, for what was recorded as it happened, the time it happened: shifted
together, so that lateness stays what it was. Days and editions never change.

Without its entry an event has a leaf all the same, which is the hash of nothing that exists. Read
next: `entries.py`, which writes entries, and `writing.py`.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa

from ledger.calendar import HOUR
from ledger.errors import Misuse
from replay.generating.pattern import CHOICES, UUID_TEXT, Block, Pattern, is_of_choices
from replay.segments.layout import SCHEMA

THREADS = 2
CENTS = 500  # an amount grows by less than this from copy to copy
_HALVES = tuple(f"{id}_{half}" for id in ("stream", "subject", "item") for half in ("hi", "lo"))
_MASKS = {"hi": 0x7FFFFFFFFFFF0FFF, "lo": 0x3FFFFFFFFFFFFFFF}  # leave version and variant of a UUID
_SAME = (
    *("version", "kind", "class", "purpose", "channel", "decision", "basis", "grade", "actor"),
    *("edition", "until_day", "grain", "local_day"),
)
"""Columns that are alike in every copy."""


class Copies:
    """So many copies of a pattern: positions 1 to `size`."""

    def __init__(self, pattern: Pattern, copies: int, seed: int) -> None:
        self.pattern, self.copies, self.seed = pattern, copies, seed
        self.size = pattern.size(copies)
        totals = (block.n * self.times(block) for block in pattern.blocks)
        self.bases = list(accumulate(totals, initial=1))
        self._block_of = [
            number for number, block in enumerate(pattern.blocks) for _ in range(block.n)
        ]
        self._database = duckdb.connect(config={"threads": THREADS})
        self._database.execute("SET enable_progress_bar = false")
        self._database.register("blocks", self._blocks())
        self._database.register("events", self._events())

    def __enter__(self) -> Copies:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def read(self, first: int, last: int) -> pa.Table:
        """The events of these positions, in order, without entries."""
        asked = {"first": first, "last": last, "seed": self.seed}
        found = self._database.sql(_SQL, params=asked).to_arrow_table()
        return found.select(SCHEMA.names).cast(SCHEMA)

    def masks(self) -> list[int]:
        """What the ids of each copy are masked by."""
        text = f"SELECT {_mask('hi')}, {_mask('lo')} FROM range($copies) r(k) ORDER BY k"
        asked = {"copies": self.copies, "seed": self.seed}
        return [hi << 64 | lo for hi, lo in self._database.execute(text, asked).fetchall()]

    def times(self, block: Block) -> int:
        """How often a block is there."""
        return self.copies if block.repeated else 1

    def place(self, number: int, copy: int) -> int:
        """The position of an event of the pattern (from 0) in a copy."""
        at = self._block_of[number]
        block = self.pattern.blocks[at]
        return self.bases[at] + (copy * block.n if block.repeated else 0) + number - block.first

    def _gap(self, block: Block) -> int:
        """Microseconds between two events of a block."""
        gap = block.span // (block.n * self.times(block))
        if gap < 1:
            raise Misuse("so many copies do not fit between two moments of the pattern")
        return gap

    def _blocks(self) -> pa.Table:
        """Where each block begins, and how far apart its events are recorded."""
        rows = [
            {
                "base": base,
                "first": block.first,
                "n": block.n,
                "total": block.n * self.times(block),
                "start": block.start,
                "gap": self._gap(block),
            }
            for block, base in zip(self.pattern.blocks, self.bases, strict=False)
        ]
        return pa.Table.from_pylist(rows)

    def _events(self) -> pa.Table:
        """The pattern by number from 0: what is alike, and what changes from copy to copy."""
        rows = [self._event(number) for number in range(len(self.pattern.events))]
        return pa.Table.from_pylist(rows, schema=_EVENTS)

    def _event(self, number: int) -> dict[str, Any]:
        row = self.pattern.events[number].row
        if row is None:
            return {"number": number}
        said = row._asdict() | {"class": row.klass}
        one = {name: said[name] for name in (*_SAME, "occurred_at", "amount_minor")}
        one |= {"number": number, "choices": is_of_choices(row)}
        ids: list[tuple[str, UUID | None]] = [("stream", row.stream), ("subject", row.subject)]
        if row.item is not None and len(row.item) == UUID_TEXT:
            ids.append(("item", UUID(row.item)))
        else:
            one["item"] = row.item
        for name, id in ids:
            if id is not None:
                one[f"{name}_hi"], one[f"{name}_lo"] = id.int >> 64, id.int & (2**64 - 1)
        root = number
        if row.ref_position is not None:
            root = row.ref_position - 1
            one["ref_base"] = self.place(root, 0)
            one["ref_step"] = self.pattern.blocks[self._block_of[root]].n
        return one | self._moving(root)

    def _moving(self, number: int) -> dict[str, int]:
        """How a fact that was recorded within the hour moves with its record time: its place in
        the block, the places from copy to copy, and the time between two places."""
        block = self.pattern.blocks[self._block_of[number]]
        row = self.pattern.events[number].row
        if row is None or row.grain == "day" or not 0 <= block.start - row.occurred_at < HOUR:
            return {}
        places = {"moved_by": number - block.first, "moved_step": block.n}
        return {**places, "moved_gap": self._gap(block)}


_EVENTS = pa.schema(
    [
        ("number", pa.int64()),
        *((name, SCHEMA.field(name).type) for name in (*_SAME, "item")),
        *((name, pa.uint64()) for name in _HALVES),
        ("choices", pa.bool_()),
        *((name, pa.int64()) for name in ("occurred_at", "amount_minor", "ref_base", "ref_step")),
        *((name, pa.int64()) for name in ("moved_by", "moved_step", "moved_gap")),
    ]
)


# --- the query ------------------------------------------------------------------------------------


def _mask(half: str) -> str:
    number = list(_MASKS).index(half)
    return f"hash(k, $seed, {number}) & {_MASKS[half]} AS {half}"


def _signed(name: str) -> str:
    """An unsigned integer's bits as a signed one."""
    return f"""CASE WHEN {name} < {2**63} THEN CAST({name} AS BIGINT)
        ELSE CAST({name} - {2**63} AS BIGINT) - {2**63 - 1} - 1 END AS {name}"""


def _bytes(hi: str, lo: str) -> str:
    return f"unhex(format('{{:016x}}{{:016x}}', {hi}, {lo}))"


_MASKED = ", ".join(f"xor(e.{name}, {name[-2:]}) AS {name}" for name in _HALVES)
_ALIKE = ", ".join(f'e."{name}"' for name in _SAME)
_UUID = """format('{:08x}-{:04x}-{:04x}-{:04x}-{:012x}', item_hi >> 32, (item_hi >> 16) & 65535,
    item_hi & 65535, item_lo >> 48, item_lo & 281474976710655)"""
# A UUIDv8 of the first half of the digest: `ledger.entry.derived_id`.
_DERIVED = _bytes(
    f"CAST('0x' || digest[1:16] AS UBIGINT) & {2**64 - 1 & ~0xF000} | {0x8000}",
    f"CAST('0x' || digest[17:32] AS UBIGINT) & {2**62 - 1} | {2**63}",
)
_PREFIX = "".join(f"\\x{byte:02X}" for byte in CHOICES)
_SQL = f"""
WITH places AS (
    SELECT base, first, n, start, gap,
        unnest(range(greatest(base, $first), least(base + total, $last + 1))) AS position
    FROM blocks WHERE base <= $last AND base + total > $first),
numbered AS (
    SELECT position, first + (position - base) % n AS number, (position - base) // n AS k,
        start + (position - base) * gap AS recorded_at FROM places),
copied AS (
    SELECT position, k, recorded_at, e.item, choices, e.occurred_at, e.amount_minor, ref_base,
        ref_step, moved_by, moved_step, moved_gap, {_ALIKE}, {_MASKED}
    FROM (SELECT *, {_mask("hi")}, {_mask("lo")} FROM numbered) m
    JOIN events e ON e.number = m.number),
digested AS (
    SELECT *, CASE WHEN choices THEN
        sha256('{_PREFIX}'::BLOB || {_bytes("subject_hi", "subject_lo")}) END AS digest
    FROM copied)
SELECT position,
    CASE WHEN choices THEN {_DERIVED} ELSE {_bytes("stream_hi", "stream_lo")} END AS stream,
    {_signed("subject_hi")}, {_signed("subject_lo")},
    CASE WHEN item_hi IS NULL THEN item ELSE {_UUID} END AS item,
    ref_base + k * ref_step AS ref_position, amount_minor + k % {CENTS} AS amount_minor,
    occurred_at + COALESCE((moved_by + k * moved_step) * moved_gap, 0) AS occurred_at,
    CASE WHEN kind IS NOT NULL THEN recorded_at END AS recorded_at,
    {_ALIKE.replace("e.", "")}, CAST(NULL AS BLOB) AS entry,
    unhex(sha256(format('probant generated {{}} {{}}', $seed, position))) AS leaf
FROM digested ORDER BY position"""
