"""The entries of copies: canonical JSON that says what the typed columns say, and its true leaf.

Each entry of the pattern is cut once where copies differ (ids, both times, amounts, positions) and
put together again for each copy, one by one in Python: some 60,000 a second, where columns alone
come at a million. Salts and commitments are the pattern's own: there is nothing behind them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple
from uuid import UUID

import pyarrow as pa

from ledger.calendar import format_instant
from ledger.entry import derived_id, leaf_hash
from replay.generating.copying import CENTS, Copies
from replay.generating.pattern import CHOICES, is_of_choices

_VARIES = re.compile(
    rb'(?P<at>(?<="at":")[0-9TZ:.-]{27})|(?P<occurred>(?<="occurred":")[0-9TZ:.-]{27})'
    rb'|(?P<minor>(?<="minor":)-?[0-9]+)|(?P<ref>(?<="ref":)[0-9]+)'
    rb'|(?P<ranges>(?<="ranges":)\[[][0-9,]+\])'
    rb"|(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
)


class _Piece(NamedTuple):
    """What varies: `kind` is the name of its group above, `text` how the pattern has it."""

    kind: str
    text: bytes


class Entries:
    """Writes the entries of copies."""

    def __init__(self, copies: Copies) -> None:
        self._copies = copies
        self._masks = copies.masks()
        rows = [event.row for event in copies.pattern.events if event.row]
        self._choices = {
            row.stream: row.subject for row in rows if row.subject and is_of_choices(row)
        }
        self._cut = [_pieces(event.entry) for event in copies.pattern.events]

    def add(self, table: pa.Table, kinds: Collection[str] | None = None) -> pa.Table:
        """The same events with entries (those of these kinds, if some are named), and with the
        leaves of these."""
        wanted = table.select(["position", "recorded_at", "occurred_at", "ref_position"])
        said_of = [kinds is None or kind in kinds for kind in table.column("kind").to_pylist()]
        columns = [column.to_pylist() for column in wanted.columns]
        first = columns[0][0]
        said = [
            self._entry(number, copy, *times) if is_said else None
            for (number, copy), times, is_said in zip(
                self._places(first, first + len(table) - 1),
                zip(*columns[1:], strict=True),
                said_of,
                strict=True,
            )
        ]
        leaves = [
            leaf if entry is None else leaf_hash(entry)
            for entry, leaf in zip(said, table.column("leaf").to_pylist(), strict=True)
        ]
        for name, values in (("entry", said), ("leaf", leaves)):
            field = table.schema.field(name)
            at = table.schema.get_field_index(name)
            table = table.set_column(at, field, pa.array(values, field.type))
        return table

    def _places(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The event of the pattern, and the copy, of each position."""
        copies = self._copies
        for block, base in zip(copies.pattern.blocks, copies.bases, strict=False):
            total = block.n * copies.times(block)
            for place in range(max(0, first - base), min(total, last + 1 - base)):
                yield block.first + place % block.n, place // block.n

    def _entry(
        self, number: int, copy: int, recorded: int, occurred: int, ref: int | None
    ) -> bytes | None:
        if not self._copies.pattern.events[number].entry:
            return None
        found = []
        for piece in self._cut[number]:
            if isinstance(piece, bytes):
                found.append(piece)
            elif piece.kind == "id":
                found.append(str(self._id(UUID(piece.text.decode()), copy)).encode())
            elif piece.kind == "ranges":
                found.append(self._ranges(piece.text, copy))
            elif piece.kind == "minor":
                found.append(b"%d" % (int(piece.text) + copy % CENTS))
            elif piece.kind == "ref":
                found.append(b"%d" % (ref or 0))
            else:
                at = recorded if piece.kind == "at" else occurred
                found.append(format_instant(at).encode())
        return b"".join(found)

    def _id(self, id: UUID, copy: int) -> UUID:
        subject = self._choices.get(id)
        if subject is not None:
            return derived_id(CHOICES + self._id(subject, copy).bytes)
        return UUID(int=id.int ^ self._masks[copy])

    def _ranges(self, text: bytes, copy: int) -> bytes:
        """Ranges of positions of the pattern, as ranges of this copy's positions."""
        numbers = list(map(int, re.findall(rb"[0-9]+", text)))
        places = sorted(
            self._copies.place(number - 1, copy)
            for low, high in zip(numbers[::2], numbers[1::2], strict=True)
            for number in range(low, high + 1)
        )
        ranges: list[list[int]] = []
        for place in places:
            if ranges and place == ranges[-1][1] + 1:
                ranges[-1][1] = place
            else:
                ranges.append([place, place])
        return ("[" + ",".join(f"[{low},{high}]" for low, high in ranges) + "]").encode()


def _pieces(entry: bytes) -> list[bytes | _Piece]:
    """An entry, cut."""
    found: list[bytes | _Piece] = []
    end = 0
    for match in _VARIES.finditer(entry):
        found += [entry[end : match.start()], _Piece(match.lastgroup or "", match.group())]
        end = match.end()
    return [*found, entry[end:]]
