"""What surrounds every request: a log line without personal data, a count, headers, and no leak.

The line holds the route's template (never the path, which names a subject), by whose key or token
it was asked (ids that name nobody), the status, the time taken and, if the caller sent a valid one,
the trace it belongs to. An exception that nobody expected becomes a problem; only its class is
logged. Read next: `logs.py`, `metrics.py`.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import language_asked, response
from api.settings import Language
from ledger.errors import Refusal

log = logging.getLogger("probant.access")

AT_ONCE = 512  # requests under way in one worker; one more is told to come back
# Said of every answer that does not say otherwise. HSTS is for the proxy to say, which has the TLS.
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-frame-options": b"DENY",
    b"cross-origin-resource-policy": b"same-origin",
}
# W3C Trace Context, version 00 or one that goes on after the same four fields.
_TRACE = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}"
)


class Guard:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, metrics: Metrics, at_once: int = AT_ONCE) -> None:
        self.app, self.metrics, self.at_once = app, metrics, at_once
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, counted and logged; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = completed(message.get("headers", ()))
            await send(message)

        failure = ""
        self._under_way += 1
        try:
            if self._under_way > self.at_once:
                refusal = Refusal("overloaded", "too many requests are under way; come back")
                await response(refusal, None, _lang(scope))(scope, receive, sending)
            else:
                await self.app(scope, receive, sending)
        except Exception as error:
            failure = type(error).__name__
            if status == 0:
                refusal = Refusal("broken", "unexpected failure; nothing was acknowledged")
                await response(refusal, None, _lang(scope))(scope, receive, sending)
        finally:
            self._under_way -= 1
        elapsed = time.perf_counter() - began
        self.metrics.count(_method(scope), _route(scope), status, elapsed)
        _log(scope, status, elapsed, failure)


def completed(said: Any) -> list[tuple[bytes, bytes]]:
    """The headers of an answer, and ours where it says nothing; one that it leaves empty is not
    sent at all."""
    found = list(said)
    named = {name.lower() for name, _ in found}
    more = (one for one in HEADERS.items() if one[0] not in named)
    return [*(one for one in found if one[1]), *more]


def _lang(scope: Scope) -> Language:
    return language_asked(Request({"query_string": b"", **scope}))


def _log(scope: Scope, status: int, elapsed: float, failure: str) -> None:
    members: dict[str, Any] = {
        "method": _method(scope),
        "route": _route(scope),
        "status": status,
        "ms": round(elapsed * 1000, 1),
    }
    said = f"{members['method']} {members['route']} {status} {members['ms']} ms"
    who: Any = scope.get("state", {}).get("who")  # of whoever was let in
    if who is not None:
        members["by"] = who.id
        said += f" by={who.id}"
    if failure:
        members["error"] = failure
        said += f" {failure}"
    if trace := trace_of(scope):
        members["trace_id"], members["parent_id"] = trace
        said += f" trace={trace[0]}"
    level = logging.ERROR if failure else logging.INFO
    log.log(level, "%s", said, extra={"members": members})


def trace_of(scope: Scope) -> tuple[str, str] | None:
    """Trace and parent of the one valid `traceparent` that was sent; anything else is not logged,
    for it might be anything."""
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    found = _TRACE.match(sent[0]) if len(sent) == 1 else None
    if found is None:
        return None
    rest = sent[0][found.end() :]
    if rest and (found[1] == b"00" or not rest.startswith(b"-")):
        return None
    return found[2].decode(), found[3].decode()


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method.isalpha() and len(method) <= 10 else "?"


def _route(scope: Scope) -> str:
    route: Any = scope.get("route")
    return str(getattr(route, "path", "(no route)"))
