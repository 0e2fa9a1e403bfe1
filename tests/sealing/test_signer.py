"""A signer signs what extends what it signed, and nothing else, whoever asks and whatever dies."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import BadData, Broken, Misuse
from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.merkle import Frontier, prove_consistency
from ledger.seal.note import NoteError, VerifyKey, open_note
from ledger.sealing import files, receipt
from ledger.sealing import signer as signing
from ledger.sealing.client import SignerClient, answers, running_signer
from ledger.sealing.signer import Signer, answer

ORIGIN = "example.org/sealed"
ENTRY, LEAF, AT = sha256(b"{}").digest(), sha256(b"\x00{}").digest(), 1_767_603_600_000_000
LEAVES = [sha256(bytes([n])).digest() for n in range(40)]


def root(size: int, leaves: list[bytes] = LEAVES) -> bytes:
    return Frontier.empty().extend(leaves[:size]).root()


def proof(old: int, new: int, leaves: list[bytes] = LEAVES) -> list[bytes]:
    def read(names: Any) -> list[bytes]:
        return [
            Frontier.empty().extend(leaves[i << level : (i + 1) << level]).root()
            for level, i in names
        ]

    return prove_consistency(old, new, read)


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Near the root: the path of a socket must be short."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture
def signer(folder: Path) -> Signer:
    return Signer.create(folder, ORIGIN)


def test_each_extension_is_signed_and_signed_again_with_the_same_bytes(signer: Signer) -> None:
    last, key = 0, VerifyKey.parse(signer.key.vkey)
    for size in (1, 2, 7, 8, 40):
        grown = proof(last, size) if last else []
        note = signer.checkpoint(ORIGIN, size, root(size), grown)
        assert open_checkpoint(note, [key]).checkpoint.size == size
        assert signer.checkpoint(ORIGIN, size, root(size), []) == note
        assert Signer(signer.folder).checkpoint(ORIGIN, size, root(size), []) == note
        last = size


def test_whatever_is_no_extension_is_refused_and_remembered(signer: Signer) -> None:
    other = [*LEAVES[:3], *reversed(LEAVES[3:])]
    signer.checkpoint(ORIGIN, 8, root(8), [])
    for attempt in (
        (ORIGIN, 7, root(7), []),  # a rollback
        (ORIGIN, 8, root(8, other), []),  # a fork of the same size
        (ORIGIN, 9, root(9), []),  # no proof
        (ORIGIN, 9, root(9, other), proof(8, 9, other)),  # a fork that grew
        (ORIGIN, 9, root(9), [bytes(32), *proof(8, 9)[1:]]),
        (ORIGIN, 9, root(9), [*proof(8, 9), bytes(32)]),  # a surplus hash
        (ORIGIN, 0, root(0), []),
        ("example.org/other", 9, root(9), proof(8, 9)),
    ):
        with pytest.raises((BadData, Misuse)):
            signer.checkpoint(*attempt)
        assert signer.last == (8, root(8))
    assert Signer(signer.folder).last == (8, root(8))
    signer.checkpoint(ORIGIN, 9, root(9), proof(8, 9))


@pytest.mark.parametrize("done", [False, True])
def test_what_was_signed_is_remembered_before_anybody_has_it(
    done: bool, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The memory fails to be written, or is written and reported as failed: no signature leaves,
    and the same request converges."""
    real = files.write_whole

    def cut(*arguments: Any) -> None:
        if done:
            real(*arguments)
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(signing, "write_whole", cut)
        with pytest.raises(OSError):
            signer.checkpoint(ORIGIN, 5, root(5), [])
    again = Signer(signer.folder)
    assert again.last[0] == (5 if done else 0)
    again.checkpoint(ORIGIN, 5, root(5), [])
    with pytest.raises(BadData):
        again.checkpoint(ORIGIN, 5, root(5, LEAVES[::-1]), [])


def test_statements_are_signed_and_never_taken_for_checkpoints(signer: Signer) -> None:
    text = receipt.text_of(ORIGIN, 3, ENTRY, LEAF, AT)
    note = signer.statement(text)
    key = VerifyKey.parse(signer.key.vkey)
    opened = open_note(note, [key.named(f"{ORIGIN}/receipt")])
    found = receipt.parse_receipt(opened.text)
    assert (found.origin, found.position, found.leaf) == (ORIGIN, 3, LEAF)
    assert (found.entry_hash, found.recorded_at) == (ENTRY, AT)
    with pytest.raises(NoteError):
        open_checkpoint(note, [key])
    with pytest.raises(NoteError):
        open_note(note, [key])
    for text in (
        f"{ORIGIN}\n9\n{'A' * 43}=\n",
        "example.org/other/receipt\n1\n",
        "",
        f"{ORIGIN}/x\n",
    ):
        with pytest.raises(BadData):
            signer.statement(text)


def test_a_receipt_is_read_strictly() -> None:
    text = receipt.text_of(ORIGIN, 3, ENTRY, LEAF, AT)
    assert receipt.parse_receipt(text).delay_seconds == receipt.MAX_DELAY_SECONDS
    lines = text.split("\n")
    for index, line in ((0, "x"), (1, "+3"), (1, "03"), (2, "A"), (4, "2026-01-05"), (5, "-1")):
        wrong = [*lines[:index], line, *lines[index + 1 :]]
        with pytest.raises(BadData):
            receipt.parse_receipt("\n".join(wrong))
    with pytest.raises(BadData):
        receipt.parse_receipt(text + "\n")


