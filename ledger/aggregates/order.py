"""An order: placed first, then invoiced, paid, cancelled or refunded."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import Fact, OrderCancelled, OrderPlaced


class Order(NamedTuple):
    """What decisions about an order depend on."""

    placed: bool = False
    cancelled: bool = False


def initial() -> Order:
    """No order yet."""
    return Order()


def decide(state: Order, fact: Fact) -> Refusal | None:
    """Placed once and first; cancelled once."""
    match fact:
        case OrderPlaced() if state.placed:
            return Refusal("conflict", "this order is already recorded", "SS-ORD-1")
        case OrderPlaced():
            return None
        case _ if not state.placed:
            return Refusal("conflict", "this order was never placed", "SS-ORD-1")
        case OrderCancelled() if state.cancelled:
            return Refusal("conflict", "this order is already cancelled", "SS-ORD-1")
    return None


def evolve(state: Order, fact: Fact) -> Order:
    """The state after this fact."""
    match fact:
        case OrderPlaced():
            return Order(True, state.cancelled)
        case OrderCancelled():
            return Order(state.placed, True)
    return state
