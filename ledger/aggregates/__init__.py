"""Decisions only: two pure functions per aggregate.

`decide(state, fact) -> None | Refusal` says whether a proposed fact may follow what is known;
`evolve(state, fact) -> state` adds it. No I/O, no clock, no names of people: states hold purposes,
dates and ids, so erasing a person can never break a fold. What is acceptable everywhere (no future
dates, purposes that the policy declares) is in `door.py`; what depends on what happened before is
with its aggregate. Read next: `ledger/aggregates/consent.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, NamedTuple

from ledger.aggregates import consent, contract, customer, message, order, policy_book
from ledger.errors import Refusal
from ledger.events import Fact, FactCorrected, FactVoided


class Aggregate(NamedTuple):
    """The pure functions of one aggregate."""

    initial: Callable[[], Any]
    decide: Callable[[Any, Fact], Refusal | None]
    evolve: Callable[[Any, Fact], Any]


AGGREGATES = {
    module.__name__.rsplit(".", 1)[-1]: Aggregate(module.initial, module.decide, module.evolve)
    for module in (customer, consent, order, contract, message, policy_book)
}


TACIT = {"tacit": True, "express": False}  # how the decision column states a renewal


def fold(aggregate: Aggregate, history: Iterable[tuple[int, Fact]]) -> Any:
    """The state after `history` ((position, fact) in version order), corrections applied.

    For each corrected position the newest correction wins; a voided fact is left out.
    """
    facts: dict[int, Fact | None] = {}
    for position, fact in history:
        if isinstance(fact, FactCorrected):
            root = facts.get(fact.ref)
            facts[fact.ref] = corrected(root, fact) if root is not None else None
        elif isinstance(fact, FactVoided):
            facts[fact.ref] = None
        else:
            facts[position] = fact
    state = aggregate.initial()
    for effective in facts.values():
        if effective is not None:
            state = aggregate.evolve(state, effective)
    return state


def corrected(root: Fact, correction: FactCorrected) -> Fact:
    """The root fact as the correction says it should have read."""
    by_column = {spec.column: spec.name for spec in root.specs if spec.column}
    values: dict[str, Any] = {"occurred": correction.occurred}
    for spec in correction.specs:
        name, value = by_column.get(spec.column), getattr(correction, spec.name)
        if name is not None and value is not None:
            values[name] = TACIT[value] if name == "tacit" else value
    return replace(root, **values)
