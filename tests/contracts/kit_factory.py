"""The persistence module of the library's example application (the library wants exactly one
factory class in a module). Events are in one set of production tables, snapshots in a second."""

from __future__ import annotations

from typing import Any

import eventsourcing.persistence as library

from ledger.calendar import SystemClock
from tests.contracts.kit import KitRecorder, SnapshotRecorder, new_database


class Factory(library.InfrastructureFactory[library.TrackingRecorder]):
    """Opens the databases named by KIT_EVENTS and KIT_SNAPSHOTS."""

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        self._events = new_database(self.env["KIT_EVENTS"])
        self._snapshots = new_database(self.env["KIT_SNAPSHOTS"])

    def aggregate_recorder(self, purpose: str = "events") -> library.AggregateRecorder:
        """Snapshots are kept apart."""
        assert purpose == "snapshots"
        return SnapshotRecorder(self._snapshots, SystemClock())

    def application_recorder(self) -> library.ApplicationRecorder:
        """The production recorder."""
        return KitRecorder(self._events, SystemClock())

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> library.TrackingRecorder:
        """The production recorder."""
        return KitRecorder(self._events, SystemClock())

    def process_recorder(self) -> library.ProcessRecorder:
        """The production recorder."""
        return KitRecorder(self._events, SystemClock())

    def close(self) -> None:
        """Release both databases."""
        self._events.close()
        self._snapshots.close()
