"""Contracts: one interval each, from the facts that start, renew, amend and end it (SS-ACT-3).

The plan (`planned_*`) is that of the latest started, renewed or amended fact by (occurred instant,
position). Type and tacit renewal are those of the latest such fact that states them.
"""

from __future__ import annotations

from ledger.events import Row
from ledger.projections.model import EMPTY_CONTRACT, Contract

STARTED, ENDED = "contract.started.v1", "contract.ended.v1"
PLANS = frozenset({STARTED, "contract.renewed.v1", "contract.amended.v1"})
TOUCHES = PLANS | {ENDED}
TACIT = {"tacit": True, "express": False}


def apply(contract: Contract | None, row: Row) -> Contract:
    """The contract after one more of its facts. Exact unless `is_late(contract, row)`."""
    contract = contract or EMPTY_CONTRACT
    if row.kind == ENDED:
        return _ended(contract, row)
    if _plans_after(contract, row):
        contract = contract._replace(
            type=row.basis if row.basis is not None else contract.type,
            tacit=TACIT.get(row.decision or "", contract.tacit),
            planned_day=row.until_day,
            planned_at=row.occurred_at,
            planned_position=row.position,
            planned_edition=row.edition,
        )
    return _started(contract, row) if row.kind == STARTED else contract


def is_late(contract: Contract | None, row: Row) -> bool:
    """Whether this fact states a type or a renewal behind a plan that is already newer.

    The row does not remember when its type was stated, so this contract's subject must be folded
    again from all her facts, in the order in which they happened.
    """
    if contract is None or row.kind not in PLANS or _plans_after(contract, row):
        return False
    return row.basis is not None or row.decision in TACIT


def _plans_after(contract: Contract, row: Row) -> bool:
    at, position = contract.planned_at, contract.planned_position
    if at is None or position is None:
        return True
    return (row.occurred_at, row.position) > (at, position)


def _started(contract: Contract, row: Row) -> Contract:
    day, position = contract.from_day, contract.from_position
    if day is None or position is None or (row.local_day, row.position) < (day, position):
        return contract._replace(from_day=row.local_day, from_position=row.position)
    return contract


def _ended(contract: Contract, row: Row) -> Contract:
    day, position = contract.ended_day, contract.ended_position
    if day is None or position is None or (row.local_day, row.position) > (day, position):
        return contract._replace(
            ended_day=row.local_day, ended_position=row.position, ended_edition=row.edition
        )
    return contract
