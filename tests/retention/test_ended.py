"""Around an end: what says so is not taken back, what is recorded after it ends too, and after
enough years nothing of her is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.calendar import parse_moment
from ledger.commands import Correct, Record, Reference, Void
from ledger.erasing.prune import prune
from ledger.errors import Refused
from ledger.events import (
    AccountOpened,
    ContactedUs,
    Fact,
    LoggedIn,
    ObjectionRaised,
    OrderPlaced,
    ProfileRectified,
)
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record
from ledger.opening import create
from ledger.retention import run as retention
from ledger.store import rebuild, tables, verify
from tests.clock import StepClock

KEY = ArchiveKey.generate()
ANNA = Reference("shop", "anna")


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield made
    made.close()


def told(ledger: Ledger, kind: type[Fact], day: str, **fields: Any) -> Accepted:
    thing = Reference("ref", "o") if kind is OrderPlaced else None
    return record(ledger, Record(kind(occurred=parse_moment(day), **fields), ANNA, thing=thing))


def swept(ledger: Ledger, tmp_path: Path) -> None:
    retention.run(ledger, KEY.recipient, tmp_path / "journal")


def opened(ledger: Ledger, position: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, position)


def rows(ledger: Ledger, table: sa.Table, *where: Any) -> list[Any]:
    with ledger.database.read() as connection:
        return list(connection.execute(sa.select(table).where(*where)))


def whole(ledger: Ledger) -> None:
    assert verify.verify(ledger.database).counts == {}
    assert list(rebuild.differences(ledger.database)) == []


def test_what_says_that_something_ended_is_neither_corrected_nor_voided(
    ledger: Ledger, tmp_path: Path
) -> None:
    """It was done: keys are gone, or wrapped for the archive. Nothing makes that a mistake."""
    told(ledger, AccountOpened, "2019-01-10", name="Anna")
    told(ledger, ContactedUs, "2019-01-10", channel="form", text="Bonjour")
    swept(ledger, tmp_path)
    own = ("customer.class_archived.v1", "customer.class_erased.v1", "ledger.key_destroyed.v1")
    for kind in own:
        (fact, *_) = rows(ledger, tables.events, tables.events.c.kind == kind)
        day = parse_moment("2019-01-11")
        for wish in (Void(fact.position, "system"), Correct(fact.position, {}, day, "system")):
            with pytest.raises(Refused) as caught:
                record(ledger, wish)
            assert caught.value.refusal.problem == "not-found", kind
    whole(ledger)


def test_what_is_told_late_of_a_day_before_the_archive_follows_to_the_archive(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Her name of an earlier day, learnt after her account was archived: it moves no clock, and
    does not stay readable for want of one."""
    told(ledger, AccountOpened, "2018-12-10", name="Anna")
    told(ledger, ProfileRectified, "2019-03-10", name="Anna B", changed=("name",))
    swept(ledger, tmp_path)
    late = told(ledger, ProfileRectified, "2019-02-10", name="Anna A", changed=("name",))
    assert opened(ledger, late.position) == {"name": "Anna A"}
    assert [(one.scope.data_class, one.what) for one in retention.due(ledger)] == [
        ("account", "archive")
    ]
    swept(ledger, tmp_path)
    assert opened(ledger, late.position) is Unreadable.ARCHIVED
    assert list(retention.due(ledger)) == []
    whole(ledger)


def test_what_is_told_late_of_an_erased_class_seals_nothing_and_its_entry_is_pruned(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    """Her messages were erased; of her order she is known still. A text is refused; a fact without
    one is recorded, and goes when her entries may go."""
    told(ledger, OrderPlaced, "2025-06-10")
    told(ledger, ContactedUs, "2019-01-10", channel="form", text="Bonjour")
    swept(ledger, tmp_path)
    with pytest.raises(Refused) as caught:
        told(ledger, ContactedUs, "2018-01-10", channel="form", text="Bonsoir")
    assert caught.value.refusal.problem == "erased"
    late = told(ledger, ContactedUs, "2018-12-01", channel="form")
    swept(ledger, tmp_path)
    assert list(retention.due(ledger)) == []
    clock.set("2060-01-01T00:00:00Z")
    swept(ledger, tmp_path)
    prune(ledger, tmp_path / "journal")
    assert rows(ledger, tables.events, tables.events.c.position == late.position)[0].kind is None
    whole(ledger)


def test_after_enough_years_nothing_of_her_is_left_and_the_log_verifies(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    """What proves how she was treated has an end as well: her rights, and who read her file."""
    written = told(ledger, AccountOpened, "2018-12-10", name="Anna")
    anna = written.subject
    assert isinstance(anna, UUID)
    told(ledger, OrderPlaced, "2018-12-10")
    told(ledger, ContactedUs, "2018-12-11", channel="form", text="Bonjour")
    told(ledger, ObjectionRaised, "2018-12-12", purpose="newsletter", channel="email")
    told(ledger, LoggedIn, "2018-12-12")
    for year in range(2026, 2061, 2):
        clock.set(f"{year}-01-05T09:00:00Z")
        swept(ledger, tmp_path)
        prune(ledger, tmp_path / "journal")
        whole(ledger)
    for table in (tables.events, tables.lookups, *tables.PROJECTIONS):
        assert rows(ledger, table, table.c.subject == anna) == [], table.name
    assert rows(ledger, tables.sealed) == rows(ledger, tables.suppressions) == []
    assert all(key.wrapped is None for key in rows(ledger, tables.keys))
    assert list(retention.due(ledger)) == []
