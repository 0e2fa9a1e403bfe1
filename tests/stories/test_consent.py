"""Stories of choices: given, refused, withdrawn, objected to; none is ever lost for its order."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from ledger.aggregates import consent
from ledger.errors import Refusal
from ledger.events import (
    ConsentGiven,
    ConsentInvalidated,
    ConsentRefused,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
    ContactedUs,
    Fact,
    ObjectionAssessed,
    ObjectionLifted,
    ObjectionRaised,
    OptOutOffered,
    OrderPlaced,
    PolicyNotified,
    SignalReceived,
)
from ledger.handlers import Accepted
from tests.stories.facts_room import ONCE, Shop, given, on

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
EXPRESSIONS: list[Fact] = [
    ConsentRequested(**ONCE, **NEWS),
    ConsentGiven(**ONCE, **NEWS),
    ConsentRefused(**ONCE, **NEWS),
    ConsentWithdrawn(**ONCE, **NEWS),
    ConsentRenewed(**ONCE, **NEWS),
    ConsentInvalidated(**ONCE, **NEWS),
    ObjectionRaised(**ONCE, **NEWS),
    OptOutOffered(**ONCE, **NEWS),
    SignalReceived(**ONCE, signal="gpc"),
    PolicyNotified(**ONCE, edition=20181120),
]


@pytest.mark.parametrize("before", [(), *[(fact,) for fact in EXPRESSIONS]])
def test_no_choice_is_refused_for_what_came_before_it(before: tuple[Fact, ...]):
    """SS-CH-1: letters arrive late and files unsorted; refusing one could only lose a choice."""
    for fact in EXPRESSIONS:
        given(consent, *before).when(fact).accepted()


@pytest.mark.parametrize(
    "fact", [ObjectionLifted(**ONCE, **NEWS), ObjectionAssessed(**ONCE, **NEWS, decision="upheld")]
)
def test_only_an_objection_that_was_raised_can_be_weighed_or_lifted(fact: Fact):
    """SS-LB-3, RGPD art. 21"""
    given(consent).when(fact).refused("SS-LB-3")
    raised = given(consent, ObjectionRaised(**ONCE, **NEWS))
    raised.when(fact).accepted()
    for other in ({"channel": "sms"}, {"purpose": "surveys"}, {"channel": None}):
        elsewhere = ObjectionRaised(**ONCE, **{**NEWS, **other})
        given(consent, elsewhere).when(fact).refused("SS-LB-3")


def test_an_objection_that_was_lifted_can_be_raised_again():
    lifted = given(consent, ObjectionRaised(**ONCE, **NEWS), ObjectionLifted(**ONCE, **NEWS))
    lifted.when(ObjectionLifted(**ONCE, **NEWS)).refused("SS-LB-3")
    lifted.when(ObjectionRaised(**ONCE, **NEWS)).accepted()


# --- through the ledger -------------------------------------------------------------------------


def test_a_choice_is_what_was_said_last_whatever_the_order_it_was_recorded_in():
    said = [
        ConsentGiven(**on("2024-01-01"), **NEWS, actor="import"),
        ConsentWithdrawn(**on("2024-02-01"), **NEWS, actor="import"),
        ConsentGiven(**on("2024-03-01"), **NEWS, actor="import"),
    ]
    for order in permutations(said):
        shop = Shop()
        for fact in order:
            shop.told(fact, "42")
        assert shop.choice("42", "newsletter", "email").state == "ConsentGiven"
        assert shop.choice("42", "newsletter", "email", "2024-02-15").state == "ConsentWithdrawn"
        assert shop.choice("42", "newsletter", "email", "2024-01-15").state == "ConsentGiven"
        shop.closed()


def test_a_grant_keyed_after_a_withdrawal_and_dated_before_it_brings_nothing_back(shop: Shop):
    shop.told(ConsentWithdrawn(**on("2025-12-01"), **NEWS), "42")
    shop.told(ConsentGiven(**on("2025-12-20"), **NEWS, actor="agent"), "42")
    assert shop.choice("42", "newsletter", "email").state == "ConsentWithdrawn"


def test_channels_and_purposes_are_chosen_apart(shop: Shop):
    """SS-CH-2"""
    shop.told(ConsentGiven(**on("2026-01-05T08:59:00Z"), **NEWS), "42")
    shop.told(ObjectionRaised(**ONCE, purpose="newsletter", channel="sms"), "42")
    assert shop.choice("42", "newsletter", "email").state == "ConsentGiven"
    assert shop.choice("42", "newsletter", "sms").state == "ConsentRefused"


def test_all_choices_of_a_person_are_on_one_stream_of_her_own(shop: Shop):
    streams = {shop.told(fact, "42").stream for fact in EXPRESSIONS}
    assert len(streams) == 1
    assert streams != {shop.person("42")}
    assert shop.told(EXPRESSIONS[1], "43").stream not in streams


def test_in_a_batch_an_objection_can_be_raised_and_lifted(shop: Shop):
    lifted = shop.wish(ObjectionLifted(**ONCE, **NEWS), "42")
    outcomes = shop.batch(lifted, shop.wish(ObjectionRaised(**ONCE, **NEWS), "42"), lifted, lifted)
    accepted = [isinstance(outcome, Accepted) for outcome in outcomes]
    assert accepted == [False, True, True, False]


def test_a_person_first_heard_of_by_a_choice_is_a_contact(shop: Shop):
    outcome = shop.told(ConsentGiven(**ONCE, **NEWS), "42")
    assert len(outcome.written) == 2
    klasses = {key.klass for key in shop.state("42").activity if key.kind.startswith("customer")}
    assert klasses == {"contact"}


def test_a_consent_moves_no_clock_but_its_own(shop: Shop):
    shop.told(ContactedUs(**on("2019-01-05"), channel="form"), "42")
    shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1")
    shop.told(ConsentGiven(**on("2023-05-02"), **NEWS), "42")
    shop.told(PolicyNotified(**on("2023-05-03"), edition=20181120), "42")
    assert shop.kept_until("42", "contact", "2024-01-01") == "2022-01-05"
    assert shop.kept_until("42", "order", "2024-01-01") == "2025-03-10"


def test_a_choice_about_an_undeclared_purpose_is_refused_with_clause_and_article(shop: Shop):
    """SS-CTL-2, RGPD art. 5(1)(b)"""
    (outcome,) = shop.batch(shop.wish(ConsentGiven(**ONCE, purpose="astrology"), "42"))
    assert isinstance(outcome, Refusal)
    assert (outcome.clause, outcome.article) == ("SS-CTL-2", "RGPD art. 5(1)(b)")
    assert shop.position() == 1  # not even she was registered
