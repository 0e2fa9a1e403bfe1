"""Whole days of an auditor in a real browser: from a slider to a position, from a position to its
proof, from the proof to a bundle that a program without us accepts."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.answers import Times, population_answer
from api.routes import AUDITOR
from ledger.calendar import parse_as_of
from ledger.sealing.signer import Signer
from ledger.store import reader
from tests.console.conftest import Live, Windows

VERIFIER = Path(__file__).resolve().parents[2] / "replay" / "verify.py"


def judged(live: Live, bundle: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the offline verifier says: a process of its own, with a key from elsewhere."""
    origin = live.company.ledger.keyring.origin
    vkey = Signer(live.company.folder / "signer").key.vkey
    trust = folder / "anchors.toml"
    trust.write_text(f'origin = "{origin}"\nlog = ["{vkey}"]\n', "utf-8")
    command = [sys.executable, "-I", str(VERIFIER), str(bundle), "--trust", str(trust)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def number(page: Page, what: str) -> int:
    """A number of the desk, by what it counts."""
    text = page.locator(f'[data-number="{what}"]').inner_text()
    return int(re.sub(r"\D", "", text))


def kinds(live: Live) -> list[str]:
    """The kinds of the facts recorded last, newest last."""
    with live.company.ledger.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT kind FROM events ORDER BY position").all()
    return [kind for (kind,) in rows]


def head_of(live: Live) -> int:
    """The last position: others look at the shared company too, and looking is recorded."""
    return live.company.ledger.recorder.head().position


# --- sliding --------------------------------------------------------------------------------------


def test_numbers_change_while_a_slider_moves(shared: Live, window: Windows) -> None:
    """With the keyboard, on both sliders: they are the replay's, and the address says so."""
    page = window(shared).play("auditor")
    page.goto("/audit")
    everybody = number(page, "subjects")
    known = page.locator("input[type=range][data-for=position]")
    known.focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    head = head_of(shared)
    expect(page.locator("#counts .when")).not_to_contain_text(f"{head} sur {head}")
    position = int(page.get_by_label("Tel qu'on le savait jusqu'à la position").first.input_value())
    expect(page.locator("#counts .when")).to_contain_text(f"{position} sur {head}")
    assert position < head and number(page, "subjects") < everybody
    happened = page.locator("input[type=range][data-for=as_of]")
    happened.focus()
    before = page.locator("#as_of").input_value()
    for _ in range(2):
        page.keyboard.press("PageDown")
    day = page.locator("#as_of").input_value()
    assert day < before
    page.wait_for_url(re.compile(f"as_of={day}"))
    expect(page.locator("[data-told]")).to_have_text("Les nombres viennent d'être recomptés.")
    ledger = shared.company.ledger
    with ledger.database.read() as connection:
        at = reader.recorded_at(connection, position)
    whole = population_answer(ledger, Times(parse_as_of(day), at), "fold")
    assert number(page, "subjects") == whole["subjects"]
    for name, one in whole["classes"].items():
        if one["present"]:
            assert number(page, f"{name} present") == one["present"]
    page.locator("button[name=lang]").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The auditor's desk")
    assert page.locator("#as_of").input_value() == day
    assert number(page, "subjects") == whole["subjects"]


def test_the_same_without_scripts(shared: Live, window: Windows) -> None:
    page = window(shared, java_script_enabled=False).play("auditor")
    page.goto("/audit")
    expect(page.locator("input[type=range]").first).to_be_hidden()
    page.get_by_label("Ce qui s'était passé à la fin du").first.fill("2020-06-30")
    page.get_by_label("Tel qu'on le savait jusqu'à la position").first.fill("400")
    page.get_by_role("button", name="Compter").click()
    expect(page.locator("#counts .when")).to_contain_text("30 juin 2020")
    expect(page.locator("#counts .when")).to_contain_text(f"400 sur {head_of(shared)}")
    page.get_by_role("link", name="Rejouer fait par fait").click()
    expect(page.locator("[data-agree]")).to_be_visible()


def test_each_number_clicked_through_is_the_interfaces(shared: Live, window: Windows) -> None:
    """From the desk at some two times to Q5 and Q2: the sums are those of /v1 at the same query."""
    page = window(shared).play("auditor")
    key = {"Authorization": f"Bearer {shared.company.keys[AUDITOR]}"}
    for day, position in (("2021-03-31", 700), ("2024-11-05", 500)):
        page.goto(f"/audit?as_of={day}&position={position}")
        expect(page.locator("#counts .when")).to_contain_text(f"{position} sur {head_of(shared)}")
        query = page.url.partition("?")[2]
        for name, column in (("Q5", "people"), ("Q2", "people")):
            page.goto(f"/audit?{query}")
            page.get_by_role("link", name=name, exact=True).click()
            said = page.request.get(f"/v1/inspect/{name}?{query}", headers=key).json()
            lines: list[dict[str, Any]] = said["answers"][0]["lines"]
            shown = page.locator(f"table[data-question={name}] tbody tr")
            expect(shown).to_have_count(len(lines))
            place = [one["id"] for one in said["answers"][0]["columns"]].index(column)
            for row, line in zip(shown.all(), lines, strict=True):
                cells = row.locator("td").all_inner_texts()
                assert cells[place] == str(line["values"][column])
                assert cells[-1].split()[: len(line["positions"])] == [
                    str(one) for one in line["positions"]
                ]


# --- events ---------------------------------------------------------------------------------------


def test_from_a_question_to_a_proof_that_holds(shared: Live, window: Windows) -> None:
    """A send after a no, the event it rests on, and its proof checked in her own browser: which
    refuses another key, and a key that is not the one it remembers."""
    page = window(shared).play("auditor")
    page.get_by_role("link", name="Quinze questions").click()
    page.get_by_role("link", name="Q4").click()
    page.locator("table[data-question=Q4] .positions a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Événement")
    check = page.get_by_role("button", name="Vérifier la preuve dans ce navigateur")
    check.click()
    expect(page.locator("[data-verdict]")).to_have_attribute("data-found", "valid")
    key = page.locator("#key")
    sound = key.input_value()
    key.fill(sound[:-4] + ("AAAA" if sound[-4:] != "AAAA" else "BBBB"))
    check.click()
    expect(page.locator("[data-verdict]")).not_to_have_attribute("data-found", "valid")
    page.get_by_role("link", name="Suivant").click()
    expect(page.locator("#key")).not_to_have_value(sound)  # what she typed is remembered


def test_an_event_with_the_keyboard_only(shared: Live, window: Windows) -> None:
    page = window(shared).play("auditor")
    page.goto("/audit/inspect")
    page.get_by_label("Événement à la position").focus()
    page.keyboard.type("100")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Événement 100")
    check = page.get_by_role("button", name="Vérifier la preuve dans ce navigateur")
    check.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-verdict]")).to_have_attribute("data-found", "valid")


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["whole", "range", "redacted"])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_bundle_convinces_a_program_without_us(
    own: Live, window: Windows, tmp_path: Path, kind: str, scripts: bool
) -> None:
    """Downloaded, judged by the offline verifier in a process of its own; and on record before."""
    page = window(own, java_script_enabled=scripts).play("auditor")
    page.goto("/audit/files")
    before = len(kinds(own))
    page.locator(f"input[name=kind][value={kind}]").check()
    page.get_by_label("De la position").fill("300")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Produire le dossier").click()
    assert waiting.value.suggested_filename == f"evidence-{kind}-738.zip"
    bundle = tmp_path / "evidence.zip"
    waiting.value.save_as(bundle)
    assert "data.disclosed.v1" in kinds(own)[before:]
    said = judged(own, bundle, tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    raw = bytearray(bundle.read_bytes())
    raw[len(raw) // 3] ^= 0xFF
    bundle.write_bytes(bytes(raw))
    assert judged(own, bundle, tmp_path).returncode != 0


def test_a_range_that_is_none_is_refused_and_nothing_is_disclosed(
    own: Live, window: Windows
) -> None:
    page = window(own, may_fail=True, java_script_enabled=False).play("dpo")
    page.goto("/audit/files")
    before = kinds(own)
    page.locator("input[name=kind][value=range]").check()
    page.get_by_label("De la position").fill("700")
    page.get_by_label("À la position").fill("600")
    page.get_by_role("button", name="Produire le dossier").click()
    expect(page.locator("#refusal")).to_be_visible()
    assert kinds(own) == before


def test_the_report_is_a_pdf_on_record(own: Live, window: Windows, tmp_path: Path) -> None:
    page = window(own).play("auditor")
    page.goto("/audit/files")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Produire le PDF").click()
    file = tmp_path / "report.pdf"
    waiting.value.save_as(file)
    assert file.read_bytes().startswith(b"%PDF-")
    assert kinds(own)[-1] == "report.issued.v1"


# --- checks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_a_check_is_followed_and_what_it_finds_leads_to_the_event(
    own: Live, window: Windows, scripts: bool
) -> None:
    """Nothing at first; then an entry that somebody changed behind our back."""
    page = window(own, java_script_enabled=scripts).play("auditor")
    page.goto("/audit/checks")
    page.get_by_role("button", name="Vérifier 738 événements").click()
    expect(page.get_by_text("terminé")).to_be_visible()
    expect(page.locator("section.card .overdue")).to_have_count(0)
    with own.company.ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql("UPDATE events SET amount_minor = 1 WHERE position = 100")
    page.get_by_role("button", name="Vérifier 738 événements").click()
    link = page.locator("section.card .rows a[href='/audit/events/100']").first
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Événement 100")


def test_a_violation_leads_to_its_events(shared: Live, window: Windows) -> None:
    """From the list of controls to one of them, to the position of what it found."""
    page = window(shared).play("auditor")
    page.goto("/console/controls")
    page.get_by_role("link", name="C01").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("C01")
    page.locator(".positions a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Événement")


# --- the menu -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False])
def test_the_menu_opens_on_a_narrow_screen_with_the_keyboard(
    shared: Live, window: Windows, scripts: bool
) -> None:
    size = {"width": 390, "height": 800}
    page = window(shared, viewport=size, java_script_enabled=scripts).play("dpo")
    page.goto("/console")
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Conservation")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    page.keyboard.press("Enter")
    link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Conservation")
