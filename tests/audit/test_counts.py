"""The counts of an audit are right: by hand for a small shop, by the importer for the rest."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pytest

from ledger.calendar import add_months, parse_instant
from ledger.importing import load_map
from ledger.policy.loader import load_edition
from tests.audit.room import EDITION, HEADER, MIXED, NOW, audited, history, imported, line, write
from tests.importing import shop as shops
from tests.importing.shop import small_shop

DAYS = (date(1997, 6, 30), date(2002, 2, 28), date(2002, 6, 30), date(2003, 6, 30))


def buyers(lines: list[str], on: date) -> dict[str, date]:
    """Last purchase by that day of each customer."""
    last: dict[str, date] = {}
    for one in lines:
        who, day, *_ = one.split(",")
        bought = date.fromisoformat(day)
        if bought <= on:
            last[who] = max(bought, last.get(who, bought))
    return last


@pytest.mark.parametrize("on", DAYS)
def test_a_shop_is_counted_as_by_hand(tmp_path: Path, on: date) -> None:
    """SS-RET-1: people past five years, by class and by age, on any day."""
    shop = small_shop(tmp_path, lines=3000)
    found = audited(shop, on.isoformat())
    last = buyers(shop.lines, on)
    assert found.people == len(last)
    assert found.past == shops.past_five_years(shop.lines, on)
    (order,) = found.classes
    assert (order.name, order.months, order.published) == ("order", 60, True)
    assert (order.people, order.past) == (found.people, found.past)
    assert found.read == found.accepted == 3000
    assert found.later == 3000 - shops.orders_until(shop.lines, on)
    ages = Counter(age_of(day, on) for day in last.values())
    assert {a.years_from: a.people for a in found.ages} == {
        years: ages[years] for years in (0, 1, 2, 3, 5, 10)
    }
    assert sum(a.past for a in found.ages if a.years_from >= 5) == found.past


def age_of(day: date, on: date) -> int:
    """The lower bound in whole years, a birthday counting as the year before."""
    number = day.year * 10000 + day.month * 100 + day.day
    today = on.year * 10000 + on.month * 100 + on.day
    return max(y for y in (0, 1, 2, 3, 5, 10) if y == 0 or today > add_months(number, 12 * y))


@pytest.mark.parametrize("form", ["day", "instant"])
@pytest.mark.parametrize("seed", range(4))
def test_a_mixed_history_is_counted_as_an_import_would(
    tmp_path: Path, form: str, seed: int
) -> None:
    """Every class of every kind: people in it, and past its term, as the ledger itself says."""
    lines = history(Random(seed), 60, form)
    file = write(tmp_path, lines, MIXED.replace("FORM", form))
    found, kept = audited(file), imported(file, tmp_path)
    assert kept.rejected == sorted(n for r in found.rejected.values() for n in r.numbers)
    assert {c.name: c.people for c in found.classes} == kept.people
    assert {c.name: c.past for c in found.classes} == kept.past
    assert found.accepted == len(lines) - len(kept.rejected)


def test_a_term_ends_on_a_day_and_is_over_on_the_next(tmp_path: Path) -> None:
    """31 August + 60 months; the last day of February."""
    file = write(
        tmp_path,
        [line(1, "order", "2015-08-31"), line(2, "order", "2016-02-29")],
        MIXED.replace("FORM", "day"),
    )
    past = {d: audited(file, d).past for d in ("2020-08-31", "2020-09-01", "2021-02-28")}
    assert past == {"2020-08-31": 0, "2020-09-01": 1, "2021-02-28": 1}
    assert audited(file, "2021-03-01").past == 2


def test_an_open_contract_stops_the_clock(tmp_path: Path) -> None:
    """SS-ACT-2: nobody under maintenance is past a term; after its end she may be."""
    lines = [
        line(1, "order", "2010-01-01"),
        line(1, "start", "2010-01-01", ref="K1"),
        line(2, "order", "2010-01-01"),
        line(2, "start", "2010-01-01", until="2012-01-01", ref="K2"),
        line(3, "order", "2010-01-01"),
        line(3, "start", "2010-01-01", ref="K3"),
        line(3, "end", "2024-01-01", ref="K3"),
    ]
    found = audited(write(tmp_path, lines, MIXED.replace("FORM", "day")))
    (order,) = [c for c in found.classes if c.name == "order"]
    assert (order.people, order.past) == (3, 1)


def test_consents_that_nothing_proves_are_counted(tmp_path: Path) -> None:
    """SS-LB-2, RGPD art. 7(1): the last word counts, and its grade of evidence."""
    lines = [
        line(1, "yes", "2025-01-01", "proved"),
        line(2, "yes", "2025-01-01", "asserted"),
        line(3, "yes", "2025-01-01", "inferred"),
        line(4, "yes", "2025-01-01"),
        line(5, "yes", "2025-01-01"),
        line(5, "no", "2025-01-02"),
        line(6, "no", "2025-01-02"),
        line(6, "yes", "2025-01-02"),  # the same day: the withdrawal wins
        line(7, "sent", "2025-01-02"),  # written to, and never asked
        line(8, "sent", "2025-01-02"),
        line(8, "yes", "2025-01-02", "proved"),
        line(9, "order", "2025-01-02"),
    ]
    proof = audited(write(tmp_path, lines, MIXED.replace("FORM", "day"))).proof
    assert (proof.reachable, proof.none, proof.weak, proof.people) == (2, 1, 2, 3)


def test_whoever_has_an_address_and_no_choice_can_be_written_to_without_proof(
    tmp_path: Path,
) -> None:
    """The map reads an e-mail field; half of the cells are empty."""
    mapping = """source = "mails"
