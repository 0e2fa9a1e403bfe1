"""The room, on each database that a disk can lose."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.scratch import scratch
from tests.clock import StepClock
from tests.restoring.room import Room


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest, tmp_path: Path, clock: StepClock) -> Iterator[Room]:
    """A new ledger whose database can be lost."""
    on_postgres = request.param == "postgres"
    url = request.getfixturevalue("postgres_url") if on_postgres else "sqlite:///"
    with scratch(url, tmp_path) as place:
        made = Room(place, tmp_path, clock)
        yield made
        made.ledger.close()
