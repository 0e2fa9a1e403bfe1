"""`probant backup`, `restore` and `drill restore`, as people and programs meet them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from api.commands import rehearsing
from ledger.restoring import drill
from ledger.store.database import Database
from tests.cli.conftest import Probant


def lost(probant: Probant) -> None:
    """The disk of the database dies."""
    if probant.url is None:
        for path in probant.home.glob("ledger.sqlite*"):
            path.unlink()
        return
    database = Database(probant.url)
    with database.write() as connection:
        schema = connection.scalar(sa.text("SELECT current_schema()"))
        connection.execute(sa.schema.DropSchema(schema, cascade=True))
    database.close()


def test_a_lost_ledger_is_restored(
    anywhere: Probant, tmp_path_factory: pytest.TempPathFactory
) -> None:
    anywhere.home = tmp_path_factory.mktemp("h") / "p"
    probant = anywhere.filled(20)
    backup = probant.home.parent / "backup"
    made = probant.json("backup", str(backup))
    assert made["database"] == ("postgresql" if probant.url else "sqlite")
    assert (made["position"] > 0, made["sealed"], made["path"]) == (True, 0, str(backup))
    assert "not sealed yet" in probant("backup", f"{backup}-2").out
    assert probant("backup", str(backup)).code == 2
    who = probant.json("replay", "--as-of", "2060-01-01", "--past", "order", "--limit", "1")
    subject = who["past"]["items"][0]["subject"]
    assert probant("erase", "--subject", subject, "--reason", "unlawful", "--yes").code == 0
    sealed = probant.json("seal")["size"]
    assert probant("restore", str(backup)).code == 2  # there is a ledger here
    lost(probant)
    done = probant.json("restore", str(backup))
    assert (done["backup_head"], done["last_checkpoint"]) == (made["position"], sealed)
    assert (done["erased"], done["position"], done["signer"]) == (1, sealed + 1, True)
    assert probant.json("verify")["ok"] is True
    assert probant.json("seal")["size"] == sealed + 1
    lost(probant)
    for name in ("log.key", "state.json"):
        (probant.home / "signer" / name).unlink()
    said = probant("restore", str(backup), "--entries", str(probant.home / "log"))
    assert (said.code, "No signer was found" in said.out) == (0, True)


def test_nothing_is_restored_from_nothing(probant: Probant, tmp_path: Path) -> None:
    probant("init")
    said = probant("restore", str(tmp_path))
    assert (said.code, "there is no backup here" in said.err) == (2, True)


def test_without_its_keyring_nobody_is_told_to_make_another(
    probant: Probant, tmp_path: Path
) -> None:
    """`init` would make the keyring of another ledger, in an emptied place."""
    probant("init")
    assert probant("backup", str(tmp_path / "backup")).code == 0
    lost(probant)
    (probant.home / "keyring.json").rename(tmp_path / "keyring.json")
    said = probant("restore", str(tmp_path / "backup"))
    assert (said.code, "put it back" in said.err, "init" in said.err) == (2, True, False), said
    (tmp_path / "keyring.json").rename(probant.home / "keyring.json")
    assert probant("restore", str(tmp_path / "backup")).code == 0


@pytest.mark.parametrize(
    ("given", "code", "told"),
    [
        ("probant-evidence/1", 2, "evidence bundle, not a backup"),
        ("probant-segments/1", 2, "these are segments, not a backup"),
        ("probant-package/1", 2, "this is not a backup"),
        ("7", 2, "this is not a backup"),
        ("probant-backup/9", 3, "made by another version"),
    ],
)
def test_what_is_no_backup_is_called_what_it_is(
    probant: Probant, tmp_path: Path, given: str, code: int, told: str
) -> None:
    """Whoever gives an evidence bundle is told where it goes."""
    (tmp_path / "manifest.json").write_text(json.dumps({"format": given}))
    said = probant("restore", str(tmp_path))
    assert (said.code, told in said.err) == (code, True), said
    assert ("--entries" in said.err) == ("evidence" in given)


def test_the_drill_holds_and_leaves_nothing(anywhere: Probant) -> None:
    made = anywhere.json("drill", "restore")
    assert made["holds"] is True
    assert [step["name"] for step in made["steps"]] == list(drill.STEPS)
    assert not anywhere.home.exists()  # it needed no ledger, and made none
    if anywhere.url:
        database = Database(anywhere.url)
        with database.read() as connection:
            names = sa.inspect(connection).get_schema_names()
        database.close()
        assert [name for name in names if name.startswith("probant_drill")] == []


def test_a_drill_that_fails_says_where(probant: Probant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever restores without the journal brings people back: the drill must see it."""
    monkeypatch.setattr("ledger.restoring.restore.settle", lambda *_: 0)
    made = probant.json("drill", "restore", code=1)
    assert made["holds"] is False
    failed = [step["name"] for step in made["steps"] if not step["holds"]]
    assert failed[0] == "restore"  # refused: the log tells of an erasure nobody carried out
    said = probant("drill", "restore")
    assert said.code == 1
    assert "NO   running it again finishes it" in said.out
    assert "It did NOT hold" in said.out


def test_a_restore_that_forgets_what_was_pruned_is_seen(
    probant: Probant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.restoring.restore.restoring.prune_again", lambda *_: 0)
    made = probant.json("drill", "restore", code=1)
    failed = [step["name"] for step in made["steps"] if not step["holds"]]
    assert failed[0] in ("restore", "same", "pruned"), failed


def test_every_step_has_its_sentence() -> None:
    assert tuple(f"drill.{name}" for name in drill.STEPS) == rehearsing.RESTORE
