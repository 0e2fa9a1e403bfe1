"""The keyring file: private, replaced whole, and honest about damage."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ledger.entry import to_base64
from ledger.errors import Broken, Misuse
from ledger.store.keyring import FileKeyring


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keyring.json"


def test_it_is_written_for_its_owner_only_and_stays_so(path: Path):
    made = FileKeyring.create(path, "example.org/one")
    for change in (lambda: None, made.begin_epoch, lambda: made.destroy_epoch_forever(1)):
        change()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_it_is_refused_when_others_could_read_or_write_it(path: Path, mode: int):
    FileKeyring.create(path, "example.org/one")
    path.chmod(mode)
    with pytest.raises(Misuse, match="chmod 600"):
        FileKeyring.load(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        "\x00\xff",
        '{"origin": "x", "kek": {}, "pepper": {}}',
        json.dumps({"origin": "x", "kek": {"1": to_base64(bytes(31))}, "pepper": {"1": "AA"}}),
        json.dumps({"origin": "x", "kek": {"one": to_base64(bytes(32))}, "pepper": {}}),
        json.dumps({"origin": "x", "kek": {"1": 7}, "pepper": {"1": 7}}),
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(path: Path, content: str):
    path.parent.mkdir()
    path.write_text(content, "utf-8")
    path.chmod(0o600)
    with pytest.raises(Broken, match="keyring"):
        FileKeyring.load(path)


def test_a_destroyed_kek_is_in_no_file_not_even_in_the_one_that_was_replaced(path: Path):
    made = FileKeyring.create(path, "example.org/one")
    secret = json.loads(path.read_text())["kek"]["1"]
    made.begin_epoch()
    kept_open = path.open("rb")  # stands for the blocks of the disk
    os.link(path, path.with_name("a second name"))
    made.destroy_epoch_forever(1)
    with kept_open:
        assert secret.encode() not in kept_open.read()
    for file in path.parent.iterdir():
        assert secret not in file.read_text()


def test_a_name_that_is_a_link_stays_a_link(path: Path, tmp_path: Path):
    FileKeyring.create(path, "example.org/one")
    link = tmp_path / "link.json"
    link.symlink_to(path)
    FileKeyring.load(link).begin_epoch()
    assert link.is_symlink()
    assert FileKeyring.load(path).epochs == (1, 2)


def test_a_keyring_that_was_exchanged_under_us_is_refused(path: Path, tmp_path: Path):
    ours = FileKeyring.create(path, "example.org/one")
    other = tmp_path / "other.json"
    FileKeyring.create(other, "example.org/two")
    other.replace(path)
    with pytest.raises(Broken, match="another"):
        ours.refresh()
    path.unlink()
    with pytest.raises(Misuse, match="no keyring"):
        ours.refresh()
    assert ours.epochs == (1,)
