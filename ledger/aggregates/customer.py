"""A person as the ledger knows her: registered once, with an Espace client or without, and what
stands in the way of her choices: a restriction, her age, her death."""

from __future__ import annotations

from typing import NamedTuple

from ledger.calendar import Instant, moment_of_instant
from ledger.errors import Refusal
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ClassErased,
    ConsentGiven,
    ConsentRenewed,
    CustomerRegistered,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    Fact,
    HeirRequested,
    MinorSignalled,
    ObjectionLifted,
    Restricted,
    RestrictionLifted,
)
from ledger.policy.death import proves

DECEASED = Refusal(
    "deceased",
    "this person had died: nothing can be allowed in her name any more",
    "SS-DSR-7",
    "LIL art. 85",
)

TOO_LATE = Refusal(
    "conflict", "a directive is set or revoked by the person, alive", "SS-DSR-7", "LIL art. 85"
)


class Customer(NamedTuple):
    """What decisions about a person depend on."""

    registered: bool = False
    account_open: bool = False
    restrictions: frozenset[str] = frozenset()  # the grounds that stand
    directive: bool = False
    died_at: Instant | None = None
    is_proved: bool = False  # her death: more than mail that came back
    under_15: bool = False


def initial() -> Customer:
    """Nobody yet."""
    return Customer()


def decide(state: Customer, fact: Fact) -> Refusal | None:
    """Registered once; an account of the living opens when closed and closes when open. Logins and
    contacts are always heard: what happened is not ours to refuse."""
    match fact:
        case CustomerRegistered() if state.registered:
            return Refusal("conflict", "this person is already registered")
        case AccountOpened() if _after_death(state, fact):
            return DECEASED
        case AccountOpened() if state.account_open:
            return Refusal("conflict", "this person's account is already open", "SS-RET-6")
        case AccountClosed() if not state.account_open:
            return Refusal("conflict", "this person has no open account to close", "SS-CH-6")
        case Restricted() | RestrictionLifted():
            return _restriction(state, fact)
        case DirectiveSet() | DirectiveRevoked() | Died() | HeirRequested():
            return _death(state, fact)
    return None


def _restriction(state: Customer, fact: Restricted | RestrictionLifted) -> Refusal | None:
    clause = "SS-DSR-5"
    stands = fact.ground in state.restrictions
    if isinstance(fact, Restricted):
        if stands:
            return Refusal(
                "conflict", "a restriction on this ground stands", clause, "RGPD art. 18(1)"
            )
    elif not stands:
        return Refusal(
            "conflict", "no restriction on this ground stands", clause, "RGPD art. 18(1)"
        )
    elif fact.informed > fact.occurred.day:
        return Refusal(
            "malformed",
            "field 'informed': the person is told before a restriction is lifted, not after",
            clause,
            "RGPD art. 18(3)",
            "informed",
        )
    return None


def _death(state: Customer, fact: Fact) -> Refusal | None:
    problem = None
    match fact:
        case DirectiveSet() | DirectiveRevoked() if _after_death(state, fact):
            return TOO_LATE
        case Died() if state.died_at is not None and (state.is_proved or not proves(fact.source)):
            problem = "the death of this person is already recorded"
        case DirectiveRevoked() if not state.directive:
            problem = "this person has set no directive"
        case HeirRequested() if state.died_at is None:
            problem = "no death of this person is on record"
    return Refusal("conflict", problem, "SS-DSR-7", "LIL art. 85") if problem else None


def closed_by(state: Customer, said: Died | AccountClosed, now: Instant) -> AccountClosed | None:
    """The closing of her account under one reference: as it was said, or as a death brings it with
    it, now that it is known. None when none is open, when nothing proves the death, or when an old
    file tells of it: what became of the account then is told by that file (SS-DSR-7)."""
    if not state.account_open:
        return None
    if isinstance(said, AccountClosed):
        return said
    if not proves(said.source) or said.actor == "import":
        return None
    return AccountClosed(occurred=moment_of_instant(now), actor="system", reason="death")


def refuse_choice(state: Customer, fact: Fact) -> Refusal | None:
    """What only the living do, after her death (SS-DSR-7), and the yes of somebody too young to
    consent alone (SS-MIN-1). A refusal is always heard."""
    match fact:
        case ConsentGiven() | ConsentRenewed() | ObjectionLifted() if _after_death(state, fact):
            return DECEASED
        case AccountOpened() if _after_death(state, fact):
            return DECEASED
        case DirectiveSet() | DirectiveRevoked() if _after_death(state, fact):
            return TOO_LATE
        case ConsentGiven() | ConsentRenewed() if state.under_15:
            return Refusal(
                "minor",
                "this person is signalled as under 15: her consent alone allows nothing",
                "SS-MIN-1",
                "LIL art. 45",
            )
    return None


def _after_death(state: Customer, fact: Fact) -> bool:
    return state.died_at is not None and fact.occurred.at >= state.died_at


def evolve(state: Customer, fact: Fact) -> Customer:
    """The state after this fact."""
    match fact:
        case CustomerRegistered():
            return state._replace(registered=True)
        case AccountOpened():
            return state._replace(registered=True, account_open=True)
        case AccountClosed() | ClassErased(of="account"):
            return state._replace(account_open=False)
        case Restricted() | RestrictionLifted():
            others = state.restrictions - {fact.ground}
            stand = others | {fact.ground} if isinstance(fact, Restricted) else others
            return state._replace(restrictions=stand)
        case DirectiveSet() | DirectiveRevoked():
            return state._replace(directive=isinstance(fact, DirectiveSet))
        case Died():
            is_proved = state.is_proved or proves(fact.source)
            return state._replace(died_at=fact.occurred.at, is_proved=is_proved)
        case MinorSignalled():
            return state._replace(under_15=state.under_15 or fact.age == "under_15")
    return state
