"""A backup is a folder that is whole or not there, taken while others write, without any key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.entry import from_base64
from ledger.errors import BadData, Misuse
from ledger.restoring import backup as backups
from ledger.restoring.backup import backup, read_manifest
from ledger.store import dump
from tests.restoring.room import ORIGIN, Room
from tests.sealing.room import orders


def test_it_says_what_it_is(room: Room):
    room.told("anna", "mine")
    sealed = room.seal()
    room.told("bert", "his")
    made = room.backup()
    assert read_manifest(room.home / "backup") == made
    assert (made.about.origin, made.about.sealed) == (ORIGIN, sealed)
    assert made.about.position == room.ledger.recorder.head().position == sealed + 2
    assert (made.about.kek_epochs, made.about.erasures) == ((1,), 0)
    assert made.database in room.place.url
    said = json.loads((room.home / "backup" / "manifest.json").read_bytes())
    assert said["taken_at"] == "2026-01-05T09:00:00.000000Z"
    assert set(said["files"]) == {p.name for p in (room.home / "backup").iterdir()} - {
        "manifest.json"
    }
    assert (room.home / "backup").stat().st_mode & 0o077 == 0


def test_no_key_and_no_journal_goes_with_it(room: Room):
    _, anna = room.told("anna", "mine")
    room.seal()
    room.erase(anna)
    room.backup()
    content = b"".join(path.read_bytes() for path in (room.home / "backup").iterdir())
    keyring = json.loads((room.home / "keyring.json").read_text())
    secrets = [text for kind in ("kek", "pepper") for text in keyring[kind].values()]
    private = (room.home / "signer" / "log.key").read_text().strip()
    secrets += [private, private.split("+", 4)[4]]
    assert len(secrets) == 4
    for secret in secrets:
        assert secret.encode() not in content
    for secret in secrets[:2]:
        assert from_base64(secret) not in content
    assert not any("journal" in p.name for p in (room.home / "backup").iterdir())


def test_writers_go_on_and_do_not_come_into_it(room: Room, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dump, "PAGES", 1)
    orders(room.ledger, 50)
    before = room.events()
    heard: list[str] = []

    def meanwhile(_done: int, _total: int, what: str) -> None:
        if len(heard) < 5:
            orders(room.ledger, 10, f"meanwhile-{len(heard)}")
        heard.append(what)

    made = backup(room.ledger, room.home / "backup", meanwhile)
    assert len(heard) >= 5
    after = room.events()
    assert (made.about.position, len(after)) == (len(before), len(before) + 100)
    room.lose()
    assert room.restore(entries=None).position == len(before) + 1
    assert room.events(len(before)) == before
    room.assert_sound()


def test_it_replaces_nothing(room: Room):
    room.backup()
    with pytest.raises(Misuse, match="must be empty"):
        room.backup()
    (room.home / "file").write_text("mine")
    with pytest.raises(Misuse):
        room.backup("file")


class Crash(Exception):
    """The process ends here."""


STEPS = [(dump, "dump"), (backups, "write_whole"), (backups, "sync_folder")]


@pytest.mark.parametrize("when", ["not done", "done but reported failed"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_half_a_backup_is_none(
    room: Room, monkeypatch: pytest.MonkeyPatch, step: Any, when: str
) -> None:
    room.told("anna", "mine")
    real = getattr(*step)

    def fails(*args: Any, **kwargs: Any) -> None:
        if when != "not done":
            real(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(step[0], step[1], fails)
        with pytest.raises(Crash):
            room.backup()
    renamed = step[1] == "sync_folder"
    assert (room.home / "backup").exists() is renamed
    if renamed:
        read_manifest(room.home / "backup")
    room.backup("other" if renamed else "backup")
    assert [p for p in room.home.iterdir() if p.name.endswith(".partial")] == []


def test_a_damaged_backup_is_refused_and_nothing_is_written(room: Room):
    room.told("anna", "mine")
    made = room.backup()
    room.lose()
    name = next(iter(made.files))
    whole = (room.home / "backup" / name).read_bytes()
    for wrong in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:], None):
        path = room.home / "backup" / name
        path.unlink() if wrong is None else path.write_bytes(wrong)
        with pytest.raises(BadData):
            room.restore(entries=None)
    (room.home / "backup" / name).write_bytes(whole)
    manifest = room.home / "backup" / "manifest.json"
    for wrong in (b"{}", b"[]", b"no", manifest.read_bytes().replace(b"backup/1", b"backup/9")):
        kept = manifest.read_bytes()
        manifest.write_bytes(wrong)
        with pytest.raises(BadData):
            room.restore(entries=None)
        manifest.write_bytes(kept)
    assert dump.standing(room.place.url).is_empty
    with pytest.raises(Misuse, match="no backup here"):
        room.restore(backup=Path(room.home / "nowhere"))
    room.restore(entries=None)
