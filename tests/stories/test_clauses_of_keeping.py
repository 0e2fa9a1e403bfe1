"""What the policy says of keeping, told on a whole ledger: one sentence of it, one story."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from ledger.calendar import format_day, parse_as_of
from ledger.commands import Correct
from ledger.errors import BadData
from ledger.events import (
    AccountOpened,
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ContractEnded,
    ContractStarted,
    LoggedIn,
    MessageSent,
    ObjectionRaised,
    OrderInvoiced,
    OrderPlaced,
    PolicyPublished,
)
from ledger.fields import Money
from ledger.handlers import publish, record
from ledger.policy.book import shipped_bytes
from ledger.store import editions
from tests.stories.facts_room import Shop, on
from tests.stories.policy_room import toml
from tests.stories.test_permissions import KNOWN, given, told
from tests.stories.test_permissions import shop as history


@pytest.mark.clause("SS-ORD-1")
def test_an_invoice_outlives_the_account_and_the_order_on_its_own_ground(shop: Shop) -> None:
    shop.told(AccountOpened(**on("2010-03-01")), "C-1")
    shop.told(OrderPlaced(**on("2010-03-10"), amount=Money(4900, "EUR")), "C-1", "O-1")
    shop.told(OrderInvoiced(**on("2010-03-11"), amount=Money(4900, "EUR")), "C-1", "O-1")
    invoice = shop.deadline("C-1", "invoice", "2016-01-01")
    order = shop.deadline("C-1", "order", "2016-01-01")
    account = shop.deadline("C-1", "account", "2016-01-01")
    assert (invoice.clause, invoice.archive_article) == ("SS-ORD-1", "C. com. art. L123-22")
    assert format_day(invoice.archive_until or 0) == "2020-03-11"
    assert (order.is_past, account.is_past) == (True, True)
    assert {order.archive_article, account.archive_article} == {"C. com. art. L110-4"}


@pytest.mark.clause("SS-PERS-2")
def test_what_was_bought_may_suggest_until_she_objects_and_what_was_looked_at_only_with_consent():
    at = "2020-05-04T10:00:00+02:00"
    silent = history(KNOWN)
    bought = silent.may("reco_purchase", "", at)
    looked = silent.may("reco_browsing", "", at)
    assert (looked.allowed, looked.clause) == (False, "SS-PERS-2")
    agreed = history(KNOWN, given("2020-01-05", purpose="reco_browsing", channel=None))
    assert agreed.may("reco_browsing", "", at).allowed
    assert agreed.may("reco_purchase", "", at).allowed is bought.allowed
    no = told("objection.raised", "2020-02-01", purpose="reco_purchase")
    objected = history(KNOWN, no)
    assert objected.may("reco_purchase", "", at).allowed is False
    assert objected.may("reco_purchase", "", at).reasons[0] == "objected"


@pytest.mark.clause("SS-SEC-1")
def test_the_address_of_a_login_dies_a_year_later_day_by_day_and_the_login_itself_does_not(
    shop: Shop,
) -> None:
    for day in ("2024-02-29", "2024-06-01"):
        shop.told(LoggedIn(**on(day), ip="192.0.2.1", user_agent="Lynx"), "C-1")
    logs = shop.deadlines("C-1", "security_log", "2025-03-01")
    assert sorted(format_day(log.operational_until or 0) for log in logs) == [
        *("2025-02-28", "2025-06-01")
    ]
    assert [log.is_past for log in sorted(logs, key=lambda log: log.operational_until or 0)] == [
        *(True, False)
    ]
    assert shop.kept_until("C-1", "account", "2025-03-01") == "2029-06-01"


@pytest.mark.clause("SS-RET-1", "SS-RET-5", "SS-RET-6")
def test_a_client_is_kept_five_years_after_what_she_did_last_and_not_a_day_more(shop: Shop) -> None:
    shop.told(OrderPlaced(**on("2012-02-29")), "C-1")
    shop.told(MessageSent(**on("2014-01-01"), purpose="service_message", channel="email"), "C-1")
    assert shop.kept_until("C-1", "order", "2017-02-28") == "2017-02-28"
    assert not shop.deadline("C-1", "order", "2017-02-28").is_past
    assert shop.deadline("C-1", "order", "2017-03-01").is_past
    shop.told(LoggedIn(**on("2017-02-28")), "C-1")
    assert shop.kept_until("C-1", "order", "2017-03-01") == "2022-02-28"


@pytest.mark.clause("SS-RET-4")
def test_whoever_wrote_to_us_is_kept_thirty_six_months_after_she_last_did_and_never_archived(
    shop: Shop,
) -> None:
    shop.told(ContactedUs(**on("2020-08-31"), channel="form", text="Bonjour"), "P-1")
    shop.told(ContactedUs(**on("2021-01-31"), channel="email"), "P-1")
    shop.told(MessageSent(**on("2022-06-01"), purpose="service_message", channel="email"), "P-1")
    found = shop.deadline("P-1", "contact", "2024-02-01")
    assert format_day(found.operational_until or 0) == "2024-01-31"
    assert (found.is_past, found.archive_until, found.clause) == (True, None, "SS-RET-4")


@pytest.mark.clause("SS-ACT-3")
def test_the_end_of_a_contract_counts_as_planned_until_another_day_is_known(shop: Shop) -> None:
    started = ContractStarted(**on("2019-01-10"), type="maintenance", until=20200109, tacit=False)
    shop.told(OrderPlaced(**on("2019-01-10")), "C-1")
    shop.told(started, "C-1", "M-1")
    assert shop.kept_until("C-1", "order", "2019-06-01") is None  # it runs: the clock stands still
    assert shop.kept_until("C-1", "order", "2021-01-01") == "2025-01-09"
    ended = shop.told(ContractEnded(**on("2020-05-31"), reason="term"), "C-1", "M-1")
    assert shop.kept_until("C-1", "order", "2021-01-01") == "2025-05-31"
    record(
        shop.ledger, Correct(ended.position, occurred=ContractEnded(**on("2020-04-30")).occurred)
    )
    assert shop.kept_until("C-1", "order", "2021-01-01") == "2025-04-30"


@pytest.mark.clause("SS-POL-1", "SS-POL-2")
def test_each_edition_stands_byte_for_byte_with_the_day_it_takes_effect(shop: Shop) -> None:
    shorter = toml("2026-03-01", {"account": 24})
    publish(shop.ledger, shorter)
    book = shop.ledger.book(shop.ledger.epoch())
    assert [entry.edition.number for entry in book.entries] == [20181120, 20260301]
    with shop.ledger.database.read() as connection:
        for content, entry in zip((shipped_bytes(), shorter), book.entries, strict=True):
            kept = editions.document(connection, sha256(content).digest())
            assert kept is not None
            assert kept.content == content
            assert entry.edition.pol == sha256(content).hexdigest()
    for day, number in (("2026-02-28", 20181120), ("2026-03-01", 20260301)):
        in_force = book.in_force(int(day.replace("-", "")), None)
        assert in_force is not None
        assert in_force.number == number
    first = shop.ledger.recorder.select_notifications(1, 1)[0]
    assert first.topic == PolicyPublished.kind
    with pytest.raises(BadData):
        publish(shop.ledger, shorter + b"\n[nonsense]\n")


@pytest.mark.clause("SS-LB-2", "SS-CH-2")
def test_a_choice_is_heard_over_every_channel_and_the_last_one_counts(shop: Shop) -> None:
    choice: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
    shop.told(ConsentGiven(**on("2020-01-01"), **choice, grade="proved"), "C-1")
    shop.told(ConsentWithdrawn(**on("2021-01-01"), **choice, actor="agent"), "C-1")
    assert shop.choice("C-1", "newsletter", "email").state == "ConsentWithdrawn"
    shop.told(ObjectionRaised(**on("2021-02-01"), **choice), "C-1")
    assert shop.choice("C-1", "newsletter", "email").reason == "objected"
    assert parse_as_of("2021-02-01") > parse_as_of("2021-01-01")
