"""The soft opt-in: five facts, all of them on record, or no offer without consent (CPCE L34-5).

1. the address was collected from the person herself; 2. at a sale or a service, an account being
its gateway (CJEU C-654/23); 3. the offer is for our own products, analogous to what she bought;
4. a free way to say no was offered when it was collected; 5. she has not said no since.

A fact that nobody can show is missing, and named (SS-COM-2, SS-COM-3). Read `permissions.py` next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day
from ledger.events import AssessmentRecorded, CustomerRegistered, Fact, ProfileRectified, Row

FiveFacts: TypeAlias = Literal[
    "from_herself", "at_a_sale", "own_analogous", "optout_offered", "no_objection"
]
"""The five conditions, in the order of the law."""

Offer: TypeAlias = Literal["analogous", "contract", "other"]
"""What the caller says is offered: our own products, analogous to what the person bought; something
that relates to a contract of hers that runs; anything else."""

ARTICLE = "CPCE art. L34-5"
CLAUSES = {"email": "SS-COM-2", "sms": "SS-COM-3"}

WOULD_PROVE = {
    "from_herself": "customer.profile_rectified.v1",
    "at_a_sale": "order.placed.v1",
    "own_analogous": "assessment.recorded.v1",
    "optout_offered": "optout.offered.v1",
    "no_objection": "objection.lifted.v1",
}
"""The smallest fact that would supply each condition."""

_SALES = ("order.placed.v1", "contract.started.v1", "customer.account_opened.v1")
_COLLECTING = (*_SALES, "customer.contacted_us.v1")
_IN_FULL = (CustomerRegistered.kind, ProfileRectified.kind)
_BY_HERSELF = ("self", "agent")  # an import says what was bought, not from whom the address came
_FAVOURABLE = ("favourable", "conditional")


class SoftOptIn(NamedTuple):
    """What is missing, and the positions of what is there. Holds when nothing is missing."""

    missing: tuple[FiveFacts, ...]
    rests_on: tuple[int, ...]


class Assessed(NamedTuple):
    """An assessment of the company, at its position."""

    position: int
    fact: AssessmentRecorded


def five_facts(
    rows: Sequence[Row],
    facts: Mapping[int, Fact],
    purpose: str,
    channel: str,
    offer: Offer | None,
    assessed: Assessed | None,
    objected: int | None,
) -> SoftOptIn:
    """Which of the five facts stand for this purpose and channel.

    `rows`: the person's facts that stand at the moment asked about; `facts`: the same in full, by
    position; `assessed`: the latest balancing test of the purpose; `objected`: the position of a
    refusal, withdrawal or objection that stands.
    """
    collected = [row for row in rows if _collects(row, facts)]
    sales = list(_sales(rows))
    offered = _offered(rows, purpose, channel, {row.local_day for row in (*collected, *sales)})
    shown: dict[FiveFacts, int | None] = {
        "from_herself": _last(collected),
        "at_a_sale": _last(sales),
        "own_analogous": _analogous(offer, assessed),
        "optout_offered": _last(offered),
        "no_objection": 0 if objected is None else None,
    }
    there = {position for position in shown.values() if position}
    return SoftOptIn(
        tuple(name for name, position in shown.items() if position is None),
        tuple(sorted(there | ({objected} if objected else set()))),
    )


def _collects(row: Row, facts: Mapping[int, Fact]) -> bool:
    """Whether the person gave us an address of hers by this fact."""
    if row.actor not in _BY_HERSELF:
        return False
    if row.kind not in _IN_FULL:
        return row.kind in _COLLECTING
    match fact := facts.get(row.position):
        case CustomerRegistered():
            return fact.origin in ("account", "order")
        case ProfileRectified():
            return bool({"email", "phone"} & set(fact.changed))
    return False


def _sales(rows: Sequence[Row]) -> Iterator[Row]:
    """Orders that stand, contracts, accounts."""
    cancelled = {row.stream for row in rows if row.kind == "order.cancelled.v1"}
    return (row for row in rows if row.kind in _SALES and row.stream not in cancelled)


def _offered(rows: Sequence[Row], purpose: str, channel: str, days: set[Day]) -> list[Row]:
    """The ways to say no that were offered on a day of collection, over this channel or all."""
    return [
        row
        for row in rows
        if row.kind == "optout.offered.v1"
        and row.purpose == purpose
        and row.channel in (channel, None)
        and row.local_day in days
    ]


def _analogous(offer: Offer | None, assessed: Assessed | None) -> int | None:
    """0 when the caller says so; else the position of a balancing test that does."""
    if offer is not None:
        return None if offer == "other" else 0
    if assessed is not None and assessed.fact.outcome in _FAVOURABLE:
        return assessed.position
    return None


def _last(rows: Sequence[Row]) -> int | None:
    latest = max(rows, key=lambda row: (row.local_day, row.position), default=None)
    return latest.position if latest else None
