"""A contract, maintenance, subscription or warranty: an interval that suspends the clocks."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import ContractEnded, ContractStarted, Fact


class Agreement(NamedTuple):
    """What decisions about a contract depend on."""

    started: bool = False
    ended: bool = False


def initial() -> Agreement:
    """No contract yet."""
    return Agreement()


def decide(state: Agreement, fact: Fact) -> Refusal | None:
    """Started once and first; nothing follows the end but a correction."""
    match fact:
        case ContractStarted() if state.started:
            return Refusal("conflict", "this contract is already recorded", "SS-ACT-2")
        case ContractStarted():
            return None
        case _ if not state.started:
            return Refusal("conflict", "this contract never started", "SS-ACT-2")
        case _ if state.ended:
            return Refusal("conflict", "this contract has ended", "SS-ACT-3")
    return None


def evolve(state: Agreement, fact: Fact) -> Agreement:
    """The state after this fact."""
    match fact:
        case ContractStarted():
            return state._replace(started=True)
        case ContractEnded():
            return state._replace(ended=True)
    return state
