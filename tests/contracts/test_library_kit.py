"""The eventsourcing library's own conformance kit, on the production tables of each database.

Triggers, head row and (on PostgreSQL) the append-only role are in place. `InfrastructureFactory`'s
own test case is left out: it tries ciphers and compressors, and ours has neither (personal parts
are sealed apart, entries are never compressed).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import eventsourcing.persistence as library
import pytest
from eventsourcing.tests import application, persistence

from ledger.store.database import Database
from tests.contracts.kit import KitRecorder, SnapshotRecorder, new_database, recorder_on
from tests.postgres import fresh_schema


class OnADatabase:
    """What each test case is told: how to get an empty database; all are closed afterwards."""

    new_url: Callable[[], str]
    _opened: list[Database]

    @pytest.fixture(autouse=True)
    def _databases(self) -> Iterator[None]:
        self._opened = []
        yield
        for database in self._opened:
            database.close()

    def create_recorder(self) -> Any:
        """The kit's name for it."""
        return recorder_on(self.create_database())

    def create_database(self) -> Database:
        """An empty ledger's database."""
        self._opened.append(new_database(self.new_url()))
        return self._opened[-1]


class OnMemory(OnADatabase):
    """SQLite in memory."""

    @pytest.fixture(autouse=True)
    def _urls(self, _databases: None) -> None:
        self.new_url = lambda: "sqlite://"


class OnFile(OnADatabase):
    """SQLite in a file."""

    @pytest.fixture(autouse=True)
    def _urls(self, _databases: None, tmp_path: Path) -> None:
        self.new_url = lambda: f"sqlite:///{tmp_path / uuid.uuid4().hex}.sqlite"


class OnPostgres(OnADatabase):
    """PostgreSQL, a schema for each."""

    @pytest.fixture(autouse=True)
    def _urls(self, postgres_url: str) -> Iterator[None]:
        self._opened = []
        with ExitStack() as schemas:
            self.new_url = lambda: schemas.enter_context(
                fresh_schema(postgres_url, f"kit_{uuid.uuid4().hex}")
            )
            yield
            for database in self._opened:  # before the schema is dropped
                database.close()


class AggregateKit(OnADatabase):
    """Snapshots, or any aggregate recorder: nothing is numbered."""

    def create_recorder(self) -> library.AggregateRecorder:
        """A recorder that answers nothing."""
        recorder = recorder_on(self.create_database())
        return SnapshotRecorder(recorder.database, recorder.clock)


class ApplicationKit(OnADatabase):
    """With the optional part on subscriptions."""

    def test_insert_subscribe(self) -> None:
        """The kit's optional test."""
        self.optional_test_insert_subscribe()  # type: ignore[attr-defined]


class TestAggregateOnMemory(AggregateKit, OnMemory, persistence.AggregateRecorderTestCase):
    pass


class TestAggregateOnFile(AggregateKit, OnFile, persistence.AggregateRecorderTestCase):
    pass


class TestAggregateOnPostgres(AggregateKit, OnPostgres, persistence.AggregateRecorderTestCase):
    pass


class TestApplicationOnMemory(
    ApplicationKit, OnMemory, persistence.ApplicationRecorderTestCase[KitRecorder]
):
    pass


class TestApplicationOnFile(
    ApplicationKit, OnFile, persistence.ApplicationRecorderTestCase[KitRecorder]
):
    pass


class TestApplicationOnPostgres(
    ApplicationKit, OnPostgres, persistence.ApplicationRecorderTestCase[KitRecorder]
):
    pass


class TestTrackingOnMemory(OnMemory, persistence.TrackingRecorderTestCase):
    pass


class TestTrackingOnFile(OnFile, persistence.TrackingRecorderTestCase):
    pass


class TestTrackingOnPostgres(OnPostgres, persistence.TrackingRecorderTestCase):
    pass


class TestProcessOnMemory(OnMemory, persistence.ProcessRecorderTestCase):
    pass


class TestProcessOnFile(OnFile, persistence.ProcessRecorderTestCase):
    pass


class TestProcessOnPostgres(OnPostgres, persistence.ProcessRecorderTestCase):
    pass


class TestOrderOnMemory(OnMemory, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


class TestOrderOnFile(OnFile, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


class TestOrderOnPostgres(OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase):
    pass


class ExampleKit(OnADatabase):
    """The library's example application, with snapshots in a second set of tables."""

    expected_factory_topic = "tests.contracts.kit_factory:Factory"

    @pytest.fixture(autouse=True)
    def _environment(self, _urls: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PERSISTENCE_MODULE", "tests.contracts.kit_factory")
        monkeypatch.setenv("KIT_EVENTS", self.new_url())
        monkeypatch.setenv("KIT_SNAPSHOTS", self.new_url())
        built: list[Any] = []
        construct = library.InfrastructureFactory.construct

        def remembered(env: Any = None) -> Any:
            built.append(construct(env))
            return built[-1]

        monkeypatch.setattr(library.InfrastructureFactory, "construct", remembered)
        yield
        for factory in built:
            factory.close()


class TestExampleOnMemory(ExampleKit, OnMemory, application.ExampleApplicationTestCase):
    pass


class TestExampleOnFile(ExampleKit, OnFile, application.ExampleApplicationTestCase):
    pass


class TestExampleOnPostgres(ExampleKit, OnPostgres, application.ExampleApplicationTestCase):
    pass
