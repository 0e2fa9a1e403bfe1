"""What the ledger does itself: the fact and the deed are committed together, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.entry import read
from ledger.errors import Refused
from ledger.events import AccessGranted, AccessRevoked, ArchiveConsulted, KekRetired, LoggedIn
from ledger.handlers import record, record_many
from ledger.store import tables
from ledger.store.recorder import Written


def retired(ledger: Ledger) -> KekRetired:
    now = moment_of_instant(ledger.clock.now())
    return KekRetired(occurred=now, actor="system", epoch=1, dies_on=20260301)


def test_a_deed_is_committed_with_its_fact(ledger: Ledger) -> None:
    seen: list[int] = []

    def deed(connection: sa.Connection, written: Sequence[Written]) -> None:
        seen.append(written[0].position)
        connection.execute(
            tables.tracking.insert().values(application_name="deed", notification_id=1)
        )

    (written,) = act(ledger, [act_of(retired(ledger))], deed, new_epoch=True)
    assert seen == [written.position]
    assert ledger.recorder.max_tracking_id("deed") == 1
    assert ledger.epoch() > 1


def test_a_deed_that_fails_takes_its_fact_with_it(ledger: Ledger) -> None:
    before = ledger.recorder.head()

    def deed(_connection: sa.Connection, _written: Sequence[Written]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act(ledger, [act_of(retired(ledger))], deed)
    ledger.forget()
    assert ledger.recorder.head() == before


def test_whoever_holds_the_head_lock_acts_under_it(ledger: Ledger) -> None:
    with ledger.recorder.alone():
        act(ledger, [act_of(retired(ledger))])
        act(ledger, [act_of(retired(ledger))])
    assert ledger.recorder.head().position == 3


def test_a_grant_needs_four_eyes_and_ends_once(ledger: Ledger) -> None:
    now = moment_of_instant(ledger.clock.now())
    shared: dict[str, Any] = {"occurred": now, "actor": "agent"}
    until: dict[str, Any] = {"classes": ("order",), "until": 20260201}
    with pytest.raises(Refused):
        act(ledger, [act_of(AccessGranted(holder="s1", approver="s1", **until, **shared))])
    given = act_of(AccessGranted(holder="s1", approver="s2", **until, **shared))
    act(ledger, [given])
    act(ledger, [act_of(AccessRevoked(approver="s2", **shared), given.stream)])
    with pytest.raises(Refused):
        act(ledger, [act_of(AccessRevoked(approver="s2", **shared), given.stream)])


def test_the_case_of_a_consultation_is_sealed(ledger: Ledger) -> None:
    now = moment_of_instant(ledger.clock.now())
    accepted = record(ledger, Record(LoggedIn(occurred=now), person=Reference("shop", "A-1")))
    fact = ArchiveConsulted(
        occurred=now,
        actor="agent",
        subject=accepted.subject,
        item=str(now.day),
        reader="s1",
        motive="litigation",
        of="order",
        keys=(uuid4(),),
        grant=uuid4(),
        case="Tribunal de Nanterre, affaire Dupont",
    )
    (written,) = act(ledger, [act_of(fact)])
    assert b"Dupont" not in written.entry
    assert [part["n"] for part in read(written.entry)["parts"]] == ["access_log"]
    with ledger.database.read() as connection:
        opened = ledger.vault.open(connection, written.position)
    assert opened == {"case": "Tribunal de Nanterre, affaire Dupont"}


def test_no_caller_may_send_such_a_fact(ledger: Ledger) -> None:
    (outcome,) = record_many(ledger, [Record(retired(ledger))])
    assert getattr(outcome, "problem", None) == "malformed"
    assert ledger.recorder.head().position == 1
