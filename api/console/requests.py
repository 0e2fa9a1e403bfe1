"""The queue of rights requests with both clocks, and one of them with the steps that are possible.

The steps are recorded by the very function of `POST /v1/requests/{id}/{step}`; what the law forbids
is refused there, and said beside the form. Read next: `steps.py`.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple
from uuid import UUID

from starlette.responses import Response

from api.answers import Times
from api.cards import cards_answer
from api.console import Page, steps
from api.console.dates import days_between
from api.console.naming import class_labels
from api.console.visiting import Visit
from api.packages import NOT_WHOLE, Wanted, package_of, scope_of
from api.problems import Problem
from api.requests import STEPS, received, stepped
from api.routes import AGENT, AUDITOR, DPO
from ledger.calendar import day_of
from ledger.erasing.request import planned_everywhere
from ledger.errors import NotFound, ProbantError, Refused
from ledger.events import RIGHTS
from ledger.events.requests import REQUEST_CHANNELS
from ledger.policy.erasures import Outcome
from ledger.policy.requests import OPEN, STATUSES, Request, explain
from ledger.requests.cards import cards_of
from ledger.requests.reading import one, owed, queue
from ledger.requests.steps import current
from ledger.store import reader
from ledger.store import requests as store

REQUESTS = "/console/requests"
HANDLING = frozenset({AGENT, DPO})
LOOKING = HANDLING | {AUDITOR}
LIMIT = 50


class Line(NamedTuple):
    """One request of the queue, and how many days are left (negative: it is late)."""

    found: Request
    days: int


def get_queue(visit: Visit) -> Response:
    """Those that wait first, by the day an answer is due; or those of one status, page by page."""
    query = visit.request.query_params
    status = query.get("status", "open")
    if status not in ("open", "all", *STATUSES):
        status = "open"
    if status == "open":
        lines, following = [_line(visit, found) for found in owed(visit.ledger)], None
    else:
        after = query.get("after", "")
        page = queue(
            visit.ledger,
            after=int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0,
            limit=LIMIT,
            wanted=lambda found: status in ("all", found.status),
        )
        lines = [_line(visit, queued.request) for queued in page.requests]
        following = page.next
    return visit.render(
        "requests.html",
        lines=lines,
        status=status,
        statuses=("open", *STATUSES, "all"),
        next=following,
        may_receive=bool(visit.asker.roles & HANDLING),
    )


def get_request(visit: Visit) -> Response:
    """One request: where it stands, what was done, and what can be done now."""
    return visit.render("request.html", **_told(visit, _stream(visit)))


def post_step(visit: Visit) -> Response:
    """Record a step, or carry the request out; what is refused is said on the same page."""
    stream, step = _stream(visit), visit.path["step"]
    if step not in (*STEPS, "fulfil"):
        raise NotFound("there is no such step")
    found = one(visit.ledger, stream)
    value: dict[str, Any] = {"data": steps.data_of(visit, step, found.right)}
    state = visit.request.app.state
    try:
        if step == "fulfil" and value["data"].get("package") in _notes(visit, "archived", stream):
            raise Refused(NOT_WHOLE)
        if step != "fulfil" and visit.field("occurred"):
            value["occurred"] = visit.field("occurred")
        where = (state.journal, state.desk)
        answer = stepped(visit.ledger, stream, step, value, visit.lang, *where)
    except (Problem, ProbantError) as error:
        told = _told(visit, stream) | {"refusal": visit.refusal_of(error), "tried": step}
        return visit.render("request.html", 422, **told)
    return visit.go(
        f"{REQUESTS}/{stream}", "requests.done", position=visit.say.number(answer["position"])
    )


def post_package(visit: Visit) -> Response:
    """All that is held about her, as a file to hand over (to her heirs, what settles her estate):
    that it was read is recorded first. The session remembers its hash, for the answer to name, and
    whether anything archived was missing, for then it answers nothing (GDPR art. 15)."""
    stream = _stream(visit)
    found = one(visit.ledger, stream)
    if found.subject is None:
        raise NotFound("this request is of nobody who is known")
    scope = scope_of(visit.ledger, found.subject, found.right) or "access"
    wanted = Wanted(scope, "zip", "rights_request", is_answer=True)
    try:
        made = package_of(visit.ledger, visit.asker, found.subject, wanted, visit.lang, {})
    except Refused as error:
        told = _told(visit, stream) | {"refusal": visit.refusal_of(error)}
        return visit.render("request.html", 422, **told)
    if visit.session is not None:
        visit.session.notes[f"package:{stream}"] = made.digest
        if not made.is_whole:
            kept = (*_notes(visit, "archived", stream), made.digest)
            visit.session.notes[f"archived:{stream}"] = " ".join(kept)
    headers = {
        "Content-Disposition": f'attachment; filename="{scope}.zip"',
        "Package-SHA256": made.digest,
    }
    return Response(made.content, media_type="application/zip", headers=headers)


def get_receive(visit: Visit) -> Response:
    """The form for a request that reached us by letter, telephone or at the counter."""
    return _receiving(visit)


def post_receive(visit: Visit) -> Response:
    """Record it, on the day it reached us; an objection takes effect at once."""
    body: dict[str, Any] = {
        "actor": "agent",
        "data": {"right": visit.field("right"), "channel": visit.field("channel")},
    }
    if text := visit.field("text"):
        body["data"]["text"] = text
    if occurred := visit.field("occurred"):
        body["occurred"] = occurred
    if subject := visit.field("subject"):
        body["subject"] = subject
    else:
        body["person"] = {"kind": visit.field("kind"), "value": visit.field("reference")}
    try:
        answer = received(visit.ledger, body, visit.lang)
    except (Problem, ProbantError) as error:
        return _receiving(visit, 422, refusal=visit.refusal_of(error))
    position = visit.say.number(answer["position"])
    return visit.go(f"{REQUESTS}/{answer['request']['id']}", "requests.done", position=position)


def _receiving(visit: Visit, status: int = 200, **more: Any) -> Response:
    asked = visit.request.query_params
    given = {
        "rights": RIGHTS,
        "right": visit.field("right") or asked.get("right", ""),
        "occurred": visit.field("occurred") or asked.get("occurred", "") or steps.today(visit),
        "channels": [channel for channel in REQUEST_CHANNELS if channel not in ("page", "api")],
        "day": steps.today(visit),
        "subject": visit.field("subject") or asked.get("subject", ""),
        "refusal": None,
    }
    return visit.render("receive.html", status, **given | more)


def _told(visit: Visit, stream: UUID) -> dict[str, Any]:
    """What the page of one request is made of. Raises NotFound for one nobody knows."""
    ledger = visit.ledger
    found = one(ledger, stream)
    _, state = current(ledger, stream)
    with ledger.database.read() as connection:
        told = store.steps(connection, [stream], reader.position_at(connection, None))[stream]
    may_handle = bool(visit.asker.roles & HANDLING)
    return {
        "found": found,
        "line": _line(visit, found),
        "explanation": explain(found, visit.lang),
        "steps": told,
        "possible": steps.possible(visit, state, found.right) if may_handle else [],
        "draw": steps.drawn,
        "fates": _fates(visit, found) if may_handle else [],
        "cards": _cards(visit, found) if may_handle else [],
        "labels": class_labels(visit),
        "today": steps.today(visit),
        "scope": scope_of(ledger, found.subject, found.right) if found.subject else None,
        "package": next(iter(_notes(visit, "package", stream)), ""),
        "refusal": None,
        "tried": "",
    }


def _notes(visit: Visit, name: str, stream: UUID) -> list[str]:
    """The hashes that this session remembers of the packages of a request."""
    notes = visit.session.notes if visit.session is not None else {}
    return notes.get(f"{name}:{stream}", "").split()


def _fates(visit: Visit, found: Request) -> list[Outcome]:
    """What an erasure would let go and what it would keep, were it carried out today, under each
    reference of hers."""
    if found.right != "erasure" or found.subject is None or found.status not in OPEN:
        return []
    try:
        return list(chain(*planned_everywhere(visit.ledger, found.subject, "request").values()))
    except NotFound:
        return []


def _cards(visit: Visit, found: Request) -> list[dict[str, Any]]:
    """Her cards that a request to remove one may mean, where nothing says which (SS-CARD-4)."""
    if found.right != "card_removal" or found.subject is None or found.status not in OPEN:
        return []
    hers = cards_of(visit.ledger, found.subject)
    if hers.asked_at > min(found.rests_on):
        return []
    told = cards_answer(visit.ledger, found.subject, Times(), visit.lang)["items"]
    return [one for one in told if UUID(one["id"]) in hers.open]


def _line(visit: Visit, found: Request) -> Line:
    return Line(found, days_between(day_of(visit.now), found.due))


def _stream(visit: Visit) -> UUID:
    return visit.id(visit.path["id"], "this ledger knows no such request")


PAGES = (
    Page("GET", REQUESTS, get_queue, LOOKING),
    Page("GET", f"{REQUESTS}/new", get_receive, HANDLING),
    Page("POST", f"{REQUESTS}/new", post_receive, HANDLING),
    Page("GET", f"{REQUESTS}/{{id}}", get_request, LOOKING),
    Page("POST", f"{REQUESTS}/{{id}}/package", post_package, HANDLING),
    Page("POST", f"{REQUESTS}/{{id}}/{{step}}", post_step, HANDLING),
)
