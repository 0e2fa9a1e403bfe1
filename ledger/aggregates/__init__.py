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

from ledger.aggregates import (
    archive,
    audience,
    card,
    consent,
    contract,
    customer,
    hold,
    ledger,
    message,
    order,
    policy_book,
    register,
    rights_request,
    service,
    tracker,
)
from ledger.errors import Refusal
from ledger.events import Fact, FactCorrected, FactVoided


class Aggregate(NamedTuple):
    """The pure functions of one aggregate."""

    initial: Callable[[], Any]
    decide: Callable[[Any, Fact], Refusal | None]
    evolve: Callable[[Any, Fact], Any]


AGGREGATES = {
    module.__name__.rsplit(".", 1)[-1]: Aggregate(module.initial, module.decide, module.evolve)
    for module in (
        *(customer, consent, tracker, order, contract, card, message, service, hold),
        *(policy_book, register, audience, archive, ledger, rights_request),
    )
}


TACIT = {"tacit": True, "express": False}  # how the decision column states a renewal


def fold(aggregate: Aggregate, history: Iterable[tuple[int, Fact]]) -> Any:
    """The state after `history` ((position, fact) in version order), corrections applied.

    Of the corrections and voids of one position the newest counts, alone.
    """
    roots: dict[int, Fact] = {}
    verdicts: dict[int, Fact] = {}
    for position, fact in history:
        if isinstance(fact, FactCorrected | FactVoided):
            verdicts[fact.ref] = fact
        else:
            roots[position] = fact
    state = aggregate.initial()
    for position, root in roots.items():
        verdict = verdicts.get(position)
        if isinstance(verdict, FactCorrected):
            state = aggregate.evolve(state, corrected(root, verdict))
        elif verdict is None:
            state = aggregate.evolve(state, root)
    return state


def corrected(root: Fact, correction: FactCorrected) -> Fact:
    """The root fact as the correction says it should have read."""
    by_column = {spec.column: spec.name for spec in root.specs if spec.column}
    values: dict[str, Any] = {"occurred": correction.occurred}
    for spec in correction.specs:
        name, value = by_column.get(spec.column or ""), getattr(correction, spec.name)
        if name is not None:
            values[name] = TACIT.get(value) if name == "tacit" else value
    return replace(root, **values)


def standing(facts: Iterable[tuple[int, Fact]]) -> tuple[tuple[int, Fact], ...]:
    """The facts that stand among these, in position order: voided ones gone, corrected ones as
    their last correction says."""
    facts = list(facts)
    verdicts = {f.ref: f for _, f in facts if isinstance(f, FactCorrected | FactVoided)}
    found: list[tuple[int, Fact]] = []
    for position, fact in facts:
        if isinstance(fact, FactCorrected | FactVoided):
            continue
        verdict = verdicts.get(position)
        if isinstance(verdict, FactCorrected):
            found.append((position, corrected(fact, verdict)))
        elif verdict is None:
            found.append((position, fact))
    return tuple(found)
