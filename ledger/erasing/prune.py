"""Prune: entries whose class has ended become bare leaves, and no answer changes.

What may go, of one person: entries homed in a scope that was erased; from the start of their
stream, without a gap; her own stream and that of her choices only once nobody can name her any
more; never what a surviving deadline, choice, hold or card rests on, nor a join while something is
left under another reference of hers; an order to erase only with
what says that it destroyed keys, and neither while an entry that stays names such a key (decision
0029). And then it is tried: her
state is folded with and without them, and if one surviving answer would differ, today or on any
day it is to change, nothing of hers goes this time.

Each batch is one transaction: `ledger.pruned` facts naming the positions, how many of each class
and day go (decision 0027), the entries emptied, the live tables of those people folded again. The
counts are in the erasure journal before that, for a database that is restored. A crash leaves whole
batches done and the others not; a count of a prune that never came is ignored. Hash tiles never
change; exported bundles are rewritten by the sealer. Read next: `ledger/store/pruning.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Instant, end_of, moment_of_instant
from ledger.erasing.journal import Counted, Journal
from ledger.erasing.request import holds_of
from ledger.events import Fact, Pruned, Row
from ledger.policy.book import Book
from ledger.policy.cards import cards
from ledger.policy.evaluate import choices, deadlines
from ledger.projections.live import standing, state_of
from ledger.store import erasure, pruning, reader, states
from ledger.store.pruning import Ending, Entry
from ledger.streams import consent_stream

PEOPLE = 100  # looked at in one transaction
RANGES = 300  # named by one fact: its entry stays well under 16 KiB

Progress = Callable[[int, int], None]
"""Hears (people looked at, entries pruned)."""


class Done(NamedTuple):
    """What one run did, or would do."""

    people: int
    entries: int


def prune(
    ledger: Ledger,
    journal: Path,
    *,
    rehearsal: bool = False,
    progress: Progress = lambda _people, _entries: None,
) -> Done:
    """Empty every entry that may go. Running again after a crash does the rest. `journal` is the
    folder of the erasure journal.

    Raises Misuse when the database user may not prune; nothing more is emptied then.
    """
    people = entries = 0
    last: UUID | None = None
    while True:
        with ledger.database.read() as connection:
            some = pruning.people(connection, last, PEOPLE)
        if not some:
            break
        if rehearsal:
            found = {who: going for who in some if (going := prunable(ledger, who))}
        else:
            with ledger.recorder.alone():
                found = {who: going for who in some if (going := prunable(ledger, who))}
                if found:
                    _empty(ledger, found, Journal(journal, ledger.keyring.origin))
        people += len(found)
        entries += sum(map(len, found.values()))
        last = some[-1]
        progress(people, entries)
    if entries and not rehearsal:
        pruning.tidy(ledger.database)
    return Done(people, entries)


def prunable(ledger: Ledger, subject: UUID) -> list[int]:
    """The positions of one person's entries that may go now, and of what destroyed her keys."""
    now, book = ledger.clock.now(), ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        entries = pruning.entries(connection, subject)
        rows = states.rows_of(connection, subject)
        ended = pruning.ended_classes(connection, subject)
        is_closed = bool(erasure.closed_subjects(connection, {subject}))
        events = [reader.event_at(connection, row.position) for row in rows]
        endings = pruning.endings(connection, subject)
        sealed = pruning.sealed_under(connection, subject) if endings else {}
    facts = {event.position: event.fact for event in events if event}
    hers = _Hers(ledger, subject, facts, book, ended)
    kept = hers.rests_on(rows, now) | _joins(ledger, subject)
    own = set() if is_closed else {subject, consent_stream(subject)}
    kept |= {one.position for one in entries if one.stream in own}
    gone = _together(entries, kept, endings, sealed)
    left = [row for row in rows if row.position not in gone]
    days = hers.turns(rows, now)
    same = all(hers.answers(rows, day) == hers.answers(left, day) for day in days)
    return sorted(gone) if same else []


def _joins(ledger: Ledger, subject: UUID) -> set[int]:
    """The positions that say who else she is, while something is left under another reference: what
    was said or held under one of them counts for all."""
    joins = ledger.joins(ledger.epoch())
    others = set(joins.family(subject)) - {subject}
    with ledger.database.read() as connection:
        left = any(not one.is_candidate for o in others for one in pruning.entries(connection, o))
    return {join.position for join in joins.recorded(subject) if left}


