"""Who outside was told of what a person of two references decided: all of it, whichever of them is
asked for, and by which join it is hers; on each database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.webhooks import recipients_of
from ledger.application import Ledger
from ledger.choosing import joining
from ledger.errors import NotFound
from ledger.outbound.recording import acknowledge
from ledger.store.recorder import Written
from tests.clock import StepClock
from tests.outbound.room import object_to, rectify, subject_of, withdraw


def listed(ledger: Ledger, who: UUID) -> list[tuple[int, str, list[int]]]:
    """Each fact that concerns others: its position, of whom it was recorded, by which joins."""
    items: list[Any] = recipients_of(ledger, who, 7)["items"]
    return [(one["position"], one["subject"], one["joins"]) for one in items]


@pytest.mark.clause("SS-DSR-8", "SS-REC-1")
def test_all_of_hers_whichever_reference_is_asked_for(ledger: Ledger, clock: StepClock) -> None:
    """In the order of the log; another's fact cites the join; undone, each has its own again."""
    first, second, third = (
        withdraw(ledger),
        rectify(ledger, "crm-7"),
        object_to(ledger, "newsletter", "email", "third"),
    )
    kept, other, stranger = map(subject_of, (first, second, third))
    clock.advance(minutes=1)
    alone: list[tuple[int, str, list[int]]] = [(second.position, str(other), [])]
    assert listed(ledger, other) == alone
    joined = joining.join(ledger, kept, other)
    assert isinstance(joined, Written)
    by = [joined.position]
    later = rectify(ledger, "crm-7")
    mine = (first.position, str(kept)), (later.position, str(kept))
    assert listed(ledger, kept) == [
        (*mine[0], []),
        (second.position, str(other), by),
        (*mine[1], []),
    ]
    assert listed(ledger, other) == [(*mine[0], by), *alone, (*mine[1], by)]
    assert listed(ledger, stranger) == [(third.position, str(stranger), [])]
    answer = recipients_of(ledger, other, 7)
    assert (answer["joined_into"], answer["joined"]) == (str(kept), [])

    acknowledge(ledger, "crm", [second.position], "job-7")
    (about,) = (one for one in recipients_of(ledger, kept, 7)["items"] if one["joins"])
    crm = next(one for one in about["recipients"] if one["recipient"] == "crm")
    assert (crm["state"], crm["acknowledged"]["receipt"]) == ("acknowledged", "job-7")

    joining.undo(ledger, kept, other)
    assert listed(ledger, other) == alone
    with pytest.raises(NotFound):
        recipients_of(ledger, UUID(int=7), 7)
