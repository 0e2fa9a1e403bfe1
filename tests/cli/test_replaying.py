"""`probant replay --segments`: everybody counted from files, without the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Probant
from tests.cli.test_supposing import draft

ROOT = Path(__file__).resolve().parents[2]
DAY = "2026-06-30"
_COUNTED = ("subjects", "people", "joined", "classes", "consents", "edition", "past")


@pytest.fixture
def folder(anywhere: Probant, tmp_path: Path) -> str:
    """The segments of a small made-up shop."""
    made = str(tmp_path / "segments")
    anywhere.filled()
    assert anywhere("seal").code == 0
    assert anywhere("segments", "export", made).code == 0
    return made


def counted(answer: dict[str, Any]) -> dict[str, Any]:
    """What is counted, whoever counted."""
    return {name: answer[name] for name in _COUNTED}


def test_files_and_database_answer_alike(anywhere: Probant, folder: str) -> None:
    """Each engine, with those past their term listed."""
    asked = ("replay", "--as-of", DAY, "--past", "order", "--limit", "7")
    from_database = anywhere.json(*asked, "--engine", "sql")
    for engine in ("duck", "fold"):
        answer = anywhere.json(*asked, "--segments", folder, "--engine", engine)
        assert answer["engine"] == engine
        assert counted(answer) == counted(from_database)
        assert len(answer["past"]["items"]) == 7


def test_spark_answers_alike_from_an_address_and_leaves_nothing(
    probant: Probant, tmp_path: Path
) -> None:
    """In a process of its own, warnings being errors: one answer on the screen, nothing else, and
    no file behind."""
    made, scratch = tmp_path / "segments", tmp_path / "scratch"
    scratch.mkdir()
    probant.filled(20)
    assert probant("seal").code == 0
    assert probant("segments", "export", str(made)).code == 0
    asked = ("replay", "--as-of", DAY, "--past", "order", "--limit", "7", "--ages", "--explain")
    spark = ("--engine", "spark", "--master", "local[2]", "--memory", "512MB", "--json")
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error", "-c", "from api.cli import main; main()"),
            *(*asked, "--segments", made.as_uri(), *spark),
        ],
        env={**os.environ, "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(scratch.iterdir()) == []
    answer = json.loads(done.stdout)
    from_duck = probant.json(*asked, "--segments", str(made))
    assert counted(answer) == counted(from_duck)
    assert answer["ages"] == from_duck["ages"]
    assert answer["report"]["bytes_read"] > 0
    assert "Scan parquet" in answer["report"]["plan"]


def test_no_ledger_is_needed(anywhere: Probant, folder: str, tmp_path: Path) -> None:
    """Only the folder; what was known at an instant is found in it."""
    stranger = Probant(tmp_path / "elsewhere", None, anywhere._capture)
    answer = stranger.json("replay", "--segments", folder, "--as-of", DAY)
    assert answer["subjects"] > 0
    before = stranger.json("replay", "--segments", folder, "--known-at", "2001-01-01")
    assert (before["position"], before["subjects"]) == (0, 0)


def test_ages_and_where_the_time_went(anywhere: Probant, folder: str) -> None:
    asked = ("replay", "--segments", folder, "--as-of", DAY, "--ages", "--explain")
    answer = anywhere.json(*asked, "--memory", "256MB")
    held = {name: found["present"] for name, found in answer["classes"].items()}
    told = [age for age in answer["ages"] if age["klass"] == "order"]
    assert sum(age["subjects"] for age in told) == held["order"]
    report = answer["report"]
    assert report["rows_per_second"] > 0
    assert report["memory"] > 0
    said = anywhere(*asked, "--lang", "fr")
    assert "Mio lus" in said.out
    assert "années" in said.out
    assert "read parquet" in said.out.lower().replace("_", " ")


def test_files_are_compared_with_the_ledger(anywhere: Probant, folder: str) -> None:
    """Alike as exported; then a person is added, and a file of another ledger differs."""
    asked = ("replay", "--segments", folder, "--compare")
    for engine in ("duck", "fold"):
        answer = anywhere.json(*asked, "--engine", engine, "--as-of", DAY)
        assert answer["differences"] == []
        assert answer["compared"] > 20
    said = anywhere(*asked, "--lang", "fr")
    assert said.code == 0
    assert "les mêmes" in said.out
    other = Probant(anywhere.home / "other", None, anywhere._capture).filled(9)
    differing = other.json(*asked, "--as-of", DAY, code=1)
    assert {one["what"] for one in differing["differences"]} >= {
        "subjects",
        "events order.placed.v1",
    }
    assert "differ" in other(*asked, "--as-of", DAY).out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--engine", "live"), 2),
        (("--memory", "much"), 2),
        (("--past", "unheard_of"), 2),
        (("--limit", "0"), 2),
        (("--master", "local[1]"), 2),
        (("--engine", "spark", "--memory", "much"), 2),
    ],
)
def test_questions_that_make_no_sense(
    probant: Probant, tmp_path: Path, options: tuple[str, ...], code: int
) -> None:
    made = str(tmp_path / "segments")
    probant.filled(8)
    assert probant("seal").code == 0
    assert probant("segments", "export", made).code == 0
    assert probant("replay", "--segments", made, *options).code == code


def test_options_of_segments_alone(probant: Probant, tmp_path: Path) -> None:
    assert probant("replay", "--ages").code == 2
    assert probant("replay", "--segments", str(tmp_path / "nowhere")).code == 2


# --- the other questions --------------------------------------------------------------------------

LATE = "2026-12-31"


def test_controls_are_asked_of_files_alike(anywhere: Probant, folder: str) -> None:
    """All of them; those that look into what files have not say so, in part or altogether."""
    asking = ("controls", "run", "--as-of", LATE)
    here = anywhere.json(*asking, "--no-record", code=1)
    there = anywhere.json(*asking, "--segments", folder, code=1)
    said = {one["id"]: (one["checked"], one["unchecked"]) for one in there["controls"]}
    assert {name: checked for name, (checked, _) in said.items() if checked != "whole"} == {
        **{"C06": "part", "C09": "part", "C14": "no", "C17": "no"}
    }
    for one, other in zip(here["controls"], there["controls"], strict=True):
        assert other | {"checked": 0, "unchecked": 0} == one | {"checked": 0, "unchecked": 0}
    assert (there["people"], there["recorded"]) == (here["people"], None)
    told = anywhere(*asking, "--segments", folder, "--lang", "fr").out
    assert "Non vérifiés : C14, C17." in told
    assert "Vérifié en partie : seule la base montre" in told


def test_a_control_that_files_cannot_answer_says_why(
    anywhere: Probant, folder: str, tmp_path: Path
) -> None:
    """Exit code 2, and no word that nothing was found; C13 with the keys that are pinned."""
    asking = ("controls", "run", "--segments", folder)
    said = anywhere(*asking, "--control", "C14", "--control", "C17")
    assert said.code == 2
    assert "Not checked, because live tables are in the database alone" in said.out
    assert "No violation" not in said.out
    assert anywhere(*asking, "--control", "C14", "--control", "C13").code == 0
    assert anywhere(*asking, "--open-parts").code == 2
    assert anywhere("controls", "run", "--trust", folder).code == 2
    stranger = Probant(tmp_path / "elsewhere", None, anywhere._capture)
    c13 = (*asking, "--control", "C13")
    assert stranger.json(*c13)["controls"][0]["checked"] == "part"
    vkey = (Path(folder) / "keys/log.vkey").read_text().strip()
    anchors = tmp_path / "anchors.toml"
    anchors.write_text(f'origin = "{vkey.partition("+")[0]}"\nlog = ["{vkey}"]\n')
    pinned = stranger.json(*c13, "--trust", str(anchors))
    assert pinned["controls"][0]["checked"] == "whole"
    (segment,) = (Path(folder) / "events").iterdir()
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    assert stranger.json(*c13, code=1)["controls"][0]["violations"] > 0


def test_the_inspector_is_answered_from_files_alike(anywhere: Probant, folder: str) -> None:
    asked = ("inspect", "Q1", "Q2", "Q3", "Q5", "Q7", "Q10", "Q11", "--as-of", LATE)
    here, there = anywhere.json(*asked), anywhere.json(*asked, "--segments", folder)
    assert there["answers"] == here["answers"]
    assert there["answers"][0]["lines"]
    assert there["sealed"] == there["position"] > 0
    past = anywhere.json("replay", "--segments", folder, "--as-of", LATE, "--past", "order")
    who = ("--subject", past["past"]["items"][0]["subject"])
    assert (
        anywhere.json(*asked, *who, "--segments", folder)["answers"]
        == anywhere.json(*asked, *who)["answers"]
    )
    nobody = ("--subject", "00000000-0000-4000-8000-000000000000")
    assert anywhere(*asked, *nobody, "--segments", folder).code == 2
    assert anywhere(*asked, "--segments", folder, "--reference", "shop=C-1").code == 2


def test_a_diff_from_files(anywhere: Probant, folder: str) -> None:
    asked = ("diff", "--from", "2019-01-01,2099-12-31", "--to", LATE)  # known: whenever this runs
    here, there = anywhere.json(*asked), anywhere.json(*asked, "--segments", folder)
    assert there["answers"] == here["answers"]
    assert there["answers"][0]["lines"]
    assert anywhere(*asked[:3], "--to", "2019-01-01,2001-01-01", "--segments", folder).code == 2


def test_a_draft_is_weighed_from_files(anywhere: Probant, folder: str, tmp_path: Path) -> None:
    """A shorter term for orders, and consents that expire."""
    file = draft(tmp_path / "draft", 24, validity=12)
    asked = ("policy", "what-if", file, "--as-of", LATE, "--class", "order")
    here, there = anywhere.json(*asked), anywhere.json(*asked, "--segments", folder)
    assert {**there, "position": 0} == {**here, "position": 0}
    assert there["classes"]["order"]["people"] > 0
    assert there["asked"]
    assert anywhere(*asked, "--as-of", "2020-01-01", "--segments", folder).code == 2


def test_proofs_are_made_from_the_files_alone(
    anywhere: Probant, folder: str, tmp_path: Path
) -> None:
    """The very bytes that the log gives; never those of a log that the reader has herself."""
    asked = ("inspect", "Q1", "--as-of", LATE)
    here, there = tmp_path / "here", tmp_path / "there"
    anywhere.json(*asked, "--proofs", str(here))
    stranger = Probant(tmp_path / "elsewhere", None, anywhere._capture).filled(8)
    assert stranger("seal").code == 0
    answer = stranger.json(*asked, "--segments", folder, "--proofs", str(there))
    assert answer["proofs"] == len(list(there.iterdir())) > 10
    for proof in there.iterdir():
        assert proof.read_bytes() == (here / proof.name).read_bytes()
    manifest = Path(folder) / "manifest.json"
    said = json.loads(manifest.read_text())
    said["checkpoint"] = (stranger.home / "log/checkpoint").read_text()
    manifest.write_text(json.dumps(said))
    again = (*asked, "--segments", folder, "--proofs", str(tmp_path / "again"))
    assert stranger(*again).code == 3
    manifest.write_text(json.dumps(said | {"checkpoint": ""}))
    assert stranger(*again).code == 2
    assert not (tmp_path / "again").exists()
