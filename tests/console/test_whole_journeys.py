"""Whole ways through the pages in a real browser, from both sides: what a person clicks, what
becomes of it at the company's, and what she then sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from api import tokens
from api.answers import Times, find, subject_answer
from api.console.naming import capital
from ledger.archive_key import ArchiveKey
from ledger.commands import Reference
from ledger.requests.reading import queue
from tests.console.conftest import Live, Windows
from tests.console.room import Company


@pytest.fixture
def live(told: Path, tmp_path: Path) -> Iterator[Live]:
    """A company that has an archive: what must be archived can be."""
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    more = {"archive": tmp_path / "archive.pub"}
    made = Live(Company(tmp_path / "company", told), lambda _url: more)
    yield made
    made.close()


def known_as(live: Live, reference: str) -> UUID:
    """One of the cast."""
    return find(live.company.ledger, Reference("shop", reference))


def herself(live: Live, window: Windows, reference: str) -> Page:
    """A person, come in with the token that her company's site asked for."""
    ledger = live.company.ledger
    proof, _ = tokens.issue(ledger, known_as(live, reference), ledger.clock.now())
    page = window(live).page
    page.goto(f"/my/enter#token={proof}")
    expect(page).to_have_url(f"{live.url}/my")
    return page


def tiers(live: Live, subject: UUID) -> dict[str, set[str]]:
    """Where each class of hers is, as the interface says."""
    found: dict[str, set[str]] = {}
    for one in subject_answer(live.company.ledger, subject, Times(), "fr")["deadlines"]:
        found.setdefault(one["class"], set()).add(one["tier"])
    return found


def labels(live: Live) -> dict[str, str]:
    """The name of each class by what the pages call it."""
    ledger = live.company.ledger
    classes = ledger.edition(ledger.epoch(), ledger.clock.now()).classes
    return {capital(one.label_fr): name for name, one in classes.items()}


def fates(page: Page) -> dict[str, set[str]]:
    """What her page says will become of each class."""
    found: dict[str, set[str]] = {}
    for row in page.locator("tbody tr").all():
        label = row.locator("th").evaluate("th => th.firstChild.textContent.trim()")
        fate = row.locator(".pill").get_attribute("class") or ""
        found.setdefault(label, set()).add(fate.split()[-1])
    return found


@pytest.mark.clause("SS-CARD-4")
def test_a_card_is_removed_with_one_click(live: Live, window: Windows) -> None:
    """Hers says that it is asked; the company's page of her knows."""
    page = herself(live, window, "D-0021")
    page.get_by_role("link", name="Mes moyens de paiement").click()
    card = page.locator(".card", has=page.get_by_role("button")).first
    card.get_by_role("button").click()
    expect(page.get_by_role("status").first).to_contain_text("Votre demande est enregistrée")
    expect(page.locator("main")).to_contain_text("supprim")
    staff = window(live).play("dpo")
    staff.goto(f"/console/people/{known_as(live, 'D-0021')}")
    expect(staff.locator(".story").last).to_contain_text("demande de suppression")


@pytest.mark.clause("SS-CH-6", "SS-DSR-3")
def test_an_account_is_deleted_and_each_class_has_the_fate_she_was_shown(
    live: Live, window: Windows
) -> None:
    """She reads what goes and what a law keeps, asks; a person of ours sees the same and carries it
    out; afterwards each class is where it was said it would be."""
    subject = known_as(live, "D-0042")
    page = herself(live, window, "D-0042")
    page.get_by_role("link", name="Supprimer mon espace client").click()
    shown = fates(page)
    assert {fate for found in shown.values() for fate in found} >= {"erased", "kept"}
    page.get_by_label("de tout ce qui peut l'être").check()
    page.get_by_label("Je comprends que cela ne peut").check()
    page.get_by_role("button", name="Demander la suppression").click()
    expect(page).to_have_url(f"{live.url}/my/requests")
    expect(page.get_by_role("status").first).to_be_visible()
    (asked,) = [
        one.request
        for one in queue(live.company.ledger, subject=subject).requests
        if one.request.is_open and one.request.right == "erasure"
    ]
    staff = window(live).play("dpo")
    staff.goto(f"/console/requests/{asked.stream}")
    expect(staff.locator("tbody tr").first).to_be_visible()
    staff.locator("#fulfil-channel").select_option("email")
    staff.locator("details[open] button").click()
    expect(staff.get_by_role("status").first).to_contain_text("C'est enregistré")
    after = tiers(live, subject)
    for label, name in labels(live).items():
        if shown.get(label) == {"erased"}:
            assert after.get(name, {"erased"}) == {"erased"}, name
        elif shown.get(label) == {"kept"}:
            assert "erased" not in after[name], name
    staff.goto(f"/console/people/{subject}")
    expect(staff.locator("main")).to_contain_text("effacé")


