"""Publishing an edition with the text that people read: kept under its hash, or refused."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.console.sent import MAX_FILE
from ledger.store import editions
from tests.console.conftest import Live, Opened, Windows
from tests.console.room import Company, Visitor, seen, token_of
from tests.console.test_deciding import PUBLISH, published, shorter

TEXT = "<!doctype html><title>Politique</title><p>Nous gardons vos données un an.</p>".encode()
OTHER = b"%PDF-1.7 something else"
NAMED = sha256(TEXT).hexdigest()


def edition(document: bytes = TEXT) -> str:
    """An edition that names a document."""
    named = f'published_sha256 = "{sha256(document).hexdigest()}"'
    return re.sub(r'(?m)^published_sha256 = ".*"$', named, shorter(account="12"), count=1)


def kept(company: Company, document: bytes) -> editions.Document | None:
    """What the ledger keeps under the hash of a document."""
    with company.ledger.database.read() as connection:
        return editions.document(connection, sha256(document).digest())


@pytest.fixture
def dpo(open_visitor: Opened) -> Visitor:
    visitor = open_visitor()
    visitor.sign_in("dpo")
    return visitor


def send(visitor: Visitor, file: bytes | None, **fields: str) -> Any:
    """Publish an edition that was examined, with a file."""
    text = fields.pop("edition", edition())
    page = visitor.send(f"{PUBLISH}/examine", on=PUBLISH, edition=text)
    data = {"token": token_of(page.text), "edition": text, "sure": "yes", **fields}
    name = ("document", ("politique.html", file if file is not None else b"", "text/html"))
    return visitor.client.post(PUBLISH, data=data, files=[name])


def test_the_text_is_kept_as_it_is_and_can_be_fetched(dpo: Visitor) -> None:
    page = dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=edition())
    assert NAMED in seen(page.text)
    done = send(dpo, TEXT)
    assert done.status_code == 303, seen(done.text)
    assert kept(dpo.company, TEXT) == editions.Document("text/html", TEXT)
    day = "?day=2026-02-01"
    told = dpo.get(f"/console/policy{day}")
    assert NAMED in told.text and f"/console/policy/document{day}" in told.text
    file = dpo.get(f"/console/policy/document{day}")
    assert file.content == TEXT
    assert file.headers["content-disposition"] == 'attachment; filename="shop-2026.html"'
    assert file.headers["x-content-type-options"] == "nosniff"
    later = edition().replace("-02-", "-03-").replace('id = "', 'id = "later-', 1)
    again = dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=later)
    assert "déjà gardé" in seen(again.text)


def test_another_text_is_refused_with_both_hashes(dpo: Visitor) -> None:
    said = send(dpo, OTHER)
    assert said.status_code == 422
    text = seen(said.text)
    assert "pas celui dont l'édition donne l'empreinte" in text
    assert NAMED in text and sha256(OTHER).hexdigest() in text
    assert "shop-2026" not in published(dpo)
    assert kept(dpo.company, OTHER) is None


def test_without_a_text_only_its_hash_is_known(dpo: Visitor) -> None:
    assert send(dpo, None).status_code == 303
    assert published(dpo)[-1] == "shop-2026"
    assert kept(dpo.company, TEXT) is None
    assert "seule son empreinte" in seen(dpo.get("/console/policy?day=2026-02-01").text)
    assert dpo.get("/console/policy/document?day=2026-02-01").status_code == 404


def test_a_text_may_be_so_large_and_no_larger(dpo: Visitor) -> None:
    large = b"x" * MAX_FILE
    said = send(dpo, large + b"x", edition=edition(large + b"x"))
    assert said.status_code == 413 and "trop volumineux" in seen(said.text)
    assert "shop-2026" not in published(dpo)
    assert send(dpo, large, edition=edition(large)).status_code == 303
    assert kept(dpo.company, large) == editions.Document("text/plain", large)


def test_a_file_is_taken_by_one_form_in_one_field_and_with_its_token(dpo: Visitor) -> None:
    """Anything else that is sent with a file is refused, and nothing is published."""
    page = dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=edition())
    data = {"token": token_of(page.text), "edition": edition(), "sure": "yes"}
    post = dpo.client.post
    assert post(PUBLISH, data=data, files={"other": b"x"}).status_code == 422
    two = [("document", b"x"), ("document", b"y")]
    assert post(PUBLISH, data=data, files=two).status_code == 422
    assert post(PUBLISH, data={**data, "token": ""}, files={"document": TEXT}).status_code == 403
    assert post(f"{PUBLISH}/examine", data=data, files={"document": TEXT}).status_code == 415
    many = {f"f{n}": "x" for n in range(500)}
    assert post(PUBLISH, data={**data, **many}, files={"document": TEXT}).status_code == 422
    long = {"edition": "x" * 300_000}
    assert post(PUBLISH, data={**data, **long}, files={"document": TEXT}).status_code == 422
    for media in ("multipart/form-data", "multipart/form-data; boundary=x"):
        for body in (b"", b"--x\r\n", b"\xff" * 100, b"--x\r\nA: b\r\n\r\nc\r\n--x--\r\n"):
            said = dpo.client.post(PUBLISH, content=body, headers={"content-type": media})
            assert said.status_code in (403, 422), (media, body)
    assert "shop-2026" not in published(dpo)


def test_nobody_downloads_it_without_a_role(open_visitor: Opened) -> None:
    visitor = open_visitor()
    assert visitor.get("/console/policy/document").headers["location"].startswith("/console/sign")
    visitor.play("customer")
    assert visitor.get("/console/policy/document").status_code == 403


# --- in a browser ---------------------------------------------------------------------------------


def examined(page: Page) -> None:
    page.goto(PUBLISH)
    page.locator("textarea.toml").fill(edition())
    page.get_by_role("button", name="Examiner").click()
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_text_is_chosen_and_published(
    own: Live, window: Windows, tmp_path: Path, scripts: bool
) -> None:
    """With scripts, another one is seen before it is sent; without, the server says so."""
    page = window(own, may_fail=not scripts, java_script_enabled=scripts).play("dpo")
    for name, content in (("other.pdf", OTHER), ("text.html", TEXT)):
        (tmp_path / name).write_bytes(content)
    examined(page)
    page.get_by_label("J'ai lu ce qui précède").check()
    page.get_by_label("Texte publié, tel que").set_input_files(tmp_path / "other.pdf")
    go = page.get_by_role("button", name="Publier", exact=True)
    if scripts:
        expect(page.locator("#document-hash")).to_contain_text(sha256(OTHER).hexdigest())
        go.click()
        assert page.evaluate("document.getElementById('document').validity.customError")
    else:
        go.click()
        expect(page.locator("#refusal")).to_contain_text("pas celui dont l'édition")
        expect(page.locator("#document-hash")).to_contain_text(sha256(OTHER).hexdigest())
        page.get_by_label("J'ai lu ce qui précède").check()
    assert kept(own.company, OTHER) is None
    page.get_by_label("Texte publié, tel que").set_input_files(tmp_path / "text.html")
    if scripts:
        expect(page.locator("#document-hash")).to_contain_text(NAMED)
    go.click()
    page.wait_for_url("**/console/policy")
    assert kept(own.company, TEXT) == editions.Document("text/html", TEXT)
