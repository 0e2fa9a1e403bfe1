"""The auditor's desk: everything at two times, each number down to its events, each event proven.

An auditor chooses D (what had happened) and R (what was known), and every page answers as the
interface does for the same two. She changes nothing here; what is handed over as a file is recorded
first, as everywhere. No page opens a personal part. Read next: `asked.py`, then `home.py`.
"""

from __future__ import annotations

from api.console import Page
from api.routes import AUDITOR, DPO

AUDITING = frozenset({DPO, AUDITOR})
HOME = "/audit"
# The pages of the desk, in the order of the menu, and the sentence of each.
MENU = (
    (HOME, "menu_audit.desk"),
    (f"{HOME}/inspect", "menu_audit.inspect"),
    (f"{HOME}/register", "menu_audit.register"),
    (f"{HOME}/files", "menu_audit.files"),
    (f"{HOME}/checks", "menu_audit.checks"),
)


def page(method: str, path: str, endpoint: object) -> Page:
    """A row of the desk: open to whoever checks."""
    return Page(method, path, endpoint, AUDITING)  # type: ignore[arg-type]
