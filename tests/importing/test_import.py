"""What an import records, and what it answers afterwards, on every database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import moment_of_day, moment_of_instant, parse_as_of, parse_day
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.events import LoggedIn, OrderPlaced
from ledger.handlers import Accepted, record_many
from ledger.importing import import_file, job, load_map
from ledger.importing.job import ImportReport
from ledger.opening import create
from ledger.store import ordinals, population, rebuild, states, tables
from ledger.store.vault import Scope
from replay import fold
from tests.importing import shop as shops
from tests.importing.shop import Shop, small_shop, write

ORDER, REGISTERED = "order.placed.v1", "customer.registered.v1"
DAYS = (date(1997, 6, 30), date(2002, 2, 28), date(2002, 6, 30), date(2003, 6, 30))


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger on each database."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    opened = create(ledger_url, keyring)
    yield opened
    opened.close()


def run(ledger: Ledger, shop: Shop, rejects: Path | None = None) -> ImportReport:
    """Import a shop."""
    return import_file(ledger, shop.file, load_map(shop.mapping), rejects=rejects)


def test_a_shop_gives_the_same_figures_by_every_way(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live tables, SQL and fold, at any date, before and after a rebuild, as counted by hand."""
    monkeypatch.setattr(job, "CHUNK", 400)
    shop = small_shop(tmp_path)
    people = {line.split(",")[0] for line in shop.lines}
    report = run(ledger, shop)
    assert (report.read, report.already, report.rejected) == (len(shop.lines), 0, 0)
    assert report.recorded == {ORDER: len(shop.lines), REGISTERED: len(people)}
    assert ledger.recorder.head().position == 1 + len(shop.lines) + len(people)
    expect_figures(ledger, shop)
    assert list(rebuild.differences(ledger.database)) == []
    rebuild.rebuild(ledger.database)
    expect_figures(ledger, shop)


def expect_figures(ledger: Ledger, shop: Shop) -> None:
    """Orders seen and classes past their term, for some dates."""
    book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        for day in DAYS:
            as_of = parse_as_of(day.isoformat())
            sql = population.population(connection, book, as_of, None)
            assert sql == fold.population(states.rows_by_subject(connection), book, as_of)
            assert sql.events[ORDER] == shops.orders_until(shop.lines, day)
            past = sql.classes["order"].subjects.past_operational
            assert past == shops.past_five_years(shop.lines, day), day
        now = ledger.clock.now()
        live = population.population(connection, book, now, None, source="live")
        assert live == population.population(connection, book, now, None)


