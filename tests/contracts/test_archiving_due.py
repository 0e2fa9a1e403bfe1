"""What is past its term leaves daily use: key and fact together, once, whoever interrupts."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger import entry
from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.commands import Record, Reference
from ledger.events import AccountOpened, OrderInvoiced, OrderPlaced, ProfileRectified
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.policy.evaluate import deadlines
from ledger.policy.verdicts import Deadline
from ledger.retention import run as retention
from ledger.store import archival, states, tables
from ledger.store.rebuild import differences
from tests.clock import StepClock
from tests.contracts.props import assert_whole, now, position

KEY = ArchiveKey.generate()


def bought(ledger: Ledger, name: str = "one", order: str = "A1") -> tuple[UUID, int]:
    """She orders, is invoiced, and opens an account with her name: whose, and where that is."""
    thing = Reference("ref", order)
    placed = OrderPlaced(occurred=now(ledger))
    subject = record(ledger, Record(placed, person=Reference("shop", name), thing=thing)).subject
    assert subject is not None
    about: Any = {"occurred": now(ledger), "subject": subject}
    record(ledger, Record(OrderInvoiced(**about), thing=thing))
    return subject, record(ledger, Record(AccountOpened(**about, name="Élise"))).position


def opened(ledger: Ledger, at: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, at)


def judged(ledger: Ledger, subject: UUID) -> list[Deadline]:
    with ledger.database.read() as connection:
        state = states.live_state(connection, subject)
    return deadlines(state, ledger.book(ledger.epoch()), ledger.clock.now())


def tier_of(ledger: Ledger, subject: UUID, klass: str) -> str:
    (found,) = {one.tier_now for one in judged(ledger, subject) if one.klass == klass}
    return found


def archived(ledger: Ledger, journal: Path, progress: Any = lambda _people: None) -> int:
    """How many scopes a retention run archives."""
    return retention.run(ledger, KEY.recipient, journal, progress).archived


def rows(ledger: Ledger, subject: UUID) -> list[Any]:
    query = sa.select(tables.keys).where(tables.keys.c.subject == subject)
    with ledger.database.read() as connection:
        return list(connection.execute(query.order_by(tables.keys.c.generation)))


def test_what_is_past_its_term_is_archived_once_and_read_no_more(
    ledger: Ledger, clock: StepClock, tmp_path: Path
) -> None:
    """The key opens with the archive's private half alone; the run after it does nothing."""
    subject, at = bought(ledger)
    (before,) = rows(ledger, subject)
    commitment = opened(ledger, at)
    assert commitment == {"name": "Élise"}
    clock.advance(days=365 * 6)
    other, still = bought(ledger, "other", "B1")
    assert archived(ledger, tmp_path) == 3
    assert opened(ledger, at) is Unreadable.ARCHIVED
    assert opened(ledger, still) == commitment
    (key,) = rows(ledger, subject)
    assert (key.tier, key.kek_epoch, key.key_id) == ("archive", before.kek_epoch, before.key_id)
    assert key.wrapped[:32] == KEY.recipient.digest
    info = entry.encode(["probant/key/1", str(key.key_id), str(subject), "account", "", 1])
    assert len(KEY.unwrap(key.wrapped[32:], info)) == 32
    assert {tier_of(ledger, subject, name) for name in ("order", "invoice", "account")} == {
        "archived"
    }
    assert tier_of(ledger, other, "order") == "operational"
    last = position(ledger)
    assert archived(ledger, tmp_path) == 0
    assert position(ledger) == last + 1, "only that there was a run"
    assert list(differences(ledger.database)) == []
    assert_whole(ledger.database)


def test_a_person_is_archived_whole_or_not_at_all(
    ledger: Ledger, clock: StepClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not done, and done but told otherwise: the next run finishes what is left."""
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    first, at = bought(ledger)
    second, later = bought(ledger, "other", "B1")
    clock.advance(days=365 * 6)
    last, real = position(ledger), archival.restrict

    def fails(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(archival, "restrict", fails)
    with pytest.raises(ZeroDivisionError):
        archived(ledger, tmp_path)
    ledger.forget()
    assert (position(ledger), len(opened(ledger, at))) == (last, 1)
    monkeypatch.setattr(archival, "restrict", real)

    def dies(people: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archived(ledger, tmp_path, dies)
    assert [opened(ledger, p) for p in (at, later)].count(Unreadable.ARCHIVED) == 1
    assert archived(ledger, tmp_path) == 3
    assert [opened(ledger, p) for p in (at, later)] == [Unreadable.ARCHIVED] * 2
    assert {first, second} == {row.subject for s in (first, second) for row in rows(ledger, s)}


def test_what_she_does_after_it_is_held_anew_under_the_next_key(
    ledger: Ledger, clock: StepClock, tmp_path: Path
) -> None:
    """The class is in daily use again, and a rectification moves no clock: it is due at once. What
    was archived stays unreadable."""
    subject, at = bought(ledger)
    clock.advance(days=365 * 6)
    archived(ledger, tmp_path)
    fact = ProfileRectified(occurred=now(ledger), subject=subject, name="Anna", changed=("name",))
    new = record(ledger, Record(fact)).position
    assert tier_of(ledger, subject, "account") == "past_operational"
    assert tier_of(ledger, subject, "invoice") == "archived"
    assert opened(ledger, at) is Unreadable.ARCHIVED
    assert opened(ledger, new) == {"name": "Anna"}
    assert [row.tier for row in rows(ledger, subject)] == ["archive", "operational"]
    assert archived(ledger, tmp_path) == 1
    assert [row.tier for row in rows(ledger, subject)] == ["archive", "archive"]
    assert tier_of(ledger, subject, "account") == "archived"
