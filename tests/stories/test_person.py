"""Stories of a person's rights and situations: restricted, dead, under age; comments; our reads."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.aggregates import customer
from ledger.commands import Void
from ledger.errors import Refused
from ledger.events import (
    Commented,
    ConsentGiven,
    ConsentRefused,
    ContactedUs,
    DataRead,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    HeirRequested,
    MinorSignalled,
    ObjectionLifted,
    ObjectionRaised,
    Restricted,
    RestrictionLifted,
)
from ledger.handlers import Accepted
from tests.stories.facts_room import ONCE, Shop, given, on

RESTRICTED = Restricted(**ONCE, ground="claims", reason="a dispute")
LIFTED = RestrictionLifted(**on("2025-07-01"), ground="claims", informed=20250620)
DIED = Died(**on("2025-06-02"), source="heir")
HEIR = HeirRequested(**on("2025-07-01"), wish="closing", name="Canari")
YOUNG = MinorSignalled(**ONCE, age="under_15", source="parent")
GIVEN = ConsentGiven(**on("2025-09-01"), purpose="newsletter", channel="email")


@pytest.mark.clause("SS-DSR-5")
def test_a_restriction_stands_until_it_is_lifted_ground_by_ground():
    given(customer).when(LIFTED).refused("SS-DSR-5")
    restricted = given(customer).when(RESTRICTED).accepted()
    restricted.when(RESTRICTED).refused("SS-DSR-5")
    both = restricted.when(replace(RESTRICTED, ground="accuracy")).accepted()
    assert both.state.restrictions == {"claims", "accuracy"}
    lifted = both.when(LIFTED).accepted()
    assert lifted.state.restrictions == {"accuracy"}
    lifted.when(LIFTED).refused("SS-DSR-5")


@pytest.mark.clause("SS-DSR-5")
def test_the_person_is_told_before_a_restriction_is_lifted():
    late = replace(LIFTED, informed=20250702)
    given(customer, RESTRICTED).when(late).refused("SS-DSR-5", "malformed")


@pytest.mark.clause("SS-DSR-7")
def test_a_directive_is_set_and_revoked_by_the_living():
    revoked = DirectiveRevoked(**on("2025-09-01"))
    wish = DirectiveSet(**on("2025-05-01"), wish="erase", trustee="Canari")
    given(customer).when(revoked).refused("SS-DSR-7")
    given(customer, wish).when(revoked).accepted().when(revoked).refused("SS-DSR-7")
    dead = given(customer, wish, DIED)
    dead.when(revoked).refused("SS-DSR-7")
    dead.when(replace(wish, **on("2025-06-03"))).refused("SS-DSR-7")
    dead.when(replace(wish, **on("2025-04-01"))).accepted()  # a letter that arrived late


@pytest.mark.clause("SS-DSR-7")
def test_a_death_is_recorded_once_and_heirs_are_heard_after_it():
    given(customer).when(HEIR).refused("SS-DSR-7")
    given(customer, DIED).when(DIED).refused("SS-DSR-7")
    given(customer, DIED).when(HEIR).accepted()


@pytest.mark.clause("SS-DSR-7")
def test_nothing_is_allowed_in_the_name_of_the_dead(shop: Shop):
    shop.told(ObjectionRaised(**ONCE, purpose="newsletter", channel="email"), "42")
    shop.told(DIED, "42")
    lifted = ObjectionLifted(**on("2025-09-01"), purpose="newsletter", channel="email")
    for fact in (GIVEN, lifted):
        with pytest.raises(Refused) as caught:
            shop.told(fact, "42")
        assert caught.value.refusal.problem == "deceased"
        assert caught.value.refusal.article == "LIL art. 85"
    shop.told(replace(GIVEN, **on("2025-05-01")), "42")  # said while alive, heard late
    shop.told(ConsentRefused(**on("2025-09-01"), purpose="newsletter", channel="email"), "42")


@pytest.mark.clause("SS-DSR-7")
def test_in_a_batch_a_death_stops_the_consents_after_it_and_a_voided_death_does_not(shop: Shop):
    outcomes = shop.batch(shop.wish(GIVEN, "42"), shop.wish(DIED, "42"), shop.wish(GIVEN, "42"))
    assert [isinstance(one, Accepted) for one in outcomes] == [True, True, False]
    died = outcomes[1]
    assert isinstance(died, Accepted)
    shop.batch(Void(died.position, "wrong_person"))
    shop.told(GIVEN, "42")


@pytest.mark.clause("SS-MIN-1")
def test_the_consent_of_somebody_under_15_is_refused_and_a_refusal_is_heard(shop: Shop):
    shop.told(YOUNG, "42")
    with pytest.raises(Refused) as caught:
        shop.told(GIVEN, "42")
    assert (caught.value.refusal.clause, caught.value.refusal.article) == (
        "SS-MIN-1",
        "LIL art. 45",
    )
    shop.told(ConsentRefused(**ONCE, purpose="newsletter", channel="email"), "42")


@pytest.mark.clause("SS-MIN-1")
def test_from_15_on_a_minor_consents_alone(shop: Shop):
    shop.told(replace(YOUNG, age="under_18"), "42")
    shop.told(GIVEN, "42")


@pytest.mark.clause("SS-MIN-1")
def test_whoever_decided_before_a_minor_was_signalled_decides_again(shop: Shop):
    before = shop.ledger.epoch()
    shop.told(YOUNG, "42")
    assert shop.ledger.epoch() == before + 1


@pytest.mark.clause("SS-COL-5")
def test_each_comment_has_a_clock_of_its_own(shop: Shop):
    for day in ("2020-01-31", "2021-01-31"):
        shop.told(Commented(**on(day), about="item-3", text="Très bien."), "42")
    ends = {d.operational_until for d in shop.deadlines("42", "comment", "2022-01-01")}
    assert ends == {20250131, 20260131}


@pytest.mark.clause("SS-PAY-3", "SS-ACT-2")
def test_our_own_reads_are_kept_by_day_and_prolong_nothing(shop: Shop):
    shop.told(ContactedUs(**on("2023-01-05"), channel="form"), "42")
    read = DataRead(**on("2024-01-05"), reader="staff-7", classes=("contact",), reason="complaint")
    for day in ("2024-01-05", "2024-01-05", "2025-02-05"):
        shop.told(replace(read, **on(day)), "42")
    ends = {d.scope: d.operational_until for d in shop.deadlines("42", "access_log", "2025-06-01")}
    assert ends == {"20240105": 20250105, "20250205": 20260205}
    assert shop.kept_until("42", "contact", "2025-06-01") == "2026-01-05"
