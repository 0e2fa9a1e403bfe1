"""`probant witness cosign`, `log cosign` and `log stamp`, each as its users run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.seal.cosign import WitnessKey
from ledger.seal.note import VerifyKey, open_note
from tests.cli.conftest import Probant
from tests.witnessing.authority import Authority, listening


@pytest.fixture
def sealed(probant: Probant, tmp_path_factory: pytest.TempPathFactory) -> Probant:
    """A small sealed ledger, its home short enough for a socket."""
    probant.home = tmp_path_factory.mktemp("h") / "p"
    probant.filled(5)
    assert probant("seal").code == 0
    return probant


def test_an_auditor_cosigns_a_bundle_and_the_keeper_takes_the_line_in(
    sealed: Probant, tmp_path: Path
) -> None:
    log_key = sealed.json("log", "status")["vkey"]
    bundle, state, out = tmp_path / "b.zip", str(tmp_path / "w.state"), str(tmp_path / "out")
    assert sealed("evidence", "export", str(bundle)).code == 0
    visit = ("witness", "cosign", str(bundle), "--state", state, "--out", out)
    assert "--name" in sealed(*visit).err
    first = sealed.json(*visit, "--name", "auditor.example/w1", "--key", log_key)
    assert (first["before"], Path(first["file"]).parent) == (0, Path(out))
    assert "has grown" in sealed(*visit).out
    taken = sealed.json("log", "cosign", first["file"], "--witness", first["vkey"])
    assert (taken["witnesses"], taken["head"]) == (["auditor.example/w1"], True)
    keys = [VerifyKey.parse(log_key), WitnessKey.parse(first["vkey"])]
    assert len(open_note((sealed.home / "log/checkpoint").read_bytes(), keys).verified) == 2
    # The export is on record: once that is sealed, the head is a longer one.
    grown = sealed.json("seal")
    assert grown["sealed"] > 0
    assert (
        "has grown since" in sealed("log", "cosign", first["file"], "--witness", keys[1].vkey).out
    )
    again = sealed.json("witness", "cosign", str(sealed.home / "log"), *visit[3:])
    assert (again["before"], again["size"]) == (first["size"], grown["size"])
    Path(again["file"]).unlink()
    refused = sealed(*visit)
    assert (refused.code, "shrank" in refused.err) == (3, True)


def test_a_head_is_dated_over_http_and_by_files(
    sealed: Probant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "tsa")
    with listening(authority) as url:
        assert "PROBANT_TSA_ROOTS" in sealed("log", "stamp", "--tsa", url).err
        monkeypatch.setenv("PROBANT_TSA_ROOTS", str(authority.roots))
        assert "PROBANT_TSA" in sealed("log", "stamp").err
        monkeypatch.setenv("PROBANT_TSA", url)
        (made,) = sealed.json("log", "stamp")["anchored"]
        assert made["size"] == sealed.json("log", "status")["size"]
        assert "already" in sealed("log", "stamp").out
    assert sealed("log", "stamp").code == 0  # dated already: nobody is asked
    assert sealed.json("seal")["sealed"] == 1  # the anchor itself
    assert sealed("log", "stamp").code == 4  # the authority is away
    request, response = tmp_path / "r.tsq", tmp_path / "r.tsr"
    both = sealed("log", "stamp", "--request", str(request), "--response", str(response))
    assert both.code == 2
    assert sealed("log", "stamp", "--request", str(request)).code == 0
    assert sealed("log", "stamp", "--response", str(response)).code == 3
    response.write_bytes(authority.answer(request.read_bytes()))
    assert "is anchored" in sealed("log", "stamp", "--response", str(response)).out
