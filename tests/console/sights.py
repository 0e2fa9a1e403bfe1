"""Every page worth looking at, with whose eyes: for the screenshots, for axe, and for whoever reads
a page in each language, without scripts, or with the keyboard only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from playwright.sync_api import Page

from api.answers import find
from ledger.choosing import motives
from ledger.commands import Reference
from ledger.outbound import endpoints
from ledger.requests.reading import queue
from tests.console.room import Company


class Sight(NamedTuple):
    """A page: its name, the part of whoever looks (None: nobody yet), and how it is reached."""

    name: str
    part: str | None
    path: Callable[[Company], str]
    then: Callable[[Page], None] = lambda _page: None


def person(reference: str) -> Callable[[Company], str]:
    """The page of one of the cast."""
    return lambda company: f"/console/people/{find(company.ledger, Reference('shop', reference))}"


def at(path: str) -> Callable[[Company], str]:
    """A page whose address is always the same."""
    return lambda _company: path


def request(company: Company) -> str:
    """The page of the one request that is late."""
    (late, *_) = [
        one.request.stream for one in queue(company.ledger).requests if one.request.is_open
    ]
    return f"/console/requests/{late}"


def webhook(company: Company) -> str:
    """The page of a destination; there is one, once somebody looked."""
    found = endpoints.registered(company.ledger)
    if not found:
        endpoints.register(company.ledger, "https://mailer.example.org/probant", "routeur")
        found = endpoints.registered(company.ledger)
    return f"/console/webhooks/{found[0][0].id}"


def recipients(company: Company) -> str:
    """Whom the outside must be told of: somebody who objected."""
    return f"/console/recipients/{find(company.ledger, Reference('shop', 'D-0045'))}"


def waiting(company: Company) -> str:
    """The page of the text that waits."""
    (first, *_) = motives.waiting(company.ledger)
    return f"/console/queue/{first.position}"


def _rehearsed(page: Page) -> None:
    page.locator("main form button", has_text=re.compile("Répéter|Rehearse")).first.click()
    page.wait_for_url("**/retention/runs/*")
    page.wait_for_selector("[data-progress]", state="detached")


def _unfold(page: Page) -> None:
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
    page.wait_for_selector("[data-why]", state="detached")


def _checked(page: Page) -> None:
    with page.expect_navigation():
        page.locator("main form button").first.click()


SIGHTS = (
    Sight("sign-in", None, at("/console/sign-in")),
    Sight("today", "dpo", at("/console")),
    Sight("search", "dpo", at("/console/people")),
    Sight("person", "dpo", person("D-0042"), _unfold),
    Sight("person-cards", "dpo", person("D-0021")),
    Sight("person-whole", "dpo", lambda company: f"{person('D-0042')(company)}?whole=1"),
    Sight("requests", "dpo", at("/console/requests")),
    Sight("requests-all", "dpo", at("/console/requests?status=all")),
    Sight("request", "dpo", request, _unfold),
    Sight("receive", "dpo", at("/console/requests/new")),
    Sight("queue", "dpo", at("/console/queue")),
    Sight("waiting", "dpo", waiting, _checked),
    Sight("holds", "dpo", at("/console/holds"), _unfold),
    Sight("recipients", "dpo", at("/console/recipients")),
    Sight("recipients-of", "dpo", recipients, _unfold),
    Sight("retention", "dpo", at("/console/retention"), _unfold),
    Sight("due", "dpo", at("/console/retention/due/account")),
    Sight("run", "dpo", at("/console/retention"), _rehearsed),
    Sight("archive", "dpo", at("/console/archive")),
    Sight("policy", "dpo", at("/console/policy"), _unfold),
    Sight("policy-change", "dpo", at("/console/policy/change?old=2019-01-01&new=2022-03-01")),
    Sight("what-if", "dpo", at("/console/policy/what-if"), _checked),
    Sight("publish", "dpo", at("/console/policy/publish"), _checked),
    Sight("controls", "dpo", at("/console/controls"), _checked),
    Sight("desk", "auditor", at("/audit"), _unfold),
    Sight("desk-then", "auditor", at("/audit?as_of=2021-06-30&position=500&class=order")),
    Sight("replay", "auditor", at("/audit/replay?as_of=2020-01-01")),
    Sight("questions", "auditor", at("/audit/inspect")),
    Sight("question", "auditor", at("/audit/inspect/Q4?as_of=2024-01-01")),
    Sight("event", "auditor", at("/audit/events/100")),
    Sight("event-amending", "dpo", at("/audit/events/738")),
    Sight("control", "auditor", at("/audit/controls/C01")),
    Sight("register", "auditor", at("/audit/register"), _unfold),
    Sight("files", "auditor", at("/audit/files")),
    Sight("checks", "auditor", at("/audit/checks")),
    Sight("clock", "dpo", at("/console/clock")),
    Sight("webhooks", "dpo", at("/console/webhooks")),
    Sight("webhook", "dpo", webhook),
    Sight("access", "dpo", at("/console/access")),
    *(
        Sight(f"my-{name}", "customer", at(f"/my/{name}".rstrip("/")))
        for name in (
            *("", "choices", "cards", "requests"),
            *("receipts", "readers", "directive", "account"),
        )
    ),
    Sight("my-unfolded", "customer", at("/my"), _unfold),
    Sight("my-whole", "customer", at("/my?whole=1")),
    Sight("my-requests-whole", "customer", at("/my/requests?whole=1")),
    Sight("my-enter", None, at("/my/enter")),
    Sight("not-found", "dpo", at("/console/nowhere")),
)
