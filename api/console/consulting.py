"""The archive: consulted with a grant, a motive and a case, on record before anything is opened.

As `/v1/archive/consultations` does it: asked for, sealed, perhaps approved by a second person, then
opened by the opener; what it opens is on the page that answers the button, and nowhere else. Read
next: `api/archive.py`.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from starlette.responses import Response

from api import archive
from api.console import Page
from api.console.naming import class_labels, edition_of
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AUDITOR, DPO
from ledger.errors import NotFound, ProbantError
from ledger.events import MOTIVES

ARCHIVE = "/console/archive"
READERS = frozenset({DPO, AUDITOR})


def get_archive(visit: Visit) -> Response:
    """What one asked for in the last day, what others asked for and nobody approved, and the form
    to ask."""
    return visit.render("archive.html", **_told(visit))


def post_consultation(visit: Visit) -> Response:
    """Ask for a record of the archive: recorded, not opened yet."""
    names = ("subject", "class", "grant", "motive", "case", "scope")
    value = {name: visit.field(name) for name in names if visit.field(name)}
    try:
        wish = archive.wish_of(value, visit.asker)
        made = archive.consult(visit.ledger, _archive(visit), wish)
    except (Problem, ProbantError) as error:
        return _refused(visit, error)
    return visit.go(ARCHIVE, "archive.asked", position=visit.say.number(made["position"]))


def post_approval(visit: Visit) -> Response:
    """Approve what somebody else asked for, naming the case as one knows it."""
    try:
        case = archive.case_of({"case": visit.field("case")} if visit.field("case") else {})
        archive.approve(visit.ledger, _archive(visit), visit.asker, _id(visit), case)
    except NotFound:
        raise
    except (Problem, ProbantError) as error:
        return _refused(visit, error)
    return visit.go(ARCHIVE, "archive.approved")


def post_opening(visit: Visit) -> Response:
    """Open what one asked for, once it is sealed; that it was read is on record before it is
    shown."""
    visit.request.app.state.limits.lookups.take(visit.asker.id, visit.now)
    try:
        found = archive.opened(visit.ledger, _archive(visit), visit.asker, _id(visit))
    except NotFound:
        raise
    except (Problem, ProbantError) as error:
        return _refused(visit, error)
    if "opened" not in found:
        return visit.go(ARCHIVE, "archive.not_yet")
    return visit.render("archive.html", **_told(visit) | {"opened": found})


def _refused(visit: Visit, error: Problem | ProbantError) -> Response:
    refusal = visit.refusal_of(error)
    return visit.render("archive.html", 422, **_told(visit) | {"refusal": refusal})


def _told(visit: Visit) -> dict[str, Any]:
    mine: list[Any] = []
    others: list[Any] = []
    where = None
    with suppress(Problem):  # the page says that there is no archive here
        where = _archive(visit)
    if where is not None:
        mine, others = (
            archive.listed(visit.ledger, where, visit.asker, to_approve=to_approve)["items"]
            for to_approve in (False, True)
        )
    return {
        "is_there": where is not None,
        "reader": visit.asker.id,
        "mine": mine,
        "others": others,
        "labels": class_labels(visit),
        "classes": sorted(edition_of(visit).classes),
        "motives": MOTIVES,
        "subject": visit.field("subject") or visit.request.query_params.get("subject", ""),
        "opened": None,
        "refusal": None,
    }


def _archive(visit: Visit) -> archive.Archive:
    state = visit.request.app.state
    return archive.archive_of(state.seal, state.opener)


def _id(visit: Visit) -> UUID:
    return visit.id(visit.path["id"], "there is no such consultation")


PAGES = (
    Page("GET", ARCHIVE, get_archive, READERS),
    Page("POST", ARCHIVE, post_consultation, READERS),
    Page("POST", f"{ARCHIVE}/{{id}}/approve", post_approval, READERS),
    Page("POST", f"{ARCHIVE}/{{id}}/open", post_opening, READERS),
)
