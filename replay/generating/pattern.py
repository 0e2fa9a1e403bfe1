"""The pattern: one small company's events in order, cut into blocks that are repeated whole.

A block is what was recorded within seconds, of facts of people and devices; what the company says
of itself (an edition, a count, a run) is a block that is not repeated. With K copies a block of n
events becomes K x n events: copy 0 first, then copy 1, each in its own part of the time until the
next block. So record times stay strictly increasing, a person's events stay in her order, and the
position of every event follows from arithmetic alone. Read next: `copying.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from ledger import entry
from ledger.calendar import Day, Instant, day_of, end_of
from ledger.events import KINDS, Row

TOGETHER: Instant = 20_000_000  # 20 seconds
UUID_TEXT = 36  # characters
CHOICES = b"probant/consent\x00"  # see `ledger.deciding.consent_stream`
DRAWN = ("salt", "cm", "ct", "kc")  # what an entry says that chance decided, ids apart


class Event(NamedTuple):
    """One event: its typed columns and its entry; None and b"" once it was pruned."""

    row: Row | None
    entry: bytes


class Block(NamedTuple):
    """Events `first` to before `first + n` of the pattern (from 0), and when they are repeated:
    from `start` on, `span` microseconds long."""

    first: int
    n: int
    repeated: bool
    start: Instant
    span: int


@dataclass(frozen=True)
class Pattern:
    """A company's history and its blocks. `people` are those of whom a fact was recorded."""

    events: Sequence[Event]
    blocks: Sequence[Block]
    people: int

    @property
    def repeated(self) -> int:
        """How many of its events every copy has."""
        return sum(block.n for block in self.blocks if block.repeated)

    def size(self, copies: int) -> int:
        """How many events that many copies have."""
        return len(self.events) + self.repeated * (copies - 1)

    def copies_for(self, events: int) -> int:
        """The fewest copies that have so many events."""
        return max(1, 1 - (len(self.events) - events) // self.repeated)

    def published(self) -> dict[Day, int]:
        """The editions by number, and the event that published each (from 0)."""
        rows = ((number, event.row) for number, event in enumerate(self.events) if event.row)
        return {
            row.until_day: number
            for number, row in rows
            if row.kind == "policy.published.v1" and row.until_day
        }


def pattern_of(events: Iterable[Event], seed: int) -> Pattern:
    """The pattern of a company's events, in order of position from 1, with every id and salt drawn
    anew from the seed: the same story and seed give the same pattern, however it was played."""
    drawn = _Drawn(seed)
    found = [drawn.anew(event) for event in events]
    people = {event.row.subject for event in found if event.row and event.row.subject}
    return Pattern(found, list(_blocks(found)), len(people))


class _Drawn:
    """New ids for old, in the order in which they are first seen; new salts and commitments."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._ids: dict[UUID, UUID] = {}
        self._texts = 0

    def anew(self, event: Event) -> Event:
        """The same event, drawn anew."""
        row = event.row
        if row is None:
            return event
        subject = row.subject and self._id(row.subject)
        if subject and is_of_choices(row):
            self._ids[row.stream] = entry.derived_id(CHOICES + subject.bytes)
        item = row.item
        if item is not None and len(item) == UUID_TEXT:
            item = str(self._id(UUID(item)))
        row = row._replace(stream=self._id(row.stream), subject=subject, item=item)
        return Event(row, entry.encode(self._said(entry.read(event.entry))))

    def _said(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._said(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._said(inner) for inner in value]
        if key in DRAWN:
            self._texts += 1
            return entry.to_base64(self._chance("text", self._texts)[: len(value) * 3 // 4])
        if isinstance(value, str) and len(value) == UUID_TEXT and value.count("-") == 4:
            return str(self._id(UUID(value)))
        return value

    def _id(self, old: UUID) -> UUID:
        if old not in self._ids:
            number = self._chance("id", len(self._ids))[:16]
            self._ids[old] = UUID(bytes=number, version=4)
        return self._ids[old]

    def _chance(self, what: str, number: int) -> bytes:
        return sha256(f"probant pattern {self._seed} {what} {number}".encode()).digest()


def is_of_choices(row: Row) -> bool:
    """Whether an event is on the stream of a person's choices."""
    return row.subject is not None and row.stream == entry.derived_id(CHOICES + row.subject.bytes)


def _is_repeated(row: Row) -> bool:
    """Facts of people and devices, and what the ledger does for them (keys destroyed, pruning)."""
    return row.subject is not None or KINDS[row.kind].aggregate in ("tracker", "ledger")


def _blocks(events: Sequence[Event]) -> Iterator[Block]:
    """Runs of events recorded within seconds that are all repeated or all not. A bare leaf goes
    with what is before it. A block lasts until the next one, or until its day in Paris ends."""
    runs: list[Block] = []
    for number, event in enumerate(events):
        row = event.row
        last = runs[-1] if runs else None
        if last is not None and (
            row is None
            or (last.repeated == _is_repeated(row) and row.recorded_at - last.start < TOGETHER)
        ):
            runs[-1] = last._replace(n=last.n + 1)
        else:
            assert row is not None, "a pattern begins with its policy"
            runs.append(Block(number, 1, _is_repeated(row), row.recorded_at, 0))
    ends = [min(run.start, end_of(day_of(before.start))) for before, run in pairwise(runs)]
    ends.append(end_of(day_of(runs[-1].start)))
    for place, (run, end) in enumerate(zip(runs, ends, strict=True)):
        before = runs[place - 1] if place else None
        if before and before.repeated and run.start - before.start < TOGETHER:
            # What the company says of a night's work is said when all copies are done.
            runs[place] = run._replace(start=end - run.n)
            ends[place - 1] = end - run.n
    for run, end in zip(runs, ends, strict=True):
        yield run._replace(span=end - run.start)
