"""`probant timeline`: one person's facts in the order they came, from the ledger and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Probant


@pytest.fixture
def folder(anywhere: Probant, tmp_path: Path) -> str:
    """The segments of the made-up company: corrections, joins, erasures, letters."""
    made = str(tmp_path / "segments")
    assert anywhere("init").code == 0
    assert anywhere("demo", "--people", "60").code == 0
    erased = anywhere("erase", "--reference", "shop=D-0020", "--reason", "request", "--yes")
    assert erased.code == 0, erased
    assert anywhere("seal").code == 0
    assert anywhere("segments", "export", made).code == 0
    return made


def everybody(probant: Probant) -> list[str]:
    """The ids of all who are past some term."""
    asked = ("replay", "--as-of", "2040-01-01", "--limit", "1000", "--past")
    found = [probant.json(*asked, of)["past"]["items"] for of in ("order", "account", "contact")]
    return sorted({one["subject"] for some in found for one in some})


def test_files_and_ledger_tell_the_same(anywhere: Probant, folder: str) -> None:
    """Of everybody, at two times and without; a part that was erased is told as erased."""
    told: list[dict[str, Any]] = []
    for who in everybody(anywhere):
        asked = ("timeline", who, "--limit", "1000")
        here = anywhere.json(*asked)
        there = anywhere.json(*asked, "--segments", folder)
        assert there | {"position": 0} == here | {"position": 0}  # the export is a fact too
        told += here["items"]
    assert {"as_recorded", "corrected"} <= {one["stands"] for one in told}
    assert {state for one in told for state in one["personal"].values()} >= {"sealed"}
    who = everybody(anywhere)[0]
    then = ("timeline", who, "--as-of", "2020-06-30", "--known-at", "2021-01-01")
    assert anywhere.json(*then, "--segments", folder) == anywhere.json(*then)


def test_a_page_and_what_follows(anywhere: Probant, folder: str, tmp_path: Path) -> None:
    """Without any ledger; in both languages."""
    (who, *_) = everybody(anywhere)
    stranger = Probant(tmp_path / "elsewhere", None, anywhere._capture)
    asked = ("timeline", who, "--segments", folder)
    whole = stranger.json(*asked)["items"]
    first = stranger.json(*asked, "--limit", "1")
    rest = stranger.json(*asked, "--after", str(first["next"]))
    assert first["items"] + rest["items"] == whole
    said = stranger(*asked, "--limit", "1", "--lang", "fr")
    assert "telle que connue" in said.out
    assert f"--after {first['next']}" in said.out
    assert str(whole[0]["position"]) in said.out


def test_questions_that_make_no_sense(anywhere: Probant, folder: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert anywhere("timeline").code == 2
    assert anywhere("timeline", nobody).code == 2
    assert anywhere("timeline", nobody, "--segments", folder).code == 2
    assert anywhere("timeline", "--reference", "shop=D-0007", "--segments", folder).code == 2
    assert anywhere("timeline", "--reference", "shop=D-0007").code == 0
