"""A person's choices: one stream per person, every expression kept, none ever refused for its
order. Which expression counts at a given date is derived (`replay/fold.py` is the definition),
because letters arrive late and files arrive unsorted: a decision here could only lose a choice.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import Choice, Fact, ObjectionAssessed, ObjectionLifted, ObjectionRaised


class Choices(NamedTuple):
    """The purposes and channels to which an objection was ever raised."""

    objections: frozenset[tuple[str, str]] = frozenset()


def initial() -> Choices:
    """No choice expressed."""
    return Choices()


def decide(state: Choices, fact: Fact) -> Refusal | None:
    """Only an objection that exists can be weighed or lifted."""
    match fact:
        case ObjectionAssessed() | ObjectionLifted() if _key(fact) not in state.objections:
            return Refusal(
                "conflict",
                "no objection to this purpose and channel is on record",
                "SS-LB-3",
                "RGPD art. 21",
            )
    return None


def evolve(state: Choices, fact: Fact) -> Choices:
    """The state after this fact."""
    match fact:
        case ObjectionRaised():
            return Choices(state.objections | {_key(fact)})
        case ObjectionLifted():
            return Choices(state.objections - {_key(fact)})
    return state


def _key(fact: Choice) -> tuple[str, str]:
    return fact.purpose, fact.channel or ""
