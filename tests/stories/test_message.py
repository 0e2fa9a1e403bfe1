"""Stories of messages: what we send, and its being opened, never counts as something she did."""

from __future__ import annotations

from typing import Any

from ledger.aggregates import message
from ledger.errors import Refusal
from ledger.events import ContactedUs, MessageOpened, MessageSent, OrderPlaced
from tests.stories.facts_room import ONCE, Shop, given, on

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
SENT, OPENED = MessageSent(**ONCE, **NEWS), MessageOpened(**ONCE)


def test_a_message_is_sent_once_and_opened_only_after_any_number_of_times():
    """SS-COM-2, SS-COM-4"""
    given(message).when(OPENED).refused("SS-COM-4")
    sent = given(message).when(SENT).accepted()
    sent.when(SENT).refused("SS-COM-2")
    sent.when(OPENED).accepted().when(OPENED).accepted()


def test_a_mailing_and_its_opening_move_no_clock_of_a_prospect_or_a_client(shop: Shop):
    """SS-ACT-1, SS-ACT-2, SS-COM-4"""
    shop.told(ContactedUs(**on("2019-01-05"), channel="form"), "42")
    shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1")
    for n, day in enumerate(("2021-05-01", "2022-05-01", "2023-05-01")):
        shop.told(MessageSent(**on(day), **NEWS), "42", f"M{n}")
        shop.told(MessageOpened(**on(day)), thing=f"M{n}")
    assert shop.kept_until("42", "contact", "2024-01-01") == "2022-01-05"
    assert shop.kept_until("42", "order", "2024-01-01") == "2025-03-10"
    reasons = {one.kind for one in shop.deadline("42", "order", "2024-01-01").not_counted}
    assert {"message.sent.v1", "message.opened.v1"} <= reasons


def test_a_message_for_an_undeclared_purpose_or_channel_is_refused(shop: Shop):
    """SS-CTL-2"""
    outcomes = shop.batch(
        shop.wish(MessageSent(**ONCE, purpose="astrology", channel="email"), "42"),
        shop.wish(MessageSent(**ONCE, purpose="newsletter", channel="pigeon"), "42"),
        shop.wish(SENT, "42"),
    )
    problems = [one.problem if isinstance(one, Refusal) else "" for one in outcomes]
    assert problems == ["purpose-undeclared", "channel-undeclared", ""]


def test_a_message_opened_by_somebody_else_is_refused(shop: Shop):
    shop.told(SENT, "42", "M1")
    shop.told(SENT, "43", "M2")
    (outcome,) = shop.batch(shop.wish(OPENED, "43", "M1"))
    assert isinstance(outcome, Refusal)
