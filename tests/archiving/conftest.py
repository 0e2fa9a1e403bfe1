"""The room of the archive, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.opening import create
from tests.archiving.room import Room
from tests.clock import StepClock


@pytest.fixture
def room(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Room]:
    """On each database in turn."""
    ledger = create(ledger_url, None, clock=clock, origin="example.org/archive")
    yield Room.build(ledger, clock, tmp_path)
    ledger.close()


@pytest.fixture
def one(clock: StepClock, tmp_path: Path) -> Iterator[Room]:
    """On SQLite in memory: for what does not depend on the database."""
    ledger = create("sqlite://", None, clock=clock, origin="example.org/archive")
    yield Room.build(ledger, clock, tmp_path)
    ledger.close()
