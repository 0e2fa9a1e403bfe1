"""`probant demo`: a company with every kind of fact, the same each time, only where nothing is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from api.demo import cast, company, telling
from ledger import entry
from ledger.calendar import format_day
from ledger.events import KINDS, OWN
from ledger.opening import create
from ledger.policy.book import shipped_bytes
from ledger.policy.loader import load_edition
from tests.cli.conftest import Probant
from tests.clock import StepClock

FEW = str(cast.FEWEST)
RANDOM = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What differs from one recording to the next, beside ids: salts and keys.
AT_RANDOM = ("salt", "parts")


def clear_facts(folder: Path, seed: int) -> list[dict[str, Any]]:
    """The clear part of every entry of a small company, ids masked."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    ledger = create(url, folder / "keyring.json", origin="demo.test/1", clock=StepClock())
    try:
        telling.fill(ledger, cast.FEWEST, seed, lambda _done, _total, _what: None)
        found = []
        for stored in ledger.recorder.select_notifications(1, 1_000_000):
            said = entry.read(stored.state)
            clear = {key: value for key, value in said.items() if key not in AT_RANDOM}
            found.append(entry.read(RANDOM.sub("ID", entry.write(clear).decode()).encode()))
        return found
    finally:
        ledger.close()


def test_every_kind_of_fact_happens_in_the_demo_company(anywhere: Probant) -> None:
    anywhere("init")
    answer = anywhere.json("demo", "--people", FEW)
    assert set(answer["kinds"]) == set(KINDS) - OWN | {"policy.published.v1"}
    assert answer["position"] == answer["facts"] == sum(answer["kinds"].values())
    assert anywhere("verify").code == 0


def test_the_same_seed_tells_the_same_company(tmp_path: Path) -> None:
    """Ids, keys and salts are random; everything else is the same, fact by fact."""
    first, again = (clear_facts(tmp_path / name, 2018) for name in ("one", "two"))
    assert first == again
    assert first != clear_facts(tmp_path / "three", 2019)


def test_until_today_something_is_due_this_week(
    probant: Probant, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Beside the same story, requests on every side of their reminders and a hold to review."""
    probant("init")
    plain = probant.json("demo", "--people", FEW)
    other = Probant(tmp_path / "other", None, capsys.readouterr)
    other("init")
    more = other.json("demo", "--people", FEW, "--until-today")
    assert more["facts"] > plain["facts"]
    assert more["kinds"].keys() == plain["kinds"].keys()
    assert more["kinds"]["request.received.v1"] == plain["kinds"]["request.received.v1"] + 4
    queued = other.json("requests", "list")
    assert {one["status"] for one in queued["items"]} >= {"overdue", "due_soon", "on_track"}


def test_the_demo_company_lives_in_an_empty_ledger_only(probant: Probant) -> None:
    assert probant("demo").code == 2  # there is no ledger at all
    probant("init")
    assert probant("demo", "--people", str(cast.FEWEST - 1)).code == 2
    assert probant("demo", "--people", FEW).code == 0
    said = probant("demo", "--people", FEW)
    assert said.code == 2
    assert "holds facts already" in said.err
    kept = probant.json("demo", "--people", FEW, "--if-empty")
    assert kept["recorded"] is False


def test_the_demo_company_follows_the_shipped_policy(probant: Probant, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_bytes(shipped_bytes() + b"\n# not the shipped one any more\n")
    probant("init", "--policy", str(other))
    said = probant("demo", "--people", FEW)
    assert said.code == 2
    assert "SoftSystem" in said.err


@pytest.mark.clause("SS-RET-6", "SS-POL-2")
def test_the_edition_of_2022_keeps_an_account_for_three_years(probant: Probant) -> None:
    old = load_edition(shipped_bytes(), "shipped", KINDS)
    new = load_edition(company.edition_2022(), "demo", KINDS)
    shortened = {
        n for n, c in old.classes.items() if c.months_in_all != new.classes[n].months_in_all
    }
    assert shortened == {"account"}
    probant("init")
    probant("demo", "--people", FEW)
    about = ("show", "--reference", "shop=D-0042", "--class", "account")
    before, after = (probant(*about, "--as-of", day).out for day in ("2022-02-28", "2022-03-01"))
    assert "until September 14, 2026" in before
    assert "until September 14, 2024" in after


def test_there_is_some_disorder_to_find() -> None:
    """Sends after a withdrawal, a card past its month, a review overdue, an incident told late."""
    diary = company.story(cast.FEWEST, 2018)

    def days(kind: str, person: str | None) -> list[str]:
        facts = (t.fact for t in diary.told if t.person == person and t.fact.kind == kind)
        return sorted(format_day(fact.occurred.day) for fact in facts)

    assert days("message.sent.v1", "D-0007")[-1] > days("consent.withdrawn.v1", "D-0007")[-1]
    assert days("card.settled.v1", "D-0021")[-1] > "2021-03-31"
    assert days("message.sent.v1", "D-0013")[-1] > days("customer.minor_signalled.v1", "D-0013")[0]
    assert days("incident.notified.v1", None)[-1] > "2024-02-08"
    assert any(told.late for told in diary.told)
    assert {amendment.void for amendment in diary.amendments} == {True, False}
