"""The retention run: what is past its end is archived, erased, or blocked by a hold, visibly.

Per person, everything of hers at once: her deadlines, cards by their own ends, her open holds, and
the fate that follows (`ledger/policy/holds.py`). First what leaves daily use for the archive, then
what ends. Each of the two is one transaction; a run that was killed is run again and finds only
what is still due, so twice is once. `due` looks and changes nothing.

What this file never does: decide a term or weigh a hold. Read next: `archive.py`, then
`ledger/erasing/erase.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Day, Instant, moment_of_instant
from ledger.erasing.erase import erase_scopes, settle
from ledger.erasing.journal import Journal
from ledger.erasing.request import holds_of
from ledger.errors import Misuse
from ledger.events import RetentionRan
from ledger.policy.cards import cards, governed
from ledger.policy.clocks import classes_of
from ledger.policy.evaluate import deadlines
from ledger.policy.holds import Fate, fates
from ledger.projections.live import standing
from ledger.retention.archive import PAGE, archive_subject
from ledger.store import archival, erasure, reader, states
from ledger.store.population import past_due
from ledger.store.recipient import ArchiveRecipient
from ledger.store.vault import Scope

What: TypeAlias = Literal["archive", "erase", "held"]
CARDS = ("card", "card_proof")

Progress = Callable[[int], None]
"""Hears how many people were looked at."""


class Due(NamedTuple):
    """One class, or one thing of it, of one person that is past its end."""

    subject: UUID
    klass: str
    scope: str
    what: What
    since: Day | None  # its last day
    article: str
    rests_on: tuple[int, ...]


class Ran(NamedTuple):
    """What a run did: scopes by what became of them, and how many people it concerned."""

    people: int
    archived: int
    erased: int
    held: int


def due(ledger: Ledger, as_of: Instant | None = None) -> Iterator[Due]:
    """Everything that is past its end at `as_of` (None: now), person by person."""
    at = ledger.clock.now() if as_of is None else as_of
    for subject in _people(ledger, at):
        yield from due_of(ledger, subject, at)


def due_of(ledger: Ledger, subject: UUID, at: Instant) -> list[Due]:
    """What of one person is past its end at that moment."""
    asked = [fate for fate in _fates(ledger, subject, at) if fate.due != "nothing"]
    scopes = [Scope(subject, fate.klass, fate.scope) for fate in asked]
    with ledger.database.read() as connection:
        alive = {one.scope for one in erasure.condemned(connection, ledger.vault, scopes)}
    return [
        Due(subject, fate.klass, fate.scope, _what(fate), fate.since, fate.article, fate.rests_on)
        for fate, scope in zip(asked, scopes, strict=True)
        if scope in alive
    ]


def run(
    ledger: Ledger,
    recipient: ArchiveRecipient | None,
    journal: Path,
    progress: Progress = lambda _people: None,
) -> Ran:
    """Archive and erase everything that is due, and put on record that it was done.

    `recipient` is the archive's public key. Raises Misuse when something must be archived and there
    is none; what was done before stays done.
    """
    counts: Counter[str] = Counter()
    people = 0
    for looked, subject in enumerate(_people(ledger, ledger.clock.now()), 1):
        done = _one(ledger, subject, recipient, journal)
        people += bool(done)
        counts.update(done)
        progress(looked)
    made = Ran(people, counts["archive"], counts["erase"], counts["held"])
    record_run(ledger, made, rehearsal=False)
    return made


def record_run(ledger: Ledger, made: Ran, *, rehearsal: bool) -> None:
    """Put a run, or a rehearsal, on record (SS-RET-3)."""
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
    act(ledger, [act_of(fact)])


def counted(found: Iterator[Due]) -> tuple[Ran, dict[tuple[str, What], int]]:
    """How much is due: in all, and by class and what would become of it."""
    by_class: Counter[tuple[str, What]] = Counter()
    people, last = 0, None
    for one in found:
        by_class[one.klass, one.what] += 1
        people += one.subject != last
        last = one.subject
    totals: Counter[str] = Counter()
    for (_, what), n in by_class.items():
        totals[what] += n
    made = Ran(people, totals["archive"], totals["erase"], totals["held"])
    return made, dict(sorted(by_class.items()))


def _one(
    ledger: Ledger, subject: UUID, recipient: ArchiveRecipient | None, journal: Path
) -> Counter[str]:
    """One person, now. A crash between archive and erasure leaves the second for the next run."""
    found = due_of(ledger, subject, ledger.clock.now())
    done: Counter[str] = Counter(one.what for one in found if one.what == "held")
    if any(one.what == "archive" for one in found):
        if recipient is None:
            raise Misuse("there is no archive key; make one: probant archive init")
        done["archive"] = archive_subject(ledger, subject, recipient)
    if all(one.what != "erase" for one in found):
        return done
    # What a run that was cut had intended comes first, committed before we look again.
    settle(ledger, Journal(journal, ledger.keyring.origin))
    with ledger.recorder.alone():
        # Judged again under the head lock: a hold placed meanwhile is seen.
        still = due_of(ledger, subject, ledger.clock.now())
        going = [Scope(subject, one.klass, one.scope) for one in still if one.what == "erase"]
        if going:
            erased = erase_scopes(ledger, going, journal=journal, reason="term")
            done["erase"] = len(erased)
    settle(ledger, Journal(journal, ledger.keyring.origin))
    return done


def _what(fate: Fate) -> What:
    if fate.blocked:
        return "held"
    return "archive" if fate.due == "archive" else "erase"


def _fates(ledger: Ledger, subject: UUID, at: Instant) -> list[Fate]:
    """The fate of each class and thing of one person, cards by their own ends."""
    book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        state = states.live_state(connection, subject)
        paid = any(key.klass in CARDS for key in state.activity)
        rows = standing(states.rows_of(connection, subject)) if paid else []
        facts = reader.card_facts(connection, subject) if paid else {}
    held = cards(state, rows, facts, book, at)
    return fates(governed(deadlines(state, book, at), held), holds_of(ledger, subject))


def _people(ledger: Ledger, at: Instant) -> Iterator[UUID]:
    """Everybody of whom something may be due, each once, a page at a time: those past a term, and
    those with a card, whose end no term tells. What is kept in memory is their ids."""
    book = ledger.book(ledger.epoch())
    seen: set[UUID] = set()
    for klass in classes_of(book.known(None)):
        after: tuple[UUID, str] | None = None
        while True:
            with ledger.database.read() as connection:
                if klass in CARDS:
                    page = archival.people_with(connection, klass, after, PAGE)
                else:
                    found = past_due(
                        connection, book, at, klass=klass, limit=PAGE, after=after, source="live"
                    )
                    page = [(item.subject, item.scope) for item in found]
            for subject, scope in page:
                after = subject, scope
                if subject not in seen:
                    seen.add(subject)
                    yield subject
            if len(page) < PAGE:
                break
