"""Stories of contracts: an interval during which the clocks of a client stand still."""

from __future__ import annotations

import pytest

from ledger.aggregates import contract
from ledger.errors import Refused
from ledger.events import (
    CONTRACTS,
    ContractAmended,
    ContractEnded,
    ContractRenewed,
    ContractStarted,
    Fact,
    OrderPlaced,
    RenewalNotified,
)
from ledger.handlers import Accepted
from tests.stories.facts_room import ONCE, Shop, given, on

STARTED, ENDED = ContractStarted(**ONCE, type="maintenance"), ContractEnded(**ONCE)
FOLLOWING: list[Fact] = [
    RenewalNotified(**ONCE),
    ContractRenewed(**ONCE),
    ContractAmended(**ONCE),
    ENDED,
]


@pytest.mark.parametrize("fact", FOLLOWING, ids=lambda fact: fact.kind)
def test_nothing_happens_to_a_contract_before_it_starts_or_after_it_ended(fact: Fact):
    """SS-ACT-2, SS-ACT-3"""
    given(contract).when(fact).refused("SS-ACT-2")
    given(contract, STARTED).when(fact).accepted()
    given(contract, STARTED, ENDED).when(fact).refused("SS-ACT-3")


def test_a_contract_starts_once():
    given(contract, STARTED).when(STARTED).refused("SS-ACT-2")
    given(contract, STARTED, ENDED).when(STARTED).refused("SS-ACT-2")


# --- through the ledger -------------------------------------------------------------------------


def buyer(shop: Shop) -> None:
    shop.told(OrderPlaced(**on("2018-03-10")), "42", "A1")


@pytest.mark.parametrize("type_", CONTRACTS)
def test_a_running_contract_suspends_the_clock_and_its_end_starts_it_again(shop: Shop, type_: str):
    """SS-ACT-2, SS-ACT-3: contract, maintenance, subscription or warranty."""
    buyer(shop)
    assert shop.kept_until("42", "order", "2025-01-01") == "2023-03-10"
    shop.told(ContractStarted(**on("2019-01-01"), type=type_), "42", "C1")
    for day in ("2019-01-01", "2022-06-15", "2025-01-01"):
        assert shop.kept_until("42", "order", day) is None
    found = shop.deadline("42", "order", "2025-01-01")
    assert found.tier_now == "operational"
    assert [one.position for one in found.suspended_by] == [4]
    shop.told(ContractEnded(**on("2025-06-30")), thing="C1")
    assert shop.kept_until("42", "order", "2025-06-29") is None
    assert shop.kept_until("42", "order", "2025-06-30") == "2030-06-30"


def test_the_planned_end_of_a_contract_ends_the_suspension_by_itself(shop: Shop):
    """SS-ACT-3"""
    buyer(shop)
    started = ContractStarted(**on("2019-01-01"), type="warranty", until=20201231)
    shop.told(started, "42", "C1")
    assert shop.kept_until("42", "order", "2020-12-31") is None
    assert shop.kept_until("42", "order", "2021-01-01") == "2025-12-31"


def test_a_tacit_renewal_keeps_the_clock_standing_still(shop: Shop):
    """SS-CARD-2"""
    buyer(shop)
    started = ContractStarted(**on("2019-01-01"), type="service", until=20201231, tacit=True)
    shop.told(started, "42", "C1")
    assert shop.kept_until("42", "order", "2025-01-01") is None
    shop.told(ContractAmended(**on("2024-02-01"), until=20241231, tacit=False), thing="C1")
    assert shop.kept_until("42", "order", "2024-12-31") is None
    assert shop.kept_until("42", "order", "2025-01-01") == "2029-12-31"


def test_a_renewal_moves_the_planned_end(shop: Shop):
    buyer(shop)
    started = ContractStarted(**on("2019-01-01"), type="service", until=20191231)
    shop.told(started, "42", "C1")
    shop.told(ContractRenewed(**on("2019-12-20"), until=20211231), thing="C1")
    assert shop.kept_until("42", "order", "2021-12-31") is None
    assert shop.kept_until("42", "order", "2022-01-01") == "2026-12-31"


def test_notice_of_a_renewal_changes_nothing(shop: Shop):
    buyer(shop)
    started = ContractStarted(**on("2019-01-01"), type="service", until=20191231)
    shop.told(started, "42", "C1")
    shop.told(RenewalNotified(**on("2019-11-01"), channel="email"), thing="C1")
    assert shop.kept_until("42", "order", "2020-01-01") == "2024-12-31"


def test_a_contract_of_somebody_else_suspends_nothing(shop: Shop):
    buyer(shop)
    shop.told(ContractStarted(**on("2019-01-01"), type="service"), "43", "C1")
    assert shop.kept_until("42", "order", "2025-01-01") == "2023-03-10"
    with pytest.raises(Refused):
        shop.told(ContractEnded(**on("2019-06-01")), "42", "C1")


def test_in_a_batch_a_contract_starts_and_ends(shop: Shop):
    outcomes = shop.batch(
        shop.wish(STARTED, "42", "C1"),
        shop.wish(ENDED, thing="C1"),
        shop.wish(FOLLOWING[1], thing="C1"),
    )
    assert [isinstance(one, Accepted) for one in outcomes] == [True, True, False]
