"""Holds: what may not be destroyed, by which article, and when that is looked at again.

Placed, reviewed and lifted by the same functions as `/v1/holds`. Who placed one and why is sealed.
Read next: `api/holds.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from api import holds as telling
from api import things
from api.answers import Times
from api.console import Page
from api.console.naming import class_labels, edition_of, sorting
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AUDITOR, DPO
from ledger.calendar import add_months, day_of, format_day
from ledger.errors import NotFound, ProbantError, Refused
from ledger.events import HoldPlaced
from ledger.handlers import Accepted, record_many

HOLDS = "/console/holds"
LOOKING = frozenset({DPO, AUDITOR})
PLACING = frozenset({DPO})
LIMIT = 200
STEPS = ("review", "lift")
REVIEW_MONTHS = 6  # proposed; whoever places it says another day


def get_holds(visit: Visit) -> Response:
    """The open holds, those first whose review is due first."""
    return visit.render("holds.html", **_told(visit))


def post_hold(visit: Visit) -> Response:
    """Place one: nothing of these classes of hers is destroyed until it is lifted."""
    data: dict[str, Any] = {"classes": visit.fields("classes")}
    data |= {n: visit.field(n) for n in ("article", "review", "author", "reason") if visit.field(n)}
    item: dict[str, Any] = {"data": data}
    if subject := visit.field("subject"):
        item["subject"] = subject
    else:
        item["person"] = {"kind": visit.field("kind"), "value": visit.field("reference")}
    try:
        wish = things.beginning(visit.ledger, HoldPlaced, item, visit.asker.roles)
        position = _recorded(visit, wish)
    except (Problem, ProbantError) as error:
        return visit.render(
            "holds.html", 422, **_told(visit) | {"refusal": visit.refusal_of(error)}
        )
    return visit.go(HOLDS, "requests.done", position=visit.say.number(position))


def post_step(visit: Visit) -> Response:
    """Review a hold, which names a later day for the next review, or lift it."""
    step = visit.path["step"]
    if step not in STEPS:
        raise NotFound("there is no such step")
    data = {n: visit.field(n) for n in ("review", "author", "reason") if visit.field(n)}
    if step == "lift":
        data.pop("review", None)
    try:
        cls = telling.STEPS[step]
        id = things.uuid_of(visit.path["id"], "hold")
        wish = things.step(visit.ledger, cls, id, {"data": data}, visit.asker.roles)
        position = _recorded(visit, wish)
    except NotFound:
        raise
    except (Problem, ProbantError) as error:
        return visit.render(
            "holds.html", 422, **_told(visit) | {"refusal": visit.refusal_of(error)}
        )
    return visit.go(HOLDS, "requests.done", position=visit.say.number(position))


def _recorded(visit: Visit, wish: Any) -> int:
    (outcome,) = record_many(visit.ledger, [wish])
    if not isinstance(outcome, Accepted):
        raise Refused(outcome)
    return outcome.position


def _told(visit: Visit) -> dict[str, Any]:
    found = telling.holds_answer(visit.ledger, Times(), 0, LIMIT, None)
    subject = visit.field("subject") or visit.request.query_params.get("subject", "")
    labels = class_labels(visit)
    return {
        "items": sorted(found["items"], key=lambda one: one["review"]),
        "is_whole": found["next"] is None,
        "labels": labels,
        "classes": sorted(edition_of(visit).classes, key=lambda name: sorting(labels[name])),
        "subject": subject if _is_id(subject) else "",
        "review": format_day(add_months(day_of(visit.now), REVIEW_MONTHS)),
        "may_place": bool(visit.asker.roles & PLACING),
        "refusal": None,
    }


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


PAGES = (
    Page("GET", HOLDS, get_holds, LOOKING),
    Page("POST", HOLDS, post_hold, PLACING),
    Page("POST", f"{HOLDS}/{{id}}/{{step}}", post_step, PLACING),
)
