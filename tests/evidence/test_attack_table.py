"""Every row of "Threats: each tried" (docs/evidence.md) is carried out on each database, and what
must catch it does; where the page states a limit, nothing does. The page is what the table says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.drill.stage import Stage, staged
from api.drill.table import ATTEMPTS, CATCHERS, ROWS, Attempt, run
from api.screen import words
from ledger.sealing.signer import Signer
from ledger.store import verify as database_check

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The scene, on each database in turn."""
    url = "sqlite:///unused"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    with staged(tmp_path_factory.mktemp("drill"), url, "en") as made:
        yield made


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda one: one.name)
def test_each_attack_is_caught_as_the_page_says(stage: Stage, attempt: Attempt) -> None:
    (tried,) = run(stage, [attempt])
    assert tried.as_told, (attempt.by, tried.seen)
    assert set(tried.by) <= set(CATCHERS)


def test_before_any_attack_everybody_is_content(stage: Stage) -> None:
    """Else an attack would be caught by what was wrong before."""
    for moment in ("first", "now"):
        stage.begin(moment)
        assert stage.check() + stage.seal() + stage.audit() == []


def cells(attack: str) -> str:
    """A row of the page, from the table and the English words."""
    said = words("en")
    mine = [one for one in ATTEMPTS if one.row == attack]
    by = list(dict.fromkeys(name for one in mine for name in one.by))
    limits = [said["tamper_limit"][one.name] for one in mine if not one.by]
    return " | ".join(
        (
            said["tamper_row"][attack],
            ", ".join(said["tamper_by"][name] for name in by),
            "; ".join(dict.fromkeys(said["tamper_rests"][name] for name in by)),
            "; ".join(limits) or "–",
        )
    )


def test_the_page_has_these_rows_and_no_others() -> None:
    section = PAGE.read_text("utf-8").partition("## Threats: each tried\n")[2].partition("\n## ")[0]
    shown = re.findall(r"^\| (\d+) \| (.*) \|$", section, re.M)
    assert [int(number) for number, _ in shown] == list(range(1, 17))
    assert [row for _, row in shown] == [cells(attack) for attack in ROWS]


def test_each_attack_is_tried_and_each_attempt_has_its_words() -> None:
    assert list(dict.fromkeys(one.row for one in ATTEMPTS)) == list(ROWS)
    said = words("en")
    assert set(said["tamper_attempt"]) == {one.name for one in ATTEMPTS}
    assert set(said["tamper_limit"]) == {one.name for one in ATTEMPTS if not one.by}
    assert set(said["tamper_by"]) == set(CATCHERS)
    assert {name for one in ATTEMPTS for name in one.by} <= set(said["tamper_rests"])


def one(name: str) -> list[Attempt]:
    return [attempt for attempt in ATTEMPTS if attempt.name == name]


@pytest.mark.parametrize("name", ["fork_asked_for", "backup_outgrown", "through_the_signer"])
def test_a_signer_that_refuses_nothing_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The drill itself is tried: a defence is taken away, and it says so."""
    if name == "through_the_signer":  # a process of its own: its memory is what we take away
        write = json.dumps({"size": 0, "root": ""})
        attempt = one(name)[0]

        def act(scene: Stage) -> Any:
            (scene.house / "signer" / "state.json").write_text(write)
            return attempt.act(scene)

        (tried,) = run(stage, [attempt._replace(act=act)])
    else:
        monkeypatch.setattr(Signer, "_demand_extension", lambda *_: None)
        (tried,) = run(stage, one(name))
    assert not tried.as_told


def test_a_verify_that_skips_the_live_tables_is_noticed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_check, "_check_live", lambda *_: None)
    (tried,) = run(stage, one("live_row"))
    assert not tried.as_told
