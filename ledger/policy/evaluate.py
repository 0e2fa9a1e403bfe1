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
from ledger.policy.clocks import Candidate, Case, classes_of, contracts_of, winner_of
from ledger.policy.consents import choice, choices
from ledger.policy.model import DataClass, Edition
from ledger.policy.reasons import not_counted, rests_on, would_change
from ledger.policy.terms import chain_for, moving_rows, suspending_rows, terms_table
from ledger.policy.verdicts import Counted, Deadline, Suspension, Tier
from ledger.projections.model import ActivityKey, Contract, Ended, EndedKey, Span, SubjectState

__all__ = [
    "choice",
    "choices",
    "deadlines",
    "deadlines_now",
    "deadlines_of",
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
    asked, today = _Asked(state, book, known), day_of(as_of)
    found = (_deadline(asked, *one, today, ahead=True) for one in _present(asked))
    return [deadline for deadline in found if deadline is not None]


def deadlines_now(
    state: SubjectState,
    book: Book,
    as_of: Instant,
    known: int | None = None,
    classes: Collection[str] | None = None,
) -> list[Deadline]:
    """The same (of these classes only, if some are named) for whoever counts: none says what did
    not count, when it changes by calendar alone or what would change it, which is half the work."""
    asked, today = _Asked(state, book, known), day_of(as_of)
    some = [one for one in _present(asked) if classes is None or one[0] in classes]
    found = (_deadline(asked, *one, today, ahead=False) for one in some)
    return [deadline for deadline in found if deadline is not None]


def deadlines_of(
    state: SubjectState,
    book: Book,
    as_of: Instant,
    known: int | None,
    which: Collection[tuple[str, str]],
) -> list[Deadline]:
    """As `deadlines`, of these classes and scopes only, in the order in which they are named."""
    asked, today = _Asked(state, book, known), day_of(as_of)
    found = (_deadline(asked, klass, scope, today, ahead=True) for klass, scope in which)
    return [deadline for deadline in found if deadline is not None]


class _Asked:
    """One person, the editions known, and what all her classes are judged by: looked up once."""

    def __init__(self, state: SubjectState, book: Book, known: int | None) -> None:
        self.state, self.book, self.known = state, book, known
        self.editions = book.known(known)
        self.classes = classes_of(self.editions)
        self.facts = list(state.activity.items())
        self._of_item: dict[str, list[tuple[ActivityKey, Span]]] = {}
        for key, span in self.facts:
            self._of_item.setdefault(key.scope, []).append((key, span))
        self._chains: dict[tuple[str, Day], tuple[tuple[Edition, ...], bool]] = {}

    def chain(self, klass: str, day: Day) -> tuple[tuple[Edition, ...], bool]:
        """The editions by which the class is judged that day, and whether they were in force."""
        if (klass, day) not in self._chains:
            self._chains[klass, day] = chain_for(self.book, klass, day, self.known)
        return self._chains[klass, day]

    def case(self, klass: str, scope: str, chain: tuple[Edition, ...]) -> Case:
        """The question of one class and scope under these editions."""
        by_item = classes_of(chain)[klass].clock == "item"
        facts = self._of_item.get(scope, []) if by_item else self.facts
        return Case(self.state, klass, scope, chain, by_item, facts)


def _present(asked: _Asked) -> list[tuple[str, str]]:
    """The classes and scopes of which something is held: an entry at home, or a sealed part."""
    found: set[tuple[str, str]] = set()
    parts = _parts(asked.editions)
    for key, _ in asked.facts:
        home = asked.classes.get(key.klass)
        if home is not None:
            found.add((home.name, key.scope if home.clock == "item" else ""))
        if key.scope:
            found.update((name, key.scope) for name in parts.get(key.kind, ()))
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
    in_force: bool


def _judge(
    asked: _Asked, klass: str, scope: str, today: Day, before: Case | None = None
) -> _Judged | None:
    """The answer on one day; None when no known edition has the class. `before`: the same question
    of another day."""
    chain, in_force = asked.chain(klass, today)
    if not chain:
        return None
    case = before if before and before.chain == chain else asked.case(klass, scope, chain)
    winner = winner_of(case, today)
    if winner is None:
        return None
    answer = _answer(case, winner, today, _ended(asked, klass, scope))
    return _Judged(case, winner, answer, in_force)


def _ended(asked: _Asked, klass: str, scope: str) -> Ended | None:
    """How it ended, unless something of it was recorded since: then it is held again."""
    ended = asked.state.ended.get(EndedKey(klass, scope))
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


def _deadline(asked: _Asked, klass: str, scope: str, today: Day, *, ahead: bool) -> Deadline | None:
    judged = _judge(asked, klass, scope, today)
    if judged is None:
        return None
    case, winner, answer, _ = judged
    rule = winner.rule
    return Deadline(
        klass=klass,
        scope=scope,
        label_fr=rule.data_class.label_fr,
        label_en=rule.data_class.label_en,
        tier_now=answer.tier,
        operational_until=answer.operational_until,
        archive_until=answer.archive_until,
        suspended_by=answer.suspended_by,
        ended=answer.ended,
        rule=rule.data_class.rule,
        edition=rule.edition.id,
        edition_number=rule.edition.number,
        clause=rule.data_class.clause,
        article=rule.data_class.article,
        archive_article=rule.archive.article if rule.archive else None,
        why_fr=rule.data_class.why_fr,
        why_en=rule.data_class.why_en,
        counted=Counted(
            winner.kind, winner.day, winner.position, rule.months, winner.era, winner.source
        ),
        rests_on=_rests_on(case, winner, answer),
        not_counted=not_counted(case, winner) if ahead else (),
        flips_on=_flips_on(judged, asked, today) if ahead else None,
        would_change=would_change(case, winner, answer.suspended_by) if ahead else (),
        flags=_flags(judged),
    )


def _rests_on(case: Case, winner: Candidate, answer: _Answer) -> tuple[int, ...]:
    own = rests_on(case, winner, answer.suspended_by)
    return tuple(sorted({*own, answer.ended.position})) if answer.ended else own


def _flags(judged: _Judged) -> tuple[str, ...]:
    source = judged.winner.source
    flags = {
        "edition_not_yet_in_force": not judged.in_force,
        "clock_starts_at_registration": source == "registration",
        "clock_starts_at_first_fact": source == "first_fact",
        "planned_end_passed": source == "planned_end",
        "term_not_lengthened": judged.winner.rule.not_lengthened,
    }
    return tuple(flag for flag, applies in flags.items() if applies)


# --- what follows from it -------------------------------------------------------------------------


def _answer(case: Case, winner: Candidate, today: Day, ended: Ended | None) -> _Answer:
    if ended is not None and ended.tier == "erased":
        return _Answer("erased", None, None, (), ended)
    suspended_by = tuple(
        Suspension(item, contract.from_position or 0)
        for item, contract in sorted(contracts_of(case).items())
        if ended is None and _suspends(case, contract, today)
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
    rule = case.rule(contract.planned_edition)
    return rule is not None and contract.type in rule.suspended_by


def _flips_on(now: _Judged, asked: _Asked, today: Day) -> Day | None:
    """The first later day on which the answer differs although no fact is added.

    Only these days can differ: the day after an end, of a term or of a contract as planned, and
    the day another known edition takes effect.
    """
    case = now.case
    contracts = contracts_of(case).values()
    turns = [e.effective_from for e in asked.editions]
    ends = [now.answer.operational_until, now.answer.archive_until]
    ends += [contract.planned_day for contract in contracts]
    turns += [add_days(end, 1) for end in ends if end is not None]
    for day in sorted({day for day in turns if day > today}):
        then = _judge(asked, case.klass, case.scope, day, case)
        if then is not None and then.answer != now.answer:
            return day
    return None
