"""Certificates of what the ends of terms erased: one for each person and intent of the journal.

Who is certified is read from the erasure journal: what a term ended, the database carried out, and
no line calls certified yet. So a run that was cut, on whichever face of ours, leaves nothing out:
the next one certifies its erasures with its own, and each once. A certificate is called by an id
derived from intent and person: made again after a crash, it takes the place of the first.

What is certified is looked at when the run is over and its traces are tidied away, not before. What
this file never does: erase, or say why something was due. Read next:
`ledger/erasing/certificate.py`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger import entry
from ledger.application import Ledger
from ledger.erasing.certificate import Desk, certificate, issue
from ledger.erasing.erase import Erased, of_intent
from ledger.erasing.journal import Intent, Journal
from ledger.erasing.request import holds_of
from ledger.outbound.standing import Declared, declared
from ledger.policy.erasures import Outcome
from ledger.policy.holds import Fate, fates
from ledger.policy.verdicts import Deadline
from ledger.retention.judging import terms
from ledger.store import erasure
from ledger.store.vault import Scope

REASON = "term"


def certify(
    ledger: Ledger, desk: Desk, journal: Path, listen: Callable[[int], None] = lambda _n: None
) -> int:
    """Certify whatever ends of terms erased and nobody certified yet. Returns how many certificates
    that were; `listen` hears it intent by intent, and leaves the rest to the next by raising."""
    book = Journal(journal, ledger.keyring.origin)
    made = 0
    with _alone(desk.folder):
        with ledger.database.read() as connection:
            carried_out = erasure.carried_out(connection)
        known = declared(ledger)
        for intent in book.uncertified(carried_out, REASON):
            by_person: dict[UUID, list[Erased]] = {}
            for one in of_intent(ledger, intent):
                by_person.setdefault(one.scope.subject, []).append(one)
            for subject, done in by_person.items():
                issue(desk, _certificate(ledger, desk, intent, subject, done, known))
            # Crash before this line: the same certificates are made again, in the place of these.
            book.certify(intent.id)
            made += len(by_person)
            listen(len(by_person))
    return made


def _certificate(
    ledger: Ledger, desk: Desk, intent: Intent, subject: UUID, done: list[Erased], known: Declared
) -> dict[str, Any]:
    return certificate(
        ledger,
        subject,
        done,
        {subject: still_kept(ledger, subject)},
        reason=REASON,
        horizon=desk.horizon,
        days=desk.days,
        id=named(intent.id, subject),
        known=known,
    )


def named(intent: UUID, subject: UUID) -> UUID:
    """The id of the certificate of one person's part of an intent."""
    return entry.derived_id(b"probant/certificate\x00" + intent.bytes + subject.bytes)


def still_kept(ledger: Ledger, subject: UUID) -> list[Outcome]:
    """What is left of one person now, each class or thing with what keeps it and until when: its
    own term, or a hold on what is past it."""
    book, now = ledger.book(ledger.epoch()), ledger.clock.now()
    _, found = terms(ledger, book, subject, now)
    scopes = [Scope(subject, deadline.klass, deadline.scope) for deadline in found]
    with ledger.database.read() as connection:
        alive = erasure.living(connection, scopes)
    holds = holds_of(ledger, subject, now, restricted=True)
    return [
        _outcome(deadline, fate)
        for deadline, fate, scope in zip(found, fates(found, holds), scopes, strict=True)
        if scope in alive
    ]


def _outcome(deadline: Deadline, fate: Fate) -> Outcome:
    where = fate.klass, fate.scope, True
    if fate.blocked:
        last = max(fate.held_by, key=lambda hold: hold.review)
        return Outcome(*where, "hold", None, last.article, last.review, fate.rests_on)
    until = deadline.archive_until or deadline.operational_until
    running = bool(deadline.suspended_by)
    article = deadline.archive_article or deadline.article
    return Outcome(*where, "term", None, article, None if running else until, fate.rests_on)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time in this folder: two who make the same certificate would cut each other's."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
