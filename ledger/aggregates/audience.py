"""Audience counts: one stream each, about nobody (SS-AUD-1)."""

from __future__ import annotations

from ledger.errors import Refusal
from ledger.events import AudienceMeasured, Fact


def initial() -> bool:
    """Not measured yet."""
    return False


def decide(state: bool, fact: Fact) -> Refusal | None:
    """Measured once; the numbers are counts of a period that has begun before it ended."""
    if state:
        return Refusal("conflict", "this measure is already recorded", "SS-AUD-1")
    if isinstance(fact, AudienceMeasured):
        if fact.until < fact.since:
            return Refusal("malformed", "field 'until' is before 'since'", "SS-AUD-1")
        if not 0 <= (fact.returning or 0) <= fact.visits or fact.pages < 0:
            return Refusal("malformed", "fields 'visits', 'returning' and 'pages' are counts")
    return None


def evolve(state: bool, fact: Fact) -> bool:
    """The state after this fact."""
    return state or isinstance(fact, AudienceMeasured)
