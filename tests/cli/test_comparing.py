"""`probant replay --compare --at-random`: ledger, fold and DuckDB, of a file somebody brought.

The file here has the form of the CDNOW data set, whose map is in `docs/examples`; the data set
itself is asked by hand, by the same commands (`docs/import.md`).
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Probant

MAP = Path(__file__).parents[2] / "docs/examples/cdnow.toml"
SEED = 20261127


def purchases(path: Path, seed: int, people: int = 40) -> Path:
    """A few hundred purchases: days, quantities, dollars; no order id, and some lines twice."""
    chance = random.Random(seed)
    print(f"seed {seed}")
    lines = []
    for customer in range(1, people + 1):
        for _ in range(chance.randint(1, 9)):
            day = date(1997, 1, 1) + timedelta(chance.randrange(545))
            paid = f"{chance.randint(0, 300)}.{chance.randint(0, 99):02}"
            line = f"{customer:05},{day},{chance.randint(1, 9)},{paid}\n"
            lines += [line] * chance.choice((1, 1, 1, 2))
    path.write_text("customer_id,date,quantity,amount_usd\n" + "".join(lines))
    return path


@pytest.fixture
def folder(anywhere: Probant, tmp_path: Path) -> str:
    """Its segments, up to the head: what the second export adds is about nobody."""
    made = str(tmp_path / "segments")
    assert anywhere("init").code == 0
    file = purchases(tmp_path / "purchases.csv", SEED)
    assert anywhere("import", str(file), "--map", str(MAP)).code == 0
    for _ in range(2):
        assert anywhere("seal").code == 0
        assert anywhere("segments", "export", made).code == 0
    assert anywhere("seal").code == 0
    return made


def test_ledger_fold_and_duck_agree_at_random_times(anywhere: Probant, folder: str) -> None:
    """From a printed seed, now among them, which the live tables answer."""
    asked = ("replay", "--segments", folder, "--compare", "--at-random", "5")
    answer = anywhere.json(*asked, "--seed", str(SEED))
    assert (answer["seed"], answer["engines"], answer["differing"]) == (SEED, ["fold", "duck"], 0)
    assert [one["ledger"] for one in answer["asked"]].count("live") >= 1
    assert all(one["compared"] > 15 for one in answer["asked"])
    assert len({one["as_of"] for one in answer["asked"]}) == 5
    again = anywhere.json(*asked, "--seed", str(SEED), "--engine", "duck")
    assert again["engines"] == ["duck"]
    times = [[(one["as_of"], one["position"]) for one in a["asked"][1:]] for a in (answer, again)]
    assert times[0] == times[1]
    said = anywhere(*asked[:-1], "1", "--lang", "fr")
    assert said.code == 0
    assert "--at-random 1 --seed" in said.out


def test_one_purchase_too_many_is_found(anywhere: Probant, folder: str, tmp_path: Path) -> None:
    """The same file but for a line, in another ledger: by both engines, at each time that knows
    it."""
    other = Probant(tmp_path / "other", None, anywhere._capture)
    file = tmp_path / "purchases.csv"
    file.write_text(file.read_text() + "00001,1998-06-30,1,9.99\n")
    assert other("init").code == 0
    assert other("import", str(file), "--map", str(MAP)).code == 0
    asked = ("replay", "--segments", folder, "--compare", "--at-random", "2", "--seed", "3")
    answer = other.json(*asked, code=1)
    now = answer["asked"][0]["differences"]
    told = {(one["engine"], one["what"]) for one in now}
    assert {("fold", "events order.placed.v1"), ("duck", "events order.placed.v1")} <= told
    assert any(one["what"].startswith("ages order") for one in now)
    said = other(*asked)
    assert (said.code, "≠" in said.out) == (1, True)


@pytest.mark.parametrize(
    "options",
    [
        ("--at-random", "2"),
        ("--compare", "--seed", "2"),
        ("--compare", "--at-random", "0"),
        ("--compare", "--at-random", "2", "--as-of", "2020-01-01"),
        ("--compare", "--at-random", "2", "--engine", "live"),
    ],
)
def test_questions_that_make_no_sense(
    anywhere: Probant, folder: str, options: tuple[str, ...]
) -> None:
    assert anywhere("replay", "--segments", folder, *options).code == 2
