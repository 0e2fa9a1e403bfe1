"""A hold: a third state that stops destruction, visibly, and never reopens daily use."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import Fact, HoldLifted, HoldPlaced, HoldReviewed

ARTICLE = "RGPD art. 17(3)"


class Hold(NamedTuple):
    """What decisions about a hold depend on."""

    placed: bool = False
    lifted: bool = False


def initial() -> Hold:
    """No hold."""
    return Hold()


def decide(state: Hold, fact: Fact) -> Refusal | None:
    """Placed once and first, reviewed while it stands, lifted once; each review sets a later day
    for the next."""
    match fact:
        case HoldPlaced() if state.placed:
            return Refusal("conflict", "this hold is already recorded", "SS-RET-2", ARTICLE)
        case HoldReviewed() | HoldLifted() if not state.placed:
            return Refusal("conflict", "this hold was never placed", "SS-RET-2", ARTICLE)
        case HoldReviewed() | HoldLifted() if state.lifted:
            return Refusal("conflict", "this hold was lifted", "SS-RET-3", ARTICLE)
        case HoldPlaced() | HoldReviewed() if fact.review <= fact.occurred.day:
            return Refusal(
                "malformed",
                "field 'review' must be a later day: a hold without review would never end",
                "SS-RET-3",
                "RGPD art. 5(1)(e)",
                "review",
            )
    return None


def evolve(state: Hold, fact: Fact) -> Hold:
    """The state after this fact."""
    match fact:
        case HoldPlaced():
            return state._replace(placed=True)
        case HoldLifted():
            return state._replace(lifted=True)
    return state