def test_a_second_run_adds_nothing_and_a_longer_file_adds_what_is_new(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Equal lines are told apart by their ordinal, whatever the order of the file."""
    shop = small_shop(tmp_path, 300)
    assert run(ledger, shop).recorded[ORDER] == 300
    again = run(ledger, shop)
    assert (again.recorded, again.already, again.subjects) == ({}, 300, 0)
    shuffled = Random(1).sample(shop.lines, 300)
    assert run(ledger, write(tmp_path, shuffled)).already == 300
    longer = run(ledger, write(tmp_path, [*shuffled, shuffled[0], "C-99999,2020-01-01,1,5"]))
    assert (longer.recorded, longer.already) == ({ORDER: 2, REGISTERED: 1}, 300)


def test_equal_lines_are_distinct_orders_even_when_memory_is_short(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ordinals spill to a file: the same answer as in memory."""
    monkeypatch.setattr(ordinals, "ORDINALS_IN_MEMORY", 20)
    shop = small_shop(tmp_path, 400)
    assert max(shops.counted(shop.lines).values()) > 2
    assert run(ledger, shop).recorded[ORDER] == 400
    assert run(ledger, shop).already == 400


def test_a_key_column_identifies_a_line_for_ever(ledger: Ledger, tmp_path: Path) -> None:
    """With a key, a line seen again is the same line, whatever else it says."""
    mapping = shops.MAP.replace('source = "shop"', 'source = "keyed"\nkey = "quantity"')
    lines = ["A,2020-01-01,1,5", "A,2020-01-02,2,5", "B,2020-01-03,2,6"]
    report = run(ledger, write(tmp_path, lines, mapping=mapping))
    assert (report.recorded[ORDER], report.already) == (2, 1)
    assert run(ledger, write(tmp_path, lines, mapping=mapping)).already == 3


def test_an_order_named_by_its_reference_is_recorded_once(ledger: Ledger, tmp_path: Path) -> None:
    """The same order in another file is a conflict for that line alone."""
    thing = '[thing]\nkind = "ref"\ncolumn = "quantity"\n'
    first = write(tmp_path, ["A,2020-01-01,1,5", "B,2020-01-02,2,5"], mapping=shops.MAP + thing)
    assert run(ledger, first).recorded[ORDER] == 2
    other = (shops.MAP + thing).replace('source = "shop"', 'source = "other"')
    rejects = tmp_path / "rejects.ndjson"
    report = run(
        ledger, write(tmp_path, ["A,2020-01-01,2,5", "C,2021-01-01,3,5"], mapping=other), rejects
    )
    assert (report.recorded[ORDER], report.rejected) == (1, 1)
    assert json.loads(rejects.read_text())["problem"] == "conflict"


def test_the_erased_do_not_come_back_by_import(ledger: Ledger, tmp_path: Path) -> None:
    """A suppressed reference: what it did until the cutoff is refused, what it does later is a new
    person's; in bulk as one by one."""
    kind, blind = "person/shop", ledger.keyring.blind("person/shop", "A")
    cutoff = parse_as_of("2020-06-30")
    row = (kind, blind, "erased", "", "", ledger.keyring.pepper, cutoff, 20360630, 1)
    with ledger.database.write() as connection:
        connection.execute(tables.suppressions.insert().values(row))
    rejects = tmp_path / "rejects.ndjson"
    lines = ["A,2020-06-30,1,5", "B,2020-06-30,1,5", "A,2020-07-01,1,5"]
    report = run(ledger, write(tmp_path, lines), rejects)
    assert (report.recorded, report.rejected) == ({ORDER: 2, REGISTERED: 2}, 1)
    assert json.loads(rejects.read_text())["problem"] == "erased"
    row = (kind, ledger.keyring.blind(kind, "C"), *row[2:])
    with ledger.database.write() as connection:
        connection.execute(tables.suppressions.insert().values(row))
    for day, outcome in (("2020-06-30", "erased"), ("2020-07-01", None)):
        fact = OrderPlaced(occurred=moment_of_day(parse_day(day)))
        (said,) = record_many(ledger, [Record(fact, Reference("shop", "C"))])
        assert getattr(said, "problem", None) == outcome


def test_a_class_that_ended_does_not_come_back_by_import(ledger: Ledger, tmp_path: Path) -> None:
    """Her orders were erased, her account was not: the same file is refused, line by line, although
    nobody remembers having read it; what she bought since is hers."""
    shop = write(tmp_path, ["A,2020-01-01,1,5", "B,2020-01-01,1,5"])
    assert run(ledger, shop).recorded[ORDER] == 2
    moment = moment_of_instant(ledger.clock.now())
    (known,) = record_many(ledger, [Record(LoggedIn(occurred=moment), Reference("shop", "A"))])
    assert isinstance(known, Accepted) and known.subject
    scopes = [Scope(known.subject, "order", "")]
    erase_scopes(ledger, scopes, journal=tmp_path / "journal", reason="request")
    rejects = tmp_path / "rejects.ndjson"
    report = run(ledger, shop, rejects)
    assert (report.recorded, report.already, report.rejected) == ({}, 1, 1)
    said = json.loads(rejects.read_text())
    assert (said["problem"], "of this class" in said["reason"]) == ("erased", True)
    since = moment_of_instant(ledger.clock.now())
    order = OrderPlaced(occurred=since, actor="import")
    (again,) = record_many(ledger, [Record(order, Reference("shop", "A"))])
    assert isinstance(again, Accepted) and again.subject == known.subject
    report = run(ledger, write(tmp_path, ["A,2020-01-02,1,5", "B,2020-01-02,1,5"]), rejects)
    assert (report.recorded, report.rejected) == ({ORDER: 1}, 1)
    assert list(rebuild.differences(ledger.database)) == []


def test_ndjson_says_the_same_as_csv(ledger: Ledger, tmp_path: Path) -> None:
    """Objects instead of columns; a number may be written as a number."""
    shop = write(tmp_path, [], mapping='format = "ndjson"\n' + shops.MAP)
    lines = [
        {"customer": "A", "date": "2020-01-01", "quantity": 2, "amount": "3.50"},
        {"customer": "A", "date": "2020-01-01", "quantity": 2, "amount": 3.5},
        {"customer": "B", "date": "2020-02-01", "other": [1]},
        {"date": "2020-02-01"},
        [1],
    ]
    shop.file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "{\n")
    report = run(ledger, shop)
    assert (report.read, report.recorded, report.rejected) == (6, {ORDER: 3, REGISTERED: 2}, 3)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_withdrawal_of_2015_and_a_grant_of_2018_count_the_same_in_either_order(
    ledger: Ledger, tmp_path: Path, reverse: bool
) -> None:
    """Imported expressions are ordered by when they were true, not by their line."""
    mapping = """source = "choices"
[person]
kind = "shop"
column = "customer"
[fact]
kind = {column = "quantity", values = {out = "consent.withdrawn", in = "consent.given"}}
[fact.occurred]
column = "date"
[fact.fields.purpose]
value = "newsletter"
[fact.fields.channel]
value = "email"
[fact.fields.grade]
value = "asserted"
"""
    lines = ["A,2015-03-01,out,0", "A,2018-06-01,in,0", "A,2018-06-01,nonsense,0"]
    shop = write(tmp_path, lines[::-1] if reverse else lines, mapping=mapping)
    report = run(ledger, shop)
    assert (report.rejected, report.subjects) == (1, 1)
    with ledger.database.read() as connection:
        (row,) = connection.execute(sa.select(tables.consents))
        assert (row.kind, row.day, row.grade) == ("consent.given.v1", 20180601, "asserted")
    assert run(ledger, shop).already == 2
