"""Stories of corrections: history is corrected by adding, and the newest word on a fact counts."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import calendar as cal
from ledger.aggregates import AGGREGATES, consent, contract, corrected, fold, order
from ledger.commands import Correct, Void
from ledger.errors import Refusal, Refused
from ledger.events import (
    ConsentGiven,
    ConsentWithdrawn,
    ContractStarted,
    FactCorrected,
    FactVoided,
    LoggedIn,
    ObjectionLifted,
    ObjectionRaised,
    OrderCancelled,
    OrderPlaced,
)
from ledger.fields import Money
from ledger.handlers import Accepted, record
from ledger.store import states
from replay.fold import effective
from tests.stories.facts_room import ONCE, Shop, given, on

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
PLACED, CANCELLED = OrderPlaced(**ONCE), OrderCancelled(**ONCE)


def voided(position: int) -> FactVoided:
    return FactVoided(**ONCE, ref=position)


def put_right(position: int, root: str, **columns: Any) -> FactCorrected:
    return FactCorrected(**ONCE, ref=position, root=root, **columns)


# --- decisions ----------------------------------------------------------------------------------


def test_a_voided_fact_did_not_happen():
    given(order, PLACED, CANCELLED, voided(2)).when(CANCELLED).accepted()
    given(order, PLACED, voided(1)).when(CANCELLED).refused("SS-ORD-1")
    given(order, PLACED, voided(1)).when(PLACED).accepted()


def test_a_correction_after_a_void_brings_the_fact_back():
    again = put_right(1, "order.placed.v1")
    given(order, PLACED, voided(1), again).when(CANCELLED).accepted()
    given(order, PLACED, voided(1), again, voided(1)).when(CANCELLED).refused("SS-ORD-1")


def test_a_correction_changes_what_decisions_depend_on():
    raised = ObjectionRaised(**ONCE, **NEWS)
    moved = put_right(1, raised.kind, purpose="newsletter", channel="sms")
    history = given(consent, raised, moved)
    history.when(ObjectionLifted(**ONCE, **NEWS)).refused("SS-LB-3")
    history.when(ObjectionLifted(**ONCE, purpose="newsletter", channel="sms")).accepted()


def test_each_correction_is_of_the_original_and_the_newest_one_counts():
    raised = ObjectionRaised(**ONCE, purpose="audience")
    one = put_right(1, raised.kind, purpose="audience", channel="email")
    two = put_right(1, raised.kind, purpose="audience")
    history = given(consent, raised, one, two)
    history.when(ObjectionLifted(**ONCE, purpose="audience")).accepted()
    elsewhere = ObjectionLifted(**ONCE, purpose="audience", channel="email")
    history.when(elsewhere).refused("SS-LB-3")


def test_a_correction_of_what_is_not_in_this_history_is_passed_over():
    assert fold(AGGREGATES["order"], [(5, put_right(1, "order.placed.v1"))]) == order.initial()


def test_a_corrected_fact_keeps_its_class_and_takes_the_corrected_values():
    root = ContractStarted(**ONCE, type="service", until=20301231, tacit=False)
    amended = put_right(1, root.kind, basis="warranty", decision="tacit", until=20311231)
    found = corrected(root, amended)
    assert isinstance(found, ContractStarted)
    assert (found.type, found.tacit, found.until) == ("warranty", True, 20311231)
    given(contract, root, amended).when(root).refused("SS-ACT-2")


# --- through the ledger -------------------------------------------------------------------------


def test_a_login_that_was_somebody_elses_no_longer_moves_the_clock(shop: Shop):
    shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1")
    at = shop.told(LoggedIn(**on("2023-05-02")), "42").position
    assert shop.kept_until("42", "order", "2024-01-01") == "2028-05-02"
    record(shop.ledger, Void(at, reason="wrong.person"))
    assert shop.kept_until("42", "order", "2024-01-01") == "2025-03-10"


def test_a_corrected_day_counts_as_corrected_on_every_date(shop: Shop):
    at = shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1").position
    record(shop.ledger, Correct(at, occurred=cal.parse_moment("2021-03-10")))
    assert shop.kept_until("42", "order", "2024-01-01") == "2026-03-10"
    assert shop.state("42", "2020-12-31").activity.keys() == {
        key for key in shop.state("42").activity if key.kind == "customer.registered.v1"
    }


def test_a_correction_is_kept_beside_what_it_corrects_on_the_same_stream(shop: Shop):
    first = shop.told(ConsentGiven(**ONCE, **NEWS), "42")
    after = record(shop.ledger, Correct(first.position, {"channel": "sms"}, reason="typo"))
    assert (after.stream, after.subject) == (first.stream, first.subject)
    assert after.position == first.position + 1
    assert set(shop.state("42").consents) == {("newsletter", "sms")}


def test_what_is_not_changed_stays_as_it_was(shop: Shop):
    started = ContractStarted(**ONCE, type="service", until=20301231, tacit=True)
    at = shop.told(started, "42", "C1").position
    record(shop.ledger, Correct(at, {"until": "2031-06-30"}))
    (found,) = shop.state("42").contracts.values()
    assert (found.type, found.tacit, found.planned_day) == ("service", True, 20310630)


def test_an_amount_is_corrected(shop: Shop):
    at = shop.told(OrderPlaced(**ONCE, amount=Money(100, "EUR")), "42", "A1").position
    record(shop.ledger, Correct(at, {"amount": {"minor": 250, "currency": "EUR"}}))
    subject = shop.person("42")
    with shop.ledger.database.read() as connection:
        rows = effective(states.rows_of(connection, subject))
    assert [row.amount_minor for row in rows if row.kind == "order.placed.v1"] == [250]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"quantity": 3}, "no such field"),
        ({"subject": "x"}, "no such field"),
        ({"name": "Zoé"}, "no such field"),
        ({"amount": "12 euros"}, "amount"),
    ],
)
def test_only_a_clear_column_can_be_corrected(shop: Shop, changes: dict[str, Any], why: str):
    at = shop.told(PLACED, "42", "A1").position
    with pytest.raises(Refused, match=why):
        record(shop.ledger, Correct(at, changes))


@pytest.mark.parametrize("wish", [Correct(1, {"until": "2030-01-01"}), Void(1), Void(99), Void(4)])
def test_neither_the_policy_nor_a_correction_nor_nothing_can_be_corrected(
    shop: Shop, wish: Correct | Void
):
    at = shop.told(PLACED, "42", "A1").position
    assert record(shop.ledger, Void(at)).position == 4
    with pytest.raises(Refused) as caught:
        record(shop.ledger, wish)
    assert caught.value.refusal.problem == "not-found"


def test_a_correction_passes_the_door_as_a_new_fact_would(shop: Shop):
    """SS-CTL-2, SS-LB-1"""
    at = shop.told(ConsentGiven(**ONCE, **NEWS), "42").position
    for changes, problem in (
        ({"purpose": "astrology"}, "purpose-undeclared"),
        ({"channel": "pigeon"}, "channel-undeclared"),
        ({"purpose": "account"}, "not-a-choice"),
    ):
        with pytest.raises(Refused) as caught:
            record(shop.ledger, Correct(at, changes))
        assert caught.value.refusal.problem == problem
    with pytest.raises(Refused) as caught:
        record(shop.ledger, Correct(at, occurred=cal.parse_moment("2030-01-01")))
    assert caught.value.refusal.problem == "future"


def test_in_a_batch_later_wishes_see_a_void_and_a_correction(shop: Shop):
    at = shop.told(PLACED, "42", "A1").position
    outcomes = shop.batch(Void(at), shop.wish(CANCELLED, thing="A1"))
    assert [isinstance(one, Accepted) for one in outcomes] == [True, False]
    outcomes = shop.batch(Correct(at), shop.wish(CANCELLED, thing="A1"), Void(at))
    assert [isinstance(one, Accepted) for one in outcomes] == [True, True, True]


def test_a_void_of_a_withdrawal_lets_the_earlier_consent_stand(shop: Shop):
    shop.told(ConsentGiven(**on("2024-01-01"), **NEWS, actor="import"), "42")
    at = shop.told(ConsentWithdrawn(**on("2024-02-01"), **NEWS, actor="import"), "42").position
    assert shop.choice("42", "newsletter", "email").state == "ConsentWithdrawn"
    record(shop.ledger, Void(at))
    assert shop.choice("42", "newsletter", "email").state == "ConsentGiven"


def test_a_decision_after_correcting_is_the_same_as_before_reopening(shop: Shop):
    """What the library folds and what the session folds agree."""
    stream = shop.told(PLACED, "42", "A1").stream
    at = shop.position()
    record(shop.ledger, Void(at))
    assert shop.ledger.state(stream).placed is False
    record(shop.ledger, Correct(at))
    assert shop.ledger.state(stream).placed is True
    (outcome,) = shop.batch(shop.wish(PLACED, "42", "A1"))
    assert isinstance(outcome, Refusal)
