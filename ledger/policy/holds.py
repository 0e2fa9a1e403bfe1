"""Holds: a third state that stops destruction, visibly, and never reopens daily use.

A hold names an article, its classes and a day of review (SS-RET-2, SS-LB-4; GDPR art. 17(3)). It
wins over every end: what is past its deadline and held is *blocked*, not erased, and is said to be.
It wins over nothing else: data that left daily use stays out of it, for the hold's purpose only.
Whoever forgets to review a hold does not end it; that it was not reviewed is said too.

She may hold it herself: data that we have no right to, whose erasure she opposes (GDPR art.
18(1)(b)), or that we need no longer and she needs for a claim (art. 18(1)(c)). Then the end of a
term erases nothing: it is kept, out of use, until her restriction is lifted. It stops the end of a
term only; if she asks that her data be erased after all, what she asked before does not stop it.

A hold counts from the day it was placed, at (D, R) like every fact. It is on a person: whoever asks
hands in her facts under all the references that she had by then (decision 0047). Read `cards.py`
for the ends of cards, `evaluate.py` for those of all classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day, Instant, day_of, is_past
from ledger.events import (
    Fact,
    HoldLifted,
    HoldPlaced,
    HoldReviewed,
    Restricted,
    RestrictionLifted,
    Row,
)
from ledger.policy.cards import CardItem
from ledger.policy.explain import Language, either, format_long, words
from ledger.policy.verdicts import Deadline
from ledger.projections.joins import ALONE, Joins, last_words

Due: TypeAlias = Literal["nothing", "archive", "erase"]
"""What the deadline asks for, holds apart."""

Access: TypeAlias = Literal["daily_use", "restricted", "none"]
"""Who may read it: daily work; the few who need it for the archive or the hold; nobody any more."""

CLAUSE, ARTICLE = "SS-RET-2", "GDPR art. 17(3)"
RESTRICTED_CLAUSE = "SS-DSR-5"
KEPT_BY_HER: Mapping[str, str] = {"unlawful": "GDPR art. 18(1)(b)", "claims": "GDPR art. 18(1)(c)"}
"""The grounds of a restriction that ask to keep what would be erased. That accuracy is contested,
or an objection weighed, asks for no longer a life of anything (18(1)(a), (d))."""
HOLDING = (HoldPlaced.kind, HoldReviewed.kind, HoldLifted.kind)
RESTRICTING = (Restricted.kind, RestrictionLifted.kind)
KEEPING = (*HOLDING, *RESTRICTING)


class Hold(NamedTuple):
    """An open hold: why, on which classes, and until when it must be looked at again. One that she
    placed herself (`ground`, of GDPR art. 18(1)) has no day of review: it ends when lifted."""

    item: str
    article: str
    classes: tuple[str, ...]
    since: Day
    review: Day
    overdue: bool  # the review day is past and nobody reviewed it; it holds all the same
    rests_on: tuple[int, ...]
    ground: str | None = None

    @property
    def clause(self) -> str:
        """The clause that lets it hold."""
        return CLAUSE if self.ground is None else RESTRICTED_CLAUSE


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one class, or one thing of it, that day."""

    klass: str
    scope: str
    due: Due
    since: Day | None  # the last day on which it was not yet due
    blocked: bool  # due for erasure, and held
    held_by: tuple[Hold, ...]  # also before anything is due: they will block
    access: Access
    clause: str
    article: str
    rests_on: tuple[int, ...]
    would_change: tuple[str, ...]


def open_holds(
    rows: Sequence[Row], facts: Mapping[int, Fact], as_of: Instant, known: int | None = None
) -> list[Hold]:
    """The holds on one person that are open at (`as_of`, `known`), oldest first.

    `rows`: her facts that stand, corrections resolved, under every reference of hers; `facts`: the
    same in full, by position. A hold whose entry is not among them holds everything: what cannot
    be read is not destroyed.
    """
    placed: dict[str, Hold] = {}
    today = day_of(as_of)
    heard = [r for r in rows if r.occurred_at <= as_of and (known is None or r.position <= known)]
    for row in sorted(heard, key=_when):
        item = row.item or ""
        if row.kind == HoldPlaced.kind:
            placed[item] = _hold(item, row, facts.get(row.position))
        elif row.kind == HoldReviewed.kind and item in placed:
            found = placed[item]
            rests_on = (*found.rests_on, row.position)
            placed[item] = found._replace(review=row.until_day or found.review, rests_on=rests_on)
        elif row.kind == HoldLifted.kind:
            placed.pop(item, None)
    return [hold._replace(overdue=is_past(hold.review, today)) for hold in placed.values()]


def restrictions(
    rows: Sequence[Row], as_of: Instant, known: int | None = None, joins: Joins = ALONE
) -> list[Hold]:
    """What she asked to keep at (`as_of`, `known`) where its term would erase it: all of it, ground
    by ground. `rows` as for `open_holds`; `joins`: who was one person then."""
    heard = [r for r in rows if r.occurred_at <= as_of and (known is None or r.position <= known)]
    return [
        Hold("", KEPT_BY_HER[ground], (), day, day, False, (row.position,), ground)
        for row in restricted(heard, joins)
        for ground, day in ((row.basis or "", row.local_day),)
        if ground in KEPT_BY_HER
    ]


