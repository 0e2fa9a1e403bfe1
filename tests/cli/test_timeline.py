"""`probant timeline`: one person's facts in the order they came, from the ledger and from files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from replay.segments.layout import whole
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


def people(folder: str, kinds: tuple[str, ...] = ()) -> list[str]:
    """The ids of those of whom there is a fact (of these kinds), as the files have them."""
    table = pq.read_table(Path(folder) / "events", columns=["kind", "subject_hi", "subject_lo"])
    table = table.filter(pc.is_valid(table["subject_hi"]))
    if kinds:
        table = table.filter(pc.is_in(table["kind"], pa.array(kinds)))
    return sorted({str(whole(r["subject_hi"], r["subject_lo"])) for r in table.to_pylist()})


def test_files_and_ledger_tell_the_same(anywhere: Probant, folder: str) -> None:
    """Of whoever was corrected or erased, and of some others; at two times and without."""
    told: list[dict[str, Any]] = []
    amended = people(folder, ("fact.corrected.v1", "fact.voided.v1", "customer.class_erased.v1"))
    assert len(amended) > 2
    for who in {*amended, *people(folder)[:8]}:
        asked = ("timeline", who, "--limit", "1000")
        here = anywhere.json(*asked)
        there = anywhere.json(*asked, "--segments", folder)
        assert there | {"position": 0} == here | {"position": 0}  # the export is a fact too
        told += here["items"]
    assert "as_recorded" in {one["stands"] for one in told}
    assert any(one.get("amends") for one in told)
    assert {of for one in told for of in one["personal"].values()} >= {"sealed", "erased"}
    who = people(folder)[0]
    then = ("timeline", who, "--as-of", "2020-06-30", "--known-at", "2021-01-01")
    assert anywhere.json(*then, "--segments", folder) == anywhere.json(*then)


def test_a_page_and_what_follows(anywhere: Probant, folder: str, tmp_path: Path) -> None:
    """Without any ledger; in both languages."""
    (who, *_) = people(folder)
    stranger = Probant(tmp_path / "elsewhere", None, anywhere._capture)
    asked = ("timeline", who, "--segments", folder)
    every = stranger.json(*asked)["items"]
    first = stranger.json(*asked, "--limit", "1")
    rest = stranger.json(*asked, "--after", str(first["next"]))
    assert first["items"] + rest["items"] == every
    said = stranger(*asked, "--limit", "1", "--lang", "fr")
    assert "telle que connue" in said.out
    assert f"--after {first['next']}" in said.out
    assert str(every[0]["position"]) in said.out


def test_questions_that_make_no_sense(anywhere: Probant, folder: str) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    assert anywhere("timeline").code == 2
    assert anywhere("timeline", nobody).code == 2
    assert anywhere("timeline", nobody, "--segments", folder).code == 2
    assert anywhere("timeline", "--reference", "shop=D-0007", "--segments", folder).code == 2
    assert anywhere("timeline", "--reference", "shop=D-0007").code == 0
