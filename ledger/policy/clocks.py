"""Which fact a term is counted from: candidates, their eras, and the one that wins.

1. Candidates: the last fact of each kind that moves the class, and each contract's end, recorded
   or planned and passed; each lasts for the months its own era is entitled to (`terms.py`).
2. No candidate: the oldest fact of the person, or the first fact of the thing.
3. The latest end wins, then the latest day, then the latest position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from ledger.calendar import Day, add_months, is_past
from ledger.policy.model import CONTRACT_ENDED, DataClass, Edition
from ledger.policy.terms import Rule, rule_for
from ledger.policy.verdicts import Source
from ledger.projections.model import ActivityKey, Contract, Span, SubjectState


class Candidate(NamedTuple):
    """A fact that may start the term; the order of the fields is the order in which they win."""

    due: Day
    day: Day
    position: int
    kind: str
    edition: int  # in force when it was recorded
    era: int  # by which it is judged
    source: Source
    rule: Rule


Facts: TypeAlias = Sequence[tuple[ActivityKey, Span]]


class Reign:
    """The editions in force on a day, oldest first, and what they say of each class: looked up once
    for everybody."""

    def __init__(self, chain: tuple[Edition, ...]) -> None:
        self.chain, self.classes = chain, classes_of(chain)
        self._rules: dict[tuple[str, int], Rule | None] = {}  # of the editions there are

    def rule(self, klass: str, era: int) -> Rule | None:
        """As `rule_for` finds it."""
        asked = klass, era
        if asked not in self._rules:
            self._rules[asked] = rule_for(self.chain, klass, era)
        return self._rules[asked]


@dataclass(slots=True)
class Case:
    """One question: this class and scope of this person, under these editions in force. `facts`:
    those that its clock looks at, all of the person's or those of this thing only, the latest
    first. `sorted_out`: what moves the clock, and what does not, the same on any day."""

    state: SubjectState
    klass: str
    scope: str
    reign: Reign
    facts: Facts = ()
    sorted_out: tuple[list[Candidate], Facts] | None = None

    def rule(self, edition: int | None) -> Rule | None:
        """The rule for a fact recorded under that edition, and told to this person or not."""
        return self.reign.rule(self.klass, self.era(edition))

    @property
    def of(self) -> DataClass:
        """The class, as the newest edition in force has it."""
        return self.reign.classes[self.klass]

    @property
    def moving(self) -> list[Candidate]:
        """Of the facts that one edition judges the last one that moves the clock: none before it
        has a later end."""
        return self._sorted_out()[0]

    @property
    def others(self) -> Facts:
        """The facts that do not move it."""
        return self._sorted_out()[1]

    def _sorted_out(self) -> tuple[list[Candidate], Facts]:
        if self.sorted_out is None:
            self.sorted_out = _sorted_out(self)
        return self.sorted_out

    def era(self, edition: int | None) -> int:
        """The edition by which a fact is judged: its own, or the latest this person was told of."""
        notified = self.state.notified
        return max(edition or 0, notified.edition if notified else 0)


@lru_cache(maxsize=256)
def classes_of(editions: tuple[Edition, ...]) -> dict[str, DataClass]:
    """The classes of these editions, as the newest one has them."""
    return {name: found for edition in editions for name, found in edition.classes.items()}


@lru_cache(maxsize=256)
def reign_of(chain: tuple[Edition, ...]) -> Reign:
    """What these editions say together."""
    return Reign(chain)


def winner_of(case: Case, today: Day) -> Candidate | None:
    candidates = [*case.moving, *_from_contracts(case, today)]
    return max(candidates, key=_FIRST) if candidates else _fallback(case)


_FIRST = itemgetter(0, 1, 2)


def _sorted_out(case: Case) -> tuple[list[Candidate], Facts]:
    moving: list[Candidate] = []
    others: list[tuple[ActivityKey, Span]] = []
    rules: dict[int, Rule | None] = {}
    judged: set[int] = set()
    for fact in case.facts:
        (_, _, kind, edition), span = fact
        if edition not in rules:
            rules[edition] = case.rule(edition)
        rule = rules[edition]
        if rule is None or kind not in rule.moved_by:
            others.append(fact)
        # A contract's own row says its end, with corrections and plans.
        elif edition not in judged and kind != CONTRACT_ENDED:
            judged.add(edition)
            last = span.last_day, span.last_position
            moving.append(_candidate(case, rule, kind, *last, edition, "fact"))
    return moving, others


def _from_contracts(case: Case, today: Day) -> Iterator[Candidate]:
    for contract in contracts_of(case).values():
        end = _end_of(contract, today)
        if end is not None:
            rule = case.rule(end.edition)
            if rule is not None and CONTRACT_ENDED in rule.moved_by:
                yield _candidate(
                    case, rule, CONTRACT_ENDED, end.day, end.position, end.edition, end.source
                )


class _End(NamedTuple):
    """The end of a contract: recorded, or planned and passed without tacit renewal."""

    day: Day
    position: int
    edition: int
    source: Source


def _end_of(contract: Contract, today: Day) -> _End | None:
    c = contract
    if c.ended_day is not None:
        return _End(c.ended_day, c.ended_position or 0, c.ended_edition or 0, "contract_end")
    if c.planned_day is not None and not c.tacit and is_past(c.planned_day, today):
        return _End(c.planned_day, c.planned_position or 0, c.planned_edition or 0, "planned_end")
    return None


def _fallback(case: Case) -> Candidate | None:
    """Nothing counted: the oldest fact of the person, or the first fact of the thing.

    A registration tells of the person's first day, except that an import may register her by a
    line that is not her oldest: the oldest fact is then the day she was first known.
    """
    first = min(case.facts, key=_beginning, default=None)
    if first is None:
        return None
    key, span = first
    rule = case.rule(key.edition)
    source: Source = "first_fact" if case.of.clock == "item" else "registration"
    if rule is None:
        return None
    return _candidate(
        case, rule, key.kind, span.first_day, span.first_position, key.edition, source
    )


def _beginning(entry: tuple[ActivityKey, Span]) -> tuple[Day, int]:
    return entry[1].first_day, entry[1].first_position


def _candidate(
    case: Case, rule: Rule, kind: str, day: Day, position: int, edition: int, source: Source
) -> Candidate:
    due = add_months(day, rule.months)
    return Candidate(due, day, position, kind, edition, case.era(edition), source, rule)


def contracts_of(case: Case) -> dict[str, Contract]:
    contracts = case.state.contracts
    if not contracts or case.of.clock != "item":
        return contracts
    return {case.scope: contracts[case.scope]} if case.scope in contracts else {}
