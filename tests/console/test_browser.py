"""Every page in a real browser: in both languages and both lights, narrow and wide, without
scripts, with the keyboard only, and as a screen reader meets it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console import axe
from tests.console.conftest import Live, Window, Windows
from tests.console.sights import SIGHTS, Sight

EVERY = pytest.mark.parametrize("sight", SIGHTS, ids=lambda sight: sight.name)
# A page that is not there is a complaint of the browser's console, and of nobody else's.
LOUD = ("not-found",)
# There a script checks what we say, or puts a file into a form: without one, none of it is shown.
SCRIPTED = ("my-receipts", "publish", "event", "event-amending", "checks")
STOPS = """() => {
  const all = [...document.querySelectorAll(`main :is(a[href], button, select, textarea, summary,
    input:not([type=hidden]), [tabindex="0"])`)].filter((one) => one.checkVisibility());
  const groups = new Set(all.filter((one) => one.type === "radio").map((one) => one.name));
  return all.filter((one) => one.type !== "radio").length + groups.size;
}"""


def see(sight: Sight, live: Live, window: Windows, **how: Any) -> Page:
    """The page, in a window of its own."""
    opened: Window = window(live, may_fail=sight.name in LOUD, **how)
    if sight.part is not None:
        opened.resume(sight.part)
    live.company.clock.advance(seconds=1)  # one person may ask so many pages in a second
    opened.page.goto(sight.path(live.company))
    sight.then(opened.page)
    return opened.page


@EVERY
def test_nothing_is_seriously_wrong_for_a_screen_reader(
    sight: Sight, shared: Live, window: Windows
) -> None:
    page = see(sight, shared, window, color_scheme="light")
    assert axe.violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert axe.violations(page) == []


@EVERY
def test_a_page_is_as_wide_as_its_window(sight: Sight, shared: Live, window: Windows) -> None:
    """Nobody scrolls sideways, but inside a table that says so."""
    page = see(sight, shared, window, viewport={"width": 1280, "height": 900})
    for width in (1280, 390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("width => innerWidth === width", arg=width)
        assert page.evaluate("document.documentElement.scrollWidth") == width


@EVERY
def test_on_paper_a_page_tells_and_offers_nothing(
    sight: Sight, shared: Live, window: Windows
) -> None:
    """Black on white whatever the light, as wide as the sheet, and nothing that one would click on
    but what leads to where it stands; what is folded is told too."""
    page = see(sight, shared, window, color_scheme="dark", viewport=A4)
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.scrollWidth") <= A4["width"]
    assert page.evaluate(CLICKED) == []
    assert page.evaluate(FOLDED) == []
    assert page.locator("main h1").is_visible()


A4 = {"width": 688, "height": 1009}  # within the margins
CLICKED = """() => [...document.querySelectorAll(
  "button, .button, form, input, select, textarea, nav"
)].filter((one) => one.checkVisibility({visibilityProperty: true})).map((one) => one.outerHTML)"""
# What one would still have to unfold: but for forms, and for what is on another page.
FOLDED = """() => [...document.querySelectorAll(
  "details:not(:has(form, [data-why])) > :not(summary)")]
  .filter((one) => !one.checkVisibility()).map((one) => one.outerHTML)"""


@EVERY
def test_a_page_speaks_both_languages(sight: Sight, shared: Live, window: Windows) -> None:
    """French first; English for whoever prefers it, or asks for it with the switch."""
    french = see(sight, shared, window)
    english = see(sight, shared, window, locale="en-GB")
    for page, lang in ((french, "fr"), (english, "en")):
        expect(page.locator("html")).to_have_attribute("lang", lang)
    title = english.title()
    assert french.title() != title
    french.locator("button[name=lang]").click()
    expect(french.locator("html")).to_have_attribute("lang", "en")
    assert french.title() == title or sight.name in LOUD


@EVERY
def test_a_page_needs_no_script(sight: Sight, shared: Live, window: Windows) -> None:
    """What it says with scripts, it says without."""
    plain = sight._replace(then=lambda _page: None)
    with_scripts = see(plain, shared, window)
    without = see(plain, shared, window, java_script_enabled=False)
    expect(without.locator("main [hidden]").locator("visible=true")).to_have_count(0)
    if sight.name not in SCRIPTED:
        said = with_scripts.locator("main").inner_text().split()
        assert without.locator("main").inner_text().split() == said
    expect(without.get_by_role("heading", level=1)).to_be_visible()


@EVERY
def test_the_keyboard_reaches_everything_in_order(
    sight: Sight, shared: Live, window: Windows
) -> None:
    """The first stop leads past the menu; each stop is where one can see it, none is a trap."""
    page = see(sight, shared, window)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    if sight.name not in LOUD:  # there, what went wrong comes first
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    wanted: int = page.evaluate(STOPS)  # of some buttons only one can be chosen: one stop
    stops = 0
    for _ in range(wanted * 4 + 5):  # a date is three stops, and its button one more
        page.keyboard.press("Tab")
        inside, seen = page.evaluate(
            "[document.activeElement.closest('main') !== null,"
            " getComputedStyle(document.activeElement).outlineStyle !== 'none']"
        )
        if not inside:
            break
        assert seen
        stops += 1
    else:
        pytest.fail("the keyboard does not leave this page")
    assert stops >= wanted
