"""Stories of holds: placed for an article, reviewed, lifted once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.aggregates import hold
from ledger.errors import BadData, Refused
from ledger.events import HoldLifted, HoldPlaced, HoldReviewed, build
from tests.stories.facts_room import ONCE, Shop, given, on

PLACED = HoldPlaced(
    **ONCE, article="C. civ. art. 2224", review=20251202, classes=("order",), author="M. Canari"
)
REVIEWED = HoldReviewed(**on("2025-12-01"), review=20260601)
LIFTED = HoldLifted(**on("2026-01-02"))


@pytest.mark.clause("SS-RET-2", "SS-RET-3")
def test_a_hold_is_lifted_once_and_only_if_it_was_placed():
    given(hold).when(LIFTED).refused("SS-RET-2")
    given(hold).when(REVIEWED).refused("SS-RET-2")
    placed = given(hold).when(PLACED).accepted()
    placed.when(PLACED).refused("SS-RET-2")
    lifted = placed.when(REVIEWED).accepted().when(LIFTED).accepted()
    lifted.when(LIFTED).refused("SS-RET-3")
    lifted.when(REVIEWED).refused("SS-RET-3")


@pytest.mark.clause("SS-RET-3")
def test_a_hold_without_a_later_review_would_never_end():
    given(hold).when(replace(PLACED, review=20250602)).refused("SS-RET-3", "malformed")
    given(hold, PLACED).when(replace(REVIEWED, review=20251201)).refused("SS-RET-3", "malformed")


@pytest.mark.clause("SS-LB-4")
def test_a_hold_cites_an_article_and_never_a_name():
    stated = {"review": "2026-12-01", "classes": ["order"]}
    for article in ("Madame Canari", "parce que", "C. civ. art. ", "Canari art. 3"):
        with pytest.raises(BadData, match="must cite an article"):
            build(HoldPlaced, ONCE, stated | {"article": article})
    assert build(HoldPlaced, ONCE, stated | {"article": "GDPR art. 17(3)(e)"}).classes == ("order",)


@pytest.mark.clause("SS-RET-3")
def test_a_hold_of_a_class_that_the_policy_does_not_have_is_refused(shop: Shop):
    with pytest.raises(Refused) as caught:
        shop.told(replace(PLACED, classes=("order", "horoscope")), "42", "H1")
    assert caught.value.refusal.problem == "class-undeclared"


@pytest.mark.clause("SS-RET-2")
def test_placing_reviewing_and_lifting_a_hold_move_no_clock_of_the_person(shop: Shop):
    shop.told(PLACED, "42", "H1")
    before = shop.kept_until("42", "contact", "2026-01-01")
    shop.told(REVIEWED, thing="H1")
    shop.told(LIFTED, thing="H1")
    assert shop.kept_until("42", "contact", "2026-01-03") == before
    assert shop.kept_until("42", "hold", "2026-01-03") == "2031-01-02"
