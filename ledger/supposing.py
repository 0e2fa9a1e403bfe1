"""What if a draft were the policy: who would be archived, erased, asked again. Nothing is written.

The same counting answers twice, with the book as it is and with the draft at its end, on one day;
the two answers are walked side by side, person by person, in flat memory. Terms follow the rules
of every edition: a draft shortens for everybody and lengthens for nobody who was not told. Holds
and restrictions are not weighed: a retention run would still stop at them. Read next:
`ledger/store/population.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Day, Instant, day_of, end_of
from ledger.errors import Misuse
from ledger.policy.book import Book
from ledger.policy.consents import choice_of
from ledger.policy.diff import lengthened
from ledger.policy.model import Edition
from ledger.store import population, reader
from ledger.store.population import Past

Fate: TypeAlias = Literal["kept", "archive", "erase"]
"""What is due of an item on that day: nothing, its archiving, or its erasure."""

HOLDS = frozenset(("ConsentGiven", "RenewedConsentGiven"))
LISTED = 100  # people listed, unless asked otherwise


class Change(NamedTuple):
    """One item that the draft treats otherwise. `due`: the last day of its term, or None where it
    is not over."""

    subject: UUID
    klass: str
    scope: str
    before: Fate
    after: Fate
    due_before: Day | None
    due_after: Day | None


class Asked(NamedTuple):
    """One choice that held and would hold no more: she would be asked again."""

    subject: UUID
    purpose: str
    channel: str
    before: str
    after: str


class Effect(NamedTuple):
    """One class: how many items are due, before and after, by fate; how many people change."""

    before: dict[Fate, int]
    after: dict[Fate, int]
    people: int


class Supposed(NamedTuple):
    """The answer: effects by class, choices by (purpose, channel), and the first of each list."""

    day: Day
    position: int
    edition: str | None  # in force without the draft
    draft: str
    lengthens: tuple[str, ...]
    classes: dict[str, Effect]
    asked: dict[tuple[str, str], int]
    changes: tuple[Change, ...]
    asked_again: tuple[Asked, ...]


def suppose(
    ledger: Ledger,
    draft: Edition,
    as_of: Instant | None = None,
    klass: str | None = None,
    limit: int = LISTED,
) -> Supposed:
    """What the draft would change at `as_of` (None: today, or the draft's first day if later).

    Lists at most `limit` items, of one class where `klass` says so, and as many choices. Raises
    PolicyError where the draft cannot follow the book, Misuse for a day before it takes effect.
    """
    book = ledger.book(ledger.epoch())
    when = asked_day(draft, ledger.clock.now(), as_of)
    with ledger.database.read() as connection:
        head = reader.position_at(connection, None)

        def past(one: Book) -> Iterator[Past]:
            return population.all_past(connection, one, when, head + 1)

        said = population.all_said(connection, book, when, head + 1)
        return weigh(book, draft, head, when, past, said, klass, limit)


def asked_day(draft: Edition, now: Instant, as_of: Instant | None) -> Instant:
    """The day a draft is weighed on. Raises Misuse for a day before it takes effect."""
    when = max(now, end_of(draft.effective_from)) if as_of is None else as_of
    if day_of(when) < draft.effective_from:
        raise Misuse("the draft changes nothing before the day it takes effect")
    return when


def weigh(
    book: Book,
    draft: Edition,
    head: int,
    when: Instant,
    past: Callable[[Book], Iterator[Past]],
    said: Iterator[population.Said],
    klass: str | None = None,
    limit: int = LISTED,
) -> Supposed:
    """The answer from what is past its term by a book, and what was said last, both as known at
    `head` + 1, where the draft is known and no fact is. Raises PolicyError where the draft cannot
    follow the book."""
    with_draft, known = book.publishing(draft, head + 1), head + 1
    classes, changes = _compared(past(book), past(with_draft), klass, limit)
    asked, again = _asked(said, book, with_draft, when, known, limit)
    in_force = book.in_force(day_of(when), known)
    return Supposed(
        day_of(when),
        head,
        in_force.id if in_force else None,
        draft.id,
        lengthened(in_force, draft) if in_force else (),
        classes,
        asked,
        changes,
        again,
    )


def _compared(
    before: Iterator[Past], after: Iterator[Past], klass: str | None, limit: int
) -> tuple[dict[str, Effect], tuple[Change, ...]]:
    """Counts of both sides by class, and the first items that change."""
    counts: tuple[Counter[tuple[str, Fate]], ...] = (Counter(), Counter())
    people: Counter[str] = Counter()
    listed: list[Change] = []
    for hers in _side_by_side(before, after):
        for counted, items in zip(counts, hers, strict=True):
            counted.update((one.klass, one.fate) for one in items)
        found = list(_changes(*hers))
        people.update({change.klass for change in found})
        wanted = [change for change in found if klass in (None, change.klass)]
        listed += wanted[: limit - len(listed)]
    names = sorted({name for counted in counts for name, _ in counted} | set(people))
    effects = {
        name: Effect(_by_fate(counts[0], name), _by_fate(counts[1], name), people[name])
        for name in names
    }
    return effects, tuple(listed)


def _by_fate(counted: Counter[tuple[str, Fate]], name: str) -> dict[Fate, int]:
    return {"archive": counted[name, "archive"], "erase": counted[name, "erase"]}


def _changes(before: list[Past], after: list[Past]) -> Iterator[Change]:
    """The items of one person whose fate differs."""
    sides = [{(one.klass, one.scope): one for one in side} for side in (before, after)]
    for klass, scope in sorted({*sides[0], *sides[1]}):
        old, new = (side.get((klass, scope)) for side in sides)
        fates: list[Fate] = [one.fate if one else "kept" for one in (old, new)]
        if fates[0] != fates[1]:
            subject = (old or new).subject  # type: ignore[union-attr]  # one of them is there
            dues = (old.due if old else None, new.due if new else None)
            yield Change(subject, klass, scope, fates[0], fates[1], *dues)


def _side_by_side(
    before: Iterator[Past], after: Iterator[Past]
) -> Iterator[tuple[list[Past], list[Past]]]:
    """The items of each person on both sides, from two streams in the same order of subjects."""
    by_subject = attrgetter("subject")
    streams = [
        ((subject, list(items)) for subject, items in groupby(side, by_subject))
        for side in (before, after)
    ]
    ahead = [next(stream, None) for stream in streams]
    while ahead[0] or ahead[1]:
        first = min(one[0].bytes for one in ahead if one)
        here = [one[1] if one and one[0].bytes == first else [] for one in ahead]
        yield here[0], here[1]
        for side, one in enumerate(ahead):
            if one and one[0].bytes == first:
                ahead[side] = next(streams[side], None)


def _asked(
    said: Iterator[population.Said],
    book: Book,
    with_draft: Book,
    when: Instant,
    known: int,
    limit: int,
) -> tuple[dict[tuple[str, str], int], tuple[Asked, ...]]:
    """The choices that hold by the book and not by the draft."""

    @cache
    def states(purpose: str, channel: str, kind: str, day: Day) -> tuple[str, str]:
        both = book, with_draft
        old, new = (choice_of(kind, day, one, when, known, purpose, channel) for one in both)
        return old.state, new.state

    counted: Counter[tuple[str, str]] = Counter()
    listed: list[Asked] = []
    for one in said:
        before, after = states(one.purpose, one.channel, one.kind, one.day)
        if before in HOLDS and after not in HOLDS:
            counted[one.purpose, one.channel] += 1
            if len(listed) < limit:
                listed.append(Asked(one.subject, one.purpose, one.channel, before, after))
    return dict(sorted(counted.items())), tuple(listed)
