"""`probant segments`: exported, verified and refused from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from tests.cli.conftest import Probant


def test_segments_are_exported_day_by_day_and_verified(anywhere: Probant, tmp_path: Path) -> None:
    probant, folder = anywhere.filled(), str(tmp_path / "segments")
    assert probant("seal").code == 0
    first = probant.json("segments", "export", folder)
    assert first["rows"] == first["size"] > 300
    assert first["disclosed"] > first["size"]
    assert probant("seal").code == 0
    second = probant.json("segments", "export", folder, "--to", "university:partner")
    assert second["rows"] == second["size"] - first["size"] == 3
    said = probant("segments", "export", folder, "--lang", "fr")
    assert said.code == 0 and "à jour" in said.out
    assert "2 fichiers" in said.out
    joined = probant("segments", "export", folder, "--compact")
    assert "1 file in all" in joined.out
    answer = probant.json("segments", "verify", folder)
    assert answer["verdict"] == "passed"
    assert answer["bundle"]["size"] == second["size"]
    said = probant("segments", "verify", folder, "--lang", "fr")
    assert said.code == 0 and "Vérifié" in said.out
    assert probant("verify").code == 0


def test_a_stranger_verifies_with_her_own_anchors(probant: Probant, tmp_path: Path) -> None:
    """No ledger, no log: only the folder and what she pinned; and exit code 1 for a finding."""
    folder = tmp_path / "segments"
    assert probant.filled()("seal").code == 0
    assert probant("segments", "export", str(folder)).code == 0
    vkey = (folder / "keys/log.vkey").read_text().strip()
    anchors = tmp_path / "anchors.toml"
    anchors.write_text(f'origin = "{vkey.partition("+")[0]}"\nlog = ["{vkey}"]\n')
    stranger = Probant(tmp_path / "elsewhere", None, probant._capture)
    options = ("segments", "verify", str(folder), "--trust", str(anchors))
    assert stranger.json(*options)["verdict"] == "passed"
    (segment,) = (folder / "events").iterdir()
    segment.write_bytes(segment.read_bytes()[:-1])
    assert stranger.json(*options, code=1)["verdict"] == "failed"
    assert stranger("segments", "verify", str(folder)).code == 2  # whose keys?


def test_facts_are_kept_aside_and_only_what_was_laid_out_here_is_read(
    probant: Probant, tmp_path: Path
) -> None:
    """The same answers; a forged file is not asked; a stranger looks at no file of others."""
    folder = tmp_path / "segments"
    assert probant.filled()("seal").code == 0
    assert probant("segments", "export", str(folder)).code == 0
    question = ("inspect", "Q1", "Q5", "--segments", str(folder), "--as-of", "2030-01-01")
    first = probant.json(*question)
    assert not (folder / "aside").exists()  # a question writes nothing by itself
    kept = probant.json("segments", "aside", str(folder))
    (file,) = (folder / "aside").iterdir()
    assert (kept["path"], kept["bytes"], kept["found"]) == (
        str(file),
        file.stat().st_size,
        False,
    )
    assert kept["events"] > 300
    assert probant.json("segments", "aside", str(folder))["found"]
    assert probant.json(*question) == first
    with duckdb.connect(str(file)) as forged:
        forged.execute("DELETE FROM all_facts")
    stranger = Probant(tmp_path / "elsewhere", None, probant._capture)
    assert stranger.json(*question)["answers"] == first["answers"]
    assert probant.json(*question) == first
    assert not list((folder / "aside").glob("new-*"))
    for lang, words in (("en", "personal data"), ("fr", "données personnelles")):
        told = probant("segments", "aside", str(folder), "--lang", lang)
        assert words in told.out
    assert probant.json("segments", "aside", str(folder), "--remove") == {"removed": True}
    assert not (folder / "aside").exists()
    assert probant.json("segments", "aside", str(folder), "--remove") == {"removed": False}
    assert probant.json(*question) == first
    assert not (folder / "aside").exists()


def test_questions_that_make_no_sense(probant: Probant, tmp_path: Path) -> None:
    folder = str(tmp_path / "segments")
    assert probant("segments", "export", folder).code == 2  # no ledger
    probant.filled()
    said = probant("segments", "export", folder, "--json")
    assert said.code == 2
    assert "seal" in json.loads(said.out)["error"]["detail"]
    assert probant("seal").code == 0
    assert probant("segments", "export", folder, "--to", "analysis:nonsense").code == 3
    assert not (tmp_path / "segments" / "manifest.json").exists()
    assert probant("segments", "verify", str(tmp_path / "nowhere")).code == 2
    assert probant("segments", "verify", folder, "--trust", "nowhere").code == 2


def test_an_export_keeps_the_facts_aside_for_the_first_question(
    probant: Probant, tmp_path: Path
) -> None:
    """Each export lays out what it wrote and removes what it laid out before, once asked to."""
    folder = tmp_path / "segments"
    export = ("segments", "export", str(folder))
    assert probant.filled()("seal").code == 0
    first = probant.json(*export, "--aside", "--memory", "256MB")
    (file,) = (folder / "aside").iterdir()
    assert first["aside"]["path"] == str(file) and not first["aside"]["found"]
    assert first["aside"]["events"] == first["size"]
    assert probant.json("segments", "aside", str(folder))["found"]
    assert probant("seal").code == 0  # the disclosure
    second = probant.json(*export, "--aside")
    assert second["rows"] > 0 and not second["aside"]["found"]
    assert [str(one) for one in (folder / "aside").iterdir()] == [second["aside"]["path"]]
    assert not file.exists()
    said = probant(*export, "--aside", "--lang", "fr")
    assert said.code == 0 and "données personnelles" in said.out
    assert "aside" not in probant.json(*export)
