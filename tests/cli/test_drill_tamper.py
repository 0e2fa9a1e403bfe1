"""`probant drill tamper`: nothing of one's own is touched or needed, and a gone defence is said."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from api.drill import table
from api.drill.table import ATTEMPTS
from api.screen import words
from ledger.store import verify as database_check
from tests.cli.conftest import Probant

FEW = ("live_row", "never_recorded", "other_plaintext", "through_the_signer")


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only some attempts: all of them are tried above."""
    some = tuple(one for one in ATTEMPTS if one.name in FEW)
    monkeypatch.setattr(table, "ATTEMPTS", some)
    monkeypatch.setattr(table.run, "__defaults__", (some,))


def scenes(url: str) -> int:
    """How many schemas of drills are on the server."""
    engine = sa.create_engine(url)
    left = "SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'probant_drill_%'"
    with engine.connect() as connection:
        found: int = connection.execute(sa.text(left)).scalar_one()
    engine.dispose()
    return found


def test_the_command_tries_them_and_leaves_nothing_behind(anywhere: Probant, few: None) -> None:
    before = scenes(anywhere.url) if anywhere.url else 0
    answer = anywhere.json("drill", "tamper")
    assert answer["ok"] is True
    assert [one["attempt"] for one in answer["attempts"]] == list(FEW)
    assert [one["limit"] for one in answer["attempts"]] == [False, True, False, False]
    assert not anywhere.home.exists()
    assert (scenes(anywhere.url) if anywhere.url else 0) == before


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_is_said_in_both_languages(probant: Probant, few: None, lang: str) -> None:
    said = probant("drill", "tamper", "--lang", lang)
    assert said.code == 0, said
    for section, name in (("attempt", FEW[0]), ("limit", FEW[1]), ("row", "equivocates")):
        assert words(lang)[f"tamper_{section}"][name] in said.out


def test_what_caught_an_attack_is_said_in_both_languages(probant: Probant, few: None) -> None:
    """Checks of the database, of a bundle, and refusals."""
    said = {
        lang: [
            caught["sentence"]
            for one in probant.json("drill", "tamper", "--lang", lang)["attempts"]
            for caught in one["caught_by"]
        ]
        for lang in ("en", "fr")
    }
    assert len(said["en"]) == len(said["fr"]) > 0
    assert not set(said["en"]) & set(said["fr"])


def test_a_defence_that_is_gone_is_an_exit_code(
    probant: Probant, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_check, "_check_live", lambda *_: None)
    answer = probant.json("drill", "tamper", code=1)
    assert answer["ok"] is False
    assert [one["attempt"] for one in answer["attempts"] if not one["as_told"]] == ["live_row"]
    assert "NOT AS TOLD" in probant("drill", "tamper").out
