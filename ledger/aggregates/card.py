"""A card we keep: as a proof, for a subscription or in the wallet, until it is removed.

When a card must be gone (the end of its month, of its contract, of the proof's term) is derived;
here only what may follow what.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import CardKept, CardRebound, CardRemovalRequested, CardRemoved, Fact


class Card(NamedTuple):
    """What decisions about a card depend on."""

    kept: bool = False
    removal_requested: bool = False
    removed: bool = False


def initial() -> Card:
    """No card."""
    return Card()


def decide(state: Card, fact: Fact) -> Refusal | None:
    """Kept once and first; nothing new is built on a card the person wants gone; nothing follows
    its removal."""
    match fact:
        case CardKept() if state.kept:
            return Refusal("conflict", "this card is already recorded", "SS-PAY-1")
        case CardKept():
            return None
        case _ if not state.kept:
            return Refusal("conflict", "this card was never kept", "SS-PAY-1")
        case _ if state.removed:
            return Refusal("conflict", "this card was removed", "SS-CARD-4", "RGPD art. 17(1)(b)")
        case CardRebound() if state.removal_requested:
            return Refusal(
                "conflict",
                "the removal of this card was asked for: it serves nothing else any more",
                "SS-CARD-4",
                "RGPD art. 7(3)",
            )
    return None


def evolve(state: Card, fact: Fact) -> Card:
    """The state after this fact."""
    match fact:
        case CardKept():
            return state._replace(kept=True)
        case CardRemovalRequested():
            return state._replace(removal_requested=True)
        case CardRemoved():
            return state._replace(removed=True)
    return state
