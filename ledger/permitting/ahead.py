"""Whoever has a fact that lies ahead of us: its clock was faster than ours, and the door let it in.

What is live holds such a fact already; a verdict about now must not. The log is read on from where
it was read last: whatever was recorded longer ago than the door lets clocks differ has happened.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from ledger.aggregates.door import FUTURE_TOLERANCE
from ledger.calendar import Instant
from ledger.store import permissions as store
from ledger.store import reader


class _Read(NamedTuple):
    """How far the log was read, and the facts that lay ahead: when, of whom."""

    upto: int = 0
    facts: tuple[tuple[Instant, UUID], ...] = ()


class Ahead:
    """Threads may share one: what was read is replaced whole, and is true of what it was read to.

    Somebody may be in it whose fact has happened by now: she is looked at whole, no more.
    """

    def __init__(self) -> None:
        self._read = _Read()

    def people(self, connection: Any, head: int, now: Instant) -> frozenset[UUID]:
        """Those with a fact after `now` in the log as it ends at `head`."""
        read = self._read
        since = read.upto or reader.position_at(connection, now - FUTURE_TOLERANCE)
        facts = tuple(fact for fact in read.facts if fact[0] > now - FUTURE_TOLERANCE)
        if head > since:
            facts += store.ahead(connection, since, head, now)
        self._read = _Read(max(head, since), facts)
        return frozenset(subject for _, subject in facts)
