"""The diary of the demo company: what happened, in which order it is told. Records nothing.

A life is written day by day by `habits.py` and `cast.py`; whatever would happen after the last day
of the story is left out, so that a life can be written without looking at the calendar.
"""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.calendar import HOUR, MINUTE, Day, Moment, moment_of_day, moment_of_instant, start_of
from ledger.events import Fact

FIRST_DAY, LAST_DAY = date(2016, 1, 1), date(2025, 12, 31)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
TAKEN_OVER = date(2019, 1, 1)  # what is older comes from the system before this one

_OURS = ("message.", "call.", "survey.sent", "renewal.", "optout.", "consent.requested")
_BY_HAND = (
    *("hold.", "policy.", "data.read", "ticket.closed", "order.invoiced", "objection.assessed"),
    *(
        "consent.invalidated",
        "customer.restrict",
        "customer.died",
        "customer.minor",
        "card.removed.",
    ),
)


class Told(NamedTuple):
    """One thing that happened: to whom (a shop reference) and on which stream, if it has one.
    What is `late` is told after everything else, as a letter that lay in a drawer."""

    number: int
    fact: Fact
    person: str | None
    stream: UUID | None
    late: bool


class Amendment(NamedTuple):
    """What was told under this number was wrong: how it should have read, or that it was not so."""

    number: int
    reason: str
    void: bool = False
    changes: dict[str, Any] | None = None
    occurred: Moment | None = None


class Diary:
    """Everything that happens in the story."""

    def __init__(self, seed: int, last: date = LAST_DAY) -> None:
        self.last = last
        self.chance = Random(seed)  # noqa: S311  (no secret: the same story every time)
        self.told: list[Told] = []
        self.amendments: list[Amendment] = []

    def tell(
        self,
        cls: type[Fact],
        when: Moment | None,
        person: str | None = None,
        stream: UUID | None = None,
        /,
        *,
        late: Any = False,
        actor: Any = None,
        **fields: Any,
    ) -> int | None:
        """Write down one fact; its number, or None if it lies after the story's end."""
        if when is None or when.day > day_number(self.last):
            return None
        fact = cls(occurred=when, actor=actor or _actor(cls, when), **fields)
        number = len(self.told)
        self.told.append(Told(number, fact, person, stream, late))
        return number

    def amend(self, number: int | None, reason: str, **how: Any) -> None:
        """Write down that an earlier fact was wrong."""
        if number is not None:
            self.amendments.append(Amendment(number, reason, **how))

    def in_order(self) -> list[Told]:
        """What happened, by date, and then what is told late."""
        return sorted(self.told, key=lambda t: (t.late, t.fact.occurred.at, t.number))

    def often(self, share: float) -> bool:
        """Whether something happens that happens this often (0 to 1)."""
        return self.chance.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high."""
        return low + int(self.chance.random() * (high - low + 1))


def day_number(day: date) -> Day:
    """The day as YYYYMMDD."""
    return day.year * 10000 + day.month * 100 + day.day


def at(day: date, hour: int = 9, minute: int = 0) -> Moment:
    """So many hours after the day began in Paris."""
    return moment_of_instant(start_of(day_number(day)) + hour * HOUR + minute * MINUTE)


def on(day: date) -> Moment:
    """Some time that day: all that an old file knows."""
    return moment_of_day(day_number(day))


def after(day: date, days: int) -> date:
    """So many days later."""
    return day + timedelta(days=days)


def new_stream() -> UUID:
    """The id of an order, a card, a message: random, as always."""
    return uuid4()


def _actor(cls: type[Fact], when: Moment) -> str:
    if cls.about_nobody:
        return "self" if cls.aggregate == "tracker" else "agent"
    if when.day < day_number(TAKEN_OVER):
        return "import"
    if cls.kind.startswith(_OURS):
        return "system"
    return "agent" if cls.kind.startswith(_BY_HAND) else "self"
