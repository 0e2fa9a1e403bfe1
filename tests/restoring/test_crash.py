"""A restore cut off at any step, in both ways: nobody is served, and running it again ends it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.erasing import prune
from ledger.errors import Misuse
from ledger.fields import Unreadable
from ledger.restoring import restore as restores
from ledger.sealing.sealer import export_entries
from ledger.store import dump, erasure, pruning, rebuild, restoring
from tests.restoring.room import Room
from tests.sealing.room import orders


class Crash(Exception):
    """The process ends here."""


STEPS = [
    (dump, "load"),
    (dump, "complete"),
    (restoring, "put_back"),
    (restoring, "reach"),
    (restoring, "archived_again"),
    (rebuild, "rebuild"),
    (restores, "settle"),
    (restoring, "prune_again"),
    (erasure, "tidy"),
    (restores, "rewrap"),
    (restores, "act"),
]


@pytest.mark.parametrize("when", ["not done", "done but reported failed"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_a_crash_at_any_step_converges(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: Any, when: str
):
    hers, anna = room.told("anna", "mine")
    his, _ = room.told("bert", "his")
    room.seal()
    room.backup()
    orders(room.ledger, 300)  # two bundles of entries: the first one may be back alone
    late, _ = room.told("carl", "late")
    room.erase(anna)
    prune.prune(room.ledger, room.journal)
    sealed = room.seal()
    export_entries(room.ledger.database, room.log, pruning.named(room.ledger.database))
    before = room.events()
    room.lose()
    real = getattr(*step)

    def fails(*args: Any, **kwargs: Any) -> None:
        if when != "not done":
            real(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(step[0], step[1], fails)
        with pytest.raises(Crash):
            room.restore()
    said = step[1] == "act" and when != "not done"
    if said:  # it was done, whatever was reported: restoring again is refused, serving is not
        with pytest.raises(Misuse, match="not empty"):
            room.restore()
        room.open()
    else:
        with pytest.raises(Misuse):
            room.open()
        room.restore()
    assert room.events(sealed) == before
    assert room.reads(hers) == {}  # pruned: nothing is said there any more
    assert room.reads(his) == {"text": "his"}
    assert room.reads(late) is Unreadable.LOST
    assert len(room.facts("ledger.restored.v1")) == 1
    room.assert_sound(pruned=True)


def test_a_file_that_a_crash_left_aside_is_replaced(room: Room):
    """SQLite: the copy is made beside, and takes the name of the database when it is whole."""
    room.told("anna", "mine")
    room.backup()
    room.lose()
    if "sqlite" not in room.place.url:
        room.restore(entries=None)
        return
    for end in ("", "-wal", "-journal"):
        (room.home / f"scratch.sqlite.restoring{end}").write_bytes(b"half of it")
    room.restore(entries=None)
    room.assert_sound()
    left = [path.name for path in room.home.glob("scratch.sqlite.*")]
    assert left == []
