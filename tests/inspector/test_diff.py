"""What changed between two instants, each with what was known at its own."""

from __future__ import annotations

from copy import copy
from typing import Any

from ledger.calendar import parse_as_of
from replay.inspect.diff import changes
from replay.inspect.model import Answer, Asked
from replay.inspect.words import value_of
from tests.controls.apart import Apart
from tests.controls.room import FORM, LETTER, OTHER, Company

YES: dict[str, Any] = {**LETTER, **FORM}


def differing(
    shop: Company, since: str, until: str, known: int | None = None
) -> tuple[Answer, Answer]:
    """The changes from one day to another; `known` is what was known at the first."""
    old, new = copy(shop), copy(shop)
    old.as_of, new.as_of = parse_as_of(since), parse_as_of(until)
    old.known = known or shop.known
    found = changes(old, new, Asked(), 10)
    assert changes(old, Apart(new), Asked(), 10) == found
    return found


def rows(answer: Answer) -> list[list[Any]]:
    """Its lines as plain values."""
    return [[value_of(cell) for cell in line.cells] for line in answer.lines]


def test_who_changed_her_mind_and_whose_term_passed() -> None:
    shop = Company()
    for who in ({}, {"who": OTHER}):
        shop.she("customer.registered", "2022-03-01", **who)
        shop.she("customer.contacted_us", "2022-03-01", channel="form", **who)
        shop.she("consent.given", "2024-03-01T09:00:00Z", **YES, **who)
    no = shop.she("consent.withdrawn", "2024-06-03T09:00:00Z", **LETTER)
    whole, people = differing(shop, "2024-06-01", "2025-06-01")
    assert rows(whole) == [
        ["choice", "newsletter / email", "ConsentGiven", "ConsentWithdrawn", 1, 1],
        ["class", "contact", "operational", "past_operational", 2, 2],
    ]
    assert (whole.figures["people"], whole.figures["differences"]) == (2, 3)
    assert len(people.lines) == 3
    assert whole.lines[0].positions == (no,)
    assert rows(differing(shop, "2024-06-04", "2024-06-05")[0]) == []


def test_the_same_day_as_it_was_known_and_as_it_is_known() -> None:
    shop = Company()
    shop.she("customer.registered", "2024-03-01")
    given = shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    shop.she("consent.withdrawn", "2024-04-01T09:00:00Z", "2024-09-01T09:00:00Z", **LETTER)
    whole, _ = differing(shop, "2024-06-01", "2024-06-01", known=given)
    assert rows(whole) == [
        ["choice", "newsletter / email", "ConsentGiven", "ConsentWithdrawn", 1, 1]
    ]
