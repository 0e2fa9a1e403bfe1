"""Days: how many lie between two, and the end of one that was typed."""

from __future__ import annotations

from api.problems import Problem
from ledger.calendar import Day, FarAway, Instant, date_of, end_of, parse_day


def days_between(first: Day, last: Day) -> int:
    """So many days lie between; negative when `last` comes first."""
    return (date_of(last) - date_of(first)).days


def end_of_day(text: str) -> Instant | None:
    """The end of a day that a form or an address names; None for no day. Raises Problem."""
    try:
        return end_of(parse_day(text)) if text else None
    except FarAway as error:
        raise Problem("malformed-question", str(error)) from None
    except ValueError:
        raise Problem("malformed-question", "a day is written YYYY-MM-DD") from None
