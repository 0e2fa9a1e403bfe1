"""From facts, a book of editions and a date to verdicts. Pure: no clock, no database, no names.

A deadline is one per (class, scope) of which something is held (SS-RET-1). `clocks.py` finds the
fact its term is counted from, `terms.py` how many months that fact is entitled to; here a contract
that is open and of a suspending type stops the clock, and the tier of the day follows.

A term that ends on a day is over from the next day on. Everything that the answer rests on comes
back with it. Read `consents.py` for choices, `explain.py` for the sentences.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from ledger.calendar import Day, Instant, add_days, add_months, day_of, is_past
from ledger.policy.book import Book
from ledger.policy.clocks import (
    Candidate,
    Case,
    Reign,
    Rules,
    classes_of,
    reign_of,
    winner_of,
)
from ledger.policy.consents import choice, choices
from ledger.policy.model import DataClass, Edition
from ledger.policy.reasons import not_counted, rests_on, would_change
from ledger.policy.terms import chain_for, moving_rows, suspending_rows, terms_table
from ledger.policy.verdicts import Counted, Deadline, NotCounted, Source, Suspension, Tier
from ledger.projections.model import ActivityKey, Contract, Ended, Span, SubjectState

__all__ = [
    "Judging",
    "choice",
    "choices",
    "deadline_now",
    "deadlines",
    "deadlines_now",
    "moving_rows",
    "suspending_rows",
    "terms_table",
]


class _Answer(NamedTuple):
    """What changes, or does not, from one day to another."""

    tier: Tier
    operational_until: Day | None
    archive_until: Day | None
    suspended_by: tuple[Suspension, ...]
    ended: Ended | None


def deadlines(
    state: SubjectState, book: Book, as_of: Instant, known: int | None = None
) -> list[Deadline]:
    """Every deadline of one person: one per class and scope of which a fact is known.

    `state` must be the state at (`as_of`, `known`): `known` is the last position known, None for
    all. Empty when no edition is known yet. Sorted by class, then scope.
    """
    return Judging(state, book, as_of, known).deadlines()


def deadlines_now(
    state: SubjectState,
    book: Book,
    as_of: Instant,
    known: int | None = None,
    classes: Collection[str] | None = None,
) -> list[Deadline]:
    """The same (of these classes only, if some are named) for whoever counts: none says what did
    not count, when it changes by calendar alone or what would change it, which is half the work."""
    return Judging(state, book, as_of, known).deadlines(ahead=False, classes=classes)


def deadline_now(
    state: SubjectState, book: Book, as_of: Instant, known: int | None, klass: str, scope: str
) -> Deadline | None:
    """The one of these of a class and scope; None where there is none."""
    found = Judging(state, book, as_of, known).deadlines(ahead=False, classes=(klass,))
    return next((deadline for deadline in found if deadline.scope == scope), None)


class Judging:
    """One person at (`as_of`, `known`), with what all her classes are judged by: looked up once."""

    def __init__(
        self, state: SubjectState, book: Book, as_of: Instant, known: int | None = None
    ) -> None:
        self.state, self.book, self.known, self.today = state, book, known, day_of(as_of)
        self.editions = book.known(known)
        self.classes = classes_of(self.editions)
        self.facts = sorted(state.activity.items(), key=_last, reverse=True)
        self.passed_over: dict[int, NotCounted] = {}
        self._of_item: dict[str, list[tuple[ActivityKey, Span]]] = {}
        for fact in self.facts:
            self._of_item.setdefault(fact[0].scope, []).append(fact)
        self._reigns: dict[Day, Reign] = {}
        self._rules: dict[tuple[str, Reign], Rules] = {}
        self._judged: dict[tuple[str, str], _Judged] = {}

    def deadlines(
        self, *, ahead: bool = True, classes: Collection[str] | None = None
    ) -> list[Deadline]:
        """As the functions of this name, of these classes only; unless `ahead`, as
        `deadlines_now`."""
        found = []
        for klass, scope in _present(self):
            if classes is not None and klass not in classes:
                continue
            judged = _judge(self, klass, scope, self.today)
            if judged is not None:
                self._judged[klass, scope] = judged
                found.append(_deadline(self, judged, ahead=ahead))
        return found

    def whole(self, one: Deadline) -> Deadline:
        """One of those that were judged without what follows, with it."""
        not_counted, flips_on, change = _ahead(self, self._judged[one.klass, one.scope])
        return one._replace(not_counted=not_counted, flips_on=flips_on, would_change=change)

    def reign(self, klass: str, day: Day) -> Reign:
        """The editions by which the class is judged that day."""
        if day not in self._reigns:
            self._reigns[day] = reign_of(self.book.chain(day, self.known))
        found = self._reigns[day]
        if klass in found.classes:
            return found
        return reign_of(chain_for(self.book, klass, day, self.known)[0])

    def case(self, klass: str, scope: str, reign: Reign) -> Case:
        """The question of one class and scope under these editions."""
        by_item = reign.classes[klass].clock == "item"
        facts = self._of_item.get(scope, []) if by_item else self.facts
        rules = self._rules.get((klass, reign))
        if rules is None:
            rules = self._rules[klass, reign] = Rules(self.state, klass, reign)
        return Case(self.state, klass, scope, reign, rules, facts)


def _last(fact: tuple[ActivityKey, Span]) -> tuple[Day, int]:
    return fact[1][2:4]


def _present(asked: Judging) -> list[tuple[str, str]]:
    """The classes and scopes of which something is held: an entry at home, or a sealed part."""
    found: set[tuple[str, str]] = set()
    parts = _parts(asked.editions)
    for (klass, scope, kind, _), _ in asked.facts:
        home = asked.classes.get(klass)
        if home is not None:
            found.add((klass, scope if home.clock == "item" else ""))
        if scope and kind in parts:
            found.update((name, scope) for name in parts[kind])
    return sorted(found)


@lru_cache(maxsize=256)
def _parts(editions: tuple[Edition, ...]) -> dict[str, list[str]]:
    """The classes with a clock for each thing in which facts of a kind have a sealed part."""
    found: dict[str, list[str]] = {}
    for one in classes_of(editions).values():
        for kind in one.parts_of if one.clock == "item" else ():
            found.setdefault(kind, []).append(one.name)
    return found


class _Judged(NamedTuple):
    case: Case
    winner: Candidate
    answer: _Answer


def _judge(
    asked: Judging, klass: str, scope: str, today: Day, before: _Judged | None = None
) -> _Judged | None:
    """The answer on one day; None when no known edition has the class. `before`: the same question
    of another day."""
    reign = asked.reign(klass, today)
    if klass not in reign.classes:
        return None
    is_same = before is not None and before.case.reign is reign
    case = before.case if before and is_same else asked.case(klass, scope, reign)
    by_calendar = case.contracts  # alone what they plan makes another winner of another day
    winner = before.winner if before and is_same and not by_calendar else winner_of(case, today)
    if winner is None:
        return None
    return _Judged(case, winner, _answer(case, winner, today, _ended(asked, klass, scope)))


def _ended(asked: Judging, klass: str, scope: str) -> Ended | None:
    """How it ended, unless something of it was recorded since: then it is held again."""
    ended = asked.state.ended.get((klass, scope))  # type: ignore[call-overload]
    if ended is None:
        return None
    data_class = asked.classes[klass]
    later = any(
        span.last_position > ended.position
        for key, span in asked.facts
        if _is_of(key, data_class) and (data_class.clock != "item" or key.scope == scope)
    )
    return None if later else ended


def _is_of(key: ActivityKey, data_class: DataClass) -> bool:
    """Whether these facts hold something of the class: an entry at home, or a sealed part."""
    sealed = data_class.clock == "item" and key.scope and key.kind in data_class.parts_of
    return key.klass == data_class.name or bool(sealed)


def _deadline(asked: Judging, judged: _Judged, *, ahead: bool) -> Deadline:
    case, winner, answer = judged
    rule, in_force = winner.rule, case.reign.chain[0].effective_from <= asked.today
    of, edition = rule.data_class, rule.edition
    passed_over, flips_on, change = _ahead(asked, judged) if ahead else ((), None, ())
    return Deadline(  # by place: twenty names would cost as much as judging
        case.of.name,
        case.scope,
        of.label_fr,
        of.label_en,
        answer.tier,
        answer.operational_until,
        answer.archive_until,
        answer.suspended_by,
        answer.ended,
        of.rule,
        edition.id,
        edition.number,
        of.clause,
        of.article,
        rule.archive.article if rule.archive else None,
        of.why_fr,
        of.why_en,
        Counted(winner.kind, winner.day, winner.position, rule.months, winner.era, winner.source),
        _rests_on(case, winner, answer),
        passed_over,
        flips_on,
        change,
        _flags(winner.source, in_force, rule.not_lengthened),
    )


def _ahead(
    asked: Judging, judged: _Judged
) -> tuple[tuple[NotCounted, ...], Day | None, tuple[str, ...]]:
    """What did not count, when the answer changes by calendar alone, and what would change it."""
    case, winner, answer = judged
    passed_over = not_counted(case, winner, asked.passed_over)
    return passed_over, _flips_on(judged, asked), would_change(case, winner, answer.suspended_by)


def _rests_on(case: Case, winner: Candidate, answer: _Answer) -> tuple[int, ...]:
    own = rests_on(case, winner, answer.suspended_by)
    return tuple(sorted({*own, answer.ended.position})) if answer.ended else own


@lru_cache(maxsize=64)
def _flags(source: Source, in_force: bool, not_lengthened: bool) -> tuple[str, ...]:
    flags = {
        "edition_not_yet_in_force": not in_force,
        "clock_starts_at_registration": source == "registration",
        "clock_starts_at_first_fact": source == "first_fact",
        "planned_end_passed": source == "planned_end",
        "term_not_lengthened": not_lengthened,
    }
    return tuple(flag for flag, applies in flags.items() if applies)


# --- what follows from it -------------------------------------------------------------------------


def _answer(case: Case, winner: Candidate, today: Day, ended: Ended | None) -> _Answer:
    if ended is not None and ended.tier == "erased":
        return _Answer("erased", None, None, (), ended)
    if case.contracts and ended is None:
        suspended_by = tuple(
            Suspension(item, contract.from_position or 0)
            for item, contract in sorted(case.contracts.items())
            if _suspends(case, contract, today)
        )
        if suspended_by:
            return _Answer("operational", None, None, suspended_by, None)
    until, archive_until = winner.due, None
    archive = winner.rule.archive
    if archive is not None:
        start = until if archive.counted_from == "operational_end" else winner.day
        archive_until = max(until, add_months(start, archive.months))
    tier: Tier = "operational"
    if ended is not None:
        over = is_past(until, today) and is_past(archive_until or until, today)
        return _Answer("past_archive" if over else "archived", until, archive_until, (), ended)
    if is_past(until, today):
        tier = "past_operational"
    if archive_until is not None and is_past(archive_until, today):
        tier = "past_archive"
    return _Answer(tier, until, archive_until, (), None)


def _suspends(case: Case, contract: Contract, today: Day) -> bool:
    if contract.from_day is None or contract.ended_day is not None:
        return False
    planned = contract.planned_day
    if not contract.tacit and planned is not None and is_past(planned, today):
        return False
    rule = case.rules[contract.planned_edition or 0]
    return rule is not None and contract.type in rule.suspended_by


def _flips_on(now: _Judged, asked: Judging) -> Day | None:
    """The first later day on which the answer differs although no fact is added.

    Only these days can differ: the day after an end, of a term or of a contract as planned, and
    the day another known edition takes effect.
    """
    case, today = now.case, asked.today
    turns = [e.effective_from for e in asked.editions]
    ends = [now.answer.operational_until, now.answer.archive_until]
    ends += [contract.planned_day for contract in case.contracts.values()]
    turns += [add_days(end, 1) for end in ends if end is not None and end >= today]
    for day in sorted({day for day in turns if day > today}):
        then = _judge(asked, case.of.name, case.scope, day, now)
        if then is not None and then.answer != now.answer:
            return day
    return None
