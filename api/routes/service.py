"""The service itself: whether it is alive and ready, its numbers, and its documentation."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from api import page, schema
from api.metrics import MEDIA
from api.readiness import reach
from api.routes import OPERATOR, PUBLIC, Route
from api.routes.taking import ledger_of

_UNLISTED = {"include_in_schema": False}


def healthz(request: Request) -> dict[str, Any]:
    """Version of the program, position of the last event. Open to all, says nothing of anybody."""
    head = ledger_of(request).recorder.head()
    return {"status": "ok", "version": version("probant"), "position": head.position}


def readyz(request: Request) -> dict[str, Any]:
    """Whether this worker may be sent requests: database, keyring and erasure journal are as they
    must be. Beside it, how far the seal reaches; a seal that lags keeps nobody out."""
    state = request.app.state
    answer: dict[str, Any] = state.readiness.answer(ledger_of(request), state.seal)
    return answer


def metrics(request: Request) -> Response:
    """Requests and times by route, how far log and seal reach: of this process, naming nobody."""
    state = request.app.state
    text = state.metrics.text(reach(ledger_of(request), state.seal))
    return Response(text, media_type=MEDIA)


def docs(request: Request) -> HTMLResponse:
    """The documentation, made here and complete: the page asks nothing of any other server."""
    return HTMLResponse(
        page.render(request.app.openapi()), headers={"Content-Security-Policy": page.POLICY}
    )


def openapi(request: Request) -> JSONResponse:
    """The same for programs."""
    return JSONResponse(request.app.openapi())


ROUTES = (
    Route(
        "GET",
        "/healthz",
        healthz,
        "service",
        "Is it alive, and where the log ends",
        PUBLIC,
        schema.GET_HEALTH,
    ),
    Route(
        "GET",
        "/readyz",
        readyz,
        "service",
        "May it be sent requests, and how far the seal reaches",
        PUBLIC,
        schema.GET_READY,
    ),
    Route(
        "GET",
        "/metrics",
        metrics,
        "service",
        "Numbers for a monitoring system",
        frozenset({OPERATOR}),
        {"response_class": Response, **schema.GET_METRICS},
    ),
    Route("GET", "/docs", docs, "service", "The documentation", PUBLIC, _UNLISTED),
    Route("GET", "/openapi.json", openapi, "service", "The description", PUBLIC, _UNLISTED),
)
