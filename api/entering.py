"""The door of every route that is not open to all: who is asking, and does the table let her?

Three kinds of proof, each as `Authorization: Bearer`: an API key (machines), a token of the
company's own identity provider (staff), a token for one person (browsers). What a row of the table
does not name is refused: 401 to whom we do not know, 403 to whom we do. One person is let in to
paths about herself only, told the same about everybody else, known or not, and 410 once she is
erased. Read next: `keys.py`, `oidc.py`, `tokens.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from anyio import to_thread
from starlette.requests import Request

from api import keys, tokens
from api.access import Who
from api.problems import Problem
from ledger.aggregates.door import GONE
from ledger.application import Ledger
from ledger.errors import Refused


def only(roles: frozenset[str]) -> Callable[[Request], Awaitable[None]]:
    """A dependency that lets in who has one of `roles`, and puts her into `request.state.who`."""

    async def let_in(request: Request) -> None:
        who = request.state.who = await known(request)
        if not who.roles & roles:
            raise Problem("forbidden", "your roles do not open this page")
        if who.subject is not None:
            await _as_herself(request, who.subject)

    return let_in


async def known(request: Request) -> Who:
    """Who shows a proof that we accept. Raises Problem."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    who = await holder_of(request, token.strip()) if scheme.lower() == "bearer" else None
    if who is None:
        raise Problem("unauthorized", "send a key or token as: Authorization: Bearer KEY")
    return who


async def holder_of(request: Request, token: str) -> Who | None:
    """Who holds this key or token now; None if it opens nothing."""
    state = request.app.state
    now = state.ledger.clock.now()
    if token.startswith(tokens.PREFIX):
        return tokens.who(state.ledger, token, now)
    if token.count(".") == 2 and state.oidc is not None and not token.startswith(keys.PREFIX):
        secret = state.ledger.keyring.secret("staff")
        staff: Who | None = await to_thread.run_sync(state.oidc.who, token, now, secret)
        return staff
    holder: Who | None = state.keys.who(token, now)
    return holder


async def _as_herself(request: Request, subject: UUID) -> None:
    """Nothing but what is about herself, not too often, and not after she was erased."""
    try:
        is_own = UUID(request.path_params["id"]) == subject
    except (KeyError, ValueError):
        is_own = False
    if not is_own:
        raise Problem("forbidden", "this token opens what is about its own person, only")
    await as_one_person(request, subject)


async def as_one_person(request: Request, subject: UUID) -> None:
    """Not too often, and not after she was erased. Raises Problem, Refused (410)."""
    not_too_often(request, subject)
    await to_thread.run_sync(not_erased, request.app.state.ledger, subject)


def not_too_often(request: Request, subject: UUID) -> None:
    """Raises Problem when one person asks too much in too short a time."""
    state = request.app.state
    state.limits.person.take(str(subject), state.ledger.clock.now())


def not_erased(ledger: Ledger, subject: UUID) -> None:
    """Raises Refused (410) once she is. Reads the database."""
    if tokens.is_erased(ledger, subject):
        raise Refused(GONE)
