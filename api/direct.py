"""The way to the few routes that are asked thousands of times a second: past the framework.

For one small question the framework's own work (trying each route in turn, resolving dependencies,
validating parameters) costs several times what answering costs. A row of the table marked `direct`
is matched by its exact path and calls its endpoint with the request alone; who may ask is checked
by the same door, and failures become problems in the same place. The framework keeps the same row
behind it, for the description and for the wrong method. Read next: `entering.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from api.routes import Route


class Quick(JSONResponse):
    """The same JSON, written by a faster hand."""

    def render(self, content: Any) -> bytes:
        """Compact, in UTF-8."""
        return msgspec.json.encode(content)


class Direct(BaseRoute):
    """One row of the table; `let_in` is the door it has, which raises for whom it refuses."""

    def __init__(self, row: Route, let_in: Callable[[Request], Awaitable[None]]) -> None:
        self.path = self.path_format = row.path
        self.method, self._endpoint, self._let_in = row.method, row.endpoint, let_in

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """This method and path, wherever the application is mounted: nothing else."""
        if scope["type"] != "http" or scope["method"] != self.method:
            return Match.NONE, {}
        if scope["path"] != scope.get("root_path", "") + self.path:
            return Match.NONE, {}
        return Match.FULL, {"endpoint": self._endpoint, "path_params": {}, "route": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let her in and answer her."""
        request = Request(scope, receive, send)
        await self._let_in(request)
        answer = await self._endpoint(request)
        await answer(scope, receive, send)
