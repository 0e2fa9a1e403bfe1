"""`register`: the register of processing on the screen and in files, on each database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Probant


def test_the_register_counts_what_a_shop_shows(anywhere: Probant) -> None:
    anywhere.filled()
    found = anywhere.json("register", "--as-of", "2024-12-31")
    seen = {one["id"]: one["observed"] for one in found["activities"]}
    counted = anywhere.json("replay", "--as-of", "2024-12-31")
    assert seen["order_management"]["people"] == counted["classes"]["order"]["present"]
    kinds = ("consent.given.v1", "consent.withdrawn.v1")
    assert seen["newsletter"]["facts"] == sum(counted["events"][kind] for kind in kinds)
    assert found["position"] == counted["position"]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "Register of processing of SoftSystem|newsletters and offers|gaps with what"),
        ("fr", "Registre des traitements de SoftSystem|écarts avec ce que montrent"),
    ],
)
def test_it_speaks_both_languages(probant: Probant, lang: str, words: str) -> None:
    probant("init")
    said = probant("register", "--lang", lang)
    assert (said.code, said.err) == (0, "")
    assert all(word in said.out for word in words.split("|")), said.out


def test_it_is_written_to_a_file_of_each_kind(probant: Probant, tmp_path: Path) -> None:
    probant("init")
    for kind in ("ods", "csv", "md", "json"):
        file = tmp_path / f"register.{kind}"
        answer = probant.json("register", "--output", str(file))
        assert (answer["file"], answer["activities"]) == (str(file), 20)
        assert file.stat().st_size > 1000
    assert json.loads((tmp_path / "register.json").read_text("utf-8"))["edition"]
    assert (tmp_path / "register.ods").read_bytes()[:2] == b"PK"


def test_a_file_of_another_kind_is_refused(probant: Probant, tmp_path: Path) -> None:
    probant("init")
    assert probant("register", "--output", str(tmp_path / "register.xls")).code == 2
    (tmp_path / "file").touch()  # where a folder should be
    said = probant("register", "--output", str(tmp_path / "file" / "register.csv"))
    assert (said.code, "cannot be written" in said.err) == (2, True)
