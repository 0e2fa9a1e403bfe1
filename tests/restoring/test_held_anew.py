"""After the loss of a disk: a class that ended, and that she came back to (decision 0059)."""

from __future__ import annotations

import shutil

import pytest

from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.erasing.journal import NAME
from ledger.errors import Broken
from ledger.events import OrderPlaced
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.store import tables
from tests.restoring.room import Room


@pytest.mark.parametrize("taken", ["before", "between", "after"])
def test_what_was_held_anew_and_what_was_erased_before_are_told_apart(room: Room, taken: str):
    """A class that ended while she could be named, and that she wrote in again (decision 0059):
    whenever the backup was taken, what was erased stays erased, what she wrote since is there or is
    lost, and she may write again."""
    now = moment_of_instant(room.clock.now())
    record(room.ledger, Record(OrderPlaced(occurred=now), Reference("shop", "anna")))
    old, anna = room.told("anna", "old")

    def backup(moment: str) -> None:
        room.seal()
        if taken == moment:
            room.backup()

    backup("before")
    room.clock.advance(days=1)
    room.erase(anna)
    room.clock.advance(days=1)
    backup("between")
    back, same = room.told("anna", "back")
    assert same == anna
    backup("after")
    room.clock.advance(days=1)
    room.lose()
    assert room.restore().erased == (1 if taken == "before" else 0)
    assert room.reads(old) is Unreadable.ERASED
    assert room.reads(back) == ({"text": "back"} if taken == "after" else Unreadable.LOST)
    room.clock.advance(days=1)
    again, _ = room.told("anna", "again")
    assert room.reads(again) == {"text": "again"}
    room.assert_sound()


@pytest.mark.parametrize("taken", ["before", "between"])
def test_what_was_erased_twice_is_erased_twice(room: Room, taken: str):
    """Each by its own order; and without the journal, nothing is served."""
    now = moment_of_instant(room.clock.now())
    record(room.ledger, Record(OrderPlaced(occurred=now), Reference("shop", "anna")))
    old, anna = room.told("anna", "old")
    if taken == "before":
        room.backup()
    wrote = [old]
    for text in ("back", "last"):
        room.clock.advance(days=1)
        room.erase(anna)
        room.clock.advance(days=1)
        wrote.append(room.told("anna", text)[0])
        if (text, taken) == ("back", "between"):
            room.backup()
    room.seal()
    shutil.copytree(room.journal, room.home / "kept")
    lines = (room.journal / NAME).read_text().splitlines(keepends=True)
    second = next(n for n, line in enumerate(lines) if '"intent"' in line and n > 1)
    (room.journal / NAME).write_text("".join(lines[:second]))
    room.lose()
    with pytest.raises(Broken, match="erasure journal"):
        room.restore()
    shutil.rmtree(room.journal)
    shutil.copytree(room.home / "kept", room.journal)
    room.restore()
    gone = Unreadable.ERASED
    assert [room.reads(at) for at in wrote] == [gone, gone, Unreadable.LOST]
    assert len(room.facts("customer.class_erased.v1")) == 2
    states = [key.state for key in room.rows(tables.keys, tables.keys.c.subject == anna)]
    assert states == ["destroyed", "destroyed"]
    room.assert_sound()
