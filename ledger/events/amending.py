"""History is corrected by adding."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.calendar import Day
from ledger.facts import CORRECTION, VOID, Fact, declare
from ledger.fields import CODE, DAY, INTEGER, MONEY, Money, clear


@declare(CORRECTION, "any")
@dataclass(frozen=True, kw_only=True, slots=True)
class FactCorrected(Fact):
    """The fact at position `ref` was wrong; this is how it should have read. It keeps the kind and
    the position of the fact it corrects, and carries every clear field, changed or not."""

    ref: int = clear(INTEGER, column="ref_position", required=True)
    root: str = clear(CODE, required=True)
    klass: str | None = clear(CODE, key="class")
    reason: str | None = clear(CODE)
    purpose: str | None = clear(CODE, column="purpose")
    channel: str | None = clear(CODE, column="channel")
    decision: str | None = clear(CODE, column="decision")
    basis: str | None = clear(CODE, column="basis")
    grade: str | None = clear(CODE, column="grade")
    until: Day | None = clear(DAY, column="until_day")
    amount: Money | None = clear(MONEY, column="amount_minor")

    @property
    def home(self) -> str | None:
        """The home class of the fact it corrects."""
        return self.klass


@declare(VOID, "any")
@dataclass(frozen=True, kw_only=True, slots=True)
class FactVoided(Fact):
    """The fact at position `ref` did not happen, or not to this person."""

    ref: int = clear(INTEGER, column="ref_position", required=True)
    klass: str | None = clear(CODE, key="class")
    reason: str | None = clear(CODE)

    @property
    def home(self) -> str | None:
        """The home class of the fact it voids."""
        return self.klass
