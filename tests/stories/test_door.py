"""Stories of the door: what no ledger accepts, whatever happened before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger import calendar as cal
from ledger.aggregates import door
from ledger.commands import Record, Reference
from ledger.errors import Refused
from ledger.events import (
    ACTORS,
    CardSettled,
    ConsentGiven,
    ContactedUs,
    ContractStarted,
    Fact,
    MessageSent,
    ObjectionAssessed,
    ObjectionRaised,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    PolicyPublished,
)
from ledger.fields import Money
from ledger.policy.book import shipped
from tests.stories.facts_room import ONCE, TODAY, Shop, on

EDITION = shipped()
NOW = cal.parse_instant(TODAY)


def problem(fact: Fact) -> str | None:
    """Why the door refuses a fact, or None."""
    refusal = door.refuse(fact, NOW, EDITION) or door.refuse_choice(fact, EDITION)
    return refusal.problem if refusal else None


@pytest.mark.parametrize(
    ("occurred", "expected"),
    [
        ("1912-01-01", None),
        ("2026-01-05", None),  # today, known to the day
        ("2026-01-05T09:00:00Z", None),
        ("2026-01-05T09:05:00Z", None),  # clocks differ
        ("2026-01-05T09:05:00.000001Z", "future"),
        ("2026-01-06", "future"),
        ("2031-01-01", "future"),
    ],
)
def test_only_what_happened_can_be_recorded(occurred: str, expected: str | None):
    assert problem(OrderPlaced(**on(occurred))) == expected


def test_a_planned_end_may_be_in_the_future():
    assert problem(ContractStarted(**ONCE, type="service", until=20400101)) is None


@pytest.mark.parametrize(
    ("fact", "expected"),
    [
        (OrderPlaced(**ONCE, amount=Money(-1, "EUR")), "amount"),
        (OrderPlaced(**ONCE, amount=Money(1, "EUR"), quantity=-2), "quantity"),
        (OrderPaid(**ONCE, amount=Money(-990, "EUR")), "amount"),
        (OrderRefunded(**ONCE, amount=Money(-990, "EUR")), "amount"),
        (ContractStarted(**ONCE, type="service", amount=Money(-1, "EUR")), "amount"),
        (CardSettled(**ONCE, amount=Money(-1, "EUR")), "amount"),
        (OrderPlaced(**ONCE, amount=Money(0, "EUR"), quantity=0), None),  # a gift is an order
        (OrderInvoiced(**ONCE, amount=Money(-990, "EUR")), None),  # a credit note
    ],
)
def test_nobody_buys_for_less_than_nothing(fact: Fact, expected: str | None):
    """It would be an activity that never was. The controls do not ask it of history: `refuse`
    does, `refuse_declared` does not."""
    refusal = door.refuse(fact, NOW, EDITION)
    assert (refusal and (refusal.problem, refusal.field)) == (expected and ("malformed", expected))
    assert door.refuse_declared(fact, EDITION) is None


@pytest.mark.parametrize("actor", [*ACTORS, "Ann", ""])
def test_whoever_told_us_is_one_of_four(actor: str):
    fact = replace(OrderPlaced(**ONCE), actor=actor)
    assert problem(fact) == (None if actor in ACTORS else "malformed")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"purpose": "newsletter", "channel": "email"}, None),
        ({"purpose": "newsletter", "channel": "fax"}, "channel-undeclared"),
        ({"purpose": "newsletter"}, "channel-required"),
        ({"purpose": "astrology", "channel": "email"}, "purpose-undeclared"),
        ({"purpose": "wallet"}, None),
        ({"purpose": "wallet", "channel": "email"}, None),
    ],
)
def test_a_choice_is_about_a_declared_purpose_and_channel(
    choice: dict[str, Any], expected: str | None
):
    """SS-CTL-2, RGPD art. 5(1)(b)"""
    assert problem(ConsentGiven(**ONCE, **choice)) == expected


def test_a_message_has_a_declared_purpose_too():
    """SS-CTL-2"""
    sent = MessageSent(**ONCE, purpose="astrology", channel="email")
    assert problem(sent) == "purpose-undeclared"


@pytest.mark.parametrize(
    "name", [n for n, p in EDITION.purposes.items() if p.basis in ("contract", "legal_obligation")]
)
def test_what_rests_on_a_contract_or_a_law_is_not_a_choice(name: str):
    """SS-LB-1, RGPD art. 7(4)"""
    channels = EDITION.purposes[name].channels
    channel = channels[0] if channels else None
    assert problem(ConsentGiven(**ONCE, purpose=name, channel=channel)) == "not-a-choice"


@pytest.mark.parametrize("name", [n for n, p in EDITION.purposes.items() if p.marketing])
def test_an_objection_to_marketing_is_never_weighed(name: str):
    """SS-LB-3, RGPD art. 21(3)"""
    channels = EDITION.purposes[name].channels
    about: dict[str, Any] = {"purpose": name, "channel": channels[0] if channels else None}
    assert problem(ObjectionRaised(**ONCE, **about)) is None
    assert problem(ObjectionAssessed(**ONCE, **about, decision="overridden")) == "objected"


def test_an_objection_outside_marketing_can_be_weighed():
    """RGPD art. 21(1)"""
    assert problem(ObjectionAssessed(**ONCE, purpose="audience", decision="overridden")) is None


def test_every_refusal_names_a_field_a_rule_and_no_value():
    for fact in (
        ConsentGiven(**ONCE, purpose="astrology", channel="email"),
        ConsentGiven(**ONCE, purpose="newsletter", channel="pigeon"),
        ConsentGiven(**ONCE, purpose="newsletter"),
        ConsentGiven(**ONCE, purpose="account"),
        ObjectionAssessed(**ONCE, purpose="newsletter", channel="email", decision="upheld"),
    ):
        refusal = door.refuse(fact, NOW, EDITION) or door.refuse_choice(fact, EDITION)
        assert refusal is not None
        assert refusal.clause in EDITION.clauses
        assert refusal.article
        assert "astrology" not in refusal.detail
        assert "pigeon" not in refusal.detail


# --- through the ledger -------------------------------------------------------------------------


def test_an_edition_is_not_published_like_any_other_fact(shop: Shop):
    fact = PolicyPublished(**ONCE, edition=20300101, document="x" * 43)
    with pytest.raises(Refused, match="recorded by a command"):
        shop.told(fact, "42")


def test_a_refused_wish_writes_nothing_at_all(shop: Shop):
    for fact in (
        replace(ContactedUs(**ONCE, channel="form"), actor="Ann"),
        ContactedUs(**on("2031-01-01"), channel="form", text="hello"),
        ConsentGiven(**ONCE, purpose="astrology"),
    ):
        with pytest.raises(Refused):
            shop.told(fact, "42")
        assert shop.position() == 1
    with pytest.raises(KeyError):
        shop.person("42")


@pytest.mark.parametrize(
    "kind", ["", "ann@example.org", "Shop", "a b", "é", "a\x00", "\ud800", "x" * 99]
)
def test_a_kind_of_reference_is_a_code(shop: Shop, kind: str):
    """It rests in clear: a caller who mixes up kind and value must not leave an address there."""
    call = ContactedUs(**ONCE, channel="form")
    fine = shop.wish(call, "42")
    for wrong in (
        Record(call, Reference(kind, "42")),
        Record(OrderPlaced(**ONCE), Reference("shop", "42"), thing=Reference(kind, "A1")),
    ):
        outcomes = shop.batch(fine, wrong, fine)
        assert [hasattr(one, "written") for one in outcomes] == [True, False, True]
        assert getattr(outcomes[1], "problem", None) == "malformed"


@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_an_empty_reference_names_nobody(shop: Shop, value: str):
    """Else all lines without a customer number would be one person."""
    call = ContactedUs(**ONCE, channel="form")
    fine = shop.wish(call, "42")
    outcomes = shop.batch(fine, Record(call, Reference("shop", value)), fine)
    assert [hasattr(one, "written") for one in outcomes] == [True, False, True]


@pytest.mark.parametrize(
    "fact",
    [
        OrderPlaced(**ONCE, quantity=1.5),  # type: ignore[arg-type]
        OrderPlaced(**ONCE, quantity=2**60),
        ContactedUs(**ONCE, channel="a weird channel !"),
        ContactedUs(**ONCE, channel="form", text="x" * 100_000),
        ContactedUs(**ONCE, channel="form", text="\ud800"),
        OrderPlaced(occurred=cal.Moment(-(10**18), "instant", 19000101)),
    ],
)
def test_a_fact_that_could_not_be_written_or_read_again_is_refused_alone(shop: Shop, fact: Fact):
    fine = shop.wish(ContactedUs(**ONCE, channel="form"), "42")
    outcomes = shop.batch(fine, shop.wish(fact, "43"), fine)
    assert [hasattr(one, "written") for one in outcomes] == [True, False, True]
    shop.told(ContactedUs(**ONCE, channel="form"), "43")  # her stream is alive