def test_a_signer_without_memory_or_with_an_open_key_does_not_begin(signer: Signer) -> None:
    with pytest.raises(Misuse, match="will not be replaced"):
        Signer.create(signer.folder, ORIGIN)
    (signer.folder / "log.key").chmod(0o644)
    with pytest.raises(Misuse, match="chmod"):
        Signer(signer.folder)
    (signer.folder / "log.key").chmod(0o600)
    (signer.folder / "state.json").write_text("{}")
    with pytest.raises(Broken, match="memory"):
        Signer(signer.folder)
    (signer.folder / "state.json").unlink()
    with pytest.raises(Broken, match="memory"):
        Signer(signer.folder)


def test_any_request_gets_an_answer_in_words(signer: Signer) -> None:
    requests: tuple[dict[str, Any], ...] = (
        {},
        {"ask": "nonsense"},
        {"ask": "checkpoint"},
        {"ask": "checkpoint", "origin": ORIGIN, "size": "1", "root": "", "proof": []},
        {"ask": "checkpoint", "origin": ORIGIN, "size": True, "root": "", "proof": []},
        {"ask": "statements", "texts": [1]},
        {"ask": "statements", "texts": ["x"] * 10_001},
        {"ask": []},
    )
    for request in requests:
        said = answer(signer, request)
        assert said["error"] in ("bad-data", "misuse"), request
        assert said["sentence"]
    assert signer.last == (0, b"")


def test_another_process_signs_survives_nonsense_and_ends_with_us(folder: Path) -> None:
    path = folder / "socket"
    with running_signer(folder / "home", path, ORIGIN) as client:
        assert client.state().size == 0
        note = client.checkpoint(ORIGIN, 8, root(8), [])
        with pytest.raises(BadData, match="refused"):
            client.checkpoint(ORIGIN, 7, root(7), [])
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(path))
            stranger.sendall(b"\xff\xff\xff\xff")
            assert stranger.recv(10) == b""
        assert client.checkpoint(ORIGIN, 8, root(8), []) == note
        texts = [receipt.text_of(ORIGIN, n, ENTRY, LEAF, AT) for n in range(1, 50)]
        assert len(client.statements(texts)) == 49
        assert oct(path.stat().st_mode)[-3:] == "600"
    with pytest.raises(Broken, match="does not answer"):
        SignerClient(path).state()
    with running_signer(folder / "home", path, ORIGIN) as client:
        assert client.state().size == 8  # it remembers


def test_a_signer_that_is_killed_remembers_what_it_signed(folder: Path) -> None:
    path, home = folder / "socket", folder / "home"
    for size in (3, 8, 21):
        with running_signer(home, path, ORIGIN) as client:
            before = client.state().size
            client.checkpoint(ORIGIN, size, root(size), proof(before, size) if before else [])
            _kill(home)
        assert json.loads((home / "state.json").read_text())["size"] == size


def test_one_of_our_own_takes_the_place_of_a_borrowed_one_that_went_away(folder: Path) -> None:
    """With the same key and its memory, once the other has let go of both."""
    path, home = folder / "socket", folder / "home"
    with ExitStack() as theirs, ExitStack() as ours:
        first = theirs.enter_context(running_signer(home, path, ORIGIN))
        note = first.checkpoint(ORIGIN, 8, root(8), [])
        borrowed = ours.enter_context(running_signer(home, path, ORIGIN))
        key = borrowed.state().vkey
        theirs.close()
        assert borrowed.state()[:3] == (8, root(8), key)
        assert borrowed.checkpoint(ORIGIN, 8, root(8), []) == note
        _kill(home)
        assert borrowed.state().size == 8, "nor is the end of its own the end"
    assert not answers(path)


def test_a_second_signer_of_the_same_key_waits_for_the_end_of_the_first(folder: Path) -> None:
    """Two memories of what was signed would be none."""
    path, home = folder / "socket", folder / "home"
    command = [sys.executable, "-m", "ledger.sealing.signer", str(home), str(folder / "other")]
    with running_signer(home, path, ORIGIN) as client:
        client.checkpoint(ORIGIN, 8, root(8), [])
        second = subprocess.Popen(command, stdin=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(2)
        assert not answers(folder / "other")
    while not answers(folder / "other"):
        assert second.poll() is None
    now = SignerClient(folder / "other")
    assert now.state().size == 8
    now.close()
    second.communicate(timeout=60)


def test_where_the_signer_is_a_service_of_its_own_it_is_waited_for(folder: Path) -> None:
    """No key is made for a log that has one elsewhere; once the service answers, it is asked."""
    path, mine, theirs = folder / "socket", folder / "mine", folder / "theirs"
    with running_signer(mine, path, ORIGIN, is_new=False) as client:
        for _ in range(2):
            with pytest.raises(Broken, match="does not answer"):
                client.state()
        with running_signer(theirs, path, ORIGIN) as service:
            assert client.state().vkey == service.state().vkey
        with pytest.raises(Broken, match="does not answer"):
            client.state()
    assert not mine.exists()


def _kill(home: Path) -> None:
    """SIGKILL the signer whose folder this is."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                said = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if "ledger.sealing.signer" in said and str(home) in said:
                os.kill(int(entry.name), signal.SIGKILL)
