"""A dirty export: every finding with its line, and no value of the file in any answer."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ledger.audit import Report, picture
from ledger.errors import BadData
from tests.audit.room import File, audited, contacts, imported, write
from tests.importing import shop as shops
from tests.stories.test_card_gate import cards, luhn_checked, sirets

SECRET = "Jeanne-Canary-Dupont"
CARD = luhn_checked("497010123456789")

MAP = contacts("dirty")
HEADER = "customer,date,channel,text,E-mail,Téléphone,x1,lat,cvv,2019-secret,notes"


def row(
    customer: str = "C1",
    date: str = "2015-01-05",
    channel: str = "form",
    text: str = "",
    **more: str,
) -> str:
    extra = [more.get(name, "") for name in ("email", "phone", "x1", "lat", "cvv", "odd", "notes")]
    return ",".join([customer, date, channel, text, *extra])


LINES = [
    row("C1", text="Bonjour"),
    row("C2", "2015-02-30"),  # 3: no such day
    row("C3", ""),
    row("C4", "2031-01-01"),  # 5: in the future
    row(SECRET, text=f"ma carte {CARD} merci"),  # 6
    row("C6", notes=CARD[:4] + " " + CARD[4:8] + "-" + CARD[8:]),  # 7: a column nobody mapped
    row("C7", text="cvv: 123"),
    row("C8", text="%B4111111111111111^DUPONT/JEANNE^25121010000?"),
    row("  "),  # 10: nobody
    row("C10", channel="Fax!"),
    "C11,2015-01-05,form",
    f'"{SECRET},2015-01-05,form,,,,,,,,',  # 13: an open quote
    row("C12", text=f'"dit ""{SECRET}"", puis rien"'),
    row("C13", email=f"{SECRET}@example.org", phone="06 12 34 56 78", x1="192.168.1.20"),
    row("C14", email="b@example.org", x1="10.0.0.1", lat="48.85661", cvv="123", odd="x"),
]


def dirty(folder: Path) -> File:
    """The file, with one line in another encoding."""
    found = write(folder, LINES, MAP, HEADER)
    raw = found.file.read_bytes()
    found.file.write_bytes(
        raw + f"C15,2015-01-05,form,J\xe9r\xf4me {SECRET},,,,,,,\n".encode("latin-1")
    )
    return found


def test_every_finding_has_its_line(tmp_path: Path) -> None:
    """Numbers as in the file, the header being line 1."""
    found = audited(dirty(tmp_path))
    said = {reason: lines.numbers for reason, lines in found.rejected.items() if lines.count}
    assert said == {
        "date": [3, 4],
        "future": [5],
        "person": [10],
        "field": [11],
        "columns": [12],
        "quote": [13],
        "not-text": [17],
    }
    assert found.undated == 3
    assert {p: lines.numbers for p, lines in found.cards.items()} == {
        "pan-detected": [6, 7],
        "cvv-detected": [8],
        "track-data-detected": [9],
    }
    assert found.read == 16
    assert found.accepted == 8


def test_what_an_import_rejects_is_what_the_audit_announced(tmp_path: Path) -> None:
    """The same lines; those with card data are the door's."""
    file = dirty(tmp_path)
    found = audited(file)
    announced = {n for lines in found.rejected.values() for n in lines.numbers}
    carded = {n for lines in found.cards.values() for n in lines.numbers}
    rejected = set(imported(file, tmp_path).rejected)
    assert announced <= rejected <= announced | carded


def test_columns_that_nobody_declared_are_named(tmp_path: Path) -> None:
    """By name, by content; a name that may be a value is a number."""
    found = audited(dirty(tmp_path))
    assert [tuple(c) for c in found.columns] == [
        ("E-mail", "email", "both"),
        ("Téléphone", "phone", "both"),
        ("x1", "ip", "content"),
        ("lat", "geolocation", "both"),
        ("cvv", "security-code", "name"),
        ("notes", "card", "both"),
    ]
    lines = [row("C1", odd="a@example.org")]
    (column,) = audited(write(tmp_path, lines, MAP, HEADER)).columns[-1:]
    assert [c.column for c in audited(write(tmp_path, lines, MAP, HEADER)).columns][-2:] == [
        "#10",
        "notes",
    ]
    assert column.column == "notes"


def test_no_value_of_the_file_is_in_any_answer(tmp_path: Path) -> None:
    """JSON and picture; the command line is tried in tests/audit/test_command.py."""
    found = audited(dirty(tmp_path))
    for said in (json.dumps(found.to_json()), picture(found, "fr"), picture(found, "en")):
        for value in (SECRET, "Canary", "example.org", CARD, CARD[:6], "C13", "Jérôme", "192.168"):
            assert value not in said


