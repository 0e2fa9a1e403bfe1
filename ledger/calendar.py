"""Time, as this ledger understands it: instants, Paris days, calendar months, legal deadlines.

Two kinds of integers, never mixed: an *instant* counts microseconds since 1970 in UTC, a *day* is
the integer YYYYMMDD of the calendar in Europe/Paris. Terms end on days; facts happen at instants.

This room never asks what time it is: a `Clock` is handed to whoever needs one (`SystemClock` is the
only reader of the machine's clock). It keeps nothing but caches of pure answers.

Texts that cannot be read raise ValueError with a sentence that never repeats the text: what was
typed into a date field may well be somebody's name. Read `ledger/entry.py` next.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple, Protocol, TypeAlias
from zoneinfo import ZoneInfo

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

Day: TypeAlias = int
"""A calendar day in Europe/Paris as YYYYMMDD, for example 20181120. Days compare like integers."""

Grain: TypeAlias = Literal["instant", "day"]
"""How precisely a moment is known."""

PARIS = ZoneInfo("Europe/Paris")
_SECOND: Instant = 1_000_000
MINUTE: Instant = 60 * 1_000_000
HOUR: Instant = 60 * MINUTE

# Before 11 March 1911 Paris was 9 min 21 s ahead of UTC, so a day did not begin on a whole UTC
# hour and `day_of` could not cache by hour. The last year leaves room for any term.
FIRST_YEAR, LAST_YEAR = 1912, 8999

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT_TEXT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_NOT_A_DAY = "This is not a day of the calendar written YYYY-MM-DD, for example 2018-11-20."
_NOT_A_DAY_NUMBER = "This integer is not a day of the calendar written YYYYMMDD."
_NOT_AN_INSTANT = (
    "This is not a date and time with its zone (RFC 3339, at most six decimals), "
    "for example 2018-11-20T10:30:00Z."
)
_OUT_OF_RANGE = f"Only dates of the years {FIRST_YEAR} to {LAST_YEAR} are accepted."


class FarAway(ValueError):
    """A day or an instant as it should be written, of a year that nothing can be reckoned in."""


class Moment(NamedTuple):
    """When something was true, and how precisely that is known.

    With grain 'day', `at` is the beginning of that day in Paris.
    """

    at: Instant
    grain: Grain
    day: Day


class Clock(Protocol):
    """Whoever can tell the time: the machine in production, a hand-moved clock in tests."""

    def now(self) -> Instant:
        """The present instant, in microseconds UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> Instant:
        """The present instant, in microseconds UTC."""
        return time.time_ns() // 1000


# --- instants ---------------------------------------------------------------------------------


def parse_instant(text: str) -> Instant:
    """Read a strict RFC 3339 date and time: capital T and Z, a zone, up to six decimals.

    '-00:00' (zone unknown), the 60th second and hour 24 are refused: they do not name one instant.
    Raises ValueError.
    """
    if not _INSTANT_TEXT.fullmatch(text) or text.endswith("-00:00"):
        raise ValueError(_NOT_AN_INSTANT)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(_NOT_AN_INSTANT) from None
    _check_year(moment.year)
    return (moment - _EPOCH) // _MICROSECOND


def format_instant(at: Instant) -> str:
    """The one way an instant is written: 'YYYY-MM-DDThh:mm:ss.ffffffZ', six decimals, UTC."""
    second, rest = divmod(at, _SECOND)
    return f"{_second(second)}.{rest:06d}Z"


