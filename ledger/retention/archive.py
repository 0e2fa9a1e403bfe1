"""Archiving: the data keys of what is past its operational term are wrapped for the archive.

Per batch of people, under the head lock: say so (`customer.class_archived`, one per class and
scope), rewrap the keys. The facts and the keys are one transaction: a crash before its commit
leaves these people as they were, and the next run finds them due; after it, nothing of theirs is
due. So the run is resumed by running it again, and twice is once. A hold does not stop it: it keeps
data from being destroyed, never in daily use (SS-RET-2; GDPR art. 5(1)(e)).

What this file never does: judge, erase, or read back what it archived; nothing in the service can.
Read next: `judging.py`, `ledger/store/archival.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.acting import act_of
from ledger.application import Ledger
from ledger.calendar import Moment, moment_of_instant
from ledger.entry import to_base64
from ledger.erasing.erase import Deed
from ledger.events import ClassArchived
from ledger.retention.judging import Judged
from ledger.store import archival
from ledger.store.recipient import ArchiveRecipient


def archiving(ledger: Ledger, due: Sequence[Judged], recipient: ArchiveRecipient) -> Deed:
    """What archives these scopes, of one person or several, all or none. The caller holds the head
    lock, judged under it, and does it before letting go."""
    with ledger.database.read() as connection:
        keys = archival.operational_keys(connection, [one.scope for one in due])
    now = moment_of_instant(ledger.clock.now())
    wrapped = archival.wrap(ledger.vault, recipient, keys.values())
    return Deed(
        [act_of(_fact(one, keys[one.scope], recipient, now), one.scope.subject) for one in due],
        # With the facts or not at all: no key is archived that history does not name (R1).
        lambda connection, _written: archival.restrict(connection, wrapped),
    )


def _fact(
    one: Judged, keys: Sequence[Any], recipient: ArchiveRecipient, now: Moment
) -> ClassArchived:
    deadline = one.deadline
    return ClassArchived(
        occurred=now,
        actor="system",
        subject=one.scope.subject,
        item=one.scope.item or None,
        of=one.scope.data_class,
        keys=tuple(row.key_id for row in keys) or None,
        recipient=to_base64(recipient.digest),
        until=deadline.archive_until or deadline.operational_until or now.day,
        article=deadline.archive_article or deadline.article,
        reason="term",
    )
