"""Stories of tickets, surveys, selections and calls."""

from __future__ import annotations

import pytest

from ledger.aggregates import message, service
from ledger.errors import Refused
from ledger.events import (
    CallPlaced,
    ContactedUs,
    MessageDecided,
    MessageSent,
    SelectionRun,
    SurveyAnswered,
    SurveySent,
    TicketClosed,
    TicketOpened,
)
from tests.stories.facts_room import ONCE, Shop, given, on

OPENED = TicketOpened(**ONCE, channel="form", topic="after_sales")
CLOSED = TicketClosed(**ONCE, outcome="solved")
SENT = SurveySent(**ONCE, purpose="surveys", channel="email")
ANSWERED = SurveyAnswered(**ONCE, score=4)
CALL = CallPlaced(**ONCE, purpose="phone_marketing", channel="phone", operator="op-7")
VERDICT = MessageDecided(**ONCE, purpose="newsletter", channel="email", decision="refused")


@pytest.mark.clause("SS-CRM-2")
def test_a_ticket_is_opened_once_and_closed_once():
    given(service).when(CLOSED).refused("SS-CRM-2")
    opened = given(service).when(OPENED).accepted()
    opened.when(OPENED).refused("SS-CRM-2")
    opened.when(CLOSED).accepted().when(CLOSED).refused("SS-CRM-2")


@pytest.mark.clause("SS-CRM-1")
def test_a_survey_is_answered_once_and_only_if_it_was_sent():
    given(service).when(ANSWERED).refused("SS-CRM-1")
    given(service, OPENED).when(ANSWERED).refused("SS-CRM-1")
    sent = given(service).when(SENT).accepted()
    sent.when(SENT).refused("SS-CRM-1")
    sent.when(ANSWERED).accepted().when(ANSWERED).refused("SS-CRM-1")


@pytest.mark.clause("SS-CRM-2", "SS-ACT-1")
def test_opening_a_ticket_keeps_a_prospect_and_closing_it_or_asking_her_does_not(shop: Shop):
    shop.told(ContactedUs(**on("2019-01-05"), channel="form"), "42")
    shop.told(TicketOpened(**on("2020-02-10"), channel="email"), "42", "T1")
    shop.told(TicketClosed(**on("2021-02-10")), thing="T1")
    shop.told(SurveySent(**on("2021-03-10"), purpose="surveys", channel="email"), "42", "S1")
    shop.told(SurveyAnswered(**on("2021-03-11")), thing="S1")
    assert shop.kept_until("42", "contact", "2022-01-01") == "2023-02-10"
    assert shop.kept_until("42", "survey", "2022-01-01") == "2022-03-11"


@pytest.mark.clause("SS-CRM-3")
def test_a_selection_says_how_many_by_which_criteria_and_never_whom(shop: Shop):
    run = SelectionRun(**ONCE, purpose="studies", criteria=("bought_twice",), size=120, left_out=3)
    done = shop.told(run)
    assert done.subject is None
    with pytest.raises(Refused, match="about nobody"):
        shop.told(run, "42")
    with pytest.raises(Refused) as caught:
        shop.told(SelectionRun(**ONCE, purpose="astrology", criteria=("any",), size=1))
    assert caught.value.refusal.clause == "SS-CTL-2"


@pytest.mark.clause("SS-COM-2")
def test_a_verdict_comes_before_the_message_and_a_message_sent_against_it_is_heard():
    decided = given(message).when(VERDICT).accepted()
    sent = decided.when(MessageSent(**ONCE, purpose="newsletter", channel="email")).accepted()
    sent.when(VERDICT).refused("SS-COM-2")


@pytest.mark.clause("SS-COM-5", "SS-COM-6")
def test_a_call_is_placed_once_for_a_declared_purpose_over_its_own_channel(shop: Shop):
    given(message, CALL).when(CALL).refused("SS-COM-2")
    shop.told(CALL, "42")
    for purpose, channel, clause in (
        ("phone_marketing", "automated_call", "SS-COM-5"),
        ("automated_call", "phone", "SS-COM-6"),
        ("astrology", "phone", "SS-CTL-2"),
    ):
        with pytest.raises(Refused) as caught:
            shop.told(CallPlaced(**ONCE, purpose=purpose, channel=channel), "42")
        assert caught.value.refusal.clause == clause


@pytest.mark.clause("SS-COM-1")
def test_a_message_that_sells_is_refused_under_a_service_purpose(shop: Shop):
    selling = MessageSent(
        **ONCE, purpose="service_message", channel="email", content="promotional", template="t-1"
    )
    with pytest.raises(Refused) as caught:
        shop.told(selling, "42")
    assert (caught.value.refusal.clause, caught.value.refusal.field) == ("SS-COM-1", "content")
    for purpose, content in (("service_message", "service"), ("newsletter", "promotional")):
        shop.told(MessageSent(**ONCE, purpose=purpose, channel="email", content=content), "42")