def day_of(at: Instant) -> Day:
    """The day in Paris during which this instant falls."""
    return _day_of_hour(at // HOUR)


def moment_of_instant(at: Instant) -> Moment:
    """A moment known to the instant."""
    return Moment(at, "instant", day_of(at))


# --- days -------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 13)
def parse_day(text: str) -> Day:
    """Read 'YYYY-MM-DD'. Raises ValueError for anything else and for days that do not exist."""
    if not _DAY_TEXT.fullmatch(text):
        raise ValueError(_NOT_A_DAY)
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError(_NOT_A_DAY) from None
    _check_year(found.year)
    return _to_day(found)


@lru_cache(maxsize=1 << 13)
def format_day(day: Day) -> str:
    """20181120 -> '2018-11-20'. The inverse of `parse_day`."""
    return f"{day // 10000:04d}-{day // 100 % 100:02d}-{day % 100:02d}"


def date_of(day: Day) -> date:
    """The same day as a `datetime.date`, for libraries that want one. Raises ValueError."""
    try:
        return date(day // 10000, day // 100 % 100, day % 100)
    except ValueError:
        raise ValueError(_NOT_A_DAY_NUMBER) from None


@lru_cache(maxsize=1 << 15)
def start_of(day: Day) -> Instant:
    """The first instant of this day in Paris (its midnight)."""
    midnight = datetime.combine(date_of(day), datetime.min.time(), tzinfo=PARIS)
    return (midnight - _EPOCH) // _MICROSECOND


def end_of(day: Day) -> Instant:
    """The last microsecond of this day in Paris: days last 23 or 25 hours when clocks change."""
    return start_of(add_days(day, 1)) - 1


def moment_of_day(day: Day) -> Moment:
    """A moment known to the day only."""
    return Moment(start_of(day), "day", day)


@lru_cache(maxsize=1 << 13)
def add_days(day: Day, days: int) -> Day:
    """The day that many days later (earlier when negative)."""
    return _to_day(date_of(day) + timedelta(days=days))


def add_months(day: Day, months: int) -> Day:
    """The same date that many calendar months later, or that month's last day if it is shorter.

    31 August + 6 months is the last day of February. Plain integers only, so that SQL can use the
    very same formula.
    """
    count = day // 10000 * 12 + day // 100 % 100 - 1 + months
    year, month = count // 12, count % 12
    date_in_month = day % 100
    if date_in_month > 28:
        length = _MONTH_LENGTHS[month]
        if month == 1 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0):
            length = 29
        date_in_month = min(date_in_month, length)
    return year * 10000 + (month + 1) * 100 + date_in_month


def is_past(due: Day, on_day: Day) -> bool:
    """Whether a term that ends on `due` is over on `on_day`: only from the day after."""
    return on_day > due


# --- what people type -------------------------------------------------------------------------


def parse_moment(text: str) -> Moment:
    """When a fact happened: a bare date is known to the day, a date and time to the instant."""
    if _DAY_TEXT.fullmatch(text):
        return moment_of_day(parse_day(text))
    return moment_of_instant(parse_instant(text))


def parse_as_of(text: str) -> Instant:
    """The instant a question is about: a bare date means the *end* of that day in Paris."""
    if _DAY_TEXT.fullmatch(text):
        return end_of(parse_day(text))
    return parse_instant(text)


# --- deadlines of the law ---------------------------------------------------------------------


def request_due(received: Day, months: int = 1) -> Day:
    """The last day to answer a request received on that day (GDPR art. 12(3)).

    Regulation 1182/71: art. 3(2)(c), the period ends on the same date of the last month, or on its
    last day when that date does not exist; art. 3(4), a last day that is a Saturday, a Sunday or a
    public holiday moves to the next working day.
    """
    return working_day_from(add_months(received, months))


@lru_cache(maxsize=1 << 13)
def working_day_from(day: Day) -> Day:
    """This day if it is a working day, else the next that is (Regulation 1182/71 art. 3(4))."""
    while not is_working_day(day):
        day = add_days(day, 1)
    return day


def is_working_day(day: Day) -> bool:
    """Neither Saturday, Sunday nor a public holiday of metropolitan France."""
    return date_of(day).weekday() < 5 and day not in french_holidays(day // 10000)


@lru_cache(maxsize=256)
def french_holidays(year: int) -> frozenset[Day]:
    """The public holidays of metropolitan France in that year (C. trav. L3133-1)."""
    from holidays import country_holidays  # imported late: it costs more than all of this module

    return frozenset(_to_day(found) for found in country_holidays("FR", years=year))


# --- helpers ----------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 17)
def _day_of_hour(hour: int) -> Day:
    """The Paris day of a UTC hour; since 1912 Paris days begin on whole UTC hours."""
    return _to_day(_utc(hour * HOUR).astimezone(PARIS))


@lru_cache(maxsize=1 << 12)
def _second(second: int) -> str:
    """A whole second, written to the second: facts of one moment share it."""
    return _utc(second * _SECOND).replace(tzinfo=None).isoformat(timespec="seconds")


def _utc(at: Instant) -> datetime:
    try:
        moment = _EPOCH + timedelta(microseconds=at)
    except OverflowError:
        raise ValueError(_OUT_OF_RANGE) from None
    return moment


def _to_day(found: date) -> Day:
    return found.year * 10000 + found.month * 100 + found.day


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise FarAway(_OUT_OF_RANGE)
