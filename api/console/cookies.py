"""The cookies: the session, the visit of whoever is not signed in yet, the language, and the
sign-in that is under way at the company's identity provider.

Over https their names begin with `__Host-`, so that no other host and no plain connection can plant
one. Over plain http nobody is signed in but on this very machine (`make run`), and the names are
plain, for browsers refuse the prefix there. `SameSite=Strict`: no other site can make a browser use
them; but for the sign-in under way, which another site leads back to (`Lax`), and which opens
nothing by itself. Read next: `doors.py`.
"""

from __future__ import annotations

import ipaddress
from typing import Literal, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

Name: TypeAlias = Literal["session", "visit", "language", "flow"]
AGES = {"language": 365 * 24 * 3600, "flow": 10 * 60}  # seconds; the others until it is closed


def name_of(request: Request, name: Name) -> str:
    """How the cookie is called on this connection."""
    return f"__Host-probant-{name}" if is_secure(request) else f"probant-{name}"


def read(request: Request, name: Name) -> str | None:
    """What the browser sent."""
    return request.cookies.get(name_of(request, name))


def write(request: Request, response: Response, name: Name, value: str) -> None:
    """Have the browser keep it."""
    response.set_cookie(
        name_of(request, name),
        value,
        max_age=AGES.get(name),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax" if name == "flow" else "strict",
    )


def forget(request: Request, response: Response, name: Name) -> None:
    """Have the browser forget it."""
    response.delete_cookie(
        name_of(request, name),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax" if name == "flow" else "strict",
    )


def is_secure(request: Request) -> bool:
    """Whether the browser came over https, as we or the proxy in front of us can tell."""
    return bool(request.scope.get("scheme", "http") == "https")


def may_sign_in(request: Request) -> bool:
    """Over https; else on this machine only, asked by its own name: another name that leads here
    is somebody else's page."""
    return is_secure(request) or is_loopback(request)


def is_loopback(request: Request) -> bool:
    """Whether the browser runs on this machine and calls it by a name of its own."""
    client = request.client.host if request.client else ""
    return _is_local(client) and _is_local(request.url.hostname or "")


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