def test_a_letter_becomes_an_answer(live: Live, window: Windows) -> None:
    """Found, recorded with its day, acknowledged, the file made, answered, closed: by clicks."""
    page = window(live).play("dpo")
    page.get_by_label("Référence ou adresse électronique").fill("D-0042")
    page.get_by_role("button", name="Chercher").click()
    page.wait_for_url("**/console/people/*")
    subject = page.url.rsplit("/", 1)[1]
    page.goto(f"/console/requests/new?subject={subject}")
    page.locator("#right").select_option("access")
    page.locator("#channel").select_option("letter")
    page.locator("#occurred").fill("2026-01-02")
    page.locator("#text").fill("Bonjour, que savez-vous de moi ?")
    page.get_by_role("button", name="Enregistrer la demande").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("accès")
    expect(page.locator("main")).to_contain_text("2 février 2026")
    page.get_by_text("Accuser réception").click()
    step = page.locator("form", has=page.locator("#acknowledge-channel"))
    step.locator("select").select_option("letter")
    step.get_by_role("button").click()
    expect(page.locator(".story")).to_contain_text("accusé")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Préparer le fichier").click()
    assert waiting.value.suggested_filename == "access.zip"
    page.reload()
    expect(page.locator("#fulfil-package")).not_to_have_value("")
    page.locator("#fulfil-channel").select_option("letter")
    page.locator("form", has=page.locator("#fulfil-channel")).get_by_role("button").click()
    expect(page.get_by_role("status").first).to_contain_text("C'est enregistré")
    page.locator("details[open] button").click()
    expect(page.get_by_role("heading", name="Ce qui peut être fait")).to_have_count(0)
    assert "Bonjour" not in page.content()


@pytest.mark.clause("SS-RET-1", "SS-RET-2")
def test_what_was_rehearsed_is_carried_out(live: Live, window: Windows) -> None:
    """The same numbers; afterwards nobody is past that term any more."""
    page = window(live).play("dpo")

    def counted(name: str) -> str:
        return page.locator(f"[data-count={name}]").inner_text()

    def finished() -> None:
        expect(page.locator("[data-progress]")).to_have_count(0)
        expect(page.get_by_text("terminé")).to_be_visible()

    page.goto("/console/retention")
    page.get_by_role("button", name="Répéter maintenant").click()
    finished()
    rehearsed = {name: counted(name) for name in ("people", "archived", "erased", "held")}
    assert rehearsed["people"] != "0"
    page.goto("/console/retention")
    page.get_by_label("J'ai lu le résultat de la répétition.").check()
    page.get_by_role("button", name="Archiver et effacer").click()
    finished()
    assert {name: counted(name) for name in rehearsed} == rehearsed
    page.goto("/console/retention/due/account")
    expect(page.locator("main")).to_contain_text("Personne")


@pytest.mark.clause("SS-RET-2")
def test_the_archive_is_not_consulted_without_a_motive(live: Live, window: Windows) -> None:
    """Said beside the form, with clause and article; nothing is recorded."""
    page = window(live, may_fail=True).play("dpo")
    page.goto(f"/console/archive?subject={known_as(live, 'D-0042')}")
    before = live.company.ledger.recorder.head().position
    page.locator("#class").select_option("order")
    page.locator("#grant").fill(str(UUID(int=7)))
    page.locator("#case").fill("dossier 7")
    page.get_by_role("button", name="Enregistrer la consultation").click()
    expect(page.locator("#refusal")).to_be_focused()
    expect(page.locator("#refusal")).to_contain_text("SS-RET-2")
    assert live.company.ledger.recorder.head().position == before
