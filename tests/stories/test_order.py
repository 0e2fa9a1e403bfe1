"""Stories of orders: placed first, each its own stream, each belonging to one person."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from ledger.aggregates import order
from ledger.errors import Refusal, Refused
from ledger.events import (
    ContractStarted,
    Fact,
    OrderCancelled,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
)
from ledger.fields import Money
from ledger.handlers import Accepted
from tests.stories.facts_room import ONCE, Shop, given, on

PLACED, CANCELLED = OrderPlaced(**ONCE), OrderCancelled(**ONCE)
FOLLOWING: list[Fact] = [
    OrderInvoiced(**ONCE, amount=Money(1200, "EUR")),
    OrderPaid(**ONCE),
    OrderRefunded(**ONCE),
    CANCELLED,
]


@pytest.mark.parametrize("fact", FOLLOWING, ids=lambda fact: fact.kind)
def test_nothing_happens_to_an_order_before_it_is_placed(fact: Fact):
    """SS-ORD-1"""
    given(order).when(fact).refused("SS-ORD-1")
    given(order, PLACED).when(fact).accepted()


def test_an_order_is_placed_once_and_cancelled_once():
    """SS-ORD-1"""
    placed = given(order).when(PLACED).accepted()
    placed.when(PLACED).refused("SS-ORD-1")
    cancelled = placed.when(CANCELLED).accepted()
    cancelled.when(CANCELLED).refused("SS-ORD-1")
    cancelled.when(PLACED).refused("SS-ORD-1")


def test_money_may_still_go_back_after_cancelling():
    given(order, PLACED, CANCELLED).when(OrderRefunded(**ONCE)).accepted()


def test_an_order_may_be_paid_and_invoiced_more_than_once():
    """Instalments."""
    history = given(order, PLACED)
    for _ in range(2):
        for fact in FOLLOWING[:2]:
            history = history.when(fact).accepted()


# --- through the ledger -------------------------------------------------------------------------


def test_an_order_is_found_again_by_its_reference_and_with_it_the_person(shop: Shop):
    placed = shop.told(PLACED, "42", "A1")
    paid = shop.told(OrderPaid(**ONCE), thing="A1")  # nobody said whose it is
    assert (paid.stream, paid.subject) == (placed.stream, placed.subject)


def test_an_order_of_somebody_else_is_refused(shop: Shop):
    shop.told(PLACED, "42", "A1")
    shop.told(PLACED, "43", "B1")
    with pytest.raises(Refused) as caught:
        shop.told(OrderPaid(**ONCE), "43", "A1")
    assert caught.value.refusal.problem == "conflict"
    assert "another person" in caught.value.refusal.detail
    with pytest.raises(Refused):
        shop.told(OrderPaid(**ONCE), "44", "A1")  # and nobody new is registered for it
    with pytest.raises(KeyError):
        shop.person("44")


def test_an_order_without_a_reference_is_an_order_of_its_own(shop: Shop):
    """A shop's export may have no order number: equal lines are two orders."""
    one, two = shop.told(PLACED, "42"), shop.told(PLACED, "42")
    assert one.stream != two.stream
    (span,) = [s for k, s in shop.state("42").activity.items() if k.kind == "order.placed.v1"]
    assert span.n == 2


def test_what_follows_must_say_which_order(shop: Shop):
    shop.told(PLACED, "42", "A1")
    with pytest.raises(Refused, match="which order"):
        shop.told(OrderPaid(**ONCE), "42")
    with pytest.raises(Refused, match="never placed"):
        shop.told(OrderPaid(**ONCE), "42", "A2")
    wish = shop.wish(OrderPaid(**ONCE), "42")
    (outcome,) = shop.batch(type(wish)(wish.fact, wish.person, stream=uuid4()))
    assert isinstance(outcome, Refusal)
    assert outcome.problem == "not-found"


def test_the_same_reference_names_an_order_and_a_contract_apart(shop: Shop):
    placed = shop.told(PLACED, "42", "A1")
    started = shop.told(ContractStarted(**ONCE, type="service"), "42", "A1")
    assert placed.stream != started.stream


def test_in_a_batch_an_order_is_placed_paid_and_cancelled(shop: Shop):
    outcomes = shop.batch(
        shop.wish(OrderPaid(**ONCE), "42", "A1"),  # not yet
        shop.wish(PLACED, "42", "A1"),
        shop.wish(OrderPaid(**ONCE), thing="A1"),
        shop.wish(CANCELLED, thing="A1"),
        shop.wish(CANCELLED, thing="A1"),
        shop.wish(OrderPaid(**ONCE), "43", "A1"),  # not hers
    )
    accepted = [isinstance(outcome, Accepted) for outcome in outcomes]
    assert accepted == [False, True, True, True, False, False]
    assert shop.position() == 5


def test_each_invoice_and_each_card_proof_has_a_clock_of_its_own(shop: Shop):
    """SS-ORD-1, SS-CARD-1"""
    shop.told(PLACED, "42", "A1")
    for day in ("2024-01-31", "2024-02-29"):
        shop.told(OrderInvoiced(**on(day)), thing="A1")
        shop.told(OrderPaid(**on(day), last4="1234"), thing="A1")
    keys = shop.state("42").activity
    assert len({key.scope for key in keys if key.klass == "invoice"}) == 2
    assert len({key.scope for key in keys if key.klass == "card_proof"}) == 2


def test_a_payment_without_card_has_no_card_proof(shop: Shop):
    shop.told(PLACED, "42", "A1")
    shop.told(OrderPaid(**ONCE), thing="A1")
    assert not [key for key in shop.state("42").activity if key.klass == "card_proof"]


@pytest.mark.parametrize("fact", FOLLOWING, ids=lambda fact: fact.kind)
def test_what_is_done_to_an_order_later_is_no_activity_of_the_buyer(shop: Shop, fact: Fact):
    """SS-ACT-2: buying counts; invoicing, paying out or cancelling does not."""
    shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1")
    shop.told(replace(fact, **on("2023-05-02")), thing="A1")
    assert shop.kept_until("42", "order", "2024-01-01") == "2025-03-10"
