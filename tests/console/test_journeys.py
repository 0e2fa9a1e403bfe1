"""Whole mornings of a data protection officer in a real browser: with scripts and without, with the
mouse and with the keyboard only."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from ledger.sealing.signer import Signer
from replay.verify import Key, Trust, verify
from tests.console.conftest import Live, Windows


def search(page: Page, reference: str) -> None:
    page.get_by_label("Référence ou adresse électronique").fill(reference)
    page.get_by_role("button", name="Chercher").click()


def test_from_a_name_to_the_file_that_convinces_a_stranger(
    own: Live, window: Windows, tmp_path: Path
) -> None:
    """One search box, one person's story, each deadline with its reasons, the evidence file: which
    the offline verifier accepts."""
    page = window(own).play("dpo")
    search(page, "D-0042")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Personne")
    assert "D-0042" not in page.url and "D-0042" not in page.content()
    account = page.locator(".rows > li", has_text="Espace client")
    account.first.get_by_text("Pourquoi").click()
    expect(account.first).to_contain_text("SS-RET-6")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Produire le dossier de preuve").click()
    bundle = tmp_path / "evidence.zip"
    waiting.value.save_as(bundle)
    vkey = Signer(own.company.folder / "signer").key.vkey
    report = verify(bundle, Trust(own.company.ledger.keyring.origin, (Key.parse(vkey, 1),)))
    assert report.ok, list(report.lines())


def test_a_reason_is_fetched_once_it_is_asked_for(own: Live, window: Windows) -> None:
    """All of them when the first is unfolded; where that fails, the link is there still."""
    page = window(own, may_fail=True).play("dpo")
    search(page, "D-0042")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    reasons, waiting = page.locator(".why"), page.locator("[data-why]")
    first = reasons.first.locator("summary")
    page.route("**/*whole=1", lambda route: route.abort())
    first.focus()
    page.keyboard.press("Enter")
    expect(waiting.first).to_be_visible()
    page.unroute_all(behavior="wait")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(waiting).to_have_count(0)
    expect(first).to_be_focused()
    expect(reasons.first.locator("li").first).to_be_visible()
    before = len(asked)
    reasons.nth(1).locator("summary").click()
    expect(reasons.nth(1)).to_contain_text("Repose sur")
    assert len(asked) == before


def test_a_reason_is_a_page_away_without_scripts(own: Live, window: Windows) -> None:
    """Which unfolds all of them, and leads back."""
    page = window(own, java_script_enabled=False).play("dpo")
    search(page, "D-0042")
    reason = page.locator(".why").nth(1)
    reason.locator("summary").click()
    reason.locator("a").click()
    expect(page.locator(".why").nth(1)).to_contain_text("Repose sur")
    expect(page.locator(".why:not([open])")).to_have_count(0)
    page.get_by_role("link", name="En bref").click()
    expect(page.locator("[data-why]").first).to_be_attached()


def test_a_late_request_is_answered_with_the_keyboard_only(own: Live, window: Windows) -> None:
    page = window(own).play("dpo")
    late = page.locator(".rows a", has_text="accès").first
    late.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("accès")
    channel = page.locator("details[open] select[name=channel]")
    channel.focus()
    page.keyboard.type("cour")  # the browser chooses the option that begins so
    expect(channel).to_have_value("letter")
    page.keyboard.press("Tab")
    page.keyboard.type("0" * 64)  # of what was handed over
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Enregistrer").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("C'est enregistré")
    page.get_by_role("link", name="Aujourd'hui").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".tile.overdue .figure")).to_have_text("0")


def test_a_rehearsal_is_followed_as_it_goes(own: Live, window: Windows) -> None:
    """With scripts the page tells by itself when the run is over; then it may be carried out."""
    page = window(own).play("dpo")
    page.goto("/console/retention")
    expect(page.get_by_role("button", name="Archiver et effacer")).to_have_count(0)
    page.get_by_role("button", name="Répéter maintenant").click()
    expect(page.get_by_text("terminé")).to_be_visible()
    expect(page.locator("[data-count=people]")).not_to_have_text("0")
    page.goto("/console/retention")
    sure = page.get_by_label("J'ai lu le résultat de la répétition.")
    page.get_by_role("button", name="Archiver et effacer").click()
    expect(sure).to_be_focused()  # the browser asks for it
    assert page.url.endswith("/console/retention")


def test_the_same_without_scripts(own: Live, window: Windows) -> None:
    """The browser itself asks again until it is over."""
    page = window(own, java_script_enabled=False).play("dpo")
    page.goto("/console/retention")
    page.get_by_role("button", name="Répéter maintenant").click()
    expect(page.get_by_text("terminé")).to_be_visible()


def test_what_went_wrong_is_read_first(own: Live, window: Windows) -> None:
    page = window(own, may_fail=True).play("dpo")
    page.goto("/console/people")
    search(page, "nobody@example.org")
    expect(page.locator("#refusal")).to_be_focused()
    assert "nobody@example.org" not in page.content()


def test_a_button_pressed_twice_is_pressed_once(own: Live, window: Windows) -> None:
    """Also when the second press comes while the first is under way."""
    page = window(own).play("dpo")
    page.locator(".rows a", has_text="accès").first.click()
    before = own.company.ledger.recorder.head().position
    page.get_by_text("Accuser réception").click()
    form = page.locator("form", has=page.locator("#acknowledge-channel"))
    form.locator("select").select_option("letter")
    form.get_by_role("button").dblclick()
    expect(page.get_by_role("status").first).to_contain_text("C'est enregistré")
    assert own.company.ledger.recorder.head().position == before + 1
