"""What was chosen on a device before she logged in becomes her choice (SS-CH-7), history kept.

The device's facts stay on its own stream, which names nobody. `tracker.attached` on hers points at
it; what stands there is then said of her, at the moment it was said, with the device as its act.
So an old yes of a device revives nothing that she took back since (decision 0007), and a no of a
device holds. Attached again, only what was chosen there meanwhile is added. Read next: `choose.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.choosing.choose import (
    Chosen,
    Decided,
    Expressed,
    Outcome,
    Unchanged,
    Wanted,
    decided,
    told,
    turn,
)
from ledger.commands import Record
from ledger.errors import NotFound
from ledger.events import Row, TrackerAttached, TrackerChoice
from ledger.handlers import record_many
from ledger.projections.live import standing
from ledger.store import reader, states

GIVEN = "tracker.given.v1"


class Attached(NamedTuple):
    """What came of attaching a device: the fact that points at it, and each choice made there."""

    attached: Outcome
    choices: list[Chosen]


def attach(ledger: Ledger, subject: UUID, device: UUID) -> Attached:
    """Say that the choices of a device are hers. Raises NotFound for a device that chose nothing
    and for a stream that is no device's."""
    with turn(ledger):
        kept = ledger.joins(ledger.epoch()).named(subject)
        with ledger.database.read() as connection:
            chosen = _chosen(connection, device)
            known = _attached_at(connection, kept, device)
        found: list[Decided] = []
        for fact in chosen:
            says: Any = "yes" if fact.kind == GIVEN else "no"
            how = Expressed("api", fact.occurred, form=fact.form, act="device")
            found += decided(ledger, kept, [Wanted(fact.purpose, None, says)], how)
        wishes = [one.wish for one in found if isinstance(one.wish, Record)]
        if known is None:
            now = moment_of_instant(ledger.clock.now())
            wishes.insert(0, Record(TrackerAttached(subject=kept, occurred=now, device=device)))
        outcomes = record_many(ledger, wishes) if wishes else []
    attached: Outcome = outcomes.pop(0) if known is None else Unchanged(known)
    return Attached(attached, told(found, outcomes))


def _chosen(connection: Any, device: UUID) -> list[TrackerChoice]:
    """What stands on a device: for each purpose what was said last, a no after a yes at once."""
    last: dict[str, Row] = {}
    rows = standing(states.rows_of_stream(connection, device))
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.kind != GIVEN, row.position)):
        last[row.purpose or ""] = row
    found = [reader.event_at(connection, row.position) for row in last.values()]
    facts = [one.fact for one in found if one and isinstance(one.fact, TrackerChoice)]
    if not facts:
        raise NotFound("this ledger knows no such device")
    return facts


def _attached_at(connection: Any, subject: UUID, device: UUID) -> int | None:
    """The position of the fact that attached this device to her, None if none stands."""
    for row in standing(states.rows_of(connection, subject)):
        if row.kind == TrackerAttached.kind:
            found = reader.event_at(connection, row.position)
            if found and isinstance(found.fact, TrackerAttached) and found.fact.device == device:
                return row.position
    return None
