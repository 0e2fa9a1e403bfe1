"""Stories of a person: how she becomes known, what she does, what moves her clocks."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from ledger.aggregates import customer
from ledger.commands import Record, Reference
from ledger.errors import Refusal, Refused
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ContactedUs,
    CustomerRegistered,
    Fact,
    LoggedIn,
    OrderPlaced,
    ProfileRectified,
)
from ledger.handlers import Accepted, record
from tests.stories.facts_room import ONCE, Shop, given, on

REGISTERED = CustomerRegistered(**ONCE, klass="contact", origin="contact")
OPENED, CLOSED = AccountOpened(**ONCE), AccountClosed(**ONCE)


# --- decisions ----------------------------------------------------------------------------------


def test_a_person_is_registered_once():
    """SS-COL-1"""
    after = given(customer).when(REGISTERED).accepted()
    after.when(REGISTERED).refused()


def test_an_account_opens_when_it_is_closed_and_closes_when_it_is_open():
    """SS-RET-6, SS-CH-6"""
    given(customer, REGISTERED).when(CLOSED).refused("SS-CH-6")
    opened = given(customer, REGISTERED).when(OPENED).accepted()
    opened.when(OPENED).refused("SS-RET-6")
    closed = opened.when(CLOSED).accepted()
    closed.when(CLOSED).refused("SS-CH-6")
    closed.when(OPENED).accepted()


@pytest.mark.parametrize("history", [(), (REGISTERED,), (REGISTERED, OPENED, CLOSED)])
@pytest.mark.parametrize(
    "fact",
    [
        LoggedIn(**ONCE),
        ContactedUs(**ONCE, channel="letter"),
        ProfileRectified(**ONCE, changed=("name",)),
    ],
)
def test_what_happened_is_always_heard(history: tuple[Fact, ...], fact: Fact):
    """A login after closing, a letter before registering: not ours to refuse."""
    given(customer, *history).when(fact).accepted()


# --- becoming known -----------------------------------------------------------------------------


def test_an_unknown_reference_registers_a_person(shop: Shop):
    """SS-COL-1: she is known by the class through which she came."""
    outcome = shop.told(OrderPlaced(**on("2025-03-10")), "42", "A1")
    assert [written.position for written in outcome.written] == [2, 3]
    keys = shop.state("42").activity
    assert {(key.klass, key.kind) for key in keys} == {
        ("order", "customer.registered.v1"),
        ("order", "order.placed.v1"),
    }


def test_the_same_reference_twice_is_one_person(shop: Shop):
    first = shop.told(ContactedUs(**ONCE, channel="form"), "42")
    again = shop.told(OrderPlaced(**ONCE), "42", "A1")
    assert again.subject == first.subject
    assert len(again.written) == 1  # not registered again


def test_two_references_are_two_people_until_one_is_said_to_be_the_other(shop: Shop):
    one = shop.told(ContactedUs(**ONCE, channel="form"), "42")
    two = shop.told(ContactedUs(**ONCE, channel="form"), "43")
    assert one.subject != two.subject


def test_a_reference_is_read_without_its_outer_spaces_and_an_email_without_its_case(shop: Shop):
    people = {
        record(
            shop.ledger, Record(ContactedUs(**ONCE, channel="form"), Reference(kind, value))
        ).subject
        for kind, value in (
            ("email", "Ann@Example.org"),
            ("email", " ann@example.org "),
            ("email", "ANN@EXAMPLE.ORG"),
        )
    }
    assert len(people) == 1


def test_a_subject_nobody_heard_of_is_not_found(shop: Shop):
    with pytest.raises(Refused) as caught:
        shop.told(ContactedUs(**ONCE, channel="form"), uuid4())
    assert caught.value.refusal.problem == "not-found"


def test_a_fact_must_say_whom_it_concerns(shop: Shop):
    with pytest.raises(Refused) as caught:
        shop.told(ContactedUs(**ONCE, channel="form"))
    assert caught.value.refusal.problem == "malformed"
    assert "'subject' or 'person'" in caught.value.refusal.detail


def test_a_subject_and_a_reference_that_are_two_people_are_refused(shop: Shop):
    one = shop.told(ContactedUs(**ONCE, channel="form"), "42").subject
    shop.told(ContactedUs(**ONCE, channel="form"), "43")
    wish = shop.wish(replace(ContactedUs(**ONCE, channel="form"), subject=one), "43")
    (outcome,) = shop.batch(wish)
    assert isinstance(outcome, Refusal)
    assert outcome.problem == "conflict"


# --- batches ------------------------------------------------------------------------------------


def test_in_a_batch_each_wish_has_its_outcome_and_later_ones_see_the_earlier_ones(shop: Shop):
    outcomes = shop.batch(
        shop.wish(OPENED, "42"),  # registers her too
        shop.wish(OPENED, "42"),
        shop.wish(CLOSED, "42"),
        shop.wish(CLOSED, "42"),
        shop.wish(LoggedIn(**ONCE), "42"),
    )
    accepted = [isinstance(outcome, Accepted) for outcome in outcomes]
    assert accepted == [True, False, True, False, True]
    found = [
        [written.position for written in outcome.written]
        for outcome in outcomes
        if isinstance(outcome, Accepted)
    ]
    assert found == [[2, 3], [4], [5]]


def test_a_refused_wish_leaves_nothing_behind_in_its_batch(shop: Shop):
    """Neither the person it would have registered nor the reference to her."""
    outcomes = shop.batch(shop.wish(CLOSED, "42"), shop.wish(OrderPlaced(**ONCE), "42", "A1"))
    assert isinstance(outcomes[0], Refusal)
    assert isinstance(outcomes[1], Accepted)
    assert len(outcomes[1].written) == 2  # she is registered now, by the wish that was accepted
    assert shop.person("42") == outcomes[1].subject
    assert shop.told(LoggedIn(**ONCE), "42").subject == outcomes[1].subject


def test_a_thousand_wishes_with_three_bad_ones_lose_only_these(shop: Shop):
    wishes = [shop.wish(ContactedUs(**ONCE, channel="form"), f"{n % 300}") for n in range(1000)]
    for n in (0, 500, 999):
        wishes[n] = shop.wish(CLOSED, f"{n % 300}")
    outcomes = shop.batch(*wishes)
    assert [n for n, one in enumerate(outcomes) if isinstance(one, Refusal)] == [0, 500, 999]
    assert shop.position() == 1 + 997 + 300


# --- what moves a clock -------------------------------------------------------------------------


def client(shop: Shop) -> None:
    """She wrote in 2019, opened an account and bought in 2020."""
    shop.told(ContactedUs(**on("2019-01-05"), channel="form"), "42")
    shop.told(AccountOpened(**on("2020-02-01")), "42")
    shop.told(OrderPlaced(**on("2020-03-10")), "42", "A1")


def until(shop: Shop) -> dict[str, str | None]:
    return {k: shop.kept_until("42", k, "2024-06-01") for k in ("contact", "account", "order")}


BEFORE = {"contact": "2022-01-05", "account": "2025-03-10", "order": "2025-03-10"}


@pytest.mark.parametrize(
    ("fact", "moved"),
    [
        (LoggedIn(**on("2023-05-02")), {"account": "2028-05-02", "order": "2028-05-02"}),
        (
            LoggedIn(**on("2023-05-02"), ip="192.0.2.1"),
            {"account": "2028-05-02", "order": "2028-05-02"},
        ),
        (OrderPlaced(**on("2023-05-02")), {"account": "2028-05-02", "order": "2028-05-02"}),
        (ContactedUs(**on("2023-05-02"), channel="phone"), {"contact": "2026-05-02"}),
        (ProfileRectified(**on("2023-05-02"), changed=("name",), actor="agent"), {}),
        (AccountClosed(**on("2023-05-02")), {}),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_login_or_a_purchase_moves_a_clients_clocks_a_contact_only_its_own_an_edit_none(
    shop: Shop, fact: Fact, moved: dict[str, str]
):
    """SS-ACT-1, SS-ACT-2"""
    client(shop)
    assert until(shop) == BEFORE
    shop.told(fact, "42", "A2" if isinstance(fact, OrderPlaced) else None)
    assert until(shop) == BEFORE | moved


def test_an_import_of_somebody_known_moves_nothing(shop: Shop):
    """Registering her is not something she did (SS-ACT-1): the clock starts at what she did."""
    registered = CustomerRegistered(
        **on("2023-05-02"), actor="import", klass="contact", origin="import"
    )
    shop.told(registered, "42")
    assert shop.kept_until("42", "contact", "2024-06-01") == "2026-05-02"  # nothing else is known
    shop.told(ContactedUs(**on("2019-01-05"), actor="import", channel="form"), "42")
    assert shop.kept_until("42", "contact", "2024-06-01") == "2022-01-05"


def test_a_login_is_seen_from_the_day_it_happened_on(shop: Shop):
    client(shop)
    shop.told(LoggedIn(**on("2023-05-02")), "42")
    assert shop.kept_until("42", "order", "2023-05-01") == "2025-03-10"
    assert shop.kept_until("42", "order", "2023-05-02") == "2028-05-02"
