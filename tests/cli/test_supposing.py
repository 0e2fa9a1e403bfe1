"""`policy what-if`: what it foretells is what publishing the draft then does, on each database."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ledger.policy.book import shipped_bytes
from tests.cli.conftest import Probant

DAY = "2026-12-31"


def draft(folder: Path, months: int, validity: int | None = None) -> str:
    """The shipped edition with another term for every class of 60 months, from 1 December 2026."""
    text = shipped_bytes().decode()
    text = text.replace("operational_months = 60", f"operational_months = {months}")
    text = text.replace("published_months = 60", f"published_months = {months}")
    text = text.replace('id = "softsystem-2018-11-20"', 'id = "draft-2026"', 1)
    text = text.replace("effective_from = 2018-11-20", "effective_from = 2026-12-01", 1)
    if validity is not None:
        old = 'id = "newsletter"\n'
        text = text.replace(old, f"{old}validity_months = {validity}\n", 1)
    folder.mkdir(exist_ok=True)
    file = folder / "draft.toml"
    file.write_text(text, "utf-8")
    return str(file)


def due(probant: Probant) -> dict[str, dict[str, int]]:
    """What a retention run would do that day, by class."""
    found = probant.json("retention", "due", "--as-of", DAY)["classes"]
    return {name: {"archive": one["archive"], "erase": one["erase"]} for name, one in found.items()}


def some(found: dict[str, Any], side: str) -> dict[str, Any]:
    """The classes of an answer in which something is due."""
    return {name: one[side] for name, one in found["classes"].items() if any(one[side].values())}


def test_what_is_foretold_is_what_happens(anywhere: Probant, tmp_path: Path) -> None:
    """Shorter terms and a consent that ages: counted before, then published and counted again."""
    anywhere.filled(120)
    file = draft(tmp_path / "draft", 24, validity=12)
    told = anywhere.json("policy", "what-if", file, "--as-of", DAY, "--limit", "100000")
    assert some(told, "before") == due(anywhere)
    given = {
        (c["purpose"], c["channel"]): c["subjects"]
        for c in anywhere.json("replay", "--as-of", DAY)["consents"]
        if c["state"] == "ConsentGiven"
    }
    assert anywhere("policy", "publish", file).code == 0
    assert some(told, "after") == due(anywhere)
    assert some(told, "before") != some(told, "after")
    left = {
        (c["purpose"], c["channel"]): c["subjects"]
        for c in anywhere.json("replay", "--as-of", DAY)["consents"]
        if c["state"] == "ConsentGiven"
    }
    asked = {(one["purpose"], one["channel"]): one["people"] for one in told["asked"]}
    assert asked
    assert {key: given[key] - left.get(key, 0) for key in asked} == asked
    assert len(told["asked_again"]) == sum(asked.values())
    changed = {(one["subject"], one["class"]) for one in told["changes"]}
    assert {name: effect["people"] for name, effect in told["classes"].items()} == {
        name: len({subject for subject, klass in changed if klass == name})
        for name in told["classes"]
    }


def test_a_longer_term_changes_nothing_for_whoever_was_not_told(
    probant: Probant, tmp_path: Path
) -> None:
    probant.filled()
    told = probant.json("policy", "what-if", draft(tmp_path / "d", 120), "--as-of", DAY)
    assert "order" in told["lengthens"]
    assert told["changes"] == []
    assert some(told, "before") == some(told, "after")


@pytest.mark.parametrize(
    ("lang", "words"),
    [("en", "If 'draft-2026' were the policy"), ("fr", "Si « draft-2026 » était la politique")],
)
def test_it_speaks_both_languages_and_lists_some(
    probant: Probant, tmp_path: Path, lang: str, words: str
) -> None:
    probant.filled()
    file = draft(tmp_path / "d", 24)
    said = probant("policy", "what-if", file, "--as-of", DAY, "--lang", lang, "--limit", "2")
    assert (said.code, words in said.out) == (0, True)
    listed = probant.json("policy", "what-if", file, "--as-of", DAY, "--class", "order")
    assert {one["class"] for one in listed["changes"]} == {"order"}


def test_a_draft_that_cannot_follow_or_does_not_reach_the_day_is_refused(
    probant: Probant, tmp_path: Path
) -> None:
    probant("init")
    file = draft(tmp_path / "d", 24)
    before = probant("policy", "what-if", file, "--as-of", "2026-11-30")
    assert (before.code, "before the day it takes effect" in before.err) == (2, True)
    early = Path(file).read_text("utf-8").replace("2026-12-01", "2018-11-19", 1)
    Path(file).write_text(early, "utf-8")
    assert probant("policy", "what-if", file).code == 3
    assert probant("policy", "what-if", file, "--class", "horoscope").code == 2
