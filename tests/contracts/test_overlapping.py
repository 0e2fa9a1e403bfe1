"""A group decided while the one before it is committed: it stands only if that one was written."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Command, Record, Reference
from ledger.deciding import Early
from ledger.errors import Stale
from ledger.events import ConsentGiven, ContactedUs, LoggedIn, OrderPlaced
from ledger.fields import Money
from ledger.grouping import Writer
from ledger.handlers import Accepted, Group, decide, record, write
from tests.contracts.props import assert_whole

SHE = Reference("shop", "C-1")


def login(ledger: Ledger) -> Command:
    return Record(LoggedIn(occurred=moment_of_instant(ledger.clock.now()), ip="192.0.2.7"), SHE)


def order(ledger: Ledger) -> Command:
    now = moment_of_instant(ledger.clock.now())
    return Record(OrderPlaced(occurred=now, amount=Money(1999, "EUR")), SHE)


def consent(ledger: Ledger) -> Command:
    now = moment_of_instant(ledger.clock.now())
    choice: dict[str, Any] = {"purpose": "newsletter", "channel": "email", "grade": "proved"}
    return Record(ConsentGiven(occurred=now, act="tick", form="f", **choice), SHE)


def contact(ledger: Ledger, text: str) -> Command:
    now = moment_of_instant(ledger.clock.now())
    return Record(ContactedUs(occurred=now, channel="form", text=text), SHE)


def test_what_is_on_its_way_counts_already(ledger: Ledger) -> None:
    """The person it begins, where her stream will end, the key it makes: none of it twice."""
    first = decide(ledger, [Group([contact(ledger, "one")])])
    second = decide(ledger, [Group([contact(ledger, "two"), order(ledger)])], first)
    (one,), (two,) = write(ledger, first), write(ledger, second)
    told = [*one, *two]
    assert all(isinstance(outcome, Accepted) for outcome in told)
    assert len({outcome.subject for outcome in told if isinstance(outcome, Accepted)}) == 1
    assert len(first.work.keys) == 1
    assert second.work.keys == [] and second.work.lookups == []
    assert_whole(ledger.database)


def test_a_past_that_is_being_written_is_awaited(ledger: Ledger) -> None:
    """A consent looks back at her choices: not while another choice of hers is on its way."""
    record(ledger, login(ledger))
    first = decide(ledger, [Group([consent(ledger)])])
    decide(ledger, [Group([order(ledger)])], first)
    with pytest.raises(Early):
        decide(ledger, [Group([consent(ledger)])], first)
    write(ledger, first)
    assert first.is_written


def test_what_was_decided_on_a_commit_that_failed_is_decided_again(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is always quicker: each is recorded once, in order, and no version is left
    out."""
    record(ledger, login(ledger))
    real, calls = ledger.commit, []

    def commit(drafts: Any, work: Any) -> None:
        calls.append(len(drafts))
        if len(calls) % 2:
            raise Stale("somebody else wrote first")
        real(drafts, work)

    monkeypatch.setattr(ledger, "commit", commit)
    writer = Writer(ledger)
    before = ledger.recorder.head().position
    promises = [writer.record([login(ledger)]) for _ in range(40)]
    positions = [outcome.position for p in promises for outcome in p.result(120)]  # type: ignore[union-attr]
    writer.close()
    assert positions == [before + 1 + n for n in range(40)]
    assert_whole(ledger.database)
