"""Calling people: the law by date, the hours, how often, and the silence after a refusal.

The law stands beside the editions, each rule with the day it took effect, so that the verdict of a
day can be computed again for ever. All of it protects consumers; a professional may object, and
whoever nobody declared a professional is treated as a consumer (SS-COM-5).

Hours and counts are read strictly: for calls by operators and by machines, consent or not.
Read `permissions.py` next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import (
    HOUR,
    Day,
    Instant,
    Moment,
    add_days,
    date_of,
    is_past,
    is_working_day,
    start_of,
)
from ledger.events import CallPlaced, CustomerRegistered, Fact, Row
from ledger.projections.model import Contract

Regime: TypeAlias = Literal["opt_out", "opt_in"]
PersonKind: TypeAlias = Literal["consumer", "professional"]
Closed: TypeAlias = Literal["weekend", "public_holiday", "closing_hours"]

CHANNELS = ("phone", "automated_call")
"""Over which people are called, by an operator or by a machine."""
RULES = "PERM-phone"
"""How the rules begin that ask who is called and when, beside what was chosen."""
DAYS_OF_CALLS, CALLS_MAX = 30, 4
DAYS_OF_SILENCE = 60
OPENINGS = ((10, 13), (14, 20))  # hours in Paris, the second one excluded


class Law(NamedTuple):
    """A rule of law and the day from which it applies."""

    since: Day
    rule: str
    article: str
    regime: Regime


# Before the ban, a consumer could be called unless he had objected (the Bloctel list).
LAW = (
    Law(19120101, "PERM-phone-optout", "C. conso. art. L223-1", "opt_out"),
    Law(20260811, "PERM-phone-optin", "C. conso. art. L223-1 (loi 2025-594)", "opt_in"),
)
HOURS_SINCE: Day = 20230301
HOURS_ARTICLE = "D. 2022-1313"


class Closing(NamedTuple):
    """Why a call may not be placed at this moment, by the facts at these positions."""

    reason: str
    rests_on: tuple[int, ...]


def law_of(day: Day) -> Law:
    """The law of consent to be called, on that day."""
    return max(law for law in LAW if law.since <= day)


def person_kind(facts: Mapping[int, Fact]) -> tuple[PersonKind | None, int | None]:
    """Consumer or professional as last registered, and by which fact; None when nobody said."""
    for position in sorted(facts, reverse=True):
        fact = facts[position]
        if isinstance(fact, CustomerRegistered) and fact.person is not None:
            return ("professional" if fact.person == "professional" else "consumer"), position
    return None, None


def running(contracts: Mapping[str, Contract], day: Day) -> list[Contract]:
    """The contracts that run on that day: begun, not ended, their planned end not past unless they
    renew themselves."""
    return [
        contract
        for contract in contracts.values()
        if contract.from_day is not None
        and contract.ended_day is None
        and (
            contract.tacit or contract.planned_day is None or not is_past(contract.planned_day, day)
        )
    ]


def closings(
    rows: Sequence[Row], facts: Mapping[int, Fact], marketing: Collection[str], moment: Moment
) -> Iterator[Closing]:
    """Every reason why a consumer may not be called for an offer at this moment.

    `rows`: her facts that stand; `marketing`: the purposes whose calls count.
    """
    if moment.day < HOURS_SINCE:
        return
    shut = shut_at(moment)
    if shut is not None:
        yield Closing(shut, ())
    calls = [
        row for row in rows if row.kind == "call.placed.v1" and (row.purpose or "") in marketing
    ]
    first = add_days(moment.day, 1 - DAYS_OF_CALLS)
    recent = [row.position for row in calls if row.local_day >= first]
    if len(recent) >= CALLS_MAX:
        yield Closing("too_many_calls", tuple(recent))
    silenced = [
        row.position
        for row in calls
        if _declined(facts.get(row.position))
        and not is_past(add_days(row.local_day, DAYS_OF_SILENCE), moment.day)
    ]
    if silenced:
        yield Closing("silence_after_refusal", tuple(silenced))


def shut_at(moment: Moment) -> Closed | None:
    """Why no consumer is called at this moment; without its hour, a day is judged as a day."""
    if date_of(moment.day).weekday() >= 5:
        return "weekend"
    if not is_working_day(moment.day):
        return "public_holiday"
    hour = (moment.at - start_of(moment.day)) // HOUR  # clocks change on Sundays only
    if moment.grain == "instant" and not any(a <= hour < b for a, b in OPENINGS):
        return "closing_hours"
    return None


def turns(rows: Sequence[Row], after: Instant, day: Day) -> Iterator[Instant]:
    """The instants at which the calendar alone may change an answer about calls: the law's own
    days, calls that grow old, and for a week after each of these the hours that open and close."""
    calls = [row.local_day for row in rows if row.kind == "call.placed.v1"]
    days = {day, HOURS_SINCE, *(law.since for law in LAW)}
    days |= {add_days(called, DAYS_OF_CALLS) for called in calls}
    days |= {add_days(called, DAYS_OF_SILENCE + 1) for called in calls}
    for first in days:
        for later in range(8):
            begins = start_of(add_days(first, later))
            for edge in (0, *(hour for opening in OPENINGS for hour in opening)):
                if begins + edge * HOUR > after:
                    yield begins + edge * HOUR


def _declined(fact: Fact | None) -> bool:
    return isinstance(fact, CallPlaced) and fact.outcome == "declined"
