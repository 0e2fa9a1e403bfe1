"""The sandbox's clock: to the next deadline, a month on, or to a day; never back.

These pages exist where `serve --demo` has such a clock, and nowhere else (`table.py`). After a jump
everything answers as of then, for it asks the same clock. Read next: `api/demo/sandbox.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from api.console import Page
from api.console.visiting import Visit
from api.demo.sandbox import Sandbox
from api.problems import Problem
from api.routes import AUDITOR, DPO
from api.routes.taking import day_named
from ledger.calendar import HOUR, Day, Instant, add_days, add_months, day_of, format_day, start_of
from ledger.errors import Misuse, ProbantError
from ledger.policy.holds import open_holds
from ledger.projections.live import standing
from ledger.requests.reading import owed
from ledger.store import listed
from ledger.store.population import next_end

CLOCK = "/console/clock"
MOVING = frozenset({DPO, AUDITOR})
OPENING: Instant = 9 * HOUR  # a jump lands when an office opens
LAST_YEAR = 2100  # made-up lives are not for ever


class Deadline(NamedTuple):
    """The next last day of one sort of deadline."""

    sort: str
    day: Day


def get_clock(visit: Visit) -> Response:
    """Which day it is here, and what falls due next."""
    return visit.render("clock.html", **_told(visit), refusal=None)


def post_clock(visit: Visit) -> Response:
    """Move it: to the day after the next deadline, by a month, or to a day."""
    try:
        day = _wanted(visit)
        if day // 10000 > LAST_YEAR:
            raise Misuse(f"no later than the year {LAST_YEAR}")
        clock_of(visit).jump(start_of(day) + OPENING)
    except (Problem, ProbantError) as error:
        told = _told(visit) | {"refusal": visit.refusal_of(error)}
        return visit.render("clock.html", 422, **told)
    return visit.go(CLOCK, "clock.moved", day=visit.say.day(day))


def clock_of(visit: Visit) -> Sandbox:
    """The clock of this sandbox. Raises Problem where there is none."""
    if visit.sandbox is None:
        raise Problem("not-found", "this server has no sandbox's clock")
    return visit.sandbox


def _wanted(visit: Visit) -> Day:
    today, how = day_of(visit.now), visit.field("how")
    if how == "next":
        found = _deadlines(visit)
        if not found:
            raise Misuse("nothing falls due any more")
        return add_days(found[0].day, 1)
    if how == "month":
        return add_months(today, 1)
    return day_named("day", visit.field("day"))


def _deadlines(visit: Visit) -> list[Deadline]:
    """The next of each sort, today or later, the first one first: the end of a term in daily use,
    the answer to a request, the review of a hold."""
    ledger, today = visit.ledger, day_of(visit.now)
    book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        term = next_end(connection, book, visit.now)
        reviews = [
            hold.review
            for rows in listed.every_hold(connection)
            for hold in open_holds(standing(rows), {}, visit.now)
        ]
    sorts = {
        "term": [] if term is None else [term],
        "request": [one.due for one in owed(ledger)],
        "review": reviews,
    }
    ahead = {sort: [day for day in days if day >= today] for sort, days in sorts.items()}
    found = [Deadline(sort, min(days)) for sort, days in ahead.items() if days]
    return sorted(found, key=lambda one: one.day)


def _told(visit: Visit) -> dict[str, object]:
    clock_of(visit)
    return {
        "moment": visit.now,
        "deadlines": _deadlines(visit),
        "tomorrow": format_day(add_days(day_of(visit.now), 1)),
    }


PAGES = (Page("GET", CLOCK, get_clock, MOVING), Page("POST", CLOCK, post_clock, MOVING))
