"""A ledger of each kind whose mailer and PSP are declared, and a receiver that listens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from ledger.application import Ledger
from ledger.opening import create
from ledger.outbound.courier import Courier
from ledger.outbound.posting import poster
from tests.clock import StepClock
from tests.outbound.receiver import Receiver, listening
from tests.outbound.room import declare


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    """On each database, with its recipients declared."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keys" / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    declare(made)
    yield made
    made.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with listening() as found:
        yield found


@pytest.fixture
def courier(ledger: Ledger) -> Courier:
    """Who delivers."""
    return Courier(ledger, poster(private=False), chance=Random(7))
