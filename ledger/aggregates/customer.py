"""A person as the ledger knows her: registered once, with an Espace client or without."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import AccountClosed, AccountOpened, CustomerRegistered, Fact


class Customer(NamedTuple):
    """What decisions about a person depend on."""

    registered: bool = False
    account_open: bool = False


def initial() -> Customer:
    """Nobody yet."""
    return Customer()


def decide(state: Customer, fact: Fact) -> Refusal | None:
    """Registered once; an account opens when closed and closes when open. Logins and contacts are
    always heard: what happened is not ours to refuse."""
    match fact:
        case CustomerRegistered() if state.registered:
            return Refusal("conflict", "this person is already registered")
        case AccountOpened() if state.account_open:
            return Refusal("conflict", "this person's account is already open", "SS-RET-6")
        case AccountClosed() if not state.account_open:
            return Refusal("conflict", "this person has no open account to close", "SS-CH-6")
    return None


def evolve(state: Customer, fact: Fact) -> Customer:
    """The state after this fact."""
    match fact:
        case CustomerRegistered():
            return state._replace(registered=True)
        case AccountOpened():
            return state._replace(registered=True, account_open=True)
        case AccountClosed():
            return state._replace(account_open=False)
    return state
