"""Where the outside systems stand: told, acknowledged, overdue; and saying it in their place.

"Delivered" is not "done": a recipient without a key of its own answers by letter, and whoever opens
that letter says so here, with why (decision 0048). Read next: `api/webhooks.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from api import webhooks
from api.console import Page
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO
from ledger.errors import NotFound, ProbantError

RECIPIENTS = "/console/recipients"
LOOKING = frozenset({AGENT, DPO, AUDITOR})
EVERYBODY = frozenset({DPO, AUDITOR})  # who may see what is overdue about everybody
SAYING = webhooks.IN_PLACE & LOOKING
REASONS = ("letter", "email", "phone", "their_page")
LIMIT = 100


def get_recipients(visit: Visit) -> Response:
    """What somebody outside lets pass without acknowledging, about everybody, oldest first."""
    return visit.render("recipients.html", **_overdue(visit))


def get_of_person(visit: Visit) -> Response:
    """Where each of them stands about what one person decided."""
    return visit.render("recipients_of.html", **_of(visit, _subject(visit)))


def post_acknowledgement(visit: Visit) -> Response:
    """Say, in a recipient's place, that it did its part about one fact of this person."""
    subject, position = _subject(visit), visit.field("position")
    value: dict[str, Any] = {
        "recipient": visit.field("recipient"),
        "positions": [int(position)] if position.isascii() and position.isdigit() else [],
        "reason": visit.field("reason"),
    }
    if receipt := visit.field("receipt"):
        value["receipt"] = receipt
    here = f"{RECIPIENTS}/{subject}"
    try:
        _check_hers(visit, subject, value["positions"])
        (said,) = webhooks.acknowledged(visit.ledger, value, visit.asker)["items"]
    except NotFound:
        raise
    except (Problem, ProbantError) as error:
        told = _of(visit, subject) | {"refusal": visit.refusal_of(error)}
        return visit.render("recipients_of.html", 422, **told)
    done = "requests.done" if said["recorded"] else "outside.known"
    return visit.go(here, done, position=visit.say.number(said["position"]))


def _check_hers(visit: Visit, subject: UUID, positions: list[int]) -> None:
    """Raises Problem unless the fact is one of hers that somebody outside is to be told of."""
    found = webhooks.recipients_of(visit.ledger, subject, _days(visit))
    if not set(positions) <= {one["position"] for one in found["items"]}:
        raise Problem("malformed", "field 'position': nobody outside is told of it")


def _overdue(visit: Visit) -> dict[str, Any]:
    query = visit.request.query_params.get("after", "")
    after = int(query) if query.isascii() and query.isdigit() and len(query) < 16 else 0
    found = webhooks.all_overdue(visit.ledger, _days(visit), after, LIMIT)
    return {"items": found["items"], "next": found["next"], "days": found["days"]}


def _of(visit: Visit, subject: UUID) -> dict[str, Any]:
    found = webhooks.recipients_of(visit.ledger, subject, _days(visit))
    return {
        "subject": str(subject),
        "items": list(reversed(found["items"])),
        "days": found["days"],
        "reasons": REASONS,
        "may_say": bool(visit.asker.roles & SAYING),
        "refusal": None,
    }


def _days(visit: Visit) -> int:
    days: int = visit.request.app.state.outbound.days
    return days


def _subject(visit: Visit) -> UUID:
    return visit.id(visit.path["id"], "this ledger knows no such subject")


PAGES = (
    Page("GET", RECIPIENTS, get_recipients, EVERYBODY),
    Page("GET", f"{RECIPIENTS}/{{id}}", get_of_person, LOOKING),
    Page("POST", f"{RECIPIENTS}/{{id}}", post_acknowledgement, SAYING),
)
