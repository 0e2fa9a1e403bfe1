"""`make screenshots`: each page at two widths, written to a folder that git ignores."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.console.conftest import CHROMIUM, QUIET, Live, Window
from tests.console.room import Company
from tests.console.sights import SIGHTS

WIDTHS = (1280, 390)


def main(folder: Path) -> None:
    """Write `NAME-WIDTH.png` for each of them, in French and in the light."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        live = Live(Company(Path(home)))
        for width in WIDTHS:
            for sight in SIGHTS:
                size = {"width": width, "height": 900}
                window = Window(browser, live, viewport=size, color_scheme="light")
                if sight.part is not None:
                    window.play(sight.part)
                window.page.goto(sight.path(live.company))
                sight.then(window.page)
                file = folder / f"{sight.name}-{width}.png"
                window.page.screenshot(path=file, full_page=True)
                sys.stdout.write(f"{file}\n")
                window.context.close()
        live.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
