"""Reminders of requests that are owed an answer: at J-7 and J-2 of the clock as it stands then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.calendar import moment_of_instant, parse_moment
from ledger.commands import Correct, Record, Reference
from ledger.errors import Misuse
from ledger.events import RequestExtended, RequestReceived, RequestWithdrawn
from ledger.handlers import Accepted, record
from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.requests.steps import record_step
from tests.clock import StepClock
from tests.outbound.receiver import Receiver, is_signed

# Received on Monday 5 January 2026: due on Thursday 5 February; J-7 is 29 January, J-2 3 February.
KINDS = [endpoints.REMINDERS]


def asked(ledger: Ledger, who: str = "0042", day: str | None = None) -> Accepted:
    """She asks for a copy of her data, by letter."""
    occurred = parse_moment(day) if day else moment_of_instant(ledger.clock.now())
    fact = RequestReceived(occurred=occurred, right="access", channel="letter")
    accepted = record(ledger, Record(fact, Reference("shop", who)))
    assert isinstance(accepted, Accepted)
    return accepted


def step(ledger: Ledger, request: UUID, kind: Any, **fields: Any) -> None:
    """A step of a request, now."""
    fact = kind(occurred=moment_of_instant(ledger.clock.now()), actor="agent", **fields)
    record_step(ledger, request, fact)


def days(courier: Courier, clock: StepClock, receiver: Receiver, n: int) -> list[Any]:
    """What is said on each of the next days, the courier at work twice a day."""
    told = []
    for _ in range(n):
        before = len(receiver.got)
        courier.round()
        clock.advance(hours=3)
        courier.round()
        for got in receiver.got[before:]:
            data = got.said["data"]
            told.append((data["days_left"], data["due"], data["status"]))
        clock.advance(hours=21)
    return told


@pytest.mark.clause("SS-DSR-10")
def test_whoever_answers_is_reminded_seven_days_before_and_two_and_never_else(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Signed, each under an id of its own, of requests that were open before too; nothing personal,
    and no other fact is sent there."""
    before = asked(ledger)
    made = endpoints.register(ledger, receiver.url, "crm", KINDS)
    clock.advance(days=1)
    asked(ledger, "0043")
    told = days(courier, clock, receiver, 40)
    assert told == [
        *((7, "2026-02-05", "due_soon"), (7, "2026-02-06", "due_soon")),
        *((2, "2026-02-05", "due_soon"), (2, "2026-02-06", "due_soon")),
    ]
    first, *_ = receiver.got
    assert is_signed(first, made.secret)
    assert first.said["type"] == "probant.request_due"
    assert first.said["data"]["request"] == str(before.stream)
    assert first.said["subject"] == str(before.subject)
    assert len({got.id for got in receiver.got}) == 4
    assert all(b"0042" not in got.body for got in receiver.got)


def test_an_answered_request_reminds_nobody_any_more(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    made = endpoints.register(ledger, receiver.url, "crm", KINDS)
    request = asked(ledger)
    assert [left for left, *_ in days(courier, clock, receiver, 26)] == [7]
    step(ledger, request.stream, RequestWithdrawn, channel="phone")
    assert days(courier, clock, receiver, 10) == []
    (row,) = endpoints.deliveries(ledger, made.endpoint.id, None, 0, 10)
    assert row.state == "delivered"


def test_an_extension_moves_them_and_a_corrected_day_brings_them_forward(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Three months for the one; the other letter had lain in a drawer for twenty days."""
    endpoints.register(ledger, receiver.url, "crm", KINDS)
    long, early = asked(ledger), asked(ledger, "0043")
    assert days(courier, clock, receiver, 3) == []
    corrected = Correct(early.position, changes={}, occurred=parse_moment("2025-12-16"))
    record(ledger, corrected)
    step(ledger, long.stream, RequestExtended, reason="complexity", notified=20260108)
    told = days(courier, clock, receiver, 100)
    assert [one for one in told if one[1] == "2026-01-16"] == [
        (7, "2026-01-16", "due_soon"),
        (2, "2026-01-16", "due_soon"),
    ]
    assert [one[0] for one in told if one[1] == "2026-04-07"] == [7, 2]
    assert len(told) == 4


def test_what_was_not_taken_is_tried_again_and_a_lost_day_is_made_up_for(
    ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Under the id that it had; after a week without a courier, the newest reminder only."""
    endpoints.register(ledger, receiver.url, "crm", KINDS)
    asked(ledger)
    clock.advance(days=24)
    receiver.answer(500)
    courier.round()
    courier.round()  # not yet: it waits some seconds
    asked(ledger, "0043", "2026-01-05")
    clock.advance(minutes=1)
    courier.round()
    first, second, other = receiver.got
    assert first.id == second.id != other.id  # who was late holds up nobody
    step(ledger, UUID(other.said["data"]["request"]), RequestWithdrawn, channel="phone")
    clock.advance(days=9)  # the second reminder, and the last day, went by
    courier.round()
    (late,) = receiver.got[3:]
    assert (late.said["data"]["days_left"], late.said["data"]["status"]) == (-2, "overdue")
    clock.advance(days=1)
    courier.round()
    assert len(receiver.got) == 4


def test_reminders_share_a_webhook_with_nothing(ledger: Ledger, receiver: Receiver) -> None:
    with pytest.raises(Misuse, match="of their own"):
        endpoints.register(ledger, receiver.url, "crm", ["reminders", "consent.given"])
