"""Fixtures of the store's contracts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.application import Ledger
from ledger.opening import create
from tests.clock import StepClock


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock) -> Iterator[Ledger]:
    """A new ledger on each database in turn, its clock standing still."""
    made = create(ledger_url, None, clock=clock)
    yield made
    made.close()
