"""The policy book: editions follow one another and are never changed."""

from __future__ import annotations

from typing import NamedTuple

from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import Fact, PolicyPublished


class Editions(NamedTuple):
    """The effective day of the newest edition, 0 before the first."""

    newest: Day = 0


def initial() -> Editions:
    """No edition yet."""
    return Editions()


def decide(state: Editions, fact: Fact) -> Refusal | None:
    """A new edition takes effect after the one before."""
    if isinstance(fact, PolicyPublished) and fact.edition <= state.newest:
        return Refusal(
            "conflict",
            "an edition must take effect after the newest one already published",
            "SS-POL-2",
            "RGPD art. 13(3)",
        )
    return None


def evolve(state: Editions, fact: Fact) -> Editions:
    """The state after this fact."""
    return Editions(fact.edition) if isinstance(fact, PolicyPublished) else state
