"""Which files an export writes: what is new, what was pruned, and small ones that may be joined.

The rule, so that the newest day costs the newest day: with `n` new positions, the last files of
the folder are written again together with them as long as they hold no more than `n` rows in all.
So an export writes at most twice what is new, and files double in size as a folder grows by days.
`compact` lifts that limit: from the first file that is not full, all are joined.

Beside that, each file of which a later prune names a position is written again, alone, as the next
generation. Pure: this file never reads anything. Read next: `export.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from replay.segments.layout import FILE_ROWS, Segment


class Cut(NamedTuple):
    """The positions of one file to write, both inclusive."""

    first: int
    last: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One export as it was decided: on disk until its manifest is in place, so that an export that
    was cut off goes on with it, and does not disclose twice."""

    base: str  # SHA-256 of the manifest it builds on, '' when there was none
    recipient: str
    checkpoint: str  # the note of the size to reach
    generation: int
    cuts: tuple[Cut, ...]
    disclosed: int  # where the disclosure is on record; 0 when nobody's data is new


def cuts(
    files: Sequence[Segment], size: int, pruned: Iterable[Cut], *, compact: bool = False
) -> tuple[Cut, ...]:
    """The files to write, in order, so that these ones become a folder of `size` positions.
    `pruned` are the ranges that later prunes name."""
    covered = files[-1].last if files else 0
    new = size - covered
    joined = _open(files) if compact else _affordable(files, new)
    if not new and len(files) - joined < 2:  # one file alone has nothing to be joined with
        joined = len(files)
    first = files[joined].first if joined < len(files) else covered + 1
    kept = files[:joined]
    again = [Cut(kept[at].first, kept[at].last) for at in sorted(_touched(kept, pruned))]
    return (
        *again,
        *(Cut(at, min(at + FILE_ROWS - 1, size)) for at in range(first, size + 1, FILE_ROWS)),
    )


def _open(files: Sequence[Segment]) -> int:
    """The index of the first file that is not full."""
    return next((at for at, one in enumerate(files) if one.rows < FILE_ROWS), len(files))


def _affordable(files: Sequence[Segment], new: int) -> int:
    """The index from which on the files hold no more rows than are new, full files left alone."""
    at, taken = len(files), 0
    while at and files[at - 1].rows < FILE_ROWS and taken + files[at - 1].rows <= new:
        at -= 1
        taken += files[at].rows
    return at


def _touched(files: Sequence[Segment], ranges: Iterable[Cut]) -> set[int]:
    """The indexes of the files that hold a position of these ranges."""
    firsts = [one.first for one in files]
    found: set[int] = set()
    for first, last in ranges:
        low = max(bisect_right(firsts, first) - 1, 0)
        found |= {at for at in range(low, bisect_right(firsts, last)) if files[at].last >= first}
    return found
