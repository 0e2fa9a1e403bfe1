"""`make screenshots`: each page at two widths, in two languages, in a folder that git ignores;
and, with `--pictures`, the three of the README, as large as a screen, in English."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.console.conftest import CHROMIUM, QUIET, Live, Window
from tests.console.room import Company
from tests.console.sights import SIGHTS, Sight

WIDTHS = (1280, 390)
LOCALES = {"fr": "fr-FR", "en": "en-GB"}
PICTURES = ("today", "retention", "my-choices")
MAX_BYTES = 150_000  # of a picture that a repository keeps


@contextmanager
def company() -> Iterator[tuple[Browser, Live]]:
    """A browser, and the made-up company that it looks at."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        live = Live(Company(Path(home)))
        yield browser, live
        live.close()
        browser.close()


def look(
    browser: Browser,
    live: Live,
    sight: Sight,
    file: Path,
    width: int,
    *,
    lang: str,
    whole: bool = True,
) -> None:
    """Write one picture. `lang`: the language of the browser; `whole`: also what is further
    down."""
    size = {"width": width, "height": 900}
    window = Window(browser, live, viewport=size, color_scheme="light", locale=lang)
    if sight.part is not None:
        window.play(sight.part)
    window.page.goto(sight.path(live.company))
    if whole:
        sight.then(window.page)
    window.page.screenshot(path=file, full_page=whole)
    window.context.close()
    sys.stdout.write(f"{file} {file.stat().st_size:,}\n")


def screenshots(folder: Path) -> None:
    """Write `NAME-WIDTH-LANGUAGE.png` for each page, in the light."""
    with company() as (browser, live):
        for width, (language, locale) in product(WIDTHS, LOCALES.items()):
            for sight in SIGHTS:
                file = folder / f"{sight.name}-{width}-{language}.png"
                look(browser, live, sight, file, width, lang=locale)


def pictures(folder: Path) -> None:
    """Write `NAME.png` for the three of the README."""
    with company() as (browser, live):
        for sight in SIGHTS:
            if sight.name in PICTURES:
                file = folder / f"{sight.name}.png"
                look(browser, live, sight, file, WIDTHS[0], lang=LOCALES["en"], whole=False)
                if file.stat().st_size > MAX_BYTES:
                    sys.exit(f"{file} is larger than {MAX_BYTES:,} bytes")


if __name__ == "__main__":
    *options, last = sys.argv[1:]
    Path(last).mkdir(parents=True, exist_ok=True)
    (pictures if options == ["--pictures"] else screenshots)(Path(last))
