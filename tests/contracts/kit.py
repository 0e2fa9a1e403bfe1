"""The recorder that the library's conformance kit is given: the production one, on the production
tables, with the two hooks that let it hold arbitrary topics, states and versions.

Whatever the kit stores is wrapped into a valid entry (`meta.state`) on its way in and unwrapped on
its way out; everything between, from the head row to the triggers, is what a ledger runs on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import eventsourcing.persistence as library

from ledger import entry
from ledger.calendar import SystemClock
from ledger.events import Row
from ledger.store.database import Database
from ledger.store.mapper import StoredDraft
from ledger.store.recorder import LedgerRecorder
from ledger.store.setup import initialise


class KitRecorder(LedgerRecorder):
    """The production recorder, holding the kit's events."""

    def prepared(self, stored: library.StoredEvent) -> StoredDraft:
        """Any stored event as a valid entry and row about nobody."""
        assert isinstance(stored.originator_id, UUID)
        said = {
            "id": str(stored.originator_id),
            "meta": {"state": entry.to_base64(stored.state)},
            "stream": str(stored.originator_id),
            "type": stored.topic,
            "v": entry.VERSION,
            "ver": stored.originator_version,
        }
        return StoredDraft(
            originator_id=stored.originator_id,
            originator_version=stored.originator_version,
            topic=stored.topic,
            state=entry.draft(said),
            row=row_of(stored.originator_id, stored.originator_version, stored.topic),
            parts=(),
        )

    def stored(self, row: Any) -> library.StoredEvent:
        """What the kit had stored."""
        said = entry.read(bytes(row.entry))
        assert (said["stream"], said["ver"]) == (str(row.stream), row.version)
        state = entry.from_base64(said["meta"]["state"])
        return library.StoredEvent(row.stream, row.version, row.kind, state)


class SnapshotRecorder(KitRecorder):
    """An aggregate recorder in the library's sense: it has no notifications to number."""

    def insert_events(
        self, stored_events: Sequence[library.StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Store, and answer nothing."""
        super().insert_events(stored_events, **kwargs)
        return None


def row_of(stream: UUID, version: int, kind: str) -> Row:
    """A row with only what may not be empty."""
    values = dict.fromkeys(Row._fields)
    values |= {"stream": stream, "version": version, "kind": kind, "position": 0}
    values |= {"edition": 0, "occurred_at": 0, "grain": "instant", "local_day": 19700101}
    return Row(**values | {"recorded_at": 0})  # type: ignore[arg-type]


def new_database(url: str) -> Database:
    """The production schema with its head row, and no event: migrations, triggers, role."""
    database, _ = initialise(url, None, "example.org/kit")
    return database


def recorder_on(database: Database) -> KitRecorder:
    """The kit's recorder over a database of its own."""
    return KitRecorder(database, SystemClock())
