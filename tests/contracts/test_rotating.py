"""Rotating the KEKs: what lives stays readable, what was forgotten dies on its day."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from ledger import rotating
from ledger.application import Ledger
from ledger.calendar import day_of
from ledger.errors import Broken
from ledger.rotating import destroy_due, rewrap, rotate, status
from ledger.store import epochs, tables
from ledger.store.epochs import Death, death_of
from tests.clock import StepClock
from tests.contracts.props import assert_whole, owner
from tests.rotation import HORIZON, deaths, epochs_in_use, people, readable, told

keys = tables.keys
TODAY, DIES = 20260105, 20260209
RETIRED, DESTROYED = "ledger.kek_retired.v1", "ledger.kek_destroyed.v1"


def death(ledger: Ledger, epoch: int) -> Death:
    with ledger.database.read() as connection:
        return death_of(connection, epoch, day_of(ledger.clock.now()), HORIZON)


def rows(ledger: Ledger) -> list[sa.Row[tuple[object, ...]]]:
    with ledger.database.read() as connection:
        return list(connection.execute(sa.select(keys).order_by(keys.c.key_id)))


def test_every_living_key_is_rewrapped_and_the_old_epoch_retires(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(epochs, "BATCH", 3)
    texts, heard = people(ledger, 7), []
    before = {row.key_id: row.wrapped for row in rows(ledger)}
    done = rotate(ledger, HORIZON, lambda n, total: heard.append((n, total)))
    assert done == rotating.Rotation(2, False, 7, {1: DIES}, ())
    assert heard == [(3, 7), (6, 7), (7, 7)]
    assert epochs_in_use(ledger) == {2: 7}
    assert all(before[row.key_id] != row.wrapped for row in rows(ledger))
    assert readable(ledger, texts)
    assert deaths(ledger) == [(RETIRED, 1, "2026-02-09")]
    assert readable(ledger, people(ledger, 3, start=5))
    assert epochs_in_use(ledger) == {2: 8}
    assert_whole(ledger.database)


def test_a_kek_dies_on_its_day_and_not_before(ledger: Ledger, clock: StepClock):
    texts = people(ledger, 2)
    rotate(ledger, HORIZON)
    clock.advance(days=HORIZON - 1)
    assert destroy_due(ledger) == ()
    assert list(ledger.keyring.epochs) == [1, 2]
    clock.advance(days=1)
    assert destroy_due(ledger) == (1,)
    assert list(ledger.keyring.epochs) == [2]
    assert deaths(ledger) == [(RETIRED, 1, "2026-02-09"), (DESTROYED, 1, None)]
    assert readable(ledger, texts)
    assert destroy_due(ledger) == ()
    assert len(deaths(ledger)) == 2


def test_rotating_again_begins_another_epoch_and_destroys_what_is_due(
    ledger: Ledger, clock: StepClock
):
    texts = people(ledger, 2)
    rotate(ledger, HORIZON)
    clock.advance(days=30)
    assert rotate(ledger, HORIZON).retired == {2: 20260311}
    clock.advance(days=30)
    done = rotate(ledger, HORIZON)
    assert (done.epoch, done.destroyed, done.resumed) == (4, (1,), False)
    assert ledger.keyring.epochs == (2, 3, 4)
    assert readable(ledger, texts)


def test_the_death_of_a_forgotten_key_is_told_honestly(
    ledger: Ledger, ledger_url: str, clock: StepClock
):
    people(ledger, 2)
    _, subject = told(ledger, "forgotten", "forget me")
    with owner(ledger, ledger_url) as connection:
        connection.execute(
            keys.update()
            .where(keys.c.subject == subject)
            .values(wrapped=None, state="destroyed", destroyed_position=1)
        )
        connection.execute(tables.head.update().values(epoch=tables.head.c.epoch + 1))
    ledger.forget()
    assert death(ledger, 1) == Death("in-use", DIES)
    clock.advance(days=2)
    assert death(ledger, 1) == Death("in-use", 20260211)  # it moves as long as nobody rotates
    rotate(ledger, HORIZON)
    clock.advance(days=3)
    (tombstone,) = (row for row in rows(ledger) if row.subject == subject)
    assert (tombstone.kek_epoch, tombstone.wrapped) == (1, None)
    assert death(ledger, 1) == Death("retired", 20260211)
    clock.advance(days=40)
    assert death(ledger, 1) == Death("retired", 20260219)  # overdue: not before today
    destroy_due(ledger)
    clock.advance(days=5)
    assert death(ledger, 1) == Death("destroyed", 20260219)
    assert death(ledger, 2).state == "in-use"


def test_archived_and_destroyed_keys_keep_the_epoch_that_dates_their_death(
    ledger: Ledger, ledger_url: str
):
    texts = people(ledger, 1)
    _, archived = told(ledger, "archived", "archive me")
    with owner(ledger, ledger_url) as connection:
        connection.execute(
            keys.update()
            .where(keys.c.subject == archived)
            .values(tier="archive", wrapped=b"for the opener")
        )
    assert rotate(ledger, HORIZON).rewrapped == 1
    found = {row.subject: row for row in rows(ledger)}
    assert (found[archived].kek_epoch, found[archived].wrapped) == (1, b"for the opener")
    shown = {row["epoch"]: row for row in status(ledger, HORIZON)["epochs"]}
    assert (shown[1]["operational"], shown[1]["archived"]) == (0, 1)
    assert readable(ledger, texts)


def test_what_comes_back_from_a_backup_is_rewrapped_before_its_kek_dies(
    ledger: Ledger, ledger_url: str, clock: StepClock
):
    texts = people(ledger, 3)
    backup = {row.key_id: (row.kek_epoch, row.wrapped) for row in rows(ledger)}
    rotate(ledger, HORIZON)
    clock.advance(days=HORIZON)
    with owner(ledger, ledger_url) as connection:
        for key_id, (epoch, wrapped) in backup.items():
            connection.execute(
                keys.update()
                .where(keys.c.key_id == key_id)
                .values(kek_epoch=epoch, wrapped=wrapped)
            )
    assert epochs_in_use(ledger) == {1: 3}
    assert destroy_due(ledger) == (1,)
    assert (ledger.keyring.epochs, epochs_in_use(ledger)) == ((2,), {2: 3})
    assert readable(ledger, texts)
    assert rewrap(ledger) == 0


def test_a_kek_that_is_needed_but_gone_stops_everything_and_destroys_nothing(
    ledger: Ledger, ledger_url: str, clock: StepClock
):
    people(ledger, 2)
    rotate(ledger, HORIZON)
    clock.advance(days=HORIZON)
    with owner(ledger, ledger_url) as connection:
        connection.execute(keys.update().values(wrapped=b"x" * 60, kek_epoch=1))
    with pytest.raises(Broken):
        destroy_due(ledger)
    assert ledger.keyring.epochs == (1, 2)
    assert len(deaths(ledger)) == 1


def test_status_tells_each_epoch_apart(ledger: Ledger, clock: StepClock):
    people(ledger, 2)
    assert [row["state"] for row in status(ledger, HORIZON)["epochs"]] == ["current"]
    rotate(ledger, HORIZON)
    clock.advance(days=1)
    rotate(ledger, HORIZON)
    clock.advance(days=HORIZON - 1)
    said = status(ledger, HORIZON)["epochs"]
    assert [row["state"] for row in said] == ["retired", "retired", "current"]
    assert [row["due"] for row in said] == [True, False, False]
    assert [row["dies_on"] for row in said] == [DIES, 20260210, None]
    destroy_due(ledger)
    epochs.begin(ledger.database, ledger.keyring)
    said = status(ledger, HORIZON)["epochs"]
    assert [row["state"] for row in said] == ["destroyed", "retired", "rotating", "current"]
    assert [row["operational"] for row in said] == [0, 0, 2, 0]
    assert said[0]["destroyed_on"] == 20260209
