"""The pages in a real browser."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.console.conftest import Live, Windows


def test_one_click_leads_to_the_first_screen(shared: Live, window: Windows) -> None:
    page = window(shared).play("dpo")
    expect(page).to_have_url(f"{shared.url}/console")
    expect(page.get_by_role("heading", level=1)).to_have_text("Aujourd'hui")
    expect(page.locator(".tile")).to_have_count(3)
