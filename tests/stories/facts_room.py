"""Props for the stories of facts: given these facts, when this is wished, then this.

`given(order, …)` tries one aggregate alone, with no database: `.when(fact)` is accepted or refused.
`Shop` is a whole ledger in memory, for stories about people, batches and deadlines.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple
from uuid import UUID

from ledger import calendar as cal
from ledger.aggregates import AGGREGATES, fold
from ledger.commands import Command, Record, Reference
from ledger.errors import Refusal
from ledger.events import Fact
from ledger.handlers import Accepted, Outcome, record, record_many
from ledger.opening import create
from ledger.policy.evaluate import choices, deadlines
from ledger.policy.verdicts import ChoiceState, Deadline
from ledger.projections.model import SubjectState
from ledger.store import reader, rebuild, states
from replay.fold import fold_subject
from tests.clock import StepClock

TODAY = "2026-01-05T09:00:00Z"


def on(day: str) -> dict[str, Any]:
    """When a fact happened: `OrderPlaced(**on("2019-03-10"))`."""
    return {"occurred": cal.parse_moment(day)}


ONCE: dict[str, Any] = on("2025-06-02")


class Given(NamedTuple):
    """One aggregate and what happened to it."""

    aggregate: str
    history: tuple[tuple[int, Fact], ...]

    @property
    def state(self) -> Any:
        """What decisions depend on."""
        return fold(AGGREGATES[self.aggregate], self.history)

    def when(self, fact: Fact) -> Then:
        """What becomes of a wish."""
        refusal = AGGREGATES[self.aggregate].decide(self.state, fact)
        if refusal is None:
            position = 1 + max((at for at, _ in self.history), default=0)
            return Then(None, given_at(self.aggregate, *self.history, (position, fact)))
        return Then(refusal, self)


class Then(NamedTuple):
    """The outcome of a wish, and what is given afterwards."""

    refusal: Refusal | None
    after: Given

    def accepted(self) -> Given:
        """It became history."""
        assert self.refusal is None, self.refusal
        return self.after

    def refused(self, clause: str | None = None, problem: str = "conflict") -> None:
        """It did not, for this reason."""
        assert self.refusal is not None
        assert (self.refusal.problem, self.refusal.clause) == (problem, clause)
        assert self.refusal.detail


def given(aggregate: ModuleType, *facts: Fact) -> Given:
    """These facts happened, at positions 1, 2, 3…"""
    return given_at(aggregate.__name__.rsplit(".", 1)[-1], *enumerate(facts, start=1))


def given_at(aggregate: str, *history: tuple[int, Fact]) -> Given:
    """These facts happened at these positions."""
    return Given(aggregate, history)


class Shop:
    """A whole ledger in memory, on a day that stands still."""

    def __init__(self, today: str = TODAY) -> None:
        self.clock = StepClock(today)
        self.ledger = create("sqlite://", clock=self.clock)

    def told(self, fact: Fact, who: str | UUID | None = None, thing: str | None = None) -> Accepted:
        """This happened to `who` (a customer number, or a known id). Raises Refused."""
        return record(self.ledger, self.wish(fact, who, thing))

    def wish(self, fact: Fact, who: str | UUID | None = None, thing: str | None = None) -> Record:
        """The same, not yet asked for."""
        person = Reference("shop", who) if isinstance(who, str) else None
        if isinstance(who, UUID):
            fact = replace(fact, subject=who)
        return Record(fact, person, thing=Reference("ref", thing) if thing else None)

    def batch(self, *wishes: Command) -> list[Outcome]:
        """All in one call."""
        return record_many(self.ledger, wishes)

    def person(self, who: str) -> UUID:
        """Whom a customer number means; it must be known."""
        kind = "person/shop"
        key = (kind, self.ledger.keyring.blind(kind, who))
        with self.ledger.database.read() as connection:
            return reader.lookups(connection, [key])[key].subject

    def state(self, who: str, as_of: str | None = None) -> SubjectState:
        """Everything derived about a person, by the plain fold; live tables must agree."""
        subject = self.person(who)
        with self.ledger.database.read() as connection:
            rows = states.rows_of(connection, subject)
            live = states.live_state(connection, subject)
        assert live == fold_subject(rows)
        return fold_subject(rows, cal.parse_as_of(as_of) if as_of else None)

    def deadline(self, who: str, klass: str, as_of: str) -> Deadline:
        """The one deadline of a person in that class, on that day."""
        (one,) = self.deadlines(who, klass, as_of)
        return one

    def deadlines(self, who: str, klass: str, as_of: str) -> list[Deadline]:
        """The deadlines of a person in that class, one for each thing, on that day."""
        book = self.ledger.book(self.ledger.epoch())
        found = deadlines(self.state(who, as_of), book, cal.parse_as_of(as_of))
        return [deadline for deadline in found if deadline.klass == klass]

    def kept_until(self, who: str, klass: str, as_of: str) -> str | None:
        """Until which day that class is in daily use; None while a contract suspends the clock."""
        until = self.deadline(who, klass, as_of).operational_until
        return None if until is None else cal.format_day(until)

    def choice(self, who: str, purpose: str, channel: str = "", as_of: str = TODAY) -> ChoiceState:
        """What a person chose, on that day."""
        book = self.ledger.book(self.ledger.epoch())
        found = choices(self.state(who, as_of), book, cal.parse_as_of(as_of))
        (one,) = [c for c in found if (c.purpose, c.channel) == (purpose, channel)]
        return one

    def position(self) -> int:
        """The last position."""
        return self.ledger.recorder.head().position

    def closed(self) -> None:
        """The story ends: what is live is what is derived."""
        assert list(rebuild.differences(self.ledger.database)) == []
        self.ledger.close()
