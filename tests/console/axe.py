"""axe-core, the accessibility engine, installed from npm by whoever needs it first."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOM = Path(__file__).resolve().parent
SOURCE = ROOM / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")


@cache
def source() -> str:
    """The engine, of the version and the hash that the lock file names."""
    if not SOURCE.exists():
        command = ["npm", "ci", "--fetch-retries=5"]
        command += ["--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
        subprocess.run(command, cwd=ROOM, check=True, capture_output=True)
    return SOURCE.read_text("utf-8")


def violations(page: Page) -> list[str]:
    """What is seriously wrong with a page for somebody who does not see, or has no mouse."""
    page.evaluate(source())
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['html'][:120]}"
        for one in found["violations"]
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
