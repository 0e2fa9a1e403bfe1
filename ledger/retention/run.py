"""The retention run: what is past its end is archived, erased, or blocked by a hold, visibly.

Some people at a time, everything of theirs in one transaction, under the head lock: judged
(`judging.py`), archived, erased, the erasure journal first; at the end what was erased is certified
(`certifying.py`). A run that was killed is run again and finds only what is still due, and still
without a certificate, so twice is once. `due` looks and changes nothing.

What this file never does: decide a term or weigh a hold. Read next: `archive.py`, then
`ledger/erasing/erase.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ledger.acting import After, act, act_of
from ledger.application import Ledger
from ledger.calendar import Instant, day_of, moment_of_instant
from ledger.erasing.certificate import Desk
from ledger.erasing.erase import NOTHING, Deed, erase_scopes, settle
from ledger.erasing.journal import Journal
from ledger.errors import Misuse
from ledger.events import RetentionRan
from ledger.policy.clocks import classes_of
from ledger.retention.archive import archiving
from ledger.retention.certifying import certify
from ledger.retention.judging import CARDS, Judged, What, judge, known_now
from ledger.store import archival, erasure, suppressions
from ledger.store.population import past_due
from ledger.store.recipient import ArchiveRecipient

PAGE = 500  # people asked for in one question to the database
AT_ONCE = 25  # people in one transaction: others wait a fraction of a second for the head

Progress = Callable[[int], None]
"""Hears how many people were looked at."""

Note: TypeAlias = Callable[[Any, int, Sequence[Judged]], None]
"""Told of each batch, in the transaction that carries it out: (connection, people looked at, what
was found of them)."""

Behind: TypeAlias = tuple[UUID, str] | None
Page: TypeAlias = list[tuple[UUID, str]]
Question: TypeAlias = Callable[[Any, Behind, int], Page]
"""A page of people and things behind the last one of the page before, in the order of their ids."""


class Ran(NamedTuple):
    """What a run did: scopes by what became of them, and how many people it concerned; `held_by`:
    how many scopes each article keeps (one that two keep counts for both); `certified`: how many
    certificates it made, those that a run that was cut owed among them."""

    people: int
    archived: int
    erased: int
    held: int
    held_by: tuple[tuple[str, int], ...] = ()
    certified: int = 0


def due(ledger: Ledger, as_of: Instant | None = None) -> Iterator[Judged]:
    """Everything that is past its end at `as_of` (None: now), person by person."""
    at = ledger.clock.now() if as_of is None else as_of
    known = known_now(ledger)
    for subject in people_due(ledger, at):
        yield from judge(ledger, known, subject, at)


def run(
    ledger: Ledger,
    recipient: ArchiveRecipient | None,
    journal: Path,
    progress: Progress = lambda _people: None,
    desk: Desk | None = None,
) -> Ran:
    """Archive and erase everything that is due, certify what was erased (at the `desk`, if there is
    one), and put on record that it was done.

    `recipient` is the archive's public key. Raises Misuse when something must be archived and there
    is none; what was done before stays done, and is certified.
    """
    counts: Counter[What] = Counter()
    why: Counter[str] = Counter()
    people = looked = 0
    everybody = people_due(ledger, ledger.clock.now())
    while some := list(islice(everybody, AT_ONCE)):
        try:
            found = batch(ledger, some, recipient, journal)
        except Misuse:
            finish(ledger, desk, journal)
            raise
        people += len({one.scope.subject for one in found})
        counts.update(one.what for one in found)
        why.update(article for one in found for article in one.why)
        looked += len(some)
        progress(looked)
    certified = finish(ledger, desk, journal)
    made = ran(people, counts, why)._replace(certified=certified)
    record_run(ledger, made, rehearsal=False)
    return made


def finish(
    ledger: Ledger, desk: Desk | None, journal: Path, listen: Progress = lambda _n: None
) -> int:
    """What is done once for a whole run, before it is on record: traces of what was erased are
    tidied away, then it is certified. Returns how many certificates were made (no desk: none)."""
    # Until now a run that was cut leaves unreadable ciphertext only.
    erasure.tidy(ledger.database)
    return 0 if desk is None else certify(ledger, desk, journal, listen)


def ran(people: int, counts: Mapping[Any, int], why: Mapping[str, int]) -> Ran:
    """What became of how many scopes, and why those that are held are."""
    archived, erased, held = (counts.get(what, 0) for what in ("archive", "erase", "held"))
    return Ran(people, archived, erased, held, tuple(sorted(why.items())))


def record_run(ledger: Ledger, made: Ran, *, rehearsal: bool, after: After | None = None) -> None:
    """Put a run, or a rehearsal, on record (SS-RET-3), and do `after` in the same transaction."""
    found = made.archived + made.erased + made.held
    fact = RetentionRan(
        occurred=moment_of_instant(ledger.clock.now()),
        actor="system",
        rehearsal=rehearsal,
        due=found,
        archived=None if rehearsal else made.archived,
        erased=None if rehearsal else made.erased,
        held=made.held,
    )
    if rehearsal:
        act(ledger, [act_of(fact)], after)
        return
    today = day_of(ledger.clock.now())

    def ending(connection: Any, written: Any) -> None:
        # What outlived the erased, so that nothing of theirs comes back, has a last day too.
        suppressions.expire(connection, today)
        if after is not None:
            after(connection, written)

    act(ledger, [act_of(fact)], ending, new_epoch=True)


def counted(found: Iterator[Judged]) -> tuple[Ran, dict[tuple[str, What], int]]:
    """How much is due: in all, and by class and what would become of it."""
    by_class: Counter[tuple[str, What]] = Counter()
    why: Counter[str] = Counter()
    people, last = 0, None
    for one in found:
        by_class[one.scope.data_class, one.what] += 1
        why.update(one.why)
        people += one.scope.subject != last
        last = one.scope.subject
    totals: Counter[str] = Counter()
    for (_, what), n in by_class.items():
        totals[what] += n
    return ran(people, totals, why), dict(sorted(by_class.items()))


def batch(
    ledger: Ledger,
    people: Sequence[UUID],
    recipient: ArchiveRecipient | None,
    journal: Path,
    note: Note = lambda _connection, _looked, _found: None,
) -> list[Judged]:
    """These people, now: archived and erased in one transaction, and what was found."""
    intents = Journal(journal, ledger.keyring.origin)
    noted = False
    # What a run that was cut had intended comes first, committed before we look.
    settle(ledger, intents)
    with ledger.recorder.alone():
        # Judged under the head lock: whatever was recorded before is seen, a hold above all.
        known, now = known_now(ledger), ledger.clock.now()
        found = [one for subject in people for one in judge(ledger, known, subject, now)]
        leaving = [one for one in found if one.what == "archive"]
        ending = [one.scope for one in found if one.what == "erase"]
        if leaving and recipient is None:
            raise Misuse("there is no archive key; make one: probant archive init")
        deed = archiving(ledger, leaving, recipient) if leaving and recipient else NOTHING

        def beside(connection: Any, written: Any) -> None:
            nonlocal noted
            if deed.after is not None:
                deed.after(connection, written)
            note(connection, len(people), found)
            noted = True

        if leaving or ending:
            both = Deed(deed.acts, beside)
            erase_scopes(ledger, ending, journal=journal, reason="term", beside=both)
    settle(ledger, intents)
    if not noted:
        with ledger.database.write() as connection:
            note(connection, len(people), found)
    return found


def people_due(ledger: Ledger, at: Instant) -> Iterator[UUID]:
    """Everybody of whom something may be due, each once, a page at a time: those past a term, those
    with a card, whose end no term tells, and those of whom something was recorded in a class that
    was archived before. What is kept in memory is their ids."""
    book = ledger.book(ledger.epoch())

    def past(klass: str, connection: Any, after: Behind, limit: int) -> Page:
        found = past_due(connection, book, at, klass=klass, limit=limit, after=after, source="live")
        return [(item.subject, item.scope) for item in found]

    def paid(klass: str, connection: Any, after: Behind, limit: int) -> Page:
        return archival.people_with(connection, klass, after, limit)

    questions: list[Question] = [
        partial(paid if klass in CARDS else past, klass) for klass in classes_of(book.known(None))
    ]
    seen: set[UUID] = set()
    for question in (*questions, archival.left_behind):
        for subject in _pages(ledger, question):
            if subject not in seen:
                seen.add(subject)
                yield subject


def _pages(ledger: Ledger, question: Question) -> Iterator[UUID]:
    """Everybody that one question answers with, a page at a time."""
    after: Behind = None
    while True:
        with ledger.database.read() as connection:
            page = question(connection, after, PAGE)
        yield from (subject for subject, _ in page)
        if len(page) < PAGE:
            return
        after = page[-1]
