"""Days between days, and the months of a calendar."""

from __future__ import annotations

from ledger.calendar import Day, date_of


def days_between(first: Day, last: Day) -> int:
    """So many days lie between; negative when `last` comes first."""
    return (date_of(last) - date_of(first)).days
