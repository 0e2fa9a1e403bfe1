"""Who is asking, and whether the table lets her: default deny.

A caller has an id, roles, and, if she is one person with a token of her own, that person. What a
row of the table does not name is refused: 401 to whom we do not know, 403 to whom we do. Somebody
with the role `subject` is let in to paths about herself only, and told the same about everybody
else, known or not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from starlette.requests import Request

from api.problems import Problem
from api.routes import PUBLIC, ROLES, SUBJECT, Route
from ledger.errors import Broken

OWN = "/v1/subjects/{id}"  # what is about one person lies here or below


class Who(NamedTuple):
    """The one who asks. `id` is no secret and names nobody; `subject` is set for `subject` only."""

    id: str
    roles: frozenset[str]
    subject: UUID | None = None


def checked(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The table, if it can be served. Raises Broken at a row that forgets to say who may ask, names
    a role that does not exist, offers the same twice, or opens to `subject` what is not her own."""
    seen = set()
    for route in routes:
        where = f"{route.method} {route.path}"
        if not route.roles:
            raise Broken(f"{where} does not say who may ask: name roles, or PUBLIC")
        if route.roles != PUBLIC and not route.roles <= set(ROLES):
            raise Broken(f"{where} names a role that does not exist")
        if SUBJECT in route.roles and not f"{route.path}/".startswith(f"{OWN}/"):
            raise Broken(f"{where} is not below {OWN}: it cannot be opened to {SUBJECT}")
        if where in seen:
            raise Broken(f"{where} is in the table twice")
        seen.add(where)
    return routes


def only(roles: frozenset[str]) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets in who has one of `roles`, and puts her into `request.state.who`."""

    async def let_in(request: Request) -> None:
        who = await known(request)
        held = who.roles & roles
        if not held:
            raise Problem("forbidden", "your roles do not open this page")
        if held == {SUBJECT} and not _is_own(request, who):
            raise Problem("forbidden", "this token opens what is about its own person, only")
        request.state.who = who

    return let_in


async def known(request: Request) -> Who:
    """Who shows a key that we accept. Raises Problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    who = request.app.state.keys.who(token.strip()) if scheme.lower() == "bearer" else None
    if who is None:
        raise Problem("unauthorized", "send the API key as: Authorization: Bearer KEY")
    found: Who = who
    return found


def _is_own(request: Request, who: Who) -> bool:
    try:
        return who.subject is not None and UUID(request.path_params["id"]) == who.subject
    except ValueError:
        return False
