"""What the company declared, kept in memory and read on from where it was read last.

Forms, balancing tests and purposes are few and only added to, so a process remembers them; what was
recorded since is read with every question, in its transaction. Nothing here is about anybody.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.aggregates import standing
from ledger.events import Fact
from ledger.policy.permissions import Company
from ledger.store import permissions as store


class _Read(NamedTuple):
    """How far the log was read, and what was found."""

    upto: int = 0
    facts: tuple[tuple[int, Fact], ...] = ()


class Declarations:
    """The company's facts. Threads may share one: what was read is replaced whole."""

    def __init__(self) -> None:
        self._read = _Read()

    def at(self, connection: Any, head: int, known: int) -> Company:
        """What was declared and known at position `known`; the log ends at `head`."""
        read = self._read
        if head > read.upto:
            more = store.declared(connection, read.upto, head)
            read = _Read(head, (*read.facts, *more))
            if head > self._read.upto:
                self._read = read
        return Company(standing([one for one in read.facts if one[0] <= known]))


__all__ = ["Declarations", "standing"]
