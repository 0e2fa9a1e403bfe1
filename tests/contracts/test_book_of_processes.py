"""Two processes, one policy book: it is parsed again when it grew, whoever added to it, and not for
every key that moved."""

from __future__ import annotations

import pytest

from ledger.application import Ledger
from ledger.commands import Record
from ledger.events import PurposeDeclared
from ledger.handlers import publish, record
from ledger.policy.book import shipped_bytes
from ledger.store import reader
from tests.contracts.props import now


@pytest.fixture
def other(ledger: Ledger) -> Ledger:
    """A second process on the same database."""
    return Ledger(ledger.database, ledger.keyring, ledger.clock)


def test_an_edition_published_elsewhere_is_seen_in_the_epoch_it_moved(
    ledger: Ledger, other: Ledger
) -> None:
    assert len(other.book(other.epoch()).entries) == 1
    later = shipped_bytes().replace(b"2018-11-20", b"2026-01-01")
    publish(ledger, later)
    assert [found.edition.number for found in other.book(other.epoch()).entries] == [
        20181120,
        20260101,
    ]


def test_a_purpose_declared_elsewhere_is_seen_too(ledger: Ledger, other: Ledger) -> None:
    assert other.declared(other.epoch()).purposes == ()
    declared = PurposeDeclared(
        occurred=now(ledger),
        purpose="radio",
        basis="consent",
        marketing=False,
        article="GDPR art. 6(1)(a)",
    )
    record(ledger, Record(declared))
    (purpose,) = other.declared(other.epoch()).purposes
    assert purpose.id == "radio"


def test_an_epoch_moved_by_a_key_parses_no_edition(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ledger.book(ledger.epoch())
    before = ledger.epoch()
    ledger.recorder.redo(lambda _connection: None)
    assert ledger.epoch() > before
    monkeypatch.delattr(reader, "policy_book")
    assert ledger.book(ledger.epoch()) is book
