"""What lies between the guard and the routes: who may ask from a browser, and gzip.

**CORS.** The preference centre of a company is a page on another origin, whose script asks about
one person with her token. So the origins that PROBANT_CORS_ORIGINS names may ask the routes that
the role `subject` may use, and no other; without the setting, none may. No credentials: a token
travels in a header that the script sets, never in a cookie that a browser would add by itself.

**gzip.** Compressing beside a secret lets whoever makes a browser ask again and again, and sees
the lengths, guess it (BREACH). Here a browser adds no credentials by itself, so nobody but the
holder of the token can make it ask; no answer repeats what was sent; and the answers that are
secrets, tokens and those of webhooks, are never compressed, nor what the archive's opener opened.
Nor are the pages of `console/`, which a cookie opens and which hold the token of their forms. Nor
are streams: their lines leave when they are ready.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from api.routes import SUBJECT, Route
from api.routes.taking import NDJSON

WORTH_IT = 1024  # bytes of an answer, before it is compressed
LEVEL = 5  # of 9: most of the gain for a third of the time
UNZIPPED = ("/token", "/webhooks")  # how the paths end of what answers a secret
UNZIPPED_BELOW = ("/v1/archive/",)  # how they begin
PAGES = ("/console", "/audit", "/my")
ASKED = ("Accept-Language", "Authorization", "Content-Type", "Idempotency-Key")
ASKED_IF = ("If-Match", "If-None-Match")
TOLD = ("Content-Language", "ETag", "Idempotency-Replayed", "Location", "Retry-After")


class Compressed:
    """An ASGI application around another: large answers in gzip, for whoever accepts it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.zipped = GZipMiddleware(
            app,
            minimum_size=WORTH_IT,
            compresslevel=LEVEL,
            exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, *NDJSON),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; what answers a secret, and whatever nobody wants zipped, passes through."""
        await (self.zipped if _wants_gzip(scope) else self.app)(scope, receive, send)


def _wants_gzip(scope: Scope) -> bool:
    path = scope.get("path", "")
    secret = path.endswith(UNZIPPED) or path.startswith(UNZIPPED_BELOW)
    if scope["type"] != "http" or secret or _is_page(path):
        return False
    return any(name == b"accept-encoding" and b"gzip" in said for name, said in scope["headers"])


def _is_page(path: str) -> bool:
    """A page holds the token of its forms; its style sheet and scripts hold nothing."""
    return path.startswith(PAGES) and not path.startswith("/console/static/")


class Browsers:
    """An ASGI application around another: scripts of some origins may ask what one person may."""

    def __init__(self, app: ASGIApp, origins: Collection[str], table: Collection[Route]) -> None:
        own = [route for route in table if SUBJECT in route.roles]
        mine = {route.path for route in own}
        self.app = app
        # In the order in which they are tried: the first that fits is the one that is asked.
        self.paths = [(compile_path(r.path)[0], r.path in mine) for r in table]
        self.opened = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=sorted({route.method for route in own}),
            allow_headers=(*ASKED, *ASKED_IF),
            expose_headers=TOLD,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; on any other path a browser is told nothing, and so is its script."""
        await (self.opened if self._is_own(scope) else self.app)(scope, receive, send)

    def _is_own(self, scope: Scope) -> bool:
        if scope["type"] != "http" or not any(name == b"origin" for name, _ in scope["headers"]):
            return False
        return next((is_own for fits, is_own in self.paths if fits.match(scope["path"])), False)
