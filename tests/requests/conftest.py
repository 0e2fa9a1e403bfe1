"""An office that answers requests: a whole ledger of each kind, a clock, and two folders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import calendar as cal
from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.erasing.certificate import Desk, Sign
from ledger.events import Fact, RequestReceived
from ledger.handlers import Accepted, record
from ledger.opening import create
from ledger.policy.requests import Request
from ledger.requests.fulfilling import Carried, Deed, carry_out
from ledger.requests.reading import Page, one, queue
from ledger.requests.steps import Received, receive
from ledger.store import reader, rebuild, states
from tests.clock import StepClock
from tests.stories.facts_room import on

ZOE = Reference("shop", "0042")
FILE = 64 * "7"  # the SHA-256 of what was handed over


class Office:
    """A ledger, a clock and the folder of its erasure journal."""

    def __init__(self, url: str, keyring: Path | None, journal: Path) -> None:
        self.clock, self.journal = StepClock("2026-02-03T09:00:00Z"), journal
        self.certificates = journal.parent / "certificates"
        self.sign: Sign | None = None
        self.ledger: Ledger = create(url, keyring, clock=self.clock)

    def told(self, fact: Fact, **more: Any) -> Accepted:
        person = None if fact.about_nobody else ZOE
        return record(self.ledger, Record(fact, person, **more))

    def asks(self, right: str, day: str = "2026-01-31", **fields: Any) -> Received:
        """She writes a letter."""
        over = fields.pop("over", None)
        fact = RequestReceived(**on(day), right=right, channel="letter", **fields)
        return receive(self.ledger, fact, ZOE, over=over)

    def carry_out(self, made: Received, **deed: Any) -> Carried:
        desk = Desk(self.certificates, 35, sign=self.sign)
        return carry_out(self.ledger, made.stream, Deed(**deed), journal=self.journal, desk=desk)

    def stands(self, made: Received, as_of: str | None = None) -> Request:
        return one(self.ledger, made.stream, cal.parse_as_of(as_of) if as_of else None)

    def state(self) -> Any:
        with self.ledger.database.read() as connection:
            key = "person/shop", self.ledger.keyring.blind("person/shop", ZOE.value)
            subject = reader.lookups(connection, [key])[key].subject
            return states.live_state(connection, subject)

    def queue(self, **asked: Any) -> Page:
        return queue(self.ledger, **asked)


@pytest.fixture
def office(ledger_url: str, tmp_path: Path) -> Iterator[Office]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keys" / "keyring.json"
    made = Office(ledger_url, keyring, tmp_path / "journal")
    yield made
    assert list(rebuild.differences(made.ledger.database)) == []  # what is live is what is derived
    made.ledger.close()
