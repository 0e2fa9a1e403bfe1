"""Stories of erasure requests: what goes, what the law keeps, on which ground and until when."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.erasing.request import planned
from ledger.errors import NotFound
from ledger.events import (
    AccountOpened,
    ConsentGiven,
    ContactedUs,
    ContractStarted,
    HoldLifted,
    HoldPlaced,
    OrderInvoiced,
    OrderPlaced,
)
from ledger.policy.erasures import Outcome
from tests.stories.facts_room import Shop, on

TODAY = "2026-03-02T09:00:00Z"


@pytest.fixture
def shop() -> Any:
    """A ledger in memory."""
    made = Shop(TODAY)
    yield made
    made.closed()


def outcome(shop: Shop, reason: str = "request", **only: str) -> dict[str, Outcome]:
    return {one.klass: one for one in planned(shop.ledger, shop.person("42"), reason, **only)}


def test_a_prospect_is_erased_and_the_proof_of_her_choice_kept(shop: Shop):
    shop.told(ContactedUs(**on("2026-01-05"), channel="form"), "42")
    shop.told(ConsentGiven(**on("2026-01-05"), purpose="newsletter", channel="email"), "42")
    found = outcome(shop)
    assert not found["contact"].is_kept
    kept = found["consent"]
    assert (kept.why, kept.ground, kept.until) == ("proof", "GDPR art. 17(3)(e)", 20310105)


def test_an_invoice_is_kept_ten_years_whatever_is_asked(shop: Shop):
    shop.told(OrderPlaced(**on("2025-02-01")), "42", "o1")
    shop.told(OrderInvoiced(**on("2025-02-03")), "42", "o1")
    for reason in ("request", "order", "unlawful", "minor"):
        kept = outcome(shop, reason)["invoice"]
        assert (kept.why, kept.ground) == ("obligation", "GDPR art. 17(3)(b)")
        assert (kept.article, kept.until) == ("C. com. art. L123-22", 20350203)
    assert outcome(shop)["order"].why == "claims"
    assert not outcome(shop, "order")["order"].is_kept


def test_an_account_is_kept_for_claims_only_if_there_was_trade(shop: Shop):
    shop.told(AccountOpened(**on("2025-02-01")), "42")
    assert not outcome(shop)["account"].is_kept
    shop.told(OrderPlaced(**on("2025-02-01")), "42", "o1")
    assert outcome(shop)["account"].why == "claims"


def test_a_running_contract_keeps_what_it_needs(shop: Shop):
    shop.told(OrderPlaced(**on("2025-02-01")), "42", "o1")
    shop.told(ContractStarted(**on("2025-02-01"), type="service", until=20270201), "42", "c1")
    kept = outcome(shop)["order"]
    assert (kept.why, kept.until, kept.ground) == ("open_contract", None, "GDPR art. 6(1)(b)")


def test_a_hold_wins_over_everything_until_it_is_lifted(shop: Shop):
    shop.told(ContactedUs(**on("2026-01-05"), channel="form"), "42")
    hold = HoldPlaced(
        **on("2026-01-06"), article="GDPR art. 17(3)", classes=("contact",), review=20270106
    )
    stream = shop.told(hold, "42").stream
    for reason in ("request", "order", "unlawful"):
        kept = outcome(shop, reason)["contact"]
        assert (kept.why, kept.until, kept.article) == ("hold", 20270106, "GDPR art. 17(3)")
    lifted = shop.wish(HoldLifted(**on("2026-02-01")), shop.person("42"))
    assert stream is not None
    shop.batch(lifted.__class__(lifted.fact, stream=stream))
    assert not outcome(shop)["contact"].is_kept


def test_one_class_may_be_named_and_an_unknown_one_is_refused(shop: Shop):
    shop.told(ContactedUs(**on("2026-01-05"), channel="form"), "42")
    shop.told(OrderPlaced(**on("2025-02-01")), "42", "o1")
    assert set(outcome(shop, klass="contact")) == {"contact"}
    with pytest.raises(NotFound):
        outcome(shop, klass="survey")
