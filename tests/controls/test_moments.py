"""Each letter by its own moment: her life is cut there, and what was said of the one before it is
said again only of the same. The stories by which every cut is seen, one at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from ledger.calendar import parse_instant
from ledger.policy.permissions import Objection
from ledger.policy.sends import Send
from replay.controls.life import Look
from replay.controls.run import scene_of
from tests.controls.room import BEGAN, FORM, LETTER, SHE, Company
from tests.controls.test_sends_at_once import EDITIONS, plainly

OPENS: dict[str, Any] = {"purpose": "email_open_tracking", "channel": "email"}
SURVEY: dict[str, Any] = {"purpose": "surveys", "channel": "email"}
CALL: dict[str, Any] = {"purpose": "phone_marketing", "channel": "phone", "outcome": "answered"}
YES, NO = "consent.given", "consent.withdrawn"


def sent(made: Company, when: str, *told: str, **said: Any) -> int:
    """A letter."""
    return made.she("message.sent", when, *told, content="promotional", **{**LETTER, **said})


def said(made: Company, kind: str, when: str, *told: str, **more: Any) -> int:
    """A choice."""
    return made.she(kind, when, *told, **{**LETTER, **FORM, **more})


def registered(made: Company, when: str = "2018-12-01", *told: str, **said: Any) -> None:
    made.she("customer.registered", when, *told, **said)


# --- what was known ----------------------------------------------------------------------------


def imported(made: Company) -> list[str]:
    """What is imported is judged by what was known when it was told."""
    registered(made)
    said(made, YES, "2019-01-10", "2020-02-01", actor="import")
    sent(made, "2019-02-01", "2020-02-02", actor="import")
    sent(made, "2019-02-02", "2020-02-03")
    return ["yes", "no, and now yes"]


def before_the_ledger_began(made: Company) -> list[str]:
    """Nobody could have known anything here; from its first instant on it is known what is."""
    registered(made, "2018-01-01", "2018-12-01")
    said(made, YES, "2018-01-10", "2018-12-02")
    sent(made, "2018-11-20T07:59:59Z", "2018-12-03")
    sent(made, BEGAN, "2018-12-04")
    return ["yes", "no, and now yes"]


def told_late(made: Company) -> list[str]:
    """A yes that was heard of between a letter and the day we were told of the letter."""
    registered(made)
    said(made, YES, "2020-01-10", "2020-03-01")
    sent(made, "2020-02-01", "2020-04-01")
    return ["no, and now yes"]


def told_ahead(made: Company) -> list[str]:
    """A yes that was heard of after we were told of a letter that was still to go."""
    registered(made)
    sent(made, "2020-02-10", "2020-02-01")
    said(made, YES, "2020-02-05")
    return ["no, and now yes"]


def unknown(made: Company) -> list[str]:
    """Of whom nothing is known yet, and then one thing that no rule of permission looks at."""
    sent(made, "2020-01-10", **SURVEY)
    made.she("customer.commented", "2020-02-01", about="product", actor="agent")
    sent(made, "2020-02-02", **SURVEY)
    return ["no, and now yes", "yes"]


def not_yet(made: Company) -> list[str]:
    """What is told ahead and comes last has not happened at the letter."""
    registered(made)
    said(made, YES, "2020-03-01", "2020-01-10")
    sent(made, "2020-02-01")
    sent(made, "2020-03-02")
    return ["no", "yes"]


def a_no_told_ahead(made: Company) -> list[str]:
    """What is told ahead and comes before a yes that was dated back: the yes is not heard."""
    registered(made)
    said(made, NO, "2020-03-01", "2020-01-10")
    said(made, YES, "2020-01-05", "2020-01-20")
    sent(made, "2020-02-01")
    return ["no"]


def voided(made: Company) -> list[str]:
    """Before the void is known, and after."""
    registered(made)
    given = said(made, YES, "2020-01-10")
    sent(made, "2020-02-01")
    made.she("fact.voided", "2020-02-10", ref=given, klass="consent")
    sent(made, "2020-03-01")
    return ["yes, and now no", "no"]


def voided_to_the_microsecond(made: Company) -> list[str]:
    """At the very position of the void it is known."""
    registered(made)
    given = said(made, YES, "2020-01-10")
    sent(made, "2020-02-10T10:00:00Z", "2020-02-11")
    made.she("fact.voided", "2020-02-10", ref=given, klass="consent")
    sent(made, "2020-02-12")
    return ["yes, and now no", "no"]


def another_thing_voided(made: Company) -> list[str]:
    """What stands beside it still counts."""
    registered(made)
    said(made, YES, "2020-01-10")
    other = said(made, YES, "2020-01-10", **OPENS)
    made.she("fact.voided", "2020-01-20", ref=other, klass="consent")
    sent(made, "2020-02-01")
    return ["yes"]


def at_that_very_instant(made: Company) -> list[str]:
    """What happened with the letter had happened, and is known."""
    registered(made)
    said(made, YES, "2020-02-01T10:00:00Z")
    for when in ("2020-02-01T09:59:59.999999Z", "2020-02-01T10:00:00Z"):
        sent(made, when)
    return ["no", "yes"]


def between_what_was_told_ahead_and_what_it_said(made: Company) -> list[str]:
    """Nothing is told between the letters; what was told before both happens between them."""
    registered(made)
    said(made, YES, "2020-01-05")
    said(made, NO, "2020-03-01", "2020-01-10")
    said(made, YES, "2020-01-20", **OPENS)
    for when in ("2020-02-01", "2020-03-05"):
        sent(made, when)
    return ["yes", "no"]


def served(made: Company) -> list[str]:
    """From when she asks for service on, she is served."""
    registered(made)
    for when in ("2020-01-10", "2020-03-10"):
        sent(made, when, purpose="service_message")
        made.she("customer.logged_in", "2020-02-10")
    return ["no", "yes"]


def a_contract_that_ended(made: Company) -> list[str]:
    """No operator calls without consent; while a contract ran, the offer would have been asked
    about."""
    registered(made)
    contract = {"stream": UUID(int=7)}
    made.she("contract.started", "2026-09-01", type="maintenance", tacit=True, **contract)
    made.she("call.placed", "2026-09-08T10:30:00+02:00", **CALL)
    made.she("contract.ended", "2026-10-01", **contract)
    made.she("call.placed", "2026-11-10T10:30:00+01:00", **CALL)
    return ["no", "no"]


# --- what is said again ------------------------------------------------------------------------


def nothing_between(made: Company) -> list[str]:
    registered(made)
    said(made, YES, "2020-01-10")
    for when in ("2020-02-01", "2020-02-02"):
        sent(made, when)
    return ["yes", "yes"]


def a_yes_grows_old(made: Company) -> list[str]:
    """Nothing is told between, and the calendar turns: at the first instant of the day after."""
    registered(made)
    made.publishes(EDITIONS[0], "2020-06-01T00:00:00Z")  # thirteen months
    said(made, YES, "2020-06-10")
    for when in ("2021-07-10T21:59:59.999999Z", "2021-07-10T22:00:00Z", "2021-07-11"):
        sent(made, when)
    return ["yes", "no", "no"]


def told_in_another_order(made: Company) -> list[str]:
    """The later letter is told first, when the yes has grown old."""
    registered(made)
    made.publishes(EDITIONS[0], "2020-06-01T00:00:00Z")
    said(made, YES, "2020-06-10")
    sent(made, "2021-08-01", actor="import")
    sent(made, "2021-07-01", "2021-08-02", actor="import")
    return ["no", "yes"]


def an_edition_between(made: Company) -> list[str]:
    """Published between the letters, in force since before either: by it her yes is too old."""
    registered(made)
    said(made, YES, "2019-01-10")
    sent(made, "2020-07-01")
    made.publishes(EDITIONS[0], "2020-09-01T00:00:00Z")
    sent(made, "2020-10-01")
    return ["yes, and now no", "no"]


def the_company_speaks_between(made: Company) -> list[str]:
    """What she said is the same; what the company declared is not."""
    registered(made)
    said(made, YES, "2020-01-10", purpose="club")
    sent(made, "2020-02-01", purpose="club")
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6", "marketing": False}
    made.tells("purpose.declared", "2020-02-10", channels=("email",), **club)
    sent(made, "2020-03-01", purpose="club")
    return ["no", "yes"]


def of_no_channel(made: Company) -> list[str]:
    """For a purpose that has none."""
    registered(made)
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6", "marketing": False}
    made.tells("purpose.declared", "2020-01-05", channels=(), **club)
    said(made, YES, "2020-01-10", purpose="club", channel=None)
    sent(made, "2020-02-01", purpose="club", channel=None)
    said(made, NO, "2020-02-10", purpose="club", channel=None)
    sent(made, "2020-02-20", purpose="club", channel=None)
    return ["yes", "no"]


def of_two_purposes(made: Company) -> list[str]:
    registered(made)
    said(made, YES, "2020-01-10")
    for about in (LETTER, OPENS, LETTER):
        sent(made, "2020-02-01", **about)
    return ["yes", "no", "yes"]


def a_no_that_outlived_its_fact(made: Company) -> list[str]:
    """Nothing of hers is told between the letters, and her no is of between them."""
    registered(made)
    said(made, YES, "2020-01-10")
    at = "2020-02-10T10:00:00Z"
    made.opposed = {SHE: frozenset({Objection("newsletter", "email", parse_instant(at), 1)})}
    for when in ("2020-02-01", at, "2020-03-01"):
        sent(made, when)
    return ["yes", "no", "no"]


def calls_on_one_day(made: Company) -> list[str]:
    """By the hour where it is known; a call that is known by its day only is let pass."""
    registered(made)
    for when in ("2023-03-07T10:30:00+01:00", "2023-03-07T22:30:00+01:00", "2023-03-08"):
        made.she("call.placed", when, **CALL)
    return ["yes", "no", "yes"]


STORIES = (
    *(imported, before_the_ledger_began, told_late, told_ahead, unknown, not_yet, a_no_told_ahead),
    *(voided, voided_to_the_microsecond, another_thing_voided, at_that_very_instant),
    *(
        between_what_was_told_ahead_and_what_it_said,
        served,
        a_contract_that_ended,
        nothing_between,
        a_yes_grows_old,
        told_in_another_order,
    ),
    *(an_edition_between, the_company_speaks_between, of_no_channel, of_two_purposes),
    *(a_no_that_outlived_its_fact, calls_on_one_day),
)


def answer(send: Send) -> str:
    """In words."""
    then, now = ("yes" if one.allowed else "no" for one in (send.then, send.now or send.then))
    return then if then == now else f"{then}, and now {now}"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_each_letter_is_judged_by_its_own_moment(story: Callable[[Company], list[str]]) -> None:
    """And as the whole fold would judge it, asked anew each time."""
    made = Company()
    answers = story(made)
    made.as_of = parse_instant("2027-01-05T00:00:00Z")
    scene, _ = scene_of(made)
    (life,) = made.lives()
    look = Look(life, scene)
    assert [answer(send) for send in look.sends] == answers
    assert look.sends == plainly(look)
