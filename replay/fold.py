"""The definition of every derived answer, as one reads it aloud: filter, resolve, filter, pick.

At two times: `known` is the last position we knew (None: all), `as_of` the instant we ask about
(None: the end of time). A fact counts when it was recorded by `known` and, as corrected by what was
known by then, had happened by `as_of`. Then each derived row is a minimum or a maximum over a list.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TypeAlias
from uuid import UUID

from ledger.calendar import MINUTE, Instant, day_of
from ledger.events import CORRECTION, KINDS, VOID, Row
from ledger.policy.book import Book
from ledger.policy.consents import counted_as
from ledger.policy.evaluate import choices, deadlines_now
from ledger.policy.verdicts import Deadline
from ledger.projections.model import (
    ActivityKey,
    ChoiceKey,
    Contract,
    Ended,
    EndedKey,
    Expression,
    Notified,
    Span,
    SubjectState,
)
from ledger.projections.population import Age, ChoiceCount, ClassCount, Population, Tally

NO = ("consent.refused.v1", "consent.withdrawn.v1", "consent.invalidated.v1", "objection.raised.v1")
YES = ("consent.given.v1", "consent.renewed.v1", "objection.lifted.v1")
STOP = ("consent.withdrawn.v1", "objection.raised.v1")
GRANT = ("consent.given.v1", "consent.renewed.v1")
ENDINGS = {"customer.class_archived.v1": "archived", "customer.class_erased.v1": "erased"}
PLAN = ("contract.started.v1", "contract.renewed.v1", "contract.amended.v1")
SAYING = {*NO, *YES, "consent.requested.v1", "objection.assessed.v1", *ENDINGS} | {
    *PLAN,
    "contract.ended.v1",
}
"""The kinds that `fold_said` looks at."""

_Tiers: TypeAlias = tuple[Counter[str], Counter[str]]  # by subject, by item


def fold_subject(
    rows: Iterable[Row], as_of: Instant | None = None, known: int | None = None
) -> SubjectState:
    """The state of one subject, from all her rows."""
    standing, facts = _heard(rows, as_of, known)
    return SubjectState(
        _activity(facts), _contracts(facts), _consents(standing, as_of), _told(facts), _ended(facts)
    )


def fold_said(
    rows: Iterable[Row], as_of: Instant | None = None, known: int | None = None
) -> SubjectState:
    """What the rules of permission look at: the same without activity and notices, which decide
    when something ends and what she knows, never whether we may write to her."""
    return said_of(
        effective([row for row in rows if known is None or row.position <= known]), as_of
    )


def said_of(standing: Iterable[Row], as_of: Instant | None = None) -> SubjectState:
    """The same of facts that stand, corrections resolved."""
    said = [row for row in standing if row.kind in SAYING]
    facts = [row for row in said if _happened(row, as_of)]
    return SubjectState({}, _contracts(facts), _consents(said, as_of), None, _ended(facts))


def fold(
    rows: Iterable[Row], as_of: Instant | None = None, known: int | None = None
) -> Iterator[tuple[UUID, SubjectState]]:
    """The state of every subject, one at a time, from rows ordered by (subject, position).

    Subjects of whom nothing stands at these two times are left out.
    """
    for subject, hers in groupby(rows, key=lambda row: row.subject):
        if subject is not None:
            state = fold_subject(hers, as_of, known)
            if state.activity:
                yield subject, state


def population(
    rows: Iterable[Row], book: Book, as_of: Instant, known: int | None = None
) -> Population:
    """The counts over everybody, from rows ordered by (subject, position)."""
    events: Counter[str] = Counter()
    subjects = 0
    tiers: dict[str, tuple[Counter[str], Counter[str]]] = defaultdict(
        lambda: (Counter(), Counter())
    )
    said: Counter[tuple[str, str, str, str]] = Counter()
    for _, state in fold(rows, as_of, known):
        subjects += 1
        for key, span in state.activity.items():
            if KINDS[key.kind].also != key.klass:
                events[key.kind] += span.n
        hers: dict[str, Counter[str]] = defaultdict(Counter)
        for deadline in deadlines_now(state, book, as_of, known):
            hers[deadline.klass].update(_tiers(deadline))
        for klass, items in hers.items():
            tiers[klass][0].update(set(items))
            tiers[klass][1].update(items)
        hers_said = choices(state, book, as_of, known)
        said.update((c.purpose, c.channel, *counted_as(c)) for c in hers_said)
    in_force = book.in_force(day_of(as_of), known)
    return Population(
        events=dict(events),
        subjects=subjects,
        classes={k: ClassCount(_tally(one), _tally(each)) for k, (one, each) in tiers.items()},
        consents=tuple(ChoiceCount(*key, n) for key, n in sorted(said.items())),
        edition=in_force.number if in_force else None,
        flags=book_flags(book, as_of, known),
    )


def ages(rows: Iterable[Row], book: Book, as_of: Instant, known: int | None = None) -> list[Age]:
    """What is held by class and age, from rows ordered by (subject, position)."""
    today = day_of(as_of)
    people: Counter[tuple[str, int | None, bool]] = Counter()
    things: Counter[tuple[str, int | None, bool]] = Counter()
    for _, state in fold(rows, as_of, known):
        hers: list[tuple[str, int | None, bool]] = []
        for deadline in deadlines_now(state, book, as_of, known):
            tiers = _tiers(deadline)
            if "present" in tiers:
                age = max((today - deadline.counted.day) // 10000, 0)
                past = bool({"past_operational", "past_archive"} & set(tiers))
                hers.append((deadline.klass, None if "suspended" in tiers else age, past))
        people.update(set(hers))
        things.update(hers)
    order = sorted(things, key=lambda key: (key[0], key[1] is None, key[1] or 0, key[2]))
    return [Age(*key, people[key], things[key]) for key in order]


def book_flags(book: Book, as_of: Instant, known: int | None) -> tuple[str, ...]:
    """What must be said about the edition applied to everybody."""
    in_force = book.in_force(day_of(as_of), known)
    if in_force is None:
        return ("no_edition_known",)
    return ("edition_not_yet_in_force",) if in_force.effective_from > day_of(as_of) else ()


def _tiers(deadline: Deadline) -> list[str]:
    """The tallies in which an item counts."""
    if deadline.tier_now == "erased":
        return ["erased"]
    if deadline.ended is not None:
        over = deadline.tier_now == "past_archive"
        return ["present", "archived", "past_archive"] if over else ["present", "archived"]
    if deadline.suspended_by:
        return ["present", "suspended"]
    if deadline.tier_now == "operational":
        return ["present", "operational"]
    past = ["present", "past_operational"]
    return [*past, "past_archive"] if deadline.tier_now == "past_archive" else past


def _tally(counted: Counter[str]) -> Tally:
    return Tally(
        counted["present"],
        counted["operational"],
        counted["suspended"],
        counted["past_operational"],
        counted["past_archive"],
        counted["archived"],
        counted["erased"],
    )


def effective(rows: list[Row]) -> list[Row]:
    """The facts that stand among these rows.

    Of the corrections and voids of one fact the one with the highest position speaks. A corrected
    fact keeps its kind, position, record time, era and actor; all else is as the correction says.
    """
    verdicts = [row for row in rows if row.kind in (CORRECTION, VOID)]
    standing = []
    for fact in rows:
        if fact.kind in (CORRECTION, VOID):
            continue
        spoken = [verdict for verdict in verdicts if verdict.ref_position == fact.position]
        if not spoken:
            standing.append(fact)
            continue
        last = max(spoken, key=lambda verdict: verdict.position)
        if last.kind == CORRECTION:
            standing.append(
                fact._replace(
                    klass=last.klass,
                    item=last.item,
                    purpose=last.purpose,
                    channel=last.channel,
                    decision=last.decision,
                    basis=last.basis,
                    grade=last.grade,
                    until_day=last.until_day,
                    amount_minor=last.amount_minor,
                    occurred_at=last.occurred_at,
                    grain=last.grain,
                    local_day=last.local_day,
                )
            )
    return standing


def _heard(
    rows: Iterable[Row], as_of: Instant | None, known: int | None
) -> tuple[list[Row], list[Row]]:
    """The facts that stand, and those of them that had happened."""
    standing = effective([row for row in rows if known is None or row.position <= known])
    return standing, [row for row in standing if _happened(row, as_of)]


def _happened(row: Row, as_of: Instant | None) -> bool:
    return as_of is None or row.occurred_at <= as_of


def _activity(facts: list[Row]) -> dict[ActivityKey, Span]:
    """First and last fact of each key by (local day, position)."""
    dated = defaultdict(list)
    for fact in facts:
        for key in _keys(fact):
            dated[key].append((fact.local_day, fact.position))
    return {key: Span(*min(days), *max(days), len(days)) for key, days in dated.items()}


def _keys(fact: Row) -> list[ActivityKey]:
    """The home class, and the second class of facts whose personal part dies item by item."""
    if fact.klass is None:
        return []
    also = KINDS[fact.kind].also if fact.kind in KINDS else None
    if also is None:
        return [ActivityKey(fact.klass, fact.item or "", fact.kind, fact.edition)]
    home = ActivityKey(fact.klass, "", fact.kind, fact.edition)
    if not fact.item:
        return [home]
    return [home, ActivityKey(also, fact.item, fact.kind, fact.edition)]


def _contracts(facts: list[Row]) -> dict[str, Contract]:
    """One interval per contract."""
    by_item = defaultdict(list)
    for fact in facts:
        if fact.kind in (*PLAN, "contract.ended.v1"):
            by_item[fact.item or ""].append(fact)
    return {item: _contract(its) for item, its in by_item.items()}


def _contract(facts: list[Row]) -> Contract:
    starts = [fact for fact in facts if fact.kind == "contract.started.v1"]
    ends = [fact for fact in facts if fact.kind == "contract.ended.v1"]
    plans = [fact for fact in facts if fact.kind in PLAN]
    start = min(starts, key=_by_day, default=None)
    end = max(ends, key=_by_day, default=None)
    plan = max(plans, key=_by_instant, default=None)
    typed = max((p for p in plans if p.basis is not None), key=_by_instant, default=None)
    renewal = max(
        (p for p in plans if p.decision in ("tacit", "express")), key=_by_instant, default=None
    )
    return Contract(
        type=typed.basis if typed else None,
        tacit=renewal.decision == "tacit" if renewal else None,
        from_day=start.local_day if start else None,
        from_position=start.position if start else None,
        planned_day=plan.until_day if plan else None,
        planned_at=plan.occurred_at if plan else None,
        planned_position=plan.position if plan else None,
        planned_edition=plan.edition if plan else None,
        ended_day=end.local_day if end else None,
        ended_position=end.position if end else None,
        ended_edition=end.edition if end else None,
    )


def _consents(standing: list[Row], as_of: Instant | None) -> dict[ChoiceKey, Expression]:
    """The last expression of each choice. What is ignored looks at every stop known before, even
    one that happens after `as_of`; what competes had happened by `as_of`."""
    by_key = defaultdict(list)
    for fact in standing:
        if _rank(fact) is not None:
            by_key[ChoiceKey(fact.purpose or "", fact.channel or "")].append(fact)
    found = ((key, _expression(facts, as_of)) for key, facts in by_key.items())
    return {key: expression for key, expression in found if expression is not None}


def _expression(facts: list[Row], as_of: Instant | None) -> Expression | None:
    known_stops = [fact.position for fact in facts if fact.kind in STOP]
    competing = [f for f in facts if _happened(f, as_of) and not _is_ignored(f, known_stops)]
    if not competing:
        return None
    winner = max(competing, key=lambda f: (_weight(f), f.occurred_at, _rank(f), f.position))
    stops = [fact for fact in competing if fact.kind in STOP]
    return Expression(
        at=winner.occurred_at,
        rank=_rank(winner) or 0,
        position=winner.position,
        kind=winner.kind,
        day=winner.local_day,
        edition=winner.edition,
        grade=winner.grade,
        actor=winner.actor,
        first_stop=min((stop.position for stop in stops), default=None),
        last_stop=max((s.position for s in stops if s.actor != "import"), default=None),
    )


def _is_ignored(fact: Row, known_stops: list[int]) -> bool:
    """A live grant dated back by more than five minutes, recorded after a stop."""
    backdated = fact.actor != "import" and fact.occurred_at < fact.recorded_at - 5 * MINUTE
    return fact.kind in GRANT and backdated and any(stop < fact.position for stop in known_stops)


def _rank(fact: Row) -> int | None:
    """1 for a no, 0 for a yes or a question, None when the fact expresses nothing."""
    if fact.kind in NO:
        return 1
    if fact.kind in YES or fact.kind == "consent.requested.v1":
        return 0
    if fact.kind == "objection.assessed.v1" and fact.decision == "overridden":
        return 0
    return None


def _weight(fact: Row) -> int:
    """A question counts only while there is no answer."""
    return 0 if fact.kind == "consent.requested.v1" else 1


def _told(facts: list[Row]) -> Notified | None:
    """The highest edition she was told of, and the first fact that told her."""
    told = [
        Notified(fact.until_day, fact.local_day, fact.position)
        for fact in facts
        if fact.kind == "policy.notified.v1" and fact.until_day is not None
    ]
    return min(told, key=lambda n: (-n.edition, n.day, n.position), default=None)


def _ended(facts: list[Row]) -> dict[EndedKey, Ended]:
    """What was archived or erased: the fact of the highest position speaks."""
    last: dict[EndedKey, Row] = {}
    for fact in sorted(facts, key=lambda fact: fact.position):
        if fact.kind in ENDINGS and fact.decision is not None:
            last[EndedKey(fact.decision, fact.item or "")] = fact
    return {
        key: Ended(ENDINGS[fact.kind], fact.local_day, fact.until_day, fact.position)
        for key, fact in last.items()
    }


def _by_day(fact: Row) -> tuple[int, int]:
    return fact.local_day, fact.position


def _by_instant(fact: Row) -> tuple[int, int]:
    return fact.occurred_at, fact.position
