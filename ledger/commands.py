"""Every wish that can be made of the ledger. Frozen, no behaviour.

Most of what a ledger is told are reports: "this happened". Such a wish carries the proposed fact
itself; whether it becomes history is decided by an aggregate. A `Reference` is a business
identifier (a shop's customer number, an e-mail address): it is never stored, only its keyed HMAC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ledger.calendar import Moment
from ledger.events import Fact


@dataclass(frozen=True, slots=True)
class Reference:
    """A business identifier, such as ('shop', '00042'). Its value never shows in a repr."""

    kind: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Record:
    """Record a proposed fact.

    The person is the fact's subject, or is found (or registered) by `person`; the order, contract
    or message is `stream`, or is found (or begun) by `thing`. `meant` is whom the subject named, if
    she was joined to another since.
    """

    fact: Fact
    person: Reference | None = None
    stream: UUID | None = None
    thing: Reference | None = None
    meant: UUID | None = None


@dataclass(frozen=True, slots=True)
class Correct:
    """The fact at `position` should have read otherwise: `changes` by entry key, `occurred` if the
    time was wrong."""

    position: int
    changes: dict[str, Any] = field(default_factory=dict, repr=False)
    occurred: Moment | None = None
    reason: str | None = None
    actor: str = "agent"


@dataclass(frozen=True, slots=True)
class Void:
    """The fact at `position` did not happen, or not to this person."""

    position: int
    reason: str | None = None
    actor: str = "agent"


Command = Record | Correct | Void
