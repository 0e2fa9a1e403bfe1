"""`probant erase`: rehearsed, confirmed, done, certified, for good."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ledger.seal.note import VerifyKey, open_note
from ledger.sealing.client import running_signer
from tests.cli.conftest import Probant


def _somebody(probant: Probant) -> str:
    found = probant.json("replay", "--as-of", "2060-01-01", "--past", "order", "--limit", "1")
    subject: str = found["past"]["items"][0]["subject"]
    return subject


def test_rehearsed_then_done_then_certified(anywhere: Probant) -> None:
    anywhere.filled(people=20)
    who = _somebody(anywhere)
    asked = ("erase", "--subject", who, "--reason", "request")
    for one in anywhere.json(*asked, "--dry-run")["outcome"]:
        assert (one["outcome"] == "kept") is bool(one["ground"]) is bool(one["article"])
    asked = ("erase", "--subject", who, "--reason", "unlawful")
    plan = anywhere.json(*asked, "--dry-run")
    ends = {one["class"]: one["outcome"] for one in plan["outcome"]}
    assert "erased" in ends.values()
    assert all(one["article"] for one in plan["outcome"] if one["outcome"] == "kept")
    assert not (anywhere.home / "journal").exists()
    assert anywhere(*asked).code == 2  # not without --yes
    done = anywhere.json(*asked, "--yes")
    assert done["outcome"] == plan["outcome"]
    path = Path(done["certificate"])
    first, document = path.read_text().split("\n", 1)
    content = json.loads(document)
    assert first == f"{content['origin']}/certificate"
    assert (path.name, content["subject"]) == (f"{content['id']}.certificate.unsigned", who)
    checks = content["checks"]
    assert checks["keys_destroyed"] is checks["envelopes_deleted"] is True
    assert checks["write_ahead_log_empty"] is (None if anywhere.url else True)
    assert {one["class"] for one in content["erased"]} == {
        name for name, end in ends.items() if end == "erased"
    }
    assert content["backups"]["dead_on"] > content["issued_at"][:10]
    assert anywhere.json("verify")["ok"] is True
    again = anywhere.json(*asked, "--yes")
    assert {one["outcome"] for one in again["outcome"]} <= {"kept"}


def test_the_signer_signs_at_once_or_later(probant: Probant, tmp_path: Path) -> None:
    probant.filled(people=10)
    asked = ("erase", "--subject", _somebody(probant), "--reason", "unlawful", "--yes")
    first = Path(probant.json(*asked)["certificate"])
    text = first.read_text()
    assert probant("certify").code == 2  # nobody answers
    origin = text.partition("/certificate\n")[0]
    with TemporaryDirectory() as short:
        socket = Path(short) / "s"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROBANT_SIGNER", str(socket))
            with running_signer(tmp_path / "signer", socket, origin) as client:
                vkey = VerifyKey.parse(client.state().vkey).named(f"{origin}/certificate")
                [signed] = probant.json("certify")["signed"]
                again = probant.json(*asked)
    assert not first.exists()
    assert open_note(Path(signed).read_bytes(), [vkey]).text == text
    assert again["signed"] is True
    assert open_note(Path(again["certificate"]).read_bytes(), [vkey]).verified


@pytest.mark.parametrize(("lang", "word"), [("en", "erasure"), ("fr", "effacement")])
def test_it_is_said_in_both_languages(probant: Probant, lang: str, word: str) -> None:
    probant.filled(people=20)
    who = _somebody(probant)
    for reason in ("request", "unlawful"):
        said = probant("erase", "--subject", who, "--reason", reason, "--lang", lang, "--yes")
        assert said.code == 0, said
        assert "GDPR" not in said.out or lang == "en"
        assert word in said.out.lower()


def test_a_senseless_wish_is_refused_without_repeating_it(probant: Probant) -> None:
    probant.filled(people=5)
    who = _somebody(probant)
    for words in (
        ("--subject", who, "--reason", "whim"),
        ("--reason", "request"),
        ("--subject", who, "--reason", "request", "--item", "x"),
        ("--subject", who, "--reason", "request", "--class", "nonsense", "--yes"),
        ("--reference", "shop=Zanzibar", "--reason", "request", "--yes"),
    ):
        said = probant("erase", *words)
        assert said.code == 2, said
        assert "Zanzibar" not in said.err + said.out
        assert "whim" not in said.err
