"""`probant keys`: what depends on each epoch, rotation, and death on the day."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from api.settings import settle
from ledger.archive_key import ArchiveKey
from ledger.entry import to_base64
from ledger.errors import Misuse
from tests.cli.conftest import Probant


def test_status_rotate_and_destroy_due(anywhere: Probant, monkeypatch: pytest.MonkeyPatch) -> None:
    """One life of an epoch, as an operator sees it; a horizon of no day lets it die at once."""
    anywhere.filled(people=20)
    first = anywhere.json("keys", "status")
    (row,) = first["epochs"]
    assert (row["epoch"], row["state"], row["dies_on"], row["due"]) == (1, "current", None, False)
    assert (first["keyring"], first["pepper"], first["horizon_days"]) == ("file", 1, 35)
    assert first["archive_recipient"] is None
    turned = anywhere.json("keys", "rotate")
    assert (turned["epoch"], turned["resumed"], turned["destroyed"]) == (2, False, [])
    assert turned["rewrapped"] == row["operational"]
    assert [one["epoch"] for one in turned["retired"]] == [1]
    assert anywhere.json("keys", "destroy-due") == {"destroyed": []}
    monkeypatch.setenv("PROBANT_HORIZON", "0")
    assert anywhere.json("keys", "rotate")["retired"][0]["epoch"] == 2
    due = anywhere.json("keys", "status")
    assert [one["due"] for one in due["epochs"]] == [False, True, False]
    assert anywhere.json("keys", "destroy-due") == {"destroyed": [2]}
    last = anywhere.json("keys", "status")
    assert [one["state"] for one in last["epochs"]] == ["retired", "destroyed", "current"]
    assert anywhere.json("verify")["ok"] is True


def test_no_key_is_ever_shown(probant: Probant) -> None:
    """Whatever is asked, nothing of the keyring file is in an answer."""
    probant.filled(people=5)
    secrets = json.loads((probant.home / "keyring.json").read_text())
    said = "".join(
        probant("keys", *words).out
        for words in (["status"], ["status", "--json"], ["rotate"], ["destroy-due", "--json"])
    )
    for kind in ("kek", "pepper"):
        for secret in secrets[kind].values():
            assert secret not in said


@pytest.mark.parametrize(("lang", "word"), [("en", "current"), ("fr", "en service")])
def test_it_is_said_in_both_languages(probant: Probant, lang: str, word: str) -> None:
    """People read lines, in their language."""
    probant("init")
    shown = probant("keys", "status", "--lang", lang)
    assert shown.code == 0, shown
    assert word in shown.out
    assert probant("keys", "destroy-due", "--lang", lang).code == 0
    assert "2" in probant("keys", "rotate", "--lang", lang).out


def test_the_archives_recipient_is_named_by_its_digest(probant: Probant) -> None:
    """The public half lies in the home folder; a damaged one is said to be damaged."""
    probant("init")
    recipient = ArchiveKey.generate().recipient
    (probant.home / "archive.pub").write_bytes(recipient.to_bytes())
    assert probant.json("keys", "status")["archive_recipient"] == to_base64(recipient.digest)
    (probant.home / "archive.pub").write_text("nonsense")
    assert probant("keys", "status").code == 3


def test_a_ledger_whose_keys_are_in_an_hsm_is_kept_like_any_other(
    probant: Probant, new_token: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting is the only difference."""
    monkeypatch.setenv("PROBANT_KEYRING", new_token())
    assert "never leave it" in probant("init").out  # nobody copies them, and nobody is told to
    assert probant("demo-shop", str(probant.home / "demo"), "--people", "5").code == 0
    for name in ("shop", "choices"):
        made = str(probant.home / "demo" / name)
        assert probant("import", f"{made}.csv", "--map", f"{made}.toml").code == 0
    assert not (probant.home / "keyring.json").exists()
    assert probant("init").code == 2
    assert probant("init", "--if-missing").code == 0
    assert probant.json("keys", "rotate")["epoch"] == 2
    assert probant.json("keys", "status")["keyring"] == "pkcs11"
    assert probant.json("verify")["ok"] is True


@pytest.mark.parametrize("said", ["-1", "x", "3651", "1.5", "²"])
def test_a_horizon_that_is_no_number_of_days_is_refused(said: str) -> None:
    """Nothing is guessed about how long backups live."""
    with pytest.raises(Misuse, match="PROBANT_HORIZON"):
        settle({"PROBANT_HORIZON": said})
    assert settle({"PROBANT_HORIZON": "7"}).horizon == 7
