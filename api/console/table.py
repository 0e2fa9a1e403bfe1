"""The whole table of pages, in the order in which paths are tried, and the menu made of it."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from api.access import Who
from api.console import (
    Page,
    checking,
    clock,
    consulting,
    deciding,
    editions,
    entrance,
    holding,
    keyring,
    leaving,
    my,
    outside,
    people,
    publishing,
    requests,
    retaining,
    returning,
    today,
)
from api.console.audit import MENU as AUDIT_MENU
from api.console.audit import asking, checks, controls, events, files, home, register
from api.console.my import account, cards, choices, data, entering, receipts
from api.console.my import requests as own_requests

# Everywhere; where there is a sandbox's clock, its pages too: see `pages_of`.
PAGES: tuple[Page, ...] = (
    *entrance.PAGES,
    *returning.PAGES,
    *today.PAGES,
    *people.PAGES,
    *requests.PAGES,
    *deciding.PAGES,
    *holding.PAGES,
    *outside.PAGES,
    *retaining.PAGES,
    *consulting.PAGES,
    *editions.PAGES,
    *publishing.PAGES,
    *checking.PAGES,
    *leaving.PAGES,
    *keyring.PAGES,
    *home.PAGES,
    *asking.PAGES,
    *events.PAGES,
    *controls.PAGES,
    *register.PAGES,
    *files.PAGES,
    *checks.PAGES,
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
    ("/console/recipients", "menu.recipients"),
    ("/console/retention", "menu.retention"),
    ("/console/archive", "menu.archive"),
    ("/console/policy", "menu.policy"),
    ("/console/controls", "menu.controls"),
    *AUDIT_MENU,
    ("/console/webhooks", "menu.webhooks"),
    ("/console/access", "menu.access"),
    (clock.CLOCK, "menu.clock"),
    *my.MENU,
)
# Where a heading begins in it.
GROUPS = {
    "/console": "menu_group.day",
    "/console/archive": "menu_group.rules",
    "/console/controls": "menu_group.checks",
    "/console/webhooks": "menu_group.machine",
    "/my": "",
}


class Item(NamedTuple):
    """One line of the menu, and the heading that it stands under ('' for none)."""

    path: str
    key: str
    is_here: bool
    group: str


@lru_cache(maxsize=2)
def pages_of(*, is_sandbox: bool) -> tuple[Page, ...]:
    """The pages that a server has."""
    more = clock.PAGES if is_sandbox else ()
    return (*PAGES[: -len(entrance.LAST)], *more, *entrance.LAST)


@lru_cache(maxsize=64)
def _menu(roles: frozenset[str], *, is_sandbox: bool) -> tuple[Item, ...]:
    """The pages that these roles open, of those that a menu names."""
    pages = pages_of(is_sandbox=is_sandbox)
    open_to = {page.path for page in pages if page.method == "GET" and page.roles & roles}
    found, group = [], ""
    for path, key in MENU:
        group = GROUPS.get(path, group)
        if path in open_to:
            found.append(Item(path, key, False, group))
    return tuple(found)


def menu_of(who: Who | None) -> tuple[Item, ...]:
    """The pages that somebody may open, of those that a menu names."""
    return () if who is None else _menu(who.roles, is_sandbox=False)


def current_of(who: Who | None, here: str, *, is_sandbox: bool) -> str | None:
    """Which of them a path is at, or below; None for none."""
    if who is None:
        return None
    named = _named(who.roles, is_sandbox=is_sandbox)
    while here and here not in named:
        here = here.rpartition("/")[0]
    return here or None


@lru_cache(maxsize=64)
def _named(roles: frozenset[str], *, is_sandbox: bool) -> frozenset[str]:
    return frozenset(item.path for item in _menu(roles, is_sandbox=is_sandbox))


def menu_at(
    roles: frozenset[str], current: str | None, *, is_sandbox: bool
) -> list[tuple[str, list[Item]]]:
    """The lines of a menu under their headings, and which one is the page she is at."""
    menu = _menu(roles, is_sandbox=is_sandbox)
    marked = [one._replace(is_here=True) if one.path == current else one for one in menu]
    return [(group, list(some)) for group, some in groupby(marked, lambda item: item.group)]
