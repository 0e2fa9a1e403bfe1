"""Archiving: the data keys of what is past its operational term are wrapped for the archive.

Per person, under the head lock: judge again, say so (`customer.class_archived`, one per class and
scope), rewrap the keys. The facts and the keys are one transaction: a crash before its commit
leaves her as she was, and the next run finds her due; after it, nothing of hers is due. So the run
is resumed by running it again, and twice is once. A hold does not stop it: it keeps data from being
destroyed, never in daily use (SS-RET-2; GDPR art. 5(1)(e)).

What this file never does: erase, or read back what it archived; nothing in the service can.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.entry import to_base64
from ledger.events import ClassArchived
from ledger.policy.clocks import classes_of
from ledger.policy.evaluate import deadlines
from ledger.policy.holds import fates
from ledger.policy.verdicts import Deadline
from ledger.store import archival, states
from ledger.store.population import past_due
from ledger.store.recipient import ArchiveRecipient
from ledger.store.vault import Scope

PAGE = 500  # people looked at between two questions to the database

Progress = Callable[[int], None]


class Archived(NamedTuple):
    """What a run did."""

    people: int
    scopes: int


def archive_due(
    ledger: Ledger, recipient: ArchiveRecipient, progress: Progress = lambda _people: None
) -> Archived:
    """Archive everything that is past its operational term and has an archive term to come.

    `progress` hears how many people were done. Raises Stale when others would not let us; what was
    archived before stays archived.
    """
    people = scopes = 0
    for subject in _subjects_due(ledger):
        n = archive_subject(ledger, subject, recipient)
        people, scopes = people + bool(n), scopes + n
        progress(people)
    return Archived(people, scopes)


def archive_subject(ledger: Ledger, subject: UUID, recipient: ArchiveRecipient) -> int:
    """Archive what is due of one person. Returns how many classes and scopes that was."""
    with ledger.recorder.alone():
        due = _due(ledger, subject)
        if not due:
            return 0
        scopes = [Scope(subject, one.klass, one.scope) for one in due]
        with ledger.database.read() as connection:
            keys = archival.operational_keys(connection, scopes)
        now = moment_of_instant(ledger.clock.now())
        facts = [
            ClassArchived(
                occurred=now,
                actor="system",
                subject=subject,
                item=one.scope or None,
                of=one.klass,
                keys=tuple(row.key_id for row in keys[scope]) or None,
                recipient=to_base64(recipient.digest),
                until=one.archive_until or one.operational_until or now.day,
                article=one.archive_article or one.article,
                reason="term",
            )
            for one, scope in zip(due, scopes, strict=True)
        ]
        # Wrapped before the commit, by HPKE: slow work is not done while others wait for a row.
        wrapped = archival.wrap(ledger.vault, recipient, keys.values())
        act(
            ledger,
            [act_of(fact, subject) for fact in facts],
            # With the facts or not at all: no key is archived that history does not name (R1).
            lambda connection, _written: archival.restrict(connection, wrapped),
            new_epoch=True,
        )
        return len(facts)


def _due(ledger: Ledger, subject: UUID) -> Sequence[Deadline]:
    """Her deadlines that ask for the archive now."""
    with ledger.database.read() as connection:
        state = states.live_state(connection, subject)
    found = deadlines(state, ledger.book(ledger.epoch()), ledger.clock.now())
    asked = zip(found, fates(found, ()), strict=True)
    return [deadline for deadline, fate in asked if fate.due == "archive"]


def _subjects_due(ledger: Ledger) -> Iterator[UUID]:
    """Everybody of whom something is due for the archive, class by class, a page at a time."""
    book = ledger.book(ledger.epoch())
    for klass in classes_of(book.known(None)):
        after: tuple[UUID, str] | None = None
        last: UUID | None = None
        while True:
            with ledger.database.read() as connection:
                page = past_due(
                    connection,
                    book,
                    ledger.clock.now(),
                    klass=klass,
                    limit=PAGE,
                    after=after,
                    source="live",
                )
            for item in page:
                after = item.subject, item.scope
                if item.archive_until is not None and item.subject != last:
                    last = item.subject
                    yield item.subject
            if len(page) < PAGE:
                break
