"""The whole table of pages, in the order in which paths are tried, and the menu made of it."""

from __future__ import annotations

from typing import NamedTuple

from api.access import Who
from api.console import (
    Page,
    checking,
    consulting,
    deciding,
    editions,
    entrance,
    holding,
    keyring,
    leaving,
    my,
    people,
    publishing,
    requests,
    retaining,
    returning,
    today,
)
from api.console.my import account, cards, choices, data, entering, receipts
from api.console.my import requests as own_requests

PAGES: tuple[Page, ...] = (
    *entrance.PAGES,
    *returning.PAGES,
    *today.PAGES,
    *people.PAGES,
    *requests.PAGES,
    *deciding.PAGES,
    *holding.PAGES,
    *retaining.PAGES,
    *consulting.PAGES,
    *editions.PAGES,
    *publishing.PAGES,
    *checking.PAGES,
    *leaving.PAGES,
    *keyring.PAGES,
    *entering.PAGES,
    *data.PAGES,
    *choices.PAGES,
    *cards.PAGES,
    *own_requests.PAGES,
    *receipts.PAGES,
    *account.PAGES,
    *entrance.LAST,
)

# The pages that a menu names, and the sentence of each.
MENU = (
    ("/console", "menu.today"),
    ("/console/people", "menu.people"),
    ("/console/requests", "menu.requests"),
    ("/console/queue", "menu.queue"),
    ("/console/holds", "menu.holds"),
    ("/console/retention", "menu.retention"),
    ("/console/archive", "menu.archive"),
    ("/console/policy", "menu.policy"),
    ("/console/controls", "menu.controls"),
    ("/console/webhooks", "menu.webhooks"),
    ("/console/access", "menu.access"),
    *my.MENU,
)


class Item(NamedTuple):
    """One line of the menu."""

    path: str
    key: str
    is_here: bool


def menu_of(who: Who | None, here: str) -> list[Item]:
    """The pages that somebody may open, of those that a menu names."""
    if who is None:
        return []
    open_to = {page.path for page in PAGES if page.method == "GET" and page.roles & who.roles}
    found = [(path, key) for path, key in MENU if path in open_to]
    inside = [path for path, _ in found if here == path or here.startswith(f"{path}/")]
    current = max(inside, key=len, default=None)
    return [Item(path, key, path == current) for path, key in found]