class _Hers(NamedTuple):
    """What surviving answers about one person are computed from."""

    ledger: Ledger
    subject: UUID
    facts: dict[int, Fact]
    book: Book
    ended: set[tuple[str, str]]

    def _survives(self, klass: str, scope: str) -> bool:
        return not {(klass, ""), (klass, scope)} & self.ended

    def _deadlines(self, rows: list[Row], at: Instant) -> list[Any]:
        found = deadlines(state_of(rows), self.book, at)
        return [one for one in found if self._survives(one.klass, one.scope)]

    def _cards(self, rows: list[Row], at: Instant) -> list[Any]:
        found = cards(state_of(rows), standing(rows), self.facts, self.book, at)
        return [one for one in found if self._survives(one.klass, one.item)]

    def _choices(self, rows: list[Row], at: Instant) -> list[Any]:
        return choices(state_of(rows), self.book, at) if self._survives("consent", "") else []

    def answers(self, rows: list[Row], at: Instant) -> Any:
        """Every surviving answer on one day, without what merely did not count."""
        ends = [one._replace(not_counted=()) for one in self._deadlines(rows, at)]
        return ends, self._cards(rows, at), self._choices(rows, at)

    def rests_on(self, rows: list[Row], at: Instant) -> set[int]:
        """The positions that surviving answers of today rest on."""
        found: list[Any] = [*self._deadlines(rows, at), *self._cards(rows, at)]
        found += [*self._choices(rows, at), *holds_of(self.ledger, self.subject)]
        return {position for one in found for position in one.rests_on}

    def turns(self, rows: list[Row], now: Instant) -> list[Instant]:
        """Today, and each day on which a surviving answer changes by calendar alone."""
        days = {now}
        for _ in range(8):  # each round looks behind the next change; editions and ends are few
            flips = {one.flips_on for at in tuple(days) for one in self._deadlines(rows, at)}
            more = {end_of(day) for day in flips if day is not None} - days
            if not more:
                break
            days |= more
        return sorted(days)


def _together(
    entries: list[Entry],
    kept: set[int],
    endings: list[Ending],
    sealed: dict[int, frozenset[str]],
) -> set[int]:
    """The positions that may go, and what says that keys were destroyed with its orders: where one
    of an ending must stay, all of it stays."""
    while True:
        going = set(_prefixes(entries, kept))
        named = frozenset[str]().union(*(sealed[at] for at in sealed.keys() - going))
        whole = [one for one in endings if one.orders <= going and not one.keys & named]
        stays = {at for one in endings if one not in whole for at in one.orders & going}
        if not stays:
            return going.union(*(one.destructions for one in whole))
        kept = kept | stays


def _prefixes(entries: list[Entry], kept: set[int]) -> Iterator[int]:
    """The positions of candidates with nothing left before them in their stream."""
    blocked: set[UUID] = set()
    for one in entries:  # by position, and so by version in each stream
        if one.stream in blocked:
            continue
        if not one.is_candidate or one.position in kept:
            blocked.add(one.stream)
        else:
            yield one.position


def _empty(ledger: Ledger, found: dict[UUID, list[int]], journal: Journal) -> None:
    ranges = pruning.ranges_of(position for going in found.values() for position in going)
    now = moment_of_instant(ledger.clock.now())
    acts, kept = [], []
    for start in range(0, len(ranges), RANGES):
        some = tuple(ranges[start : start + RANGES])
        going = [position for first, last in some for position in range(first, last + 1)]
        fact = Pruned(occurred=now, actor="system", ranges=some, events=len(going), reason="erased")
        acts.append(act_of(fact))
        with ledger.database.read() as connection:
            kept.append(Counted(acts[-1].id, pruning.cells(connection, going)))
    journal.keep(one for one in kept if one.cells)

    def deed(connection: Any, written: Any) -> None:
        for one, told in zip(kept, written, strict=True):
            pruning.keep(connection, told.position, one.cells)
        positions = [position for first, last in ranges for position in range(first, last + 1)]
        pruning.empty(connection, ledger.database, positions)
        for subject in found:
            states.refold(connection, subject)

    act(ledger, acts, deed, new_epoch=True)
    ledger.forget()
