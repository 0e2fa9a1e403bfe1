"""What people wrote and no rule could apply by itself: read on record, and decided by a person.

As `/v1/motives` and `/v1/queue` do it: an agreed phrase takes effect at once, all the rest waits
here and nothing falls out. The list shows no text; opening one is recorded before it is shown. Read
next: `ledger/choosing/motives.py`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api import choices as saying
from api.console import Page
from api.console.naming import edition_of
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AGENT, DPO
from ledger.calendar import Moment, day_of, format_day, moment_of_instant, parse_moment
from ledger.choosing import motives
from ledger.errors import BadData, NotFound, ProbantError
from ledger.events import CHANNELS_IN, RIGHTS
from ledger.fields import Unreadable
from ledger.store.queue import Waiting

QUEUE = "/console/queue"
DECIDING = frozenset({AGENT, DPO})
LIMIT = 50
DECISIONS = ("motive", "request", "nothing")


def get_queue(visit: Visit) -> Response:
    """The texts that wait, oldest first, and the form for one that came by letter or telephone."""
    return _listed(visit)


def post_text(visit: Visit) -> Response:
    """Record what somebody wrote: applied if it is an agreed phrase, else it waits here."""
    item: dict[str, Any] = {name: visit.field(name) for name in ("text", "channel")}
    if subject := visit.field("subject"):
        item["subject"] = subject
    else:
        item["person"] = {"kind": visit.field("kind"), "value": visit.field("reference")}
    try:
        text, channel = saying.text_of(item)
        if not text:
            raise BadData("field 'text' must not be empty")
        heard = motives.receive(
            visit.ledger, saying.person_of(item), text, channel, _received(visit)
        )
        saying.or_refused(heard.outcome)
    except (Problem, ProbantError) as error:
        return _listed(visit, 422, refusal=visit.refusal_of(error))
    if heard.opened is not None:
        return visit.go(f"/console/requests/{heard.opened.stream}", "queue.applied")
    return visit.go(QUEUE, "queue.applied" if heard.match == "applied" else "queue.waits")


def get_waiting(visit: Visit) -> Response:
    """One that waits, closed, and what it may amount to."""
    return visit.render("waiting.html", **_told(visit))


def post_reading(visit: Visit) -> Response:
    """The text, shown once; who looked is on record before."""
    item, text = motives.read(visit.ledger, _position(visit), visit.asker.id)
    said = text if isinstance(text, str) else None
    state = text.value if isinstance(text, Unreadable) else "kept" if said else "withheld"
    return visit.render("waiting.html", **_told(visit, item) | {"text": said, "state": state})


def post_decision(visit: Visit) -> Response:
    """An agreed phrase, a request under a right, or nothing asked: as of the day it came."""
    decision: Any = visit.field("decision")
    if decision not in DECISIONS:
        raise Problem("malformed", "say what the text amounts to")
    position, named = _position(visit), visit.field("motive")
    try:
        right = {"right": visit.field("right") or None} if decision == "request" else {}
        asked = saying.asked_of(right)
        settled = saying.or_refused(
            motives.decide(
                *(visit.ledger, position, decision, visit.asker.id),
                motive=named if decision == "motive" else None,
                asked=asked,
            )
        )
    except (Problem, ProbantError) as error:
        refusal = visit.refusal_of(error)
        return visit.render("waiting.html", 422, **_told(visit) | {"refusal": refusal})
    if settled.opened is not None:
        return visit.go(f"/console/requests/{settled.opened.stream}", "queue.opened")
    return visit.go(QUEUE, f"queue_decided.{decision}")


def _listed(visit: Visit, status: int = 200, **more: Any) -> Response:
    after = visit.request.query_params.get("after", "")
    found = motives.waiting(visit.ledger, _number(after), LIMIT + 1)
    given = {
        "items": found[:LIMIT],
        "next": found[LIMIT - 1].position if len(found) > LIMIT else None,
        "phrases": [one.text for one in edition_of(visit).motives.values()],
        "channels": CHANNELS_IN,
        "day": format_day(day_of(visit.now)),
        "subject": visit.field("subject") or visit.request.query_params.get("subject", ""),
        "refusal": None,
    }
    return visit.render("queue.html", status, **given | more)


def _told(visit: Visit, item: Waiting | None = None) -> dict[str, Any]:
    """What the page of one text is made of. Raises NotFound when nothing waits there."""
    if item is None:
        found = motives.waiting(visit.ledger, _position(visit) - 1, 1)
        if not found or found[0].position != _position(visit):
            raise NotFound("nothing waits for a decision at this position")
        item = found[0]
    phrases = [(one.id, one.text) for one in edition_of(visit).motives.values()]
    return {
        "item": item,
        "phrases": phrases,
        "rights": RIGHTS,
        "text": None,
        "state": "closed",
        "refusal": None,
    }


def _received(visit: Visit) -> Moment:
    """The day it reached us."""
    said = visit.field("received")
    if not said or said == format_day(day_of(visit.now)):
        return moment_of_instant(visit.now)
    try:
        return parse_moment(said)
    except ValueError:
        raise BadData("field 'received' must be a day: YYYY-MM-DD") from None


def _position(visit: Visit) -> int:
    position = _number(visit.path["position"])
    if not position:
        raise NotFound("nothing waits for a decision at this position")
    return position


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


PAGES = (
    Page("GET", QUEUE, get_queue, DECIDING),
    Page("POST", QUEUE, post_text, DECIDING),
    Page("GET", f"{QUEUE}/{{position}}", get_waiting, DECIDING),
    Page("POST", f"{QUEUE}/{{position}}/reading", post_reading, DECIDING),
    Page("POST", f"{QUEUE}/{{position}}/decide", post_decision, DECIDING),
)
