"""What is decided on all the references of one person, and not on the one that is named.

New facts name the reference that is kept. What a fact ends (a restriction, an objection, an account
that is open) may stand under another; and what only the living may do, none of them does once she
is dead under one. Each reference's own rules are those of its aggregate. Decision 0047.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.aggregates import consent, customer
from ledger.errors import Refusal
from ledger.events import (
    KINDS,
    AccountClosed,
    AccountOpened,
    ConsentGiven,
    ConsentRenewed,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    Fact,
    HeirRequested,
    ObjectionAssessed,
    ObjectionLifted,
    RestrictionLifted,
)

OF_HER = (AccountClosed, RestrictionLifted, DirectiveRevoked, HeirRequested)
OF_HER_CHOICES = (ObjectionAssessed, ObjectionLifted)
LIVING = (ConsentGiven, ConsentRenewed, ObjectionLifted, AccountOpened, DirectiveSet)
OF_ALL = frozenset(kind.kind for kind in (*OF_HER, *OF_HER_CHOICES, *LIVING, Died))
"""The kinds for which every reference of hers is looked at, and not only the one that is named."""
CHOICES_OF_ALL = frozenset(kind for kind in OF_ALL if KINDS[kind].aggregate == "consent")
"""Those of them that are choices: a correction of one is asked what it would read as."""


def refuse(
    fact: Fact,
    refused: Refusal | None,
    people: Sequence[customer.Customer],
    choices: Sequence[consent.Choices],
) -> Refusal | None:
    """Why this fact is refused, given what its own reference says and the states of all of hers."""
    if refused is not None and isinstance(fact, (*OF_HER, *OF_HER_CHOICES)):
        states: Sequence[Any] = choices if isinstance(fact, OF_HER_CHOICES) else people
        decide = consent.decide if isinstance(fact, OF_HER_CHOICES) else customer.decide
        refused = min((decide(state, fact) for state in states), key=_weight)
    if refused is not None:
        return refused
    return next((no for state in people if (no := customer.refuse_choice(state, fact))), None)


def _weight(refused: Refusal | None) -> int:
    """None, then what is wrong with the fact itself, then that nothing is there for it to end."""
    return 0 if refused is None else 1 + (refused.problem == "conflict")
