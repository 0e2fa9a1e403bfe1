"""A stage on each database in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.opening import create
from tests.clock import StepClock
from tests.segments.stage import Stage


@pytest.fixture
def stage(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Stage]:
    """A ledger of forty people and 300 orders, not sealed yet."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    ledger = create(ledger_url, keyring, clock=clock, origin="example.org/segments")
    made = Stage(ledger, ledger_url, tmp_path)
    made.orders(300, "first")
    yield made
    ledger.close()
