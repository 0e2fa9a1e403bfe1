"""What surrounds every request: one log line without personal data, no leak when we fail.

The line holds the route's template (never the path, which names a subject), the status and the time
taken. An exception that nobody expected becomes a problem; only the name of its class is logged.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import response
from ledger.errors import Refusal

log = logging.getLogger("probant.access")

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, logged; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        failure = ""
        try:
            await self.app(scope, receive, sending)
        except Exception as error:
            failure = f" {type(error).__name__}"
            if status == 0:
                refusal = Refusal("broken", "unexpected failure; nothing was acknowledged")
                await response(refusal)(scope, receive, sending)
        elapsed = (time.perf_counter() - began) * 1000
        level = logging.ERROR if failure else logging.INFO
        log.log(
            level, "%s %s %d %.1f ms%s", _method(scope), _route(scope), status, elapsed, failure
        )


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method.isalpha() and len(method) <= 10 else "?"


def _route(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", "(no route)"))
