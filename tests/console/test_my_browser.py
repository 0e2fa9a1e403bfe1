"""A person's pages in a real browser: what she clicks is what the API answers; her receipt is
checked by her browser, which catches a server that changes an entry, a proof or the key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from api.answers import find
from api.sealed import Seal
from ledger.commands import Reference
from ledger.sealing.client import SignerClient, running_signer
from ledger.sealing.sealer import Sealer
from tests.console.conftest import Live, Windows
from tests.console.room import Company

NEWS = "newsletter|email|"


class SealedCompany(Company):
    """A company whose log is sealed when the test says so."""

    sealer: Sealer
    seal: Seal

    def app(self, **more: Any) -> Any:
        return super().app(seal=self.seal, **more)


@pytest.fixture
def live(told: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("s")
    company = SealedCompany(tmp_path_factory.mktemp("own"), told)
    origin = company.ledger.keyring.origin
    with running_signer(home / "signer", home / "s", origin) as signer:
        company.seal = Seal(home / "log", SignerClient(home / "s"))
        company.sealer = Sealer(company.ledger.database, origin, signer, home / "log")
        made = Live(company)
        yield made
        made.close()


def may_write(live: Live) -> bool:
    """What the API says to a mailing tool."""
    company = live.company
    subject = find(company.ledger, Reference("shop", "D-0052"))
    asked = {"subject": str(subject), "purpose": "newsletter", "channel": "email"}
    import httpx2

    answer = httpx2.post(
        f"{live.url}/v1/permissions/check",
        json=asked,
        headers={"Authorization": f"Bearer {company.keys['reader']}"},
        timeout=120,
    )
    verdict: bool = answer.json()["allowed"]
    return verdict


def chosen(page: Page, says: str) -> None:
    with page.expect_navigation():
        page.locator(f"button[name=choice][value='{NEWS}{says}']").click()
    expect(page.locator(f"button[value='{NEWS}{says}']")).to_have_attribute("aria-pressed", "true")


@pytest.mark.clause("SS-CH-1", "SS-COM-2")
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_what_she_clicks_is_what_the_api_answers(
    live: Live, window: Windows, scripts: bool
) -> None:
    page = window(live, java_script_enabled=scripts).play("customer")
    page.goto("/my/choices")
    chosen(page, "yes")
    assert may_write(live)
    chosen(page, "no")
    assert not may_write(live)


def test_the_keyboard_is_enough_to_refuse(live: Live, window: Windows) -> None:
    page = window(live).play("customer")
    page.goto("/my/choices")
    page.locator(f"button[value='{NEWS}no']").focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"button[value='{NEWS}no']")).to_have_attribute("aria-pressed", "true")
    assert not may_write(live)


def verified(page: Page) -> str:
    """What her browser says of the newest receipt."""
    page.locator("[data-verify]").first.click()
    verdict = page.locator("[data-verdict]").first
    expect(verdict).not_to_be_empty()
    return verdict.get_attribute("data-found") or ""


def changed(page: Page, key: str, change: Any) -> None:
    """A server that lies about one field of its answer."""

    def lie(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        route.fulfill(response=answer, body=json.dumps({**body, key: change(body[key])}))

    page.unroute_all()
    page.route("**/my/receipts/proof*", lie)


def flipped(text: str) -> str:
    raw = bytearray(b64decode(text))
    raw[20] ^= 1
    return b64encode(bytes(raw)).decode()


def test_her_browser_checks_her_receipt_and_catches_a_lie(live: Live, window: Windows) -> None:
    company = live.company
    assert isinstance(company, SealedCompany)
    page = window(live).play("customer")
    page.goto("/my/choices")
    chosen(page, "yes")
    page.goto("/my/receipts")
    expect(page.locator("main")).to_contain_text("attend son sceau")
    while company.sealer.round() is not None:
        pass
    page.reload()
    assert verified(page) == "valid"
    changed(page, "entry", flipped)
    assert verified(page) == "invalid"
    changed(page, "proof", lambda text: text.replace("\nindex ", "\nindex 1", 1))
    assert verified(page) == "invalid"
    size = company.ledger.recorder.head().position
    changed(page, "proof", lambda text: text.replace(f"\n{size}\n", f"\n{size + 1}\n", 1))
    assert verified(page) in ("invalid", "forged")
    changed(page, "proof", _resigned)
    assert verified(page) == "forged"
    page.unroute_all()
    assert verified(page) == "valid"
    # A key from elsewhere that is another: the server's own word is not taken.
    other = _another_key(company.ledger.keyring.origin)
    page.locator("#key").fill(other)
    page.locator("#key").blur()
    assert verified(page) == "forged"
    page.reload()
    expect(page.locator("#key")).to_have_value(other)  # it is remembered


def _resigned(text: str) -> str:
    """The same proof with a signature that is not one."""
    head, _, line = text.rstrip("\n").rpartition(" ")
    raw = bytearray(b64decode(line))
    raw[-1] ^= 1
    return f"{head} {b64encode(bytes(raw)).decode()}\n"


def _another_key(origin: str) -> str:
    from ledger.seal.note import SigningKey

    return SigningKey.generate(origin).vkey
