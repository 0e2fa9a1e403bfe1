"""The archive key: whoever has its public half archives, and only the private half reads back."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from ledger.archive_key import ArchiveKey
from ledger.entry import from_base64, to_base64
from ledger.errors import BadData, Broken, Misuse
from ledger.store.recipient import HEADER, ArchiveRecipient

DEK, INFO, PHRASE = b"d" * 32, b"one key's context", "correct horse battery"


@pytest.fixture(scope="module")
def key() -> ArchiveKey:
    return ArchiveKey.generate()


@pytest.fixture(scope="module")
def stored(key: ArchiveKey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("opener") / "opener" / "archive.key"
    key.store(path, PHRASE)
    return path


def test_what_is_wrapped_for_the_public_half_unwraps_with_the_private_one(key: ArchiveKey):
    recipient = ArchiveRecipient.parse(key.recipient.to_bytes())
    wrapped = recipient.wrap(DEK, INFO)
    assert len(wrapped) == 1168
    assert DEK not in wrapped
    assert recipient.wrap(DEK, INFO) != wrapped
    assert key.unwrap(wrapped, INFO) == DEK


def test_another_info_another_key_or_another_byte_is_refused(key: ArchiveKey):
    wrapped = key.recipient.wrap(DEK, INFO)
    altered = [
        wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in (0, 1100, 1150, 1167)
    ]
    wrong = [(key, wrapped, INFO + b"x"), (ArchiveKey.generate(), wrapped, INFO)]
    wrong += [(key, one, INFO) for one in (*altered, wrapped[:-1], wrapped[:40], b"", wrapped * 2)]
    for opener, sealed, info in wrong:
        with pytest.raises(Broken):
            opener.unwrap(sealed, info)


def test_the_public_half_has_no_way_back(key: ArchiveKey):
    recipient = ArchiveRecipient.parse(key.recipient.to_bytes())
    offered = {name for name in dir(recipient) if not name.startswith("_")}
    assert offered == {"parse", "to_bytes", "digest", "wrap"}
    assert not any(hasattr(recipient._key, name) for name in ("decrypt", "decapsulate", "unwrap"))


def test_its_digest_is_of_the_key_itself(key: ArchiveKey):
    header, encoded = key.recipient.to_bytes().decode().splitlines()
    assert header == HEADER
    assert key.recipient.digest == hashlib.sha256(from_base64(encoded)).digest()
    assert ArchiveKey.generate().recipient.digest != key.recipient.digest


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        HEADER.encode(),
        HEADER.encode() + b"\nAAAA\n",
        b"probant-archive-key/2 x\n" + to_base64(bytes(1216)).encode(),
        HEADER.encode() + b"\n" + to_base64(b"\xff" * 1216).encode() + b"\n",
        HEADER.encode() + b"\n" + to_base64(bytes(1217)).encode() + b"\n",
    ],
)
def test_what_is_no_public_key_is_refused(content: bytes):
    with pytest.raises(BadData):
        ArchiveRecipient.parse(content)


def test_the_file_opens_with_its_passphrase_only(key: ArchiveKey, stored: Path):
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    loaded = ArchiveKey.load(stored, PHRASE)
    assert loaded.recipient.digest == key.recipient.digest
    assert loaded.unwrap(key.recipient.wrap(DEK, INFO), INFO) == DEK
    with pytest.raises(Misuse, match="passphrase") as caught:
        ArchiveKey.load(stored, PHRASE + "!")
    assert PHRASE not in str(caught.value)


def test_it_is_never_replaced_and_needs_a_passphrase_worth_the_name(
    key: ArchiveKey, stored: Path, tmp_path: Path
):
    before = stored.read_bytes()
    with pytest.raises(Misuse, match="will not be replaced"):
        key.store(stored, PHRASE)
    assert stored.read_bytes() == before
    with pytest.raises(Misuse, match="12 characters"):
        key.store(tmp_path / "new.key", "short")
    assert not (tmp_path / "new.key").exists()


def test_a_file_that_was_altered_or_left_open_is_refused(stored: Path, tmp_path: Path):
    said = json.loads(stored.read_text())
    other = to_base64(bytes(32))
    for change, expected in (
        ({"recipient": other}, Misuse),
        ({"sealed": other}, Misuse),
        ({"nonce": ""}, Misuse),
        ({"sealed": 7}, Broken),
        ({"format": "x"}, Broken),
        ({"scrypt": {"n": 2, "r": 8, "p": 1, "salt": said["scrypt"]["salt"]}}, Broken),
        ({"scrypt": {}}, Broken),
    ):
        copy = tmp_path / "copy.key"
        copy.touch(0o600)
        copy.write_text(json.dumps(said | change))
        with pytest.raises(expected):
            ArchiveKey.load(copy, PHRASE)
    copy = tmp_path / "open.key"
    copy.write_bytes(stored.read_bytes())
    copy.chmod(0o640)
    with pytest.raises(Misuse, match="chmod 600"):
        ArchiveKey.load(copy, PHRASE)
    with pytest.raises(Misuse, match="no archive key"):
        ArchiveKey.load(tmp_path / "absent", PHRASE)
