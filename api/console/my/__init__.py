"""The pages of one person about herself: her choices, cards, data, requests, receipts, directive.

She comes in with a short token of her own, or from the company's own Espace client, which may show
these pages in a frame. No address names anybody: a page is about whoever is signed in. What she
decides here takes the very paths of the API, and is as easy to refuse as to accept (SS-CH-1). Read
next: `choices.py`.
"""

from __future__ import annotations

from uuid import UUID

from api.console import Page
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import SUBJECT

HERSELF = frozenset({SUBJECT})
# Her pages, in the order of the menu, and the sentence of each.
MENU = (
    ("/my", "menu_my.data"),
    ("/my/choices", "menu_my.choices"),
    ("/my/cards", "menu_my.cards"),
    ("/my/requests", "menu_my.requests"),
    ("/my/receipts", "menu_my.receipts"),
    ("/my/readers", "menu_my.readers"),
    ("/my/directive", "menu_my.directive"),
    ("/my/account", "menu_my.account"),
)


def herself(visit: Visit) -> UUID:
    """The id of whoever is signed in as one person. Raises Problem for anybody else."""
    subject = visit.asker.subject
    if subject is None:
        raise Problem("forbidden", "these pages are of one person, about herself")
    return subject


def page(method: str, path: str, endpoint: object) -> Page:
    """A row of hers: open to her alone, and to be framed by the company's own pages."""
    return Page(method, path, endpoint, HERSELF, embeddable=True)  # type: ignore[arg-type]
