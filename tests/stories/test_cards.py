"""Stories of how long a card's digits stay: each proof its own days, the wallet its first end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.answers import Times, subject_answer
from ledger import calendar as cal
from ledger.commands import Correct
from ledger.erasing.erase import erase_scopes
from ledger.errors import Refusal
from ledger.events import (
    CardKept,
    CardRebound,
    CardRemovalRequested,
    CardRemoved,
    CardSettled,
    ConsentGiven,
    ConsentWithdrawn,
    ContractEnded,
    ContractStarted,
    Fact,
    OrderPaid,
    OrderPlaced,
)
from ledger.policy.cards import CardItem, cards, explain
from ledger.policy.holds import fate_of_card
from ledger.retention.judging import terms
from ledger.store import reader, states
from ledger.store.vault import Scope
from replay.fold import effective, fold_subject
from tests.stories.facts_room import Shop, on

TODAY = "2028-06-30T09:00:00Z"
DIGITS: dict[str, Any] = {"psp_id": "pm_1Nx", "bin6": "497010", "last4": "1234"}


@pytest.fixture
def shop() -> Any:
    """A ledger in memory, late enough for terms to end."""
    made = Shop(TODAY)
    yield made
    made.closed()


def held(shop: Shop, as_of: str, who: str = "42") -> list[CardItem]:
    """Every card item of a person that day; each can be said in both languages."""
    day = cal.parse_as_of(as_of)
    subject = shop.person(who)
    with shop.ledger.database.read() as connection:
        rows = states.rows_of(connection, subject)
        facts: dict[int, Fact] = {}
        for row in rows:
            found = reader.event_at(connection, row.position)
            assert found is not None
            facts[row.position] = found.fact
    book = shop.ledger.book(shop.ledger.epoch())
    items = cards(fold_subject(rows, day), effective(rows), facts, book, day)
    for item in items:
        assert item.rests_on
        assert item.would_change
        for lang in ("fr", "en"):
            assert not [x for x in explain(item, lang) if "{" in x or "None" in x]
    return items


def only(shop: Shop, as_of: str) -> CardItem:
    """The one card of the person that day."""
    (card,) = [item for item in held(shop, as_of) if item.klass == "card"]
    return card


def pay(shop: Shop, day: str, order: str) -> None:
    shop.told(OrderPlaced(**on(day)), "42", order)
    shop.told(OrderPaid(**on(day), **DIGITS), "42", order)


@pytest.mark.clause("SS-CARD-1", "SS-PAY-1")
def test_card_proofs_of_a_monthly_buyer_die_one_by_one_without_touching_the_younger_ones(shop):
    days = [f"2025-{month:02d}-28" for month in range(1, 13)]
    for number, day in enumerate(days):
        pay(shop, day, f"O{number}")
    ends = [cal.add_months(cal.parse_day(day), 15) for day in days]
    for dead, end in enumerate(ends):
        for then, gone in ((end, dead), (cal.add_days(end, 1), dead + 1)):
            items = sorted(held(shop, cal.format_day(then)), key=lambda item: item.until or 0)
            assert [item.until for item in items] == ends  # no payment moved another's day
            assert [item.status for item in items] == (
                ["to_be_removed"] * gone + ["kept"] * (12 - gone)
            )
    first = min(held(shop, "2026-01-01"), key=lambda item: item.until or 0)
    assert (first.until, first.flips_on, first.why) == (20260428, 20260429, "payment")
    assert (first.rule, first.clause, first.article) == (
        *("RET-card_proof", "SS-CARD-1"),
        "CMF art. L133-24",
    )


@pytest.mark.clause("SS-CARD-1")
def test_a_proof_that_was_erased_is_gone_and_is_due_no_more(shop, tmp_path):
    """Also as it was before: then it was there. One that is paid later is another."""
    pay(shop, "2027-01-28", "O1")
    (proof,) = held(shop, "2028-06-30")
    assert proof.status == "to_be_removed"
    subject = shop.person("42")
    gone = [Scope(subject, proof.klass, proof.item)]
    erase_scopes(shop.ledger, gone, journal=tmp_path / "journal", reason="request")
    (erased,) = held(shop, "2028-06-30")
    assert (erased.status, erased.removed_on) == ("removed", 20280630)
    assert held(shop, "2028-06-29") == [proof]
    (told,) = [
        one
        for one in subject_answer(shop.ledger, subject, Times(), "en")["deadlines"]
        if one["class"] == proof.klass
    ]
    assert told["tier"] == "erased"
    assert "erased" in told["explanation"][0]
    shop.told(OrderPlaced(**on("2028-06-30")), "42", "O2")
    shop.told(OrderPaid(**on("2028-06-30"), **DIGITS), "42", "O2")
    assert sorted(one.status for one in held(shop, "2028-06-30")) == ["kept", "removed"]


@pytest.mark.clause("SS-CARD-1")
def test_a_payment_that_was_corrected_ends_as_it_should_have_been_told(shop):
    """Whoever judges her reads the corrections with her payments."""
    shop.told(OrderPlaced(**on("2027-04-20")), "42", "O1")
    paid = shop.told(OrderPaid(**on("2027-04-28"), **DIGITS), "42", "O1").written[-1]
    subject = shop.person("42")

    def until() -> str:
        answer = subject_answer(shop.ledger, subject, Times(), "en", "card_proof")
        now, book = shop.clock.now(), shop.ledger.book(shop.ledger.epoch())
        _, judged = terms(shop.ledger, book, subject, now)
        (said,), (found,) = answer["deadlines"], [d for d in judged if d.klass == "card_proof"]
        assert found.operational_until == cal.parse_day(said["operational_until"])
        return str(said["operational_until"])

    assert until() == "2028-07-28"
    moved = cal.moment_of_day(20270430)
    (done,) = shop.batch(Correct(paid.position, {}, moved))
    assert not isinstance(done, Refusal)
    assert until() == "2028-07-30"


@pytest.mark.clause("SS-CARD-1")
def test_a_proof_kept_on_file_runs_from_its_debit_and_a_removal_request_does_not_shorten_it(shop):
    shop.told(CardKept(**on("2025-01-10"), ground="proof", **DIGITS), "42", "C1")
    assert (only(shop, "2025-01-10").why, only(shop, "2025-01-10").until) == ("payment", 20260410)
    shop.told(CardSettled(**on("2025-01-12"), debit=20250131), thing="C1")
    shop.told(CardRemovalRequested(**on("2025-02-01"), channel="email"), thing="C1")
    card = only(shop, "2025-03-01")
    assert (card.why, card.until, card.status) == ("debit", 20260430, "kept")


def subscribe(shop: Shop, until: int | None = None, *, tacit: bool = True) -> UUID:
    """A subscription from January 2025, and the card that pays for it."""
    start = ContractStarted(**on("2025-01-01"), type="subscription", until=until, tacit=tacit)
    contract = shop.told(start, "42", "S1").stream
    kept = CardKept(**on("2025-01-01"), ground="subscription", contract=contract, **DIGITS)
    shop.told(kept, "42", "C1")
    return contract


@pytest.mark.clause("SS-CARD-2")
def test_a_subscription_keeps_its_card_while_it_runs_then_as_the_proof_of_the_last_debit(shop):
    subscribe(shop)
    for month in range(1, 7):
        shop.told(CardSettled(**on(f"2025-{month:02d}-05")), thing="C1")
    running = only(shop, "2025-06-30")
    assert (running.why, running.until, running.flips_on) == ("contract_runs", None, None)
    assert running.clause == "SS-CARD-2"
    shop.told(ContractEnded(**on("2025-06-30")), thing="S1")
    ended = only(shop, "2025-07-01")
    assert (ended.why, ended.until, ended.clause) == ("contract_ended", 20260905, "SS-CARD-1")
    assert only(shop, "2026-09-05").status == "kept"
    assert only(shop, "2026-09-06").status == "to_be_removed"


@pytest.mark.clause("SS-CARD-2")
def test_a_planned_end_that_renews_nothing_ends_the_subscription_by_the_calendar(shop):
    subscribe(shop, 20250331, tacit=False)
    assert only(shop, "2025-03-31").flips_on == 20250401
    ended = only(shop, "2025-04-01")  # nothing was ever debited: nothing is left to prove
    assert (ended.why, ended.until, ended.status) == ("contract_ended", 20250331, "to_be_removed")


@pytest.mark.clause("SS-CARD-2", "SS-CARD-4")
def test_a_subscriber_who_wants_the_card_gone_leaves_the_proof_only(shop):
    subscribe(shop)
    shop.told(CardSettled(**on("2025-02-05")), thing="C1")
    shop.told(CardRemovalRequested(**on("2025-02-20"), channel="account"), thing="C1")
    card = only(shop, "2025-02-21")
    assert (card.why, card.until, card.status) == ("removal_asked", 20260505, "kept")


@pytest.mark.clause("SS-CARD-2")
def test_a_card_outlives_no_contract_and_no_proof_it_has_left(shop):
    subscribe(shop)
    shop.told(CardSettled(**on("2025-02-05")), thing="C1")
    shop.told(ContractEnded(**on("2026-12-31")), thing="S1")
    shop.told(CardRemovalRequested(**on("2027-01-15"), channel="account"), thing="C1")
    late = only(shop, "2027-01-16")  # the proof of the last debit ended before the contract
    assert (late.why, late.until, late.status) == ("contract_ended", 20261231, "to_be_removed")


@pytest.mark.clause("SS-CARD-2")
def test_a_card_bound_otherwise_is_kept_on_its_new_ground(shop):
    contract = subscribe(shop)
    shop.told(CardRebound(**on("2025-03-01"), ground="wallet", expiry=20261231), thing="C1")
    shop.told(ConsentGiven(**on("2025-03-01"), purpose="wallet", grade="proved"), "42")
    assert (only(shop, "2025-02-28").ground, only(shop, "2025-03-01").ground) == (
        *("subscription", "wallet"),
    )
    back = CardRebound(**on("2025-04-01"), ground="subscription", contract=contract)
    shop.told(back, thing="C1")
    assert only(shop, "2025-04-01").why == "contract_runs"


def in_wallet(shop: Shop, *, consent: bool = True) -> None:
    """A card in the wallet since June 2025, valid until March 2026."""
    if consent:
        shop.told(ConsentGiven(**on("2025-06-01"), purpose="wallet", grade="proved"), "42")
    kept = CardKept(**on("2025-06-01"), ground="wallet", expiry=20260331, **DIGITS)
    shop.told(kept, "42", "C1")


@pytest.mark.clause("SS-CARD-3")
def test_a_card_leaves_the_wallet_when_its_month_ends(shop):
    in_wallet(shop)
    card = only(shop, "2026-03-31")
    assert (card.why, card.until, card.status) == ("valid", 20260331, "kept")
    assert (card.clause, card.flips_on, card.flags) == ("SS-CARD-3", 20260401, ())
    assert only(shop, "2026-04-01").status == "to_be_removed"


@pytest.mark.clause("SS-CARD-3", "SS-LB-2")
def test_a_card_leaves_the_wallet_with_the_consent_and_never_had_a_ground_without_one(shop):
    in_wallet(shop)
    shop.told(ConsentWithdrawn(**on("2025-09-10"), purpose="wallet"), "42")
    assert only(shop, "2025-09-09").until == 20260331
    gone = only(shop, "2025-09-10")
    assert (gone.why, gone.until, gone.status) == ("consent_stopped", 20250910, "to_be_removed")
    other = Shop(TODAY)
    in_wallet(other, consent=False)
    never = only(other, "2025-06-01")
    assert (never.why, never.status) == ("no_consent", "to_be_removed")
    other.closed()


@pytest.mark.clause("SS-CARD-4")
def test_a_card_leaves_the_wallet_on_request_and_the_provider_says_so(shop):
    in_wallet(shop)
    shop.told(CardRemovalRequested(**on("2025-07-01"), channel="letter"), thing="C1")
    shop.told(CardRemoved(**on("2025-07-03"), psp_ack=True), thing="C1")
    asked = only(shop, "2025-07-01")
    assert (asked.why, asked.until, asked.status) == ("removal_asked", 20250701, "to_be_removed")
    gone = only(shop, "2025-07-03")
    assert (gone.status, gone.removed_on, gone.psp_acknowledged) == ("removed", 20250703, True)
    assert gone.flips_on is None


@pytest.mark.clause("SS-CARD-3")
def test_the_earliest_of_the_three_ends_counts(shop):
    in_wallet(shop)
    shop.told(CardRemovalRequested(**on("2025-12-01"), channel="form"), thing="C1")
    shop.told(ConsentWithdrawn(**on("2025-11-01"), purpose="wallet"), "42")
    assert only(shop, "2026-05-01").until == 20251101


@pytest.mark.clause("SS-RET-3")
def test_a_wallet_that_outlives_the_term_of_its_class_says_so(shop):
    shop.told(ConsentGiven(**on("2025-06-01"), purpose="wallet", grade="proved"), "42")
    shop.told(CardKept(**on("2025-06-01"), ground="wallet", expiry=20380331, **DIGITS), "42", "C1")
    assert only(shop, "2025-06-02").flags == ("class_term_sooner",)


@pytest.mark.clause("SS-CARD-1", "SS-CARD-3")
def test_a_card_has_one_deadline_whoever_asks(shop):
    """The deadline, the item and its fate say the same day, and the answer says why."""
    shop.told(ConsentGiven(**on("2025-06-01"), purpose="wallet", grade="proved"), "42")
    shop.told(CardKept(**on("2025-06-01"), ground="wallet", expiry=20280331, **DIGITS), "42", "C1")
    subject = shop.person("42")
    for day, until in (("2025-07-01", "2028-03-31"), ("2028-04-01", "2028-03-31")):
        times = Times(cal.parse_as_of(day))
        answer = subject_answer(shop.ledger, subject, times, "en", "card")
        (found,) = answer["deadlines"]
        assert (found["operational_until"], found["clause"]) == (until, "SS-CARD-3")
        assert "ends_by_its_own_facts" in found["flags"]
        assert found["tier"] == ("operational" if day < "2028" else "past_operational")
        assert any("2028" in line for line in found["explanation"])
        item = only(shop, day)
        assert cal.format_day(item.until or 0) == until
        assert fate_of_card(item, []).due == ("nothing" if day < "2028" else "erase")
