"""`report`: a tagged PDF in both languages, the numbers of the other answers, its hash a fact."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from api.report.sections import words
from ledger.entry import to_base64
from tests.cli.conftest import Probant

DAY = "2024-12-31"


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def fonts_of(reader: PdfReader) -> list[Any]:
    """Every font of every page, with what it holds."""
    found = []
    for page in reader.pages:
        resources: Any = page["/Resources"]
        for font in resources.get("/Font", {}).values():
            one: Any = font.get_object()
            found.append(one["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object())
    return found


def test_both_languages_have_the_same_words() -> None:
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }


@pytest.mark.parametrize(("lang", "title"), [("fr", "Conservation"), ("en", "Retention")])
def test_the_file_is_tagged_speaks_its_language_and_holds_its_fonts(
    probant: Probant, tmp_path: Path, lang: str, title: str
) -> None:
    probant.filled()
    file = tmp_path / "report.pdf"
    said = probant("report", str(file), "--as-of", DAY, "--lang", lang)
    assert said.code == 0, said
    reader = PdfReader(file)
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"].startswith(lang)
    assert b"pdfuaid" in root["/Metadata"].get_object().get_data()
    fonts = fonts_of(reader)
    assert fonts
    assert all({"/FontFile2", "/FontFile3"} & set(font) for font in fonts)
    assert title in text_of(file.read_bytes())


def test_its_numbers_are_those_of_the_other_answers(anywhere: Probant, tmp_path: Path) -> None:
    anywhere.filled()
    counted = anywhere.json("replay", "--as-of", DAY)
    register = anywhere.json("register", "--as-of", DAY)
    controls = anywhere.json("controls", "run", "--as-of", DAY, "--no-record", code=1)
    file = tmp_path / "report.pdf"
    anywhere("report", str(file), "--as-of", DAY, "--lang", "en")
    text = " ".join(text_of(file.read_bytes()).split())
    assert f"{counted['subjects']} people." in text
    order = counted["classes"]["order"]["items"]
    tiers = ("present", "operational", "suspended", "past_operational", "archived")
    assert " ".join(str(order[tier]) for tier in tiers) in text
    assert all(" ".join(gap["said"].split()[:4]) in text for gap in register["gaps"][:3])
    violations = sum(one["violations"] for one in controls["controls"])
    assert f"{violations} violations." in text or not violations
    assert all(f"{one['id']} " in text for one in controls["controls"])


@pytest.mark.clause("SS-CTL-1")
def test_that_it_was_made_is_a_fact_with_its_hash(probant: Probant, tmp_path: Path) -> None:
    probant.filled()
    file = tmp_path / "report.pdf"
    answer = probant.json("report", str(file), "--as-of", DAY)
    from ledger.events import ReportIssued
    from ledger.opening import open_ledger
    from ledger.store import reader

    home = probant.home
    ledger = open_ledger(f"sqlite:///{home / 'ledger.sqlite'}", home / "keyring.json")
    with ledger.database.read() as connection:
        found = reader.event_at(connection, answer["position"])
    ledger.close()
    assert found is not None
    assert isinstance(found.fact, ReportIssued)
    assert found.fact.document == to_base64(sha256(file.read_bytes()).digest())
    assert (found.fact.as_of, found.fact.language) == (20241231, "en")


def test_what_cannot_be_written_is_refused_and_not_on_record(
    probant: Probant, tmp_path: Path
) -> None:
    probant.filled(10)
    before = probant.json("replay")["position"]
    assert probant("report", str(tmp_path / "report.txt")).code == 2
    (tmp_path / "file").touch()
    assert probant("report", str(tmp_path / "file" / "report.pdf")).code == 2
    assert probant("report", str(tmp_path / "r.pdf"), "--bundle", str(tmp_path)).code == 2
    assert probant("report", str(tmp_path / "r.pdf"), "--as-of", "soon").code == 2
    assert probant.json("replay")["position"] == before


def test_a_hostile_value_is_text_and_never_markup(probant: Probant, tmp_path: Path) -> None:
    from api.report.rendering import pdf

    hostile = '#panic("x") $x$ *b* _i_ <a> @b \\ ] #read("/etc/passwd")'
    said: dict[str, Any] = {
        "lang": "fr",
        **dict.fromkeys(("title", "heading", "company", "day", "contents", "page"), hostile),
        "facts": [[hostile, hostile]],
        "sections": [{"heading": hostile, "paragraphs": [hostile], "list": [hostile]}],
    }
    found = text_of(pdf(json.loads(json.dumps(said))))
    assert "#panic" in found
    assert "root:" not in found
