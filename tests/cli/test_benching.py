"""`probant bench generate`: a folder that says what it is, or one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api import cli
from api.demo import cast

SMALL = ("--pattern", str(cast.FEWEST))


def test_a_history_of_so_many_events_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer tells what lies there, the manifest that nobody in it exists."""
    folder = tmp_path / "made"
    code = cli.run(["bench", "generate", str(folder), "--events", "3000", *SMALL, "--json"])
    said = json.loads(capsys.readouterr().out)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert code == 0
    assert said["events"] == manifest["size"] == 3000
    assert said["people"] == manifest["made_up"]["people"]
    assert said["bytes"] == sum(path.stat().st_size for path in folder.glob("events/*"))


def test_customers_are_people_of_whole_companies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """At least as many as were asked for, and not a company more."""
    code = cli.run(["bench", "generate", str(tmp_path / "a"), "--customers", "200", *SMALL])
    assert code == 0
    assert "Nobody in it exists" in capsys.readouterr().out
    made = json.loads((tmp_path / "a/manifest.json").read_bytes())["made_up"]
    assert 200 <= made["people"] < 200 + made["people"] // made["copies"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ((), "either --events or --customers"),
        (("--events", "10", "--customers", "10"), "either --events or --customers"),
        (("--events", "10", "--pattern", "3"), "--pattern must be between"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
    sentence: str,
) -> None:
    """Exit code 2, and nothing is written."""
    assert cli.run(["bench", "generate", str(tmp_path / "x"), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_refused_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What lies there stays as it is."""
    (tmp_path / "mine").write_text("mine")
    assert cli.run(["bench", "generate", str(tmp_path), "--events", "10"]) == 2
    assert "empty folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
