"""`probant inspect`: tables for people, CSV, JSON, and proofs on disk."""

from __future__ import annotations

from pathlib import Path

from api.demo import cast
from tests.cli.conftest import Probant


def test_an_inspector_is_answered(probant: Probant, tmp_path: Path) -> None:
    probant("init")
    probant("demo", "--people", str(cast.FEWEST))
    said = probant("inspect", "Q1", "Q4", "--as-of", "2025-12-31")
    assert said.code == 0
    assert "sends after a no: 3" in said.out
    answer = probant.json("inspect", "Q3", "--reference", "shop=D-0007")
    states = {line["values"]["permission"] for line in answer["answers"][0]["lines"]}
    assert states == {"allowed", "refused"}
    lines = probant("inspect", "Q4", "--csv", "--lang", "fr").out.splitlines()
    assert lines[0].startswith(",personne")
    assert len(lines) == 4
    assert probant("inspect", "Q4", "--proofs", str(tmp_path / "p")).code == 2  # nothing sealed
    assert probant("seal").code == 0
    done = probant.json("inspect", "Q4", "--proofs", str(tmp_path / "p"))
    assert done["proofs"] == len(list((tmp_path / "p").glob("*.tlog-proof"))) == 4


def test_questions_that_make_no_sense(probant: Probant) -> None:
    probant("init")
    assert probant("inspect", "Q77").code == 2
    assert probant("inspect", "Q1", "--csv", "--json").code == 2
    assert probant("inspect", "Q1", "--positions", "0").code == 2
    assert probant("inspect", "Q1", "--subject", "x", "--reference", "shop=y").code == 2
    assert "every class" not in probant("inspect", "--lang", "fr").out


def test_what_changed_between_two_instants(probant: Probant) -> None:
    probant("init")
    probant("demo", "--people", str(cast.FEWEST))
    answer = probant.json("diff", "--from", "2020-05-01", "--to", "2020-06-01")
    found = {
        (line["values"]["about"], line["values"]["after"]) for line in answer["answers"][0]["lines"]
    }
    assert ("newsletter / email", "ConsentWithdrawn") in found  # D-0007
    assert probant("diff", "--from", "2020-05-01", "--to", "2020-06-01").code == 0
    nobody = probant.json("diff", "--from", "2020-05-01,2020-05-01", "--to", "2020-05-02")
    assert nobody["from"]["position"] == 0
    assert probant("diff", "--from", "2020-05-01", "--to", "2020-05-02,2020-05-02").code == 2
    assert probant("diff", "--from", "x", "--to", "2020-05-02").code == 2