def restricted(rows: Iterable[Row], joins: Joins = ALONE) -> list[Row]:
    """The restrictions that stand after these facts of one person, oldest first. One that was asked
    for under one reference is not lifted by what was said of another before they were joined."""
    grounds: dict[str | None, list[Row]] = {}
    for row in rows:
        if row.kind in RESTRICTING:
            grounds.setdefault(row.basis, []).append(row)
    last = (row for some in grounds.values() for row in last_words(some, joins))
    return sorted((row for row in last if row.kind == Restricted.kind), key=_when)


def fates(deadlines: Iterable[Deadline], holds: Sequence[Hold]) -> list[Fate]:
    """What becomes of each class and scope of one person: her deadlines, with her holds applied."""
    return [_fate(found, holds) for found in deadlines]


def fate_of_card(card: CardItem, holds: Sequence[Hold]) -> Fate:
    """What becomes of one card: `to_be_removed` asks for erasure, whatever its class's term."""
    due: Due = "erase" if card.status == "to_be_removed" else "nothing"
    access: Access = "none" if card.status == "removed" else "daily_use"
    by = () if card.status == "removed" else _on(holds, card.klass)
    return _settled(card.klass, card.item, due, card.until, access, by, card.rests_on)


def explain(found: Fate, lang: Language = "fr") -> list[str]:
    """The fate in plain words: first what happens, then each hold and what would change it."""
    say = words(lang)["hold"]
    since = "" if found.since is None else format_long(found.since, lang)
    lines = [say["blocked" if found.blocked else found.due].format(since=since)]
    lines.append(say[f"access_{found.access}"])
    for hold in found.held_by:
        article = hold.article.replace("GDPR", "RGPD") if lang == "fr" else hold.article
        lines.append(
            say["held_by" if hold.ground is None else f"kept_{hold.ground}"].format(
                article=article,
                since=format_long(hold.since, lang),
                review=format_long(hold.review, lang),
            )
        )
        if hold.overdue:
            lines.append(say["overdue"])
    if found.would_change:
        lines.append(say["would_change"].format(kinds=either(found.would_change, lang)))
    return lines


def _hold(item: str, row: Row, fact: Fact | None) -> Hold:
    stated = fact if isinstance(fact, HoldPlaced) else None
    return Hold(
        item=item,
        article=stated.article if stated else ARTICLE,
        classes=stated.classes if stated else (),
        since=row.local_day,
        review=row.until_day or row.local_day,
        overdue=False,
        rests_on=(row.position,),
    )


def _on(holds: Sequence[Hold], klass: str) -> tuple[Hold, ...]:
    return tuple(hold for hold in holds if klass in hold.classes or not hold.classes)


def _fate(deadline: Deadline, holds: Sequence[Hold]) -> Fate:
    due: Due = "nothing"
    if deadline.tier_now == "past_archive" or (deadline.is_past and deadline.archive_until is None):
        due = "erase"
    elif deadline.is_past:
        due = "archive"
    ends = {"erase": deadline.archive_until or deadline.operational_until}
    since = ends.get(due, deadline.operational_until) if due != "nothing" else None
    access: Access = "daily_use"
    if deadline.tier_now == "erased":
        access = "none"
    elif deadline.is_past or deadline.ended is not None:
        access = "restricted"
    by = () if deadline.tier_now == "erased" else _on(holds, deadline.klass)
    return _settled(deadline.klass, deadline.scope, due, since, access, by, deadline.rests_on)


def _settled(
    klass: str,
    scope: str,
    due: Due,
    since: Day | None,
    access: Access,
    by: tuple[Hold, ...],
    rests_on: tuple[int, ...],
) -> Fate:
    """Erasure is blocked by a hold; leaving daily use never is."""
    blocked = due == "erase" and bool(by)
    if due == "erase":
        access = "restricted" if blocked else "none"
    positions = {*rests_on, *(position for hold in by for position in hold.rests_on)}
    change: tuple[str, ...] = ()
    if due == "erase":
        lifting = (RestrictionLifted.kind if one.ground else HoldLifted.kind for one in by)
        change = tuple(dict.fromkeys(lifting)) if blocked else (HoldPlaced.kind,)
    return Fate(
        klass=klass,
        scope=scope,
        due=due,
        since=since if due != "nothing" else None,
        blocked=blocked,
        held_by=by,
        access=access,
        clause=by[0].clause if by else "SS-RET-3",
        article=by[0].article if by else "GDPR art. 5(1)(e)",
        rests_on=tuple(sorted(positions)),
        would_change=change,
    )


def _when(row: Row) -> tuple[Instant, int]:
    return row.occurred_at, row.position
