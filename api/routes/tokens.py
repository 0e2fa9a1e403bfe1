"""`POST /v1/subjects/{id}/token`: a short token for one person's browser. See `tokens.py` above."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from api import schema, tokens
from api.routes import RECORDER, Route
from api.routes.subjects import Asked, asked_of
from api.routes.taking import ledger_of
from api.tags import tag_of
from ledger.aggregates.door import GONE
from ledger.application import Ledger
from ledger.calendar import Instant, format_instant
from ledger.errors import Refused


async def post_token(request: Request, asked: Annotated[Asked, Depends(asked_of)]) -> Response:
    """A token with which a browser may ask about this person, and nobody else, for fifteen minutes.
    To be asked for by a server that has just made sure who she is, and never by staff: who holds
    it speaks for her. `id` is what logs call it: keep it, to know whose browser asked."""
    ledger = ledger_of(request)
    now = ledger.clock.now()
    request.app.state.limits.tokens.take(request.state.who.id, now)
    token, until = await to_thread.run_sync(_issued, ledger, asked, now)
    named = {"id": tokens.blind(ledger, token), "subject": str(asked.subject)}
    answer = {"token": token, **named, "expires": format_instant(until)}
    return JSONResponse(answer, 201)


def _issued(ledger: Ledger, asked: Asked, now: Instant) -> tuple[str, Instant]:
    if tokens.is_erased(ledger, asked.subject):
        raise Refused(GONE)
    tag_of(ledger, asked.subject, asked.times)  # raises NotFound for whom nobody knows
    return tokens.issue(ledger, asked.subject, now)


ROUTES = (
    Route(
        "POST",
        "/v1/subjects/{id}/token",
        post_token,
        "subjects",
        "A short token for this person's browser",
        frozenset({RECORDER}),
        {"status_code": 201, **schema.POST_TOKEN},
    ),
)
