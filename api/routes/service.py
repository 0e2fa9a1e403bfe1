"""The service itself: whether it is alive, and its documentation. Open to everybody."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import Request
from starlette.responses import HTMLResponse, JSONResponse

from api import page, schema
from api.routes import PUBLIC, Route
from api.routes.taking import ledger_of

_UNLISTED = {"include_in_schema": False}


def healthz(request: Request) -> dict[str, Any]:
    """Version of the program, position of the last event. Open to all, says nothing of anybody."""
    head = ledger_of(request).recorder.head()
    return {"status": "ok", "version": version("probant"), "position": head.position}


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
    Route("GET", "/docs", docs, "service", "The documentation", PUBLIC, _UNLISTED),
    Route("GET", "/openapi.json", openapi, "service", "The description", PUBLIC, _UNLISTED),
)
