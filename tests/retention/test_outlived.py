"""One of two references of hers is forgotten, and she lives under the other (decision 0057): given
that they are one person and all that named her under one is gone, when she does something, then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ledger.choosing import joining
from ledger.choosing.choose import Expressed, Wanted, choose, find
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.errors import Refusal, Refused
from ledger.events import ConsentGiven, ContactedUs, LoggedIn, ObjectionRaised, OrderPlaced
from ledger.fields import Money
from ledger.handlers import record
from ledger.store.recorder import Written
from ledger.store.vault import Scope
from tests.retention.test_joined import BOTH, CRM, SHOP, Two, forgotten, two

__all__ = ["two"]

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email", "grade": "proved"}


def wrote(two: Two) -> ContactedUs:
    return ContactedUs(**two.now(), channel="form", text="Bonjour")


@pytest.mark.clause("SS-DSR-8")
def test_what_she_does_is_recorded_of_the_reference_that_lives(two: Two) -> None:
    """By reference and by id, sealed or not; her page shows both, and her choices are taken."""
    two.joined()
    forgotten(two, two.kept)
    for fact in (wrote(two), LoggedIn(**two.now())):
        assert two.accepted(fact, CRM).subject == two.other
        by_id = replace(fact, subject=two.other)
        assert record(two.ledger, Record(by_id)).subject == two.other
    assert find(two.ledger, Reference("shop", CRM)) == two.other
    how = Expressed("page", two.now()["occurred"], form="account-2025")
    for who in (Reference("shop", CRM), two.other):
        (said,) = choose(two.ledger, who, [Wanted("newsletter", "email", "yes")], how)
        assert not isinstance(said.outcome, Refusal)
    assert two.may(CRM) == "consent"
    assert set(two.ledger.joins(two.ledger.epoch()).everybody(two.other)) == {two.kept, two.other}


@pytest.mark.clause("SS-DSR-3")
def test_what_is_said_of_the_id_that_is_gone_stays_refused(two: Two) -> None:
    """Nothing it did comes back under the other; and her old reference is somebody new."""
    two.joined()
    forgotten(two, two.kept)
    gone = LoggedIn(**two.now(), subject=two.kept)
    with pytest.raises(Refused) as refused:
        record(two.ledger, Record(gone))
    assert refused.value.refusal.problem == "erased"
    how = Expressed("agent", two.now()["occurred"], "agent")
    (said,) = choose(two.ledger, two.kept, [Wanted("newsletter", "email", "no")], how)
    assert isinstance(said.outcome, Refusal)
    assert said.outcome.problem == "erased"
    assert two.accepted(wrote(two), SHOP).subject not in (two.kept, two.other)


def test_the_other_way_round_nothing_changes(two: Two) -> None:
    two.joined()
    forgotten(two, two.other)
    assert two.accepted(wrote(two), SHOP).subject == two.kept
    with pytest.raises(Refused):
        record(two.ledger, Record(LoggedIn(**two.now(), subject=two.other)))


@pytest.mark.clause("SS-LB-3", "SS-DSR-8")
def test_what_she_says_from_then_on_is_said_of_both(two: Two) -> None:
    """Her no is stronger than the yes of before, her yes than the no of before; said before the
    join it is not."""
    two.told(ObjectionRaised(**two.now(), purpose="newsletter", channel="email"), SHOP)
    two.told(ConsentGiven(**two.now(), **NEWS), CRM)
    two.joined()
    assert two.may(CRM) == "objected"
    forgotten(two, two.kept)
    assert two.may(CRM) == "objected"
    two.told(ConsentGiven(**two.now(), **NEWS), CRM)
    assert two.may(CRM) == "consent"


@pytest.mark.clause("SS-DSR-8")
def test_she_is_joined_to_a_third_and_the_first_join_is_undone(two: Two) -> None:
    two.joined()
    forgotten(two, two.kept)
    third = two.accepted(wrote(two), "third").subject
    assert third is not None
    assert isinstance(joining.join(two.ledger, two.kept, third), Refusal)
    assert isinstance(joining.join(two.ledger, third, two.other), Written)
    assert two.accepted(wrote(two), CRM).subject == third
    two.undone()
    assert two.accepted(wrote(two), CRM).subject == third
    joining.undo(two.ledger, third, two.other)
    assert two.accepted(wrote(two), CRM).subject == two.other


def test_an_order_that_stays_keeps_its_reference(two: Two) -> None:
    """She is still known by it: not all that named her is gone."""
    two.told(OrderPlaced(**two.now(), amount=Money(100, "EUR")), SHOP, "A-1")
    two.joined()
    ending = [Scope(two.kept, klass, "") for klass in ("contact", "account")]
    erase_scopes(two.ledger, ending, journal=two.journal, reason="request")
    assert two.accepted(LoggedIn(**two.now()), CRM).subject == two.kept


@BOTH
@pytest.mark.clause("SS-LB-2", "SS-DSR-3")
def test_a_yes_without_its_proof_counts_under_neither(two: Two, under: str) -> None:
    """And outweighs none that is proved, whichever of the two was kept."""
    who = two.kept if under == SHOP else two.other
    left = CRM if under == SHOP else SHOP
    two.told(ConsentGiven(**two.now(), **NEWS), under)
    two.joined()
    assert two.may(left) == "consent"
    erase_scopes(two.ledger, [Scope(who, "consent", "")], journal=two.journal, reason="term")
    for one in (SHOP, CRM):
        assert two.may(one) == "proof_erased"
    two.told(ConsentGiven(**two.now(), **NEWS), left)
    for one in (SHOP, CRM):
        assert two.may(one) == "consent"


@BOTH
@pytest.mark.clause("SS-LB-2", "SS-DSR-3")
def test_a_proved_yes_stands_beside_one_that_lost_its_proof(two: Two, under: str) -> None:
    who = two.kept if under == SHOP else two.other
    two.told(ConsentGiven(**two.now(), **NEWS), CRM if under == SHOP else SHOP)
    two.told(ConsentGiven(**two.now(), **NEWS), under)
    two.joined()
    erase_scopes(two.ledger, [Scope(who, "consent", "")], journal=two.journal, reason="term")
    assert two.may(two.kept) == "consent"
