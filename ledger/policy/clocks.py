"""Which fact a term is counted from: candidates, their eras, and the one that wins.

1. Candidates: the last fact of each kind that moves the class, and each contract's end, recorded
   or planned and passed; each lasts for the months its own era is entitled to (`terms.py`).
2. No candidate: the oldest fact of the person, or the first fact of the thing.
3. The latest end wins, then the latest day, then the latest position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
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


@dataclass(slots=True)
class Case:
    """One question: this class and scope of this person, under these editions in force. `facts`:
    those that its clock looks at, all of the person's or those of this thing only. `rules` are
    those looked up so far, by edition: a person has many facts, of few. `sorted_out`: what moves
    the clock, and what does not, the same on any day."""

    state: SubjectState
    klass: str
    scope: str
    chain: tuple[Edition, ...]
    by_item: bool
    facts: Facts = ()
    rules: dict[int, Rule | None] = field(default_factory=dict)
    sorted_out: tuple[list[Candidate], Facts] | None = None

    def rule(self, edition: int | None) -> Rule | None:
        """The rule for a fact recorded under that edition, and told to this person or not."""
        edition = edition or 0
        if edition not in self.rules:
            self.rules[edition] = rule_for(self.chain, self.klass, self.era(edition))
        return self.rules[edition]

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


def winner_of(case: Case, today: Day) -> Candidate | None:
    candidates = [*case.moving, *_from_contracts(case, today)]
    return max(candidates, key=lambda c: c[:3]) if candidates else _fallback(case)


def _sorted_out(case: Case) -> tuple[list[Candidate], Facts]:
    latest: dict[int, tuple[Day, int, str]] = {}
    others: list[tuple[ActivityKey, Span]] = []
    moved_by: dict[int, frozenset[str]] = {}
    for fact in case.facts:
        (_, _, kind, edition), span = fact
        if edition not in moved_by:
            rule = case.rule(edition)
            moved_by[edition] = rule.moved_by if rule else frozenset()
        if kind not in moved_by[edition]:
            others.append(fact)
        elif kind != CONTRACT_ENDED:  # the contract's own row says it, with corrections and plans
            before = latest.get(edition)
            if before is None or before[:2] < (span.last_day, span.last_position):
                latest[edition] = span.last_day, span.last_position, kind
    moving = []
    for edition, (day, position, kind) in latest.items():
        found = case.rule(edition)
        assert found is not None
        moving.append(_candidate(case, found, kind, day, position, edition, "fact"))
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
    source: Source = "first_fact" if case.by_item else "registration"
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
    if not case.by_item:
        return contracts
    return {case.scope: contracts[case.scope]} if case.scope in contracts else {}
