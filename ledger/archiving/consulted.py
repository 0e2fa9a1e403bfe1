"""Consultations on record, as they are told to those who made them and to those who approve them.

A consultation is a stream: its first fact asks, a second one, by somebody else, approves it (four
eyes). Who may open it is the opener's to judge; here it is only read. The case is sealed and is not
told. What this file never does: record. Read next: `granting.py`, `asking.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from ledger import entry
from ledger.application import Ledger
from ledger.calendar import HOUR, Instant, parse_instant
from ledger.errors import NotFound
from ledger.events import ArchiveConsulted
from ledger.store import archive as questions

OPEN = 24 * HOUR
"""As long as the opener's rules let a consultation be opened, as they are delivered."""


class Consulted(NamedTuple):
    """One consultation; `position` and `recorded_at` are those of its newest fact."""

    id: UUID
    position: int
    recorded_at: Instant
    subject: UUID
    of: str
    scope: str | None
    motive: str
    reader: str
    approver: str | None
    grant: UUID
    keys: int


def one(ledger: Ledger, consultation: UUID) -> Consulted:
    """One of them. Raises NotFound."""
    found = next(_of(questions.stream(ledger.database, consultation)), None)
    if found is None:
        raise NotFound("there is no such consultation")
    return found


def recent(ledger: Ledger) -> list[Consulted]:
    """Those of the last day, approved or not, in the order in which they were asked for."""
    since = ledger.clock.now() - OPEN
    return list(_of(questions.recorded_since(ledger.database, ArchiveConsulted.kind, since)))


def _of(events: list[questions.Entry]) -> Iterator[Consulted]:
    newest: dict[UUID, Consulted] = {}
    for event in events:
        said = entry.read(event.entry)
        if said["type"] == ArchiveConsulted.kind:
            newest[event.stream] = _read(event.stream, event.position, said)
    yield from newest.values()


def _read(stream: UUID, position: int, said: dict[str, Any]) -> Consulted:
    meta = said["meta"]
    return Consulted(
        stream,
        position,
        parse_instant(said["at"]),
        UUID(meta["subject"]),
        meta["of"],
        meta.get("scope"),
        meta["motive"],
        meta["reader"],
        meta.get("approver"),
        UUID(meta["grant"]),
        len(meta["keys"]),
    )