def test_declared_numbers_are_no_cards(tmp_path: Path) -> None:
    """A customer known by her SIRET is not a card; the same digits elsewhere may be."""
    mapping = shops.MAP.replace('kind = "shop"', 'kind = "siret"')
    lines = [f"{siret},2020-01-01,1,5.00" for siret in sirets()]
    found = audited(write(tmp_path, lines, mapping, shops.HEADER))
    assert found.cards["pan-detected"].count == 0
    assert found.accepted == 200


def test_every_card_is_found_in_every_column(tmp_path: Path) -> None:
    """The quick look of the audit lets none go that the door would refuse."""
    for form in ("{}", "CB {}.", "n° {}"):
        for size in (1, 4, 19):
            lines = [
                f"C1,2020-01-01,1,5.00,{form.format(' '.join(grouped(card, size)))}"
                for card in cards()
            ]
            file = write(tmp_path, lines, shops.MAP, shops.HEADER + ",other")
            assert audited(file).cards["pan-detected"].count == 200, (form, size)


def grouped(card: str, size: int) -> list[str]:
    return [card[at : at + size] for at in range(0, len(card), size)]


def test_other_encodings_and_ends_of_line(tmp_path: Path) -> None:
    """Latin-1 when the map says so; what a spreadsheet writes."""
    mapping = 'encoding = "latin-1"\n' + shops.MAP
    file = write(tmp_path, [], mapping, shops.HEADER)
    file.file.write_bytes(f"{shops.HEADER}\nJérôme,2020-01-01,1,5\n".encode("latin-1"))
    assert audited(file).accepted == 1
    file.mapping.write_text(shops.MAP, "utf-8")
    said = f"{shops.HEADER}\r\nA,2020-01-01,1,5\r\n\r\n" + '"B, C",2020-01-01,1,5\r\n'
    file.file.write_bytes(b"\xef\xbb\xbf" + said.encode())
    found = audited(file)
    assert (found.read, found.accepted, found.people) == (2, 2, 2)


def test_a_line_of_megabytes_is_one_bad_line(tmp_path: Path) -> None:
    """Not kept in memory; the lines around it are counted."""
    file = write(tmp_path, [], shops.MAP, shops.HEADER)
    good = b"A,2020-01-01,1,5\n"
    for size in (1 << 20, 9 << 20):
        head = shops.HEADER.encode() + b"\n"
        file.file.write_bytes(head + good + b"x" * size + b",2020-01-01,1,5\n" + good)
        found = audited(file)
        assert found.rejected["too-long"].numbers == [3]
        assert (found.read, found.accepted) == (3, 2)


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
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """As an import would."""
    file = write(tmp_path, [], shops.MAP, shops.HEADER)
    file.file.write_bytes(content)
    with pytest.raises(BadData, match=reason):
        audited(file)


# --- the forms of the answer ----------------------------------------------------------------------

SHAPE = {
    "": "schema file source as_of edition lines people past classes ages inactive proof columns"
    " cards sanction seconds",
    "edition": "id title company effective_from",
    "lines": "read accepted later rejected undated",
    "lines.rejected": "not-text too-long quote not-csv not-json columns date future kind person"
    " field",
    "lines.rejected.date": "count numbers",
    "classes.0": "name label_fr label_en clause months published people past",
    "ages.0": "years_from years_to people past",
    "inactive": "people past",
    "proof": "reachable none weak people",
    "columns.0": "column looks_like by",
    "cards": "pan-detected cvv-detected track-data-detected",
    "cards.pan-detected": "count numbers",
    "sanction": "id day who euros finding fr en",
}


@pytest.mark.parametrize("path", SHAPE)
def test_the_json_keeps_its_shape(tmp_path: Path, path: str) -> None:
    """Programs read it: keys are added with a new schema name only."""
    answer = json.loads(json.dumps(audited(dirty(tmp_path)).to_json()))
    assert answer["schema"] == "probant.audit/1"
    for step in path.split(".") if path else []:
        answer = answer[int(step)] if step.isdigit() else answer[step]
    assert list(answer) == SHAPE[path].split()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_picture_is_well_formed_and_shows_the_numbers(tmp_path: Path, lang: str) -> None:
    """An SVG with nothing to fetch, and every count as text."""
    found = audited(shops.small_shop(tmp_path, lines=2000), "2002-06-30")
    svg = picture(found, "fr" if lang == "fr" else "en")
    root = ElementTree.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "href" not in svg and "<script" not in svg and "url(" not in svg
    said = " ".join(text for text in root.itertext()).replace("\u202f", "")
    for number in (found.people, found.past, *(a.people for a in found.ages)):
        assert str(number) in said
    width = float(root.attrib["width"])
    for bar in root.iter("{http://www.w3.org/2000/svg}rect"):
        assert 0 <= float(bar.get("x", "0")) + float(bar.attrib["width"]) <= width


def test_a_file_name_cannot_break_the_picture() -> None:
    """It is escaped like anything else."""
    odd = Report('<&">.csv', "s", "2026-01-01", {})
    assert ElementTree.fromstring(picture(odd)) is not None
