"""`probant controls`: an exit code that scripts can trust, a run on record, again every day."""

from __future__ import annotations

import pytest

from api.commands.controls import seconds_of
from api.controls import every
from api.demo import cast
from ledger.errors import Misuse
from replay.controls.catalogue import CONTROLS
from tests.cli.conftest import Probant


def test_a_company_without_a_past_is_clean(anywhere: Probant) -> None:
    anywhere("init")
    answer = anywhere.json("controls", "run")
    assert answer["ok"]
    assert [one["id"] for one in answer["controls"]] == list(CONTROLS)
    assert answer["recorded"]["position"] == 2
    (one,) = anywhere.json("controls", "history")["runs"]
    assert (one["position"], one["violations"]) == (2, 0)
    said = anywhere("controls", "run", "--no-record", "--lang", "fr")
    assert (said.code, "Aucune violation." in said.out) == (0, True)
    assert len(anywhere.json("controls", "history")["runs"]) == 1


def test_the_disorder_of_the_demo_company_is_what_its_controls_show(probant: Probant) -> None:
    """Each of these is a life of the cast, or a retention run that nobody ever started."""
    probant("init")
    probant("demo", "--people", str(cast.FEWEST))
    answer = probant.json("controls", "run", "--as-of", "2025-12-31", "--no-record", code=1)
    found = {one["id"]: one["violations"] for one in answer["controls"] if one["violations"]}
    whys = {
        one["id"]: {f["why"] for f in one["findings"] if f["weight"] == "violation"}
        for one in answer["controls"]
    }
    assert set(found) == {"C01", "C02", "C03", "C04", "C05", "C10", "C11", "C12", "C16", "C18"}
    assert found["C02"] == 3  # D-0007 withdrew, and was written to all the same
    assert found["C10"] == 1  # D-0027 was called by a machine
    assert whys["C12"] == {"minor_kept"}  # D-0013 was signalled as under 15
    assert whys["C16"] == {"hold_unreviewed"}  # D-0033's lawsuit, its review long overdue
    assert whys["C05"] == {"overdue"}  # D-0052's request that is late
    assert whys["C03"] == {"past_erase", "past_archive_due"}
    assert found["C01"] == found["C02"] + 2  # and a minor, and a machine
    said = probant("controls", "run", "--control", "C02", "--no-record")
    assert said.code == 1
    assert "days and" in said.out


def test_controls_are_listed_and_named(probant: Probant) -> None:
    listed = probant.json("controls", "list")["controls"]
    assert [one["id"] for one in listed] == list(CONTROLS)
    assert all(one["clauses"] and one["about"] for one in listed)
    assert "C18" in probant("controls", "list", "--lang", "fr").out
    probant("init")
    assert probant("controls", "run", "--control", "C99").code == 2
    assert "never run" in probant("controls", "history").out


def test_watching_runs_again_until_it_is_told_to_stop(probant: Probant) -> None:
    probant("init")
    assert probant("controls", "watch", "--every", "1s", "--runs", "1").code == 0
    assert len(probant.json("controls", "history")["runs"]) == 1
    done: list[float] = []

    def told_to_stop(seconds: float) -> bool:
        done.append(seconds)
        return len(done) > 3

    every(5, lambda: done.append(0), told_to_stop, None)
    assert done == [0, 5, 0, 5]
    assert (seconds_of("30m"), seconds_of("1d")) == (1800, 86400)
    for wrong in ("1", "0d", "d", "1w", "-1d"):
        with pytest.raises(Misuse):
            seconds_of(wrong)
