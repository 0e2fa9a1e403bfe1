"""The keyring file: private, never replaced, and of one ledger only."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from ledger.entry import to_base64
from ledger.errors import Broken, Misuse
from ledger.opening import create, open_ledger
from ledger.store.keyring import FileKeyring


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets" / "keyring.json"


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


def test_it_is_written_for_its_owner_only(path: Path):
    FileKeyring.create(path, "example.org/one")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_is_never_replaced(path: Path):
    FileKeyring.create(path, "example.org/one")
    before = path.read_bytes()
    with pytest.raises(Misuse, match="will not be replaced"):
        FileKeyring.create(path, "example.org/two")
    assert path.read_bytes() == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o777])
def test_it_is_refused_when_others_could_read_or_write_it(path: Path, mode: int):
    FileKeyring.create(path, "example.org/one")
    path.chmod(mode)
    with pytest.raises(Misuse, match="chmod 600"):
        FileKeyring.load(path)


def test_what_was_wrapped_unwraps_after_loading_and_only_in_its_context(path: Path):
    made = FileKeyring.create(path, "example.org/one")
    wrapped = made.wrap(b"k" * 32, b"context")
    loaded = FileKeyring.load(path)
    assert loaded.unwrap(loaded.epoch, wrapped, b"context") == b"k" * 32
    assert loaded.blind("person/shop", "42") == made.blind("person/shop", "42")
    assert loaded.secret("imports") == made.secret("imports")
    for epoch, context in ((1, b"another"), (2, b"context")):
        with pytest.raises(Broken):
            loaded.unwrap(epoch, wrapped, context)


def test_two_keyrings_blind_differently_and_a_kind_is_part_of_what_is_blinded():
    one, two = (FileKeyring.generate("example.org/one") for _ in range(2))
    assert one.blind("person/shop", "42") != two.blind("person/shop", "42")
    assert one.blind("person/shop", "42") != one.blind("order/shop", "42")
    assert len(one.blind("person/shop", "42")) == 16
    assert one.secret("a") != one.secret("b")


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


def test_a_ledger_refuses_the_keyring_of_another(path: Path, url: str, tmp_path: Path):
    create(url, path).close()
    other = tmp_path / "other.json"
    create(f"sqlite:///{tmp_path / 'other.sqlite'}", other).close()
    for attempt in (lambda: create(url, other), lambda: open_ledger(url, other)):
        with pytest.raises(Misuse, match="another ledger"):
            attempt()
    open_ledger(url, path).close()


def test_a_ledger_without_its_keyring_is_not_opened_and_no_new_one_is_made(path: Path, url: str):
    create(url, path).close()
    path.rename(path.with_suffix(".away"))
    with pytest.raises(Misuse, match="keyring"):
        create(url, path)
    with pytest.raises(Misuse, match="no keyring"):
        open_ledger(url, path)
    assert not path.exists()


def test_a_crash_between_the_keyring_and_the_ledger_is_mended_by_running_again(
    path: Path, url: str
):
    FileKeyring.create(path, "example.org/one")
    ledger = create(url, path)
    assert ledger.recorder.head().position == 1
    ledger.close()


def test_opening_what_is_no_ledger_says_so(path: Path, url: str):
    FileKeyring.create(path, "example.org/one")
    with pytest.raises(Misuse, match="probant init"):
        open_ledger(url, path)
