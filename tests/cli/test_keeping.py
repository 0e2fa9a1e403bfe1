"""`init`, `import`, `rebuild`, `verify`, `policy`: a ledger's life on the command line."""

from __future__ import annotations

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from api.settings import SETTINGS, settle
from ledger.errors import Misuse
from ledger.policy.book import shipped_bytes
from tests.cli.conftest import Probant

ROOT = Path(__file__).resolve().parents[2]


def test_init_makes_a_ledger_once(anywhere: Probant) -> None:
    """A second time it says so; with --if-missing that is no mistake."""
    made = anywhere.json("init", "--origin", "shop.example/1")
    assert (made["created"], made["position"], made["origin"]) == (True, 1, "shop.example/1")
    assert anywhere("init").code == 2
    again = anywhere.json("init", "--if-missing")
    assert again == {**made, "created": False}


def test_the_home_and_its_keys_are_closed_to_others(probant: Probant) -> None:
    """0700 and 0600."""
    probant("init")
    assert stat.S_IMODE(probant.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((probant.home / "keyring.json").stat().st_mode) == 0o600


def test_a_second_import_adds_nothing(anywhere: Probant) -> None:
    """The map's source and key identify a line for ever."""
    anywhere.filled()
    demo = anywhere.home / "demo"
    for name in ("shop", "choices"):
        file, mapping = demo / f"{name}.csv", demo / f"{name}.toml"
        again = anywhere.json("import", str(file), "--map", str(mapping))
        assert (again["recorded"], again["rejected"], again["subjects"]) == ({}, 0, 0)
        assert again["already"] > 0
        assert again["rejects_file"] is None


def test_bad_lines_are_explained_and_good_ones_kept(probant: Probant) -> None:
    """Exit 0 with a clear count; 3 when --strict; the rejects file holds no value of a line."""
    probant("init")
    probant("demo-shop", str(probant.home / "demo"))
    mapping = str(probant.home / "demo" / "shop.toml")
    file = probant.home / "bad.csv"
    lines = ["customer,date,order,amount_eur", "C-1,2020-01-05,A-1,10.00"]
    lines += ["canary-1,2020-02-30,A-2,10.00", "canary-2,2020-01-05,A-3,ten", "canary-3,2020-01-05"]
    file.write_text("\n".join(lines) + "\n")
    report = probant.json("import", str(file), "--map", mapping)
    assert report["recorded"]["order.placed.v1"] == 1
    assert report["rejected"] == 3
    rejects = Path(report["rejects_file"])
    assert rejects == probant.home / "bad.csv.rejects.ndjson"
    said = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert sorted(one["line"] for one in said) == [3, 4, 5]
    assert all(one["reason"] for one in said)
    assert "canary" not in rejects.read_text()
    assert probant("import", str(file), "--map", mapping, "--strict").code == 3


def test_a_file_that_cannot_be_read_at_all_is_bad_data(probant: Probant) -> None:
    """A missing column is no matter of single lines."""
    probant("init")
    probant("demo-shop", str(probant.home / "demo"))
    file = probant.home / "bad.csv"
    file.write_text("customer,date,amount_eur\nC-1,2020-01-05,10\n")
    said = probant("import", str(file), "--map", str(probant.home / "demo" / "shop.toml"))
    assert said.code == 3
    assert "'order'" in said.err


def test_verify_finds_a_live_row_changed_by_hand(probant: Probant) -> None:
    """Exit code 1 and where to look; `rebuild` puts it right."""
    probant.filled()
    assert probant.json("verify")["ok"] is True
    assert probant.json("verify", "--projections")["ok"] is True
    with closing(sqlite3.connect(probant.home / "ledger.sqlite")) as database, database:
        database.execute("UPDATE activity SET n = n + 1 WHERE rowid = 1")
    assert probant.json("verify", "--projections", code=1)["counts"] == {"activity.differs": 1}
    found = probant("verify")
    assert found.code == 1
    assert "1 finding:" in found.out
    assert probant("rebuild").code == 0
    assert probant("verify").code == 0


def test_the_demo_shop_is_the_same_everywhere_and_always(probant: Probant, tmp_path: Path) -> None:
    """Same seed, same bytes; another seed, another shop."""
    first, second, other = (tmp_path / name for name in ("1", "2", "3"))
    probant("demo-shop", str(first))
    probant("demo-shop", str(second))
    probant("demo-shop", str(other), "--seed", "8")
    for name in ("shop.csv", "shop.toml", "choices.csv", "choices.toml"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    assert (first / "shop.csv").read_bytes() != (other / "shop.csv").read_bytes()


def test_editions_are_published_and_shown_by_day(anywhere: Probant, tmp_path: Path) -> None:
    """A later edition joins the book; the earlier one still governs the days before it."""
    anywhere("init")
    later = tmp_path / "later.toml"
    text = shipped_bytes().decode()
    text = text.replace('id = "softsystem-2018-11-20"', 'id = "softsystem-2027-01-01"')
    later.write_text(
        text.replace("effective_from = 2018-11-20", "effective_from = 2027-01-01"), encoding="utf-8"
    )
    published = anywhere.json("policy", "publish", str(later))
    assert (published["id"], published["position"]) == ("softsystem-2027-01-01", 2)
    shown = anywhere.json("policy", "show", "--edition", "2026-12-31")
    assert shown["id"] == "softsystem-2018-11-20"
    assert shown["editions"] == ["2018-11-20", "2027-01-01"]
    assert shown["classes"]["order"]["operational_months"] == 60
    assert anywhere.json("policy", "show", "--edition", "2027-01-01")["position"] == 2
    assert anywhere("policy", "publish", str(later)).code == 3
    assert anywhere("policy", "show", "--edition", "2018-11-19").code == 2


def test_every_setting_is_documented() -> None:
    """`docs/settings.md` has one row for each, with the same words."""
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `PROBANT_")]
    expected = [f"| `{s.variable}` | `{s.option}` | {s.default} | {s.meaning} |" for s in SETTINGS]
    assert rows == expected


def test_an_option_wins_over_the_environment_and_that_over_the_default() -> None:
    """And what is derived from the home follows it."""
    assert settle({}).url == "sqlite:///probant-data/ledger.sqlite"
    assert settle({"PROBANT_HOME": "a"}).keyring == Path("a/keyring.json")
    assert settle({"PROBANT_HOME": "a"}, home="b").sqlite_file == Path("b/ledger.sqlite")
    assert settle({"PROBANT_URL": "postgresql+psycopg2://h/d"}).database == "postgresql"
    with pytest.raises(Misuse):
        settle({}, url="sqlite://")


@pytest.mark.parametrize(
    ("environment", "lang"),
    [
        ({}, "fr"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8", "PROBANT_LANG": "fr"}, "fr"),
    ],
)
def test_french_is_spoken_unless_english_is_asked_for(
    environment: dict[str, str], lang: str
) -> None:
    """The product is French; a shell set to English is answered in English."""
    assert settle(environment).lang == lang
