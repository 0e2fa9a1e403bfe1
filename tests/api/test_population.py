"""Everybody counted over HTTP: the numbers of the definition, of `probant replay`, of the desk."""

from __future__ import annotations

from typing import Any

import pytest

from api.answers import Times, population_answer
from api.routes.taking import instant_of
from ledger.calendar import format_instant
from tests.api.conftest import Caller, order
from tests.clock import StepClock

PATH = "/v1/population"
NUMBERS = ("events", "subjects", "joined", "people", "classes", "consents", "ages")


def furnished(caller: Caller, clock: StepClock) -> str:
    """Facts of several days, one of them late, one withdrawn since. Returns an instant between."""
    for number in range(9):
        who = f"p{number}"
        made = caller.post(order(who, f"O-{number}", occurred=f"{2016 + number}-03-0{number + 1}"))
        assert made.status_code == 201, made.json()
    data = {"purpose": "newsletter", "channel": "email"}
    person = {"kind": "shop", "value": "p1"}
    yes = {"kind": "consent.given", "person": person, "data": {**data, "grade": "proved"}}
    caller.post(yes)
    clock.advance(days=3)
    between = format_instant(clock.now())
    clock.advance(days=3)
    caller.post({"kind": "consent.withdrawn", "person": person, "data": data})
    caller.post(order("late", "O-late", occurred="2019-05-05"))
    two = [{"person": {"kind": "shop", "value": who}} for who in ("p2", "p3")]
    her, other = (caller.lookup(one).json()["subject"] for one in two)
    joined = caller.say("POST", f"/v1/subjects/{her}/joins", {"other": other})
    assert joined.status_code == 201, joined.json()
    clock.advance(days=1)  # the live tables answer from the day after the last fact
    return between


@pytest.mark.parametrize("at", ["now", "then", "known"])
def test_the_counts_are_those_of_the_fold_at_any_two_times(
    at: str, anywhere: Caller, clock: StepClock
) -> None:
    """Fact by fact, as the definition counts; of today the live tables answer."""
    between = furnished(anywhere, clock)
    asked = {"now": {}, "then": {"as_of": "2020-12-31"}, "known": {"known_at": between}}[at]
    found = anywhere.get(PATH, ages="true", **asked).json()
    times = Times(*(parsed(asked.get(name)) for name in ("as_of", "known_at")))
    folded = population_answer(anywhere.ledger, times, "fold", with_ages=True)
    assert {name: found[name] for name in NUMBERS} == {name: folded[name] for name in NUMBERS}
    assert found["engine"] == ("live" if at == "now" else "sql")
    people = {"now": 9, "then": 5, "known": 9}[at]
    assert (found["people"], found["joined"]) == (people, 0 if at == "known" else 1)
    states = {one["state"] for one in found["consents"]}
    assert states == {"now": {"ConsentWithdrawn"}, "known": {"ConsentGiven"}, "then": set()}[at]
    assert "p1" not in anywhere.get(PATH).text


def parsed(text: str | None) -> int | None:
    """An instant as the interface reads it."""
    return instant_of("as_of", text)


def test_ages_are_told_when_they_are_asked_for(caller: Caller, clock: StepClock) -> None:
    furnished(caller, clock)
    assert "ages" not in caller.get(PATH).json()
    ages: list[dict[str, Any]] = caller.get(PATH, ages="true").json()["ages"]
    assert sum(one["items"] for one in ages if one["klass"] == "order") == 10


@pytest.mark.parametrize("wrong", [{"as_of": "yesterday"}, {"known_at": "1"}, {"ages": "perhaps"}])
def test_a_question_that_cannot_be_read_is_refused(caller: Caller, wrong: dict[str, str]) -> None:
    refused = caller.get(PATH, **wrong)
    told = refused.status_code, refused.json()["type"]
    assert told == (400, "/docs#problem-malformed-question")
