"""`/v1/archive/consultations…`: a record of the archive, asked for on the record, then opened.

POST records the consultation and answers 202; GET answers 202 until it is sealed, then the record
that the opener opens, and nothing of it is kept or compressed. Many keys need a second person: she
approves over a route of her own, in her own name. Read next: `archive.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import archive, archive_schema
from api.archive import Archive, archive_of
from api.once import once, writing
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import ledger_of, object_of
from ledger.errors import NotFound

CONSULTATIONS = "/v1/archive/consultations"
READERS = frozenset({DPO, AUDITOR})
SOON = "2"  # seconds: the sealer signs every second


async def post_consultation(request: Request) -> Response:
    """Record that you consult the archive: one person, one class (or one scope of it), one case,
    under a grant of yours and for a motive of the closed list. Nothing is opened yet: the opener
    opens what is proven to be in a signed checkpoint."""
    wish = archive.wish_of(await object_of(request, "one consultation"), request.state.who)
    ledger, where = ledger_of(request), _archive(request)

    def work() -> Response:
        return _accepted(archive.consult(ledger, where, wish))

    return await once(request, work)


def get_consultations(
    request: Request,
    to_approve: Annotated[
        bool, Query(description="Those of others that nobody approved, instead of your own.")
    ] = False,
) -> Response:
    """Your consultations of the last day, and by which id the archive knows you."""
    who = request.state.who
    found = archive.listed(ledger_of(request), _archive(request), who, to_approve=to_approve)
    return JSONResponse(found)


async def get_consultation(request: Request, id: str) -> Response:
    """The record that you consulted, once the checkpoint that covers it is signed; 202 until then.
    That you read it is on record before it is answered. Nobody sees what somebody else consulted;
    what the opener refuses is told with its reason."""
    ledger, who, consultation = ledger_of(request), request.state.who, _id(id)
    where = _archive(request)
    request.app.state.limits.lookups.take(who.id, ledger.clock.now())

    def work() -> Response:
        found = archive.opened(ledger, where, who, consultation)
        return JSONResponse(found) if "opened" in found else _accepted(found)

    return await writing(request, work)


async def post_approval(request: Request, id: str) -> Response:
    """Approve what somebody else consults, naming the case as you know it: for many keys at once
    the opener wants two of us (four eyes)."""
    case = archive.case_of(await object_of(request, "one consultation"))
    ledger, who, consultation = ledger_of(request), request.state.who, _id(id)
    where = _archive(request)

    def work() -> Response:
        return _accepted(archive.approve(ledger, where, who, consultation, case))

    return await once(request, work)


def _accepted(found: dict[str, Any]) -> Response:
    headers = {"Location": f"{CONSULTATIONS}/{found['id']}", "Retry-After": SOON}
    return JSONResponse(found, 202, headers)


def _archive(request: Request) -> Archive:
    return archive_of(request.app.state.seal, request.app.state.opener)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is no such consultation") from None


ROUTES = (
    Route(
        "POST",
        CONSULTATIONS,
        post_consultation,
        "archive",
        "Consult the archive: recorded, not opened yet",
        READERS,
        archive_schema.POST_CONSULTATION,
        once=True,
    ),
    Route(
        "GET",
        CONSULTATIONS,
        get_consultations,
        "archive",
        "Your own open consultations, or those to approve",
        READERS,
        archive_schema.GET_CONSULTATIONS,
    ),
    Route(
        "GET",
        f"{CONSULTATIONS}/{{id}}",
        get_consultation,
        "archive",
        "The record that you consulted, opened",
        READERS,
        archive_schema.GET_CONSULTATION,
    ),
    Route(
        "POST",
        f"{CONSULTATIONS}/{{id}}/approval",
        post_approval,
        "archive",
        "Approve what somebody else consults",
        READERS,
        archive_schema.POST_APPROVAL,
        once=True,
    ),
)