[person]
kind = "shop"
column = "who"
[fact]
kind = "customer.account_opened"
[fact.occurred]
column = "when"
[fact.fields.email]
column = "mail"
"""
    lines = [f"C{n},2024-05-05,{'a@example.org' if n % 2 else ''}" for n in range(10)]
    proof = audited(write(tmp_path, lines, mapping, "who,when,mail")).proof
    assert (proof.reachable, proof.none, proof.weak) == (5, 5, 0)


def test_payments_are_counted_one_by_one(tmp_path: Path) -> None:
    """SS-CARD-1: a card proof dies 15 months after its own payment, whatever came later."""
    lines = [
        "C1,order,2020-01-01,,,,A1",
        "C1,paid,2020-01-01,,,pi_1,A1",
        "C1,order,2025-10-01,,,,A2",
        "C1,paid,2025-10-01,,,pi_2,A2",
        "C2,order,2025-10-01,,,,A3",
        "C2,paid,2025-10-01,,,pi_3,A3",
        "C3,order,2021-10-01,,,,A4",
        "C3,paid,2021-10-01,,,,A4",  # nothing sealed: no proof to keep
    ]
    file = write(tmp_path, lines, MIXED.replace("FORM", "day"))
    found = audited(file)
    (proof,) = [c for c in found.classes if c.name == "card_proof"]
    assert (proof.people, proof.past, proof.months) == (2, 1, 15)
    kept = imported(file, tmp_path)
    assert {c.name: c.past for c in found.classes} == kept.past


def test_ndjson_is_counted_as_csv(tmp_path: Path) -> None:
    """The same shop, as objects."""
    shop = small_shop(tmp_path, lines=400)
    expected = audited(shop, "2002-06-30").to_json()
    names = shops.HEADER.split(",")
    said = [json.dumps(dict(zip(names, one.split(","), strict=True))) for one in shop.lines]
    shop.file.write_text("\n".join([*said, "{", "[1]", '{"date": "2001-01-01"}']) + "\n", "utf-8")
    shop.mapping.write_text('format = "ndjson"\n' + shops.MAP, "utf-8")
    found = audited(shop, "2002-06-30")
    assert found.rejected["not-json"].numbers == [401, 402]
    assert found.rejected["columns"].numbers == [403]
    answer = found.to_json()
    for key in ("people", "past", "classes", "ages"):
        assert answer[key] == expected[key]


def test_another_edition_gives_other_terms(tmp_path: Path) -> None:
    """--policy: the published term is the edition's."""
    from ledger.policy.book import shipped_bytes

    toml = shipped_bytes().decode()
    shorter = toml.replace("published_months = 60", "published_months = 24")
    shop = small_shop(tmp_path, lines=500)
    on = date(2000, 6, 30)
    found = audited(shop, on.isoformat(), load_edition(shorter.encode(), "shorter.toml"))
    cut = [age_of(day, on) >= 2 for day in buyers(shop.lines, on).values()]
    assert found.past == sum(cut) > 0


def test_blocks_of_any_size_give_the_same_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Line numbers and people are the same wherever the file is cut."""
    lines = history(Random(9), 40, "day")
    lines[10], lines[70] = "C1,order,nonsense,,,,", "C1,order,2020-01-01"
    file = write(tmp_path, lines, MIXED.replace("FORM", "day"))
    whole = audited(file).to_json()
    for size in (100, 1000, 4097):
        monkeypatch.setattr("ledger.audit.blocks.BLOCK", size)
        cut = audited(file).to_json()
        assert {**cut, "seconds": 0} == {**whole, "seconds": 0}
    assert whole["lines"]["rejected"]["date"]["numbers"] == [12]
    assert whole["lines"]["rejected"]["columns"]["numbers"] == [72]


def test_a_map_of_every_form_is_planned_without_a_mistake(tmp_path: Path) -> None:
    """An empty file with the right header is no shop, and no error."""
    file = write(tmp_path, [], MIXED.replace("FORM", "day"))
    found = audited(file)
    assert (found.read, found.people, found.classes, found.sanction) == (0, 0, [], None)
    assert (
        load_map(file.mapping).columns == HEADER.split(",")[:1] + load_map(file.mapping).columns[1:]
    )
    assert parse_instant(NOW) and EDITION.classes
