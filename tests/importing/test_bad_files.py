"""Bad lines are named by number and reason, never by content; good lines are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.errors import BadData
from ledger.importing import import_file, load_map
from ledger.importing.maps import minor_units
from ledger.opening import create
from tests.importing import shop as shops
from tests.importing.shop import write

GOOD = "GOOD-CUSTOMER,2020-01-01,1,5.00"
SECRET = "Jeanne-Canary-Dupont"


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    """A ledger in memory."""
    opened = create("sqlite://")
    yield opened
    opened.close()


def reject(ledger: Ledger, folder: Path, raw: bytes) -> list[dict[str, Any]]:
    """Import raw lines between two good ones; both must be kept. Returns the rejects."""
    shop = write(folder, [])
    good = GOOD.encode() + b"\n"
    shop.file.write_bytes(shops.HEADER.encode() + b"\n" + good + raw + b"\n" + good)
    rejects = folder / "rejects.ndjson"
    report = import_file(ledger, shop.file, load_map(shop.mapping), rejects=rejects)
    assert report.recorded["order.placed.v1"] == 2
    said = rejects.read_text("utf-8")
    assert SECRET not in said and "Jeanne" not in said
    found = [json.loads(line) for line in said.splitlines()]
    assert report.rejected == len(found)
    return found


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (f"{SECRET},2020-02-30,1,5", "field 'occurred'"),
        (f"{SECRET},yesterday,1,5", "field 'occurred'"),
        (f"{SECRET},9999-01-01,1,5", "field 'occurred'"),
        (f"{SECRET},2035-01-01,1,5", "in the future"),
        (f"{SECRET},2020-01-01,{SECRET},5", "field 'quantity'"),
        (f"{SECRET},2020-01-01,1,five", "field 'amount'"),
        (f"{SECRET},2020-01-01,1,-5", "field 'amount' is negative"),
        (f"{SECRET},2020-01-01,-1,5", "field 'quantity' is negative"),
        (f"{SECRET},2020-01-01,1,5.999", "field 'amount'"),
        (",2020-01-01,1,5", "field 'person'"),
        (f"{SECRET},2020-01-01", "2 columns"),
        (f"{SECRET},2020-01-01,1,5,6", "5 columns"),
        (f'"{SECRET},2020-01-01,1,5', "a quote is opened"),
        (f'{SECRET}"",2020-01-01,"1"x,5', "not CSV"),
        (f"Jérôme {SECRET},2020-01-01,1,5".encode("latin-1"), "not utf-8"),
        (b"\xff\xfe" + SECRET.encode() + b",2020-01-01,1,5", "not utf-8"),
        (SECRET.encode() + b"x" * (20 << 20) + b",2020-01-01,1,5", "longer than 1 MiB"),
    ],
)
def test_a_bad_line_is_refused_alone(
    ledger: Ledger, tmp_path: Path, raw: str | bytes, reason: str
) -> None:
    """The line before and the line after it are recorded."""
    found = reject(ledger, tmp_path, raw.encode() if isinstance(raw, str) else raw)
    assert [(r["line"], reason in r["reason"]) for r in found] == [(3, True)], found


def test_a_truncated_last_line_is_refused_and_the_rest_kept(ledger: Ledger, tmp_path: Path) -> None:
    """A copy that was cut short loses its last line only, and says so."""
    shop = write(tmp_path, [GOOD, GOOD])
    shop.file.write_bytes(shop.file.read_bytes() + b"GOOD-CUSTOMER,2020-01")
    report = import_file(ledger, shop.file, load_map(shop.mapping))
    assert (report.recorded["order.placed.v1"], report.rejected) == (2, 1)


def test_a_whole_file_in_the_encoding_named_by_the_map_is_read(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The map says latin-1: accents are no error."""
    shop = write(tmp_path, [], mapping='encoding = "latin-1"\n' + shops.MAP)
    shop.file.write_bytes(f"{shops.HEADER}\nJérôme,2020-01-01,1,5\n".encode("latin-1"))
    assert import_file(ledger, shop.file, load_map(shop.mapping)).rejected == 0


def test_a_byte_order_mark_and_dos_line_ends_are_no_errors(ledger: Ledger, tmp_path: Path) -> None:
    """What a spreadsheet writes."""
    shop = write(tmp_path, [])
    shop.file.write_bytes(b"\xef\xbb\xbf" + f"{shops.HEADER}\r\n{GOOD}\r\n".encode())
    report = import_file(ledger, shop.file, load_map(shop.mapping))
    assert (report.recorded["order.placed.v1"], report.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"customer,date,quantity\n", "no column 'amount'"),
        (b"customer,date,quantity,amount,date\n", "two columns 'date'"),
        ("customer,date\n".encode("utf-16"), "UTF-16"),
    ],
)
def test_a_file_that_cannot_be_what_the_map_says_is_refused_whole(
    ledger: Ledger, tmp_path: Path, content: bytes, reason: str
) -> None:
    """One sentence; nothing recorded."""
    shop = write(tmp_path, [])
    shop.file.write_bytes(content)
    with pytest.raises(BadData, match=reason):
        import_file(ledger, shop.file, load_map(shop.mapping))
    assert ledger.recorder.head().position == 1


def test_a_missing_file_is_said_in_a_sentence(ledger: Ledger, tmp_path: Path) -> None:
    """No stack trace, no guess."""
    shop = write(tmp_path, [])
    with pytest.raises(BadData, match="no file at"):
        import_file(ledger, tmp_path / "none.csv", load_map(shop.mapping))
    with pytest.raises(BadData, match="no map file"):
        load_map(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('source = "shop"', 'sorce = "shop"', "'source' is missing"),
        ('form = "day"', 'form = "month"', "'form' must be one of"),
        ('kind = "order.placed"', 'kind = "order.eaten"', "not a kind of fact"),
        ("[fact.fields.quantity]", "[fact.fields.colour]", "have no field 'colour'"),
        ('currency = "EUR"', "", "needs its 'currency'"),
        ('source = "shop"', 'source = "shop"\nextra = 1', "unknown key 'extra'"),
        ('source = "shop"', 'source = "shop"\nencoding = "utf-16"', "'encoding' must be one of"),
        ("[person]", "[person", "not TOML"),
    ],
)
def test_a_mistake_in_the_map_is_named(tmp_path: Path, old: str, new: str, reason: str) -> None:
    """Read strictly: what is not understood is not ignored."""
    assert old in shops.MAP
    shop = write(tmp_path, [], mapping=shops.MAP.replace(old, new))
    with pytest.raises(BadData, match=reason):
        load_map(shop.mapping)


def test_money_is_read_to_the_cent_or_refused() -> None:
    """No float on the way."""
    read = {"11.77": 1177, "0": 0, "-3.5": -350, "1000000.00": 100_000_000, "0.29": 29}
    assert {text: minor_units(text, "amount") for text in read} == read
    for text in ("", ".5", "5.", "1,5", "1e3", "1.234", "--1", "£5", "１", "9" * 13):
        with pytest.raises(BadData):
            minor_units(text, "amount")
