"""Which fact a term is counted from: candidates, their eras, and the one that wins.

1. Candidates: the last fact of each kind that moves the class, and each contract's end, recorded
   or planned and passed; each lasts for the months its own era is entitled to (`terms.py`).
2. No candidate: the oldest fact of the person, or the first fact of the thing.
3. The latest end wins, then the latest day, then the latest position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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


class Rules(dict[int, Rule | None]):
    """The rules of a class for the facts of one person, by the edition they were recorded under: a
    fact is judged by that edition, or by the latest she was told of."""

    def __init__(self, state: SubjectState, klass: str, reign: Reign) -> None:
        self._klass, self._reign = klass, reign
        self._told = state.notified.edition if state.notified else 0

    def __missing__(self, edition: int) -> Rule | None:
        found = self[edition] = self._reign.rule(self._klass, self.era(edition))
        return found

    def era(self, edition: int) -> int:
        """The edition by which a fact is judged."""
        return max(edition, self._told)


class Case:
    """One question: this class and scope of this person, under these editions in force. `facts`:
    those that its clock looks at, all of the person's or those of this thing only, the latest
    first; `of`: the class, as the newest edition in force has it; `contracts`: those that may stop
    its clock; `moving` and `others`: what moves it (of the facts that one edition judges the last
    one: none before it has a later end), and what does not, the same on any day."""

    __slots__ = "contracts", "facts", "moving", "of", "others", "reign", "rules", "scope", "state"

    def __init__(
        self, state: SubjectState, klass: str, scope: str, reign: Reign, rules: Rules, facts: Facts
    ) -> None:
        self.state, self.scope, self.reign, self.rules = state, scope, reign, rules
        self.facts, self.of, self.contracts = facts, reign.classes[klass], state.contracts
        if self.contracts and self.of.clock == "item":
            its = self.contracts.get(scope)
            self.contracts = {} if its is None else {scope: its}
        self.moving, self.others = _sorted_out(rules, facts)


@lru_cache(maxsize=256)
def classes_of(editions: tuple[Edition, ...]) -> dict[str, DataClass]:
    """The classes of these editions, as the newest one has them."""
    return {name: found for edition in editions for name, found in edition.classes.items()}


@lru_cache(maxsize=256)
def reign_of(chain: tuple[Edition, ...]) -> Reign:
    """What these editions say together."""
    return Reign(chain)


def winner_of(case: Case, today: Day) -> Candidate | None:
    candidates = case.moving
    if case.contracts:
        candidates = [*candidates, *_from_contracts(case, today)]
    return max(candidates, key=_FIRST) if candidates else _fallback(case)


_FIRST = itemgetter(0, 1, 2)


def _sorted_out(rules: Rules, facts: Facts) -> tuple[list[Candidate], Facts]:
    moving: list[Candidate] = []
    others: list[tuple[ActivityKey, Span]] = []
    judged: set[int] = set()
    for fact in facts:
        (_, _, kind, edition), (_, _, day, position, _) = fact
        rule = rules[edition]
        if rule is None or kind not in rule.moved_by:
            others.append(fact)
        # A contract's own row says its end, with corrections and plans.
        elif edition not in judged and kind != CONTRACT_ENDED:
            judged.add(edition)
            moving.append(_candidate(rules, rule, kind, day, position, edition, "fact"))
    return moving, others


def _from_contracts(case: Case, today: Day) -> Iterator[Candidate]:
    for contract in case.contracts.values():
        end = _end_of(contract, today)
        if end is not None:
            rule = case.rules[end.edition]
            if rule is not None and CONTRACT_ENDED in rule.moved_by:
                yield _candidate(case.rules, rule, CONTRACT_ENDED, *end)


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
    rule = case.rules[key.edition]
    source: Source = "first_fact" if case.of.clock == "item" else "registration"
    if rule is None:
        return None
    first_fact = span.first_day, span.first_position, key.edition
    return _candidate(case.rules, rule, key.kind, *first_fact, source)


def _beginning(entry: tuple[ActivityKey, Span]) -> tuple[Day, int]:
    return entry[1].first_day, entry[1].first_position


def _candidate(
    rules: Rules, rule: Rule, kind: str, day: Day, position: int, edition: int, source: Source
) -> Candidate:
    due = add_months(day, rule.months)
    return Candidate(due, day, position, kind, edition, rules.era(edition), source, rule)
