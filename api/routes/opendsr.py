"""`/opendsr/v2…`: rights requests in the words of OpenDSR 2.0, for systems that speak them.

Every answer is signed; what goes wrong beyond the door (no key, the wrong role) is a problem as
everywhere. Read next: `opendsr.py` in the room above.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.responses import Response

from api import opendsr, opendsr_schema
from api.opendsr import Wrong
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO, RECORDER, Route
from api.routes.taking import body_of, ledger_of, media_of
from ledger.requests.opendsr import headers

HERE = "/opendsr/v2"
ASKING = frozenset({RECORDER, AGENT, DPO})


def get_discovery(request: Request) -> Response:
    """What of the protocol is supported, and where the keys of our signatures are."""
    keys = str(request.url.replace(path="/.well-known/jwks.json", query=""))
    return _answer(request, 200, lambda: opendsr.discovery(ledger_of(request), keys))


async def post_request(request: Request) -> Response:
    """Record a request of access, portability or erasure that another system hands on. Sent twice
    under one `subject_request_id`, it is refused the second time."""
    try:
        if media_of(request) != "application/json":
            raise Problem("unsupported-media", "Content-Type must be application/json")
        raw = await body_of(request)
    except Problem as problem:
        return _signed(request, 400, Wrong(problem.refusal.detail).body)
    ledger, who = ledger_of(request), request.state.who.id
    made = partial(_answer, request, 201, partial(opendsr.received, ledger, who, raw))
    return await to_thread.run_sync(made, limiter=request.app.state.writing)


def get_request(request: Request, id: str) -> Response:
    """Where a request stands: pending, in_progress, completed or cancelled; by when it is due."""
    ledger, who = ledger_of(request), request.state.who.id
    return _answer(request, 200, lambda: opendsr.status(ledger, who, id))


def delete_request(request: Request, id: str) -> Response:
    """Cancel a request on which nobody did anything yet."""
    ledger, who = ledger_of(request), request.state.who.id
    return _answer(request, 202, lambda: opendsr.cancelled(ledger, who, id))


def _answer(request: Request, status: int, work: Callable[[], dict[str, Any]]) -> Response:
    try:
        return _signed(request, status, work())
    except Wrong as wrong:
        return _signed(request, wrong.code, wrong.body)


def _signed(request: Request, status: int, said: dict[str, Any]) -> Response:
    content = json.dumps(said).encode()
    signed = headers(ledger_of(request).keyring, content)
    return Response(content, status, signed, "application/json")


ROUTES = (
    Route(
        "GET",
        f"{HERE}/discovery",
        get_discovery,
        "opendsr",
        "What of OpenDSR is supported",
        ASKING | {AUDITOR},
        opendsr_schema.GET_DISCOVERY,
    ),
    Route(
        "POST",
        f"{HERE}/requests",
        post_request,
        "opendsr",
        "Hand on a request of a person",
        ASKING,
        {"status_code": 201, **opendsr_schema.POST_REQUEST},
    ),
    Route(
        "GET",
        f"{HERE}/requests/{{id}}",
        get_request,
        "opendsr",
        "Where such a request stands",
        ASKING | {AUDITOR},
        opendsr_schema.GET_REQUEST,
    ),
    Route(
        "DELETE",
        f"{HERE}/requests/{{id}}",
        delete_request,
        "opendsr",
        "Cancel such a request",
        ASKING,
        {"status_code": 202, **opendsr_schema.DELETE_REQUEST},
    ),
)
