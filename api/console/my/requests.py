"""*Mes demandes*: every right of hers in two clicks, and both clocks of each request; and what
becomes of her data after her death (GDPR art. 12, 15 to 22; LIL art. 84-86)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from starlette.responses import Response

from api import own
from api.answers import Times
from api.console.my import herself, page
from api.console.rendering import filled, html, slot, slotted
from api.console.texts import speech
from api.console.visiting import Visit
from api.problems import Problem
from api.settings import Language
from ledger.commands import Record
from ledger.errors import Refusal, Refused
from ledger.events.people import WISHES
from ledger.handlers import record_many
from ledger.policy.requests import explain

HOME, DIRECTIVE = "/my/requests", "/my/directive"
# What is asked for on this page; a card, her directive and an objection have pages of their own.
ASKED = (
    "access",
    "rectification",
    "erasure",
    "restriction",
    "portability",
    "objection",
    "complaint",
)
LISTED = 100
MAX_TEXT = 4000


def get_requests(visit: Visit) -> Response:
    """What she asked, and what she may ask."""
    page = own.queue_of(visit.ledger, herself(visit), Times(), 0, LISTED)
    found = [one.request for one in page.requests]
    found.sort(key=lambda one: (one.received, str(one.stream)), reverse=True)
    lang, is_whole = visit.lang, visit.is_whole
    lines = [explain(one, lang) if is_whole else None for one in found]
    return visit.render(
        "my/requests.html",
        items=list(zip(found, lines, strict=True)),
        rights=ASKED,
        asking=lambda **hers: filled(_asking(lang), hers),
        is_whole=is_whole,
    )


@lru_cache(maxsize=2)
def _asking(lang: Language) -> tuple[str, ...]:
    """The form by which anybody asks."""
    hers = {name: slot(name) for name in ("token", "once")}
    return slotted(
        html("my/asking.html", {"t": speech(lang), "lang": lang, "rights": ASKED, **hers})
    )


def post_request(visit: Visit) -> Response:
    """She asks."""
    right, text = visit.field("right"), visit.field("text")
    if right not in ASKED or len(text) > MAX_TEXT:
        raise Problem("malformed", "choose one of the rights, in at most 4000 characters")
    data: dict[str, Any] = {"right": right, **({"text": text} if text else {})}
    made = own.asked(visit.ledger, herself(visit), {"data": data}, visit.lang)
    day = visit.say.day(made["request"]["due"])
    return visit.go(HOME, "my_requests.received", right=visit.say.policy("right", right), day=day)


def post_withdrawal(visit: Visit) -> Response:
    """She takes one back."""
    stream = visit.id(visit.field("request"), "this ledger knows no such request")
    own.withdrawn(visit.ledger, herself(visit), stream, visit.lang)
    return visit.go(HOME, "my_requests.withdrawn")


def get_directive(visit: Visit) -> Response:
    """What she last said, and what she may say."""
    found = own.directive_of(visit.ledger, herself(visit))["directive"]
    return visit.render("my/directive.html", directive=found, wishes=WISHES)


def post_directive(visit: Visit) -> Response:
    """She says it, or takes it back."""
    subject, wish = herself(visit), visit.field("wish")
    if wish == "none":
        _record(visit, own.directive_revoked(visit.ledger, subject))
        return visit.go(DIRECTIVE, "my_directive.revoked")
    texts = {key: visit.field(key) for key in ("trustee", "text") if visit.field(key)}
    _record(visit, own.directive_set(visit.ledger, subject, {"wish": wish, **texts}))
    return visit.go(DIRECTIVE, "my_directive.set")


def _record(visit: Visit, fact: Any) -> None:
    (outcome,) = record_many(visit.ledger, [Record(fact)])
    if isinstance(outcome, Refusal):
        raise Refused(outcome)


PAGES = (
    page("GET", HOME, get_requests),
    page("POST", HOME, post_request),
    page("POST", f"{HOME}/withdraw", post_withdrawal),
    page("GET", DIRECTIVE, get_directive),
    page("POST", DIRECTIVE, post_directive),
)
