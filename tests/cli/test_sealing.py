"""`probant seal`, `signer`, `log status`, and a server that seals what it records."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from api.commands import sealing as commands
from ledger.opening import open_ledger
from tests.cli.conftest import Probant
from tests.cli.test_serving import PATIENCE, fetch, serving
from tests.go.building import GoVerifier
from tests.sealing.room import check_log


@pytest.fixture
def short(probant: Probant, tmp_path_factory: pytest.TempPathFactory) -> Probant:
    """A home whose path is short enough for a socket."""
    probant.home = tmp_path_factory.mktemp("h") / "p"
    return probant


def test_sealing_once_seals_everything_and_twice_nothing_more(
    anywhere: Probant, tmp_path_factory: pytest.TempPathFactory, go_verifier: GoVerifier
) -> None:
    anywhere.home = tmp_path_factory.mktemp("h") / "p"
    probant = anywhere.filled(20)
    before = probant.json("log", "status")
    assert (before["size"], before["vkey"]) == (0, None)
    assert "nothing is sealed" in probant("log", "status").out
    made = probant.json("seal")
    assert made["sealed"] == made["size"] == before["waiting"]
    assert probant.json("seal")["sealed"] == 0
    after = probant.json("log", "status")
    assert (after["size"], after["waiting"]) == (made["size"], 0)
    url = probant.url or f"sqlite:///{probant.home / 'ledger.sqlite'}"
    ledger = open_ledger(url, probant.home / "keyring.json")
    assert check_log(ledger, probant.home / "log", after["vkey"], go_verifier) == made["size"]
    ledger.close()


def test_the_key_is_made_once_and_shown_to_be_pinned(short: Probant) -> None:
    short("init")
    made = short.json("signer", "init")
    again = short("signer", "init")
    assert (again.code, "will not be replaced" in again.err) == (2, True)
    short("seal")
    assert short.json("log", "status")["vkey"] == made["vkey"]
    assert (short.home / "signer" / "log.key").stat().st_mode & 0o077 == 0


def test_the_signing_key_is_replaced_in_two_commands(short: Probant) -> None:
    short.filled(5)
    assert short("signer", "retire").code == 2  # there is one key
    began = short.json("signer", "rotate")
    assert short.json("log", "status")["vkeys"] == [began["old"], began["new"]]
    assert short.json("signer", "rotate")["position"] == began["position"]
    ended = short.json("signer", "retire")
    assert (ended["old"], ended["new"]) == (began["old"], began["new"])
    assert short.json("log", "status")["vkeys"] == [began["new"]]
    assert began["new"] in short("signer", "retire", "--lang", "fr").out


def test_evidence_is_exported_and_accepted_by_a_stranger(
    short: Probant, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    probant = short.filled(20)
    assert probant("evidence", "export", str(tmp_path / "b")).code == 2  # nothing sealed yet
    probant("seal")
    vkey = probant.json("log", "status")["vkey"]
    made = probant.json("evidence", "export", str(tmp_path / "bundle"))
    assert made["kind"] == "whole"
    verdict = go_verifier.verify(tmp_path / "bundle", vkey)
    assert verdict.accepted, verdict.said
    zipped = probant.json("evidence", "export", str(tmp_path / "zipped.zip"), "--redacted")
    assert (tmp_path / "zipped.zip").exists()
    assert zipped["kind"] == "redacted"
    ranged = probant("evidence", "export", str(tmp_path / "r"), "--positions", "1-x")
    assert ranged.code == 2


def test_a_server_seals_what_it_records_and_everything_ends_with_it(short: Probant) -> None:
    short("init")
    with serving(short) as (said, process):
        order = {"kind": "order.placed", "person": {"kind": "shop", "value": "A"}}
        order["thing"] = {"kind": "ref", "value": "1"}
        answer = fetch(f"{said['url']}/v1/facts", said["api_key"], order)
        assert _until(short.home / "log" / "checkpoint", answer["position"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) in (0, -signal.SIGTERM)
    assert _until_nobody_is_left(short.home)


def test_a_killed_server_leaves_nobody_behind(short: Probant) -> None:
    short("init")
    with serving(short) as (_, process):
        assert _until(short.home / "log" / "checkpoint", 1)
        assert _running(short.home)
        process.kill()
        process.wait()
        assert _until_nobody_is_left(short.home)
    assert short.json("seal")["sealed"] == 0


def _until(checkpoint: Path, size: int) -> bool:
    """Whether a checkpoint of that size, or more, shows up."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if checkpoint.exists() and int(checkpoint.read_bytes().split(b"\n")[1]) >= size:
            return True
        time.sleep(0.1)
    return False


def _until_nobody_is_left(home: Path) -> bool:
    """Whether the last of them ends."""
    until = time.monotonic() + PATIENCE
    while _running(home) and time.monotonic() < until:
        time.sleep(0.1)
    return not _running(home)


def _running(home: Path) -> list[int]:
    """The sealers and signers of this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                said = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            theirs = {b"ledger.sealing.signer", b"--watch"} & set(said)
            if theirs and any(str(home).encode() in one for one in said):
                found.append(int(entry.name))
    return found


def test_status_and_seal_answer_in_json(short: Probant) -> None:
    short("init")
    for command in (("seal",), ("log", "status")):
        said = short(*command, "--json")
        assert said.code == 0
        json.loads(said.out)


BESIDE = """
import pathlib, sys
told = pathlib.Path(sys.argv[1])
times = len(told.read_text()) if told.exists() else 0
told.write_text("x" * (times + 1))
sys.exit(int(sys.argv[2])) if times < 2 else sys.stdin.read()
"""


@pytest.mark.parametrize(("code", "times"), [(4, 3), (2, 1)])
def test_what_fails_beside_the_server_is_begun_again_and_what_refuses_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, times: int
) -> None:
    """The database was away when the server began: it would never seal, and never deliver."""
    monkeypatch.setattr(commands, "AGAIN_SECONDS", 0.01)
    told = tmp_path / "told"
    beside = commands._Beside([sys.executable, "-c", BESIDE, str(told), str(code)], {**os.environ})
    until = time.monotonic() + PATIENCE
    while not (told.exists() and len(told.read_text()) == times) and time.monotonic() < until:
        time.sleep(0.01)
    if times == 1:
        beside._thread.join(PATIENCE)
    beside.end()
    beside._thread.join(PATIENCE)
    assert (len(told.read_text()), beside._thread.is_alive()) == (times, False)
    assert beside._child.returncode == (0 if times == 3 else code)
