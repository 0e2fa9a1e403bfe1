"""A person's choices: one stream per person, every expression kept, none ever refused for its
order. Which expression counts at a given date is derived (`replay/fold.py` is the definition),
because letters arrive late and files arrive unsorted: a decision here could only lose a choice.
The one exception loses none: while she is asked to confirm from her own address, nobody else's yes
is taken, by whichever door it comes (GDPR art. 7(1)); her no always is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ledger.calendar import Instant
from ledger.errors import Refusal
from ledger.events import (
    DOUBLE_OPT_IN,
    Choice,
    ConsentGiven,
    ConsentRenewed,
    ConsentRequested,
    Fact,
    ObjectionAssessed,
    ObjectionLifted,
    ObjectionRaised,
    OptOutOffered,
)

ONLY_SHE = Refusal(
    "double-opt-in",
    "she was asked to confirm from her own address: only the token sent there says yes",
    "SS-LB-2",
    "RGPD art. 4(11), 7(1)",
)

Keys = frozenset[tuple[str, str]]


class Choices(NamedTuple):
    """The purposes and channels to which an objection was ever raised, and those for which her
    token is awaited, with when she was asked. When that lapses is the policy's to say
    (`ledger/policy/choosing.py`); here she is awaited until she answers."""

    objections: Keys = frozenset()
    awaited: Mapping[tuple[str, str], Instant] = MappingProxyType({})


def initial() -> Choices:
    """No choice expressed."""
    return Choices()


def decide(state: Choices, fact: Fact) -> Refusal | None:
    """Only an objection that exists can be weighed or lifted; a yes that is awaited from her is
    taken from nobody else."""
    match fact:
        case ObjectionAssessed() | ObjectionLifted() if _key(fact) not in state.objections:
            return Refusal(
                "conflict",
                "no objection to this purpose and channel is on record",
                "SS-LB-3",
                "RGPD art. 21",
            )
    return refuse_awaited(state, fact)


def refuse_awaited(state: Choices, fact: Fact) -> Refusal | None:
    """Why this yes, or a fact that would read as one once corrected, is not the one awaited."""
    if not isinstance(fact, ConsentGiven | ConsentRenewed) or _key(fact) not in state.awaited:
        return None
    is_hers = (fact.act, fact.grade, fact.actor) == (DOUBLE_OPT_IN, "proved", "self")
    return None if is_hers else ONLY_SHE


def asked_at(state: Choices, fact: Fact) -> Instant | None:
    """When she was asked for the yes that this would be; None when she is not awaited."""
    return state.awaited.get(_key(fact)) if isinstance(fact, Choice) else None


def evolve(state: Choices, fact: Fact) -> Choices:
    """The state after this fact."""
    if not isinstance(fact, Choice) or isinstance(fact, ObjectionAssessed | OptOutOffered):
        return state
    key = _key(fact)
    asked = isinstance(fact, ConsentRequested) and fact.act == DOUBLE_OPT_IN
    objections = state.objections - {key}
    awaited = {one: at for one, at in state.awaited.items() if one != key}
    if isinstance(fact, ObjectionRaised):
        objections |= {key}
    elif not isinstance(fact, ObjectionLifted):
        objections = state.objections
    return Choices(objections, awaited | {key: fact.occurred.at} if asked else awaited)


def _key(fact: Choice) -> tuple[str, str]:
    return fact.purpose, fact.channel or ""
