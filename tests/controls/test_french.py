"""What is told in French is French: controls, the inspector's tables, and what the checks found."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from api.controls import finding_json
from ledger.store.database import Database
from ledger.store.tampering import change
from tests.cli.conftest import Probant
from tests.controls.french import english_in
from tests.controls.room import Company
from tests.segments.stage import Stage
from tests.segments.test_verify import column, forge, original

FIXTURES = (original,)


def test_english_is_recognised() -> None:
    """Whole or in part, between the values of a sentence."""
    assert english_in("feuille : the leaf is not the hash of the entry.")
    assert english_in("Newsletter: still in daily use; to be erased after 2 mai 2020.")
    assert not english_in("feuille : la feuille n'est pas l'empreinte de l'entrée.")


@pytest.fixture
def altered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Probant:
    """A made-up shop whose store was changed beside the ledger, in several ways."""
    probant = Probant(tmp_path / "home", None, capsys.readouterr).filled(30)
    database = Database(f"sqlite:///{probant.home / 'ledger.sqlite'}")
    for position, changed in ((40, {"leaf": bytes(32)}), (41, {"amount_minor": 1})):
        change(database, "events", {"position": position}, **changed)
    change(database, "activity", {"kind": "order.placed.v1"}, n=77)
    database.close()
    return probant


@pytest.mark.parametrize(
    "command",
    [
        ("controls", "run", "--no-record", "--as-of", "2029-01-01"),
        ("controls", "run", "--no-record", "--control", "C13", "--control", "C14"),
        ("controls", "list"),
        ("inspect", "--as-of", "2029-01-01"),
        ("diff", "--from", "2020-01-01", "--to", "2029-01-01"),
        ("verify",),
    ],
    ids=" ".join,
)
def test_commands_speak_french(altered: Probant, command: tuple[str, ...]) -> None:
    """On a ledger in which much is wrong."""
    said = altered(*command, "--lang", "fr")
    assert said.err == ""
    assert english_in(said.out) == []
    assert english_in(altered(*command, "--lang", "en").out)


def test_what_a_folder_s_checks_find_is_french(
    original: Stage, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """C13 and Q12 over altered files."""
    shutil.copytree(original.folder, tmp_path / "segments")
    stage = Stage(original.ledger, original.url, tmp_path)
    forge(stage, column("amount_minor", 1))
    probant = Probant(tmp_path / "home", None, capsys.readouterr)
    files = "--segments", str(stage.folder), "--lang", "fr"
    for command in (("controls", "run", "--control", "C13"), ("inspect", "Q12")):
        said = probant(*command, *files)
        assert "136" in said.out
        assert english_in(said.out) == []


def test_days_are_written_as_people_write_them() -> None:
    """In the sentence; in what programs read, as ever."""
    shop = Company()
    shop.she("customer.registered", "2018-12-01")
    shop.she("customer.contacted_us", "2018-12-01", channel="form")
    found = shop.finds("C03", "2029-01-01")
    assert found
    for finding in found:
        told = {lang: finding_json(finding, lang) for lang in ("fr", "en")}
        day = told["fr"]["values"]["until"]
        assert told["en"]["values"]["until"] == day
        assert day not in told["fr"]["explanation"]
        assert "décembre" in told["fr"]["explanation"]
        assert "December" in told["en"]["explanation"]
