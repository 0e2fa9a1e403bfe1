"""Generations of a key: an archived class gets a new one; whoever was erased never does."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.commands import Record
from ledger.errors import Refused
from ledger.events import ContactedUs
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.store import tables
from tests.clock import StepClock
from tests.contracts.props import assert_whole, now, owner, position, somebody

keys = tables.keys


def destroyed(ledger: Ledger) -> dict[str, Any]:
    """A tombstone, made now."""
    return {"wrapped": None, "state": "destroyed", "destroyed_position": position(ledger)}


def wrote(ledger: Ledger, subject: UUID, text: str) -> int:
    fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=text)
    return record(ledger, Record(fact)).position


def opened(ledger: Ledger, at: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, at)


def changed(ledger: Ledger, url: str, subject: UUID, generation: int, **values: Any) -> None:
    """What archiving and erasing do to a key, and to the epoch of the ledger."""
    with owner(ledger, url) as connection:
        connection.execute(
            keys.update()
            .where(keys.c.subject == subject, keys.c.generation == generation)
            .values(values)
        )
        connection.execute(tables.head.update().values(epoch=tables.head.c.epoch + 1))


def generations(ledger: Ledger, subject: UUID) -> list[int]:
    query = sa.select(keys.c.generation).where(keys.c.subject == subject)
    with ledger.database.read() as connection:
        return list(connection.scalars(query.order_by(keys.c.generation)))


def test_what_is_recorded_after_archiving_gets_the_next_generation(ledger: Ledger, ledger_url: str):
    subject = somebody(ledger)
    before = wrote(ledger, subject, "before")
    changed(ledger, ledger_url, subject, 1, tier="archive", wrapped=b"for the opener only")
    after, again = wrote(ledger, subject, "after"), wrote(ledger, subject, "again")
    assert generations(ledger, subject) == [1, 2]
    assert opened(ledger, before) is Unreadable.ARCHIVED
    assert [opened(ledger, at) for at in (after, again)] == [{"text": "after"}, {"text": "again"}]
    assert_whole(ledger.database)


def test_the_death_of_an_archived_generation_leaves_the_living_one_in_use(
    ledger: Ledger, ledger_url: str, clock: StepClock
):
    subject = somebody(ledger)
    before = wrote(ledger, subject, "before")
    changed(ledger, ledger_url, subject, 1, tier="archive", wrapped=b"for the opener only")
    wrote(ledger, subject, "between")
    changed(ledger, ledger_url, subject, 1, **destroyed(ledger))
    clock.advance(minutes=1)
    after = wrote(ledger, subject, "after")
    assert generations(ledger, subject) == [1, 2]
    assert opened(ledger, before) is Unreadable.ERASED
    assert opened(ledger, after) == {"text": "after"}


@pytest.mark.parametrize("archived", [True, False])
def test_once_nothing_names_her_any_more_there_is_never_another(
    ledger: Ledger, ledger_url: str, clock: StepClock, archived: bool
):
    subject = somebody(ledger)
    wrote(ledger, subject, "before")
    if archived:
        changed(ledger, ledger_url, subject, 1, tier="archive", wrapped=b"for the opener only")
        wrote(ledger, subject, "between")
        changed(ledger, ledger_url, subject, 2, **destroyed(ledger))
    else:
        changed(ledger, ledger_url, subject, 1, **destroyed(ledger))
    known, end = generations(ledger, subject), position(ledger)
    for _ in range(2):
        clock.advance(minutes=1)
        with pytest.raises(Refused) as caught:
            wrote(ledger, subject, "after")
        assert caught.value.refusal.problem == "erased"
    assert (generations(ledger, subject), position(ledger)) == (known, end)
