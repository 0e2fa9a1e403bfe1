"""Stories of cards: kept on a ground, removed when the person says so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from ledger.aggregates import card
from ledger.errors import BadData, Refused
from ledger.events import (
    CardKept,
    CardRebound,
    CardRemovalRequested,
    CardRemoved,
    CardSettled,
    build,
)
from tests.stories.facts_room import ONCE, Shop, given, on

DIGITS: dict[str, Any] = {"psp_id": "pm_1Nx", "bin6": "497010", "last4": "1234"}
PROOF = CardKept(**ONCE, ground="proof", **DIGITS)
WALLET = CardKept(**ONCE, ground="wallet", expiry=20270331)
ASKED = CardRemovalRequested(**ONCE, channel="account")
REMOVED = CardRemoved(**ONCE, psp_ack=True, psp_reference="ack-7")


@pytest.mark.clause("SS-PAY-1")
def test_a_card_is_kept_once_and_nothing_happens_to_a_card_that_never_was():
    given(card, WALLET).when(WALLET).refused("SS-PAY-1")
    for fact in (ASKED, REMOVED, CardSettled(**ONCE), CardRebound(**ONCE, ground="proof")):
        given(card).when(fact).refused("SS-PAY-1")


@pytest.mark.clause("SS-CARD-4")
def test_a_card_is_removed_after_it_was_kept_and_nothing_follows():
    removed = given(card, WALLET).when(ASKED).accepted().when(REMOVED).accepted()
    for fact in (ASKED, REMOVED, CardSettled(**ONCE)):
        removed.when(fact).refused("SS-CARD-4")


@pytest.mark.clause("SS-CARD-4")
def test_a_card_the_person_wants_gone_serves_nothing_new_but_what_was_debited_is_heard():
    asked = given(card, WALLET, ASKED)
    asked.when(CardRebound(**ONCE, ground="proof")).refused("SS-CARD-4")
    asked.when(CardSettled(**ONCE)).accepted()


@pytest.mark.clause("SS-CARD-3")
def test_a_card_of_the_wallet_states_its_last_month(shop: Shop):
    with pytest.raises(Refused, match="'expiry' is required") as caught:
        shop.told(replace(WALLET, expiry=None), "42", "C1")
    assert caught.value.refusal.clause == "SS-CARD-3"
    shop.told(WALLET, "42", "C1")


@pytest.mark.clause("SS-CARD-3")
@pytest.mark.parametrize(("month", "last"), [("2027-03", 20270331), ("2028-02", 20280229)])
def test_the_last_month_of_a_card_is_held_as_its_last_day(month: str, last: int):
    given_month = {"ground": "wallet", "expiry": month}
    assert build(CardKept, ONCE, given_month).expiry == last
    with pytest.raises(BadData, match="must be a month"):
        build(CardKept, ONCE, given_month | {"expiry": "2027-03-31"})


@pytest.mark.clause("SS-CARD-2")
def test_the_card_of_a_subscription_names_its_contract(shop: Shop):
    bound = CardKept(**ONCE, ground="subscription")
    with pytest.raises(Refused, match="'contract' is required"):
        shop.told(bound, "42", "C1")
    shop.told(replace(bound, contract=uuid4()), "42", "C1")
    with pytest.raises(Refused, match="'contract' is required"):
        shop.told(CardRebound(**ONCE, ground="subscription"), thing="C1")


@pytest.mark.clause("SS-CARD-1")
def test_each_card_has_a_clock_of_its_own_that_its_last_debit_moves(shop: Shop):
    first = shop.told(replace(PROOF, **on("2024-01-31")), "42", "C1")
    second = shop.told(replace(PROOF, **on("2024-01-31")), "42", "C2")
    shop.told(CardSettled(**on("2024-11-30"), debit=20241130), thing="C2")
    keys = {key.scope: key for key in shop.state("42").activity if key.klass == "card"}
    assert set(keys) == {str(first.stream), str(second.stream)}
    bounds = {d.scope: d.operational_until for d in shop.deadlines("42", "card", "2025-01-01")}
    assert bounds == {str(first.stream): 20340131, str(second.stream): 20341130}


@pytest.mark.clause("SS-PAY-1", "SS-ACT-2")
def test_keeping_a_card_is_no_activity_of_the_client(shop: Shop):
    shop.told(replace(PROOF, **on("2020-03-10")), "42", "C1")
    shop.told(CardSettled(**on("2023-03-10")), thing="C1")
    assert shop.kept_until("42", "order", "2024-01-01") == "2025-03-10"
