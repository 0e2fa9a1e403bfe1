"""`/v1/webhooks…` and `/v1/acknowledgements`: what leaves, what became of it, who did its part.

Read next: `webhooks.py` in the room above; the receiver's side is in docs/webhooks.md.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import schema, webhooks
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO, OPERATOR, RECORDER, SUBJECT, Route
from api.routes.taking import body_of, ledger_of, media_of, parsed_of
from ledger.errors import NotFound
from ledger.outbound import endpoints

WEBHOOKS, ACKNOWLEDGEMENTS = "/v1/webhooks", "/v1/acknowledgements"
KEEPING = frozenset({DPO, OPERATOR})
LISTED, LIMIT = 100, 1000


async def post_webhook(request: Request) -> Response:
    """Send facts of some kinds, from now on, to a declared recipient. The answer holds the secret
    that signs what is sent: it is shown once."""
    value = await _body(request)
    answer = await _in_turn(request, webhooks.registered, value)
    return JSONResponse(answer, 201, {"Cache-Control": "no-store"})


def get_webhooks(request: Request) -> Response:
    """Every webhook, with how many of its deliveries wait, were taken, or were given up."""
    return JSONResponse(webhooks.listed(ledger_of(request)))


def delete_webhook(request: Request, id: str) -> Response:
    """Send nothing there any more; what waited is forgotten. The facts still say who was told."""
    endpoints.remove(ledger_of(request), _id(id))
    return Response(status_code=204)


def post_ping(request: Request, id: str) -> Response:
    """Send a message that says nothing, now, and answer what it was answered."""
    post = request.app.state.outbound.post
    return JSONResponse(webhooks.pinged(ledger_of(request), _id(id), post))


def get_deliveries(
    request: Request,
    webhook: Annotated[str, Query(description="Of which webhook.")],
    state: Annotated[str | None, Query(description="pending, delivered or dead.")] = None,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
) -> Response:
    """The delivery log, in the order of the facts: how each went, never what it said."""
    found = webhooks.deliveries(ledger_of(request), _id(webhook), state, after, limit)
    return JSONResponse(found)


async def post_redeliver(request: Request) -> Response:
    """Send facts again under the ids they had: those named, or all that were given up."""
    return JSONResponse(await _in_turn(request, webhooks.redelivered, await _body(request)))


async def post_acknowledgement(request: Request) -> Response:
    """An outside system says that it did its part about these facts, with a receipt: by a key that
    is its own (`probant access add --recipient`). Staff may say it for anybody, with a `reason`.
    All are recorded, or none; sent again, nothing is recorded twice."""
    value, who = await _body(request), request.state.who

    def deed(ledger: Any, stated: Any) -> Any:
        return webhooks.acknowledged(ledger, stated, who)

    return JSONResponse(await _in_turn(request, deed, value))


def get_overdue(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
) -> Response:
    """The facts about which somebody outside has let its days pass without acknowledging, oldest
    first, page by page."""
    days = request.app.state.outbound.days
    return JSONResponse(webhooks.all_overdue(ledger_of(request), days, after, limit))


def get_recipients(request: Request, id: str) -> Response:
    """Whom we must tell of what one person decided: told, acknowledged with which receipt,
    overdue. She may ask (GDPR art. 19)."""
    try:
        subject = UUID(id)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None
    days = request.app.state.outbound.days
    return JSONResponse(webhooks.recipients_of(ledger_of(request), subject, days))


async def _in_turn(request: Request, deed: Any, value: Any) -> Any:
    limiter = request.app.state.writing
    return await to_thread.run_sync(deed, ledger_of(request), value, limiter=limiter)


async def _body(request: Request) -> Any:
    """The one JSON object of the body."""
    media = media_of(request)
    if media != "application/json":
        raise Problem("unsupported-media", "Content-Type must be application/json")
    parsed = parsed_of(await body_of(request), media)
    if not parsed.is_single:
        raise Problem("malformed", "one at a time: a JSON object")
    return parsed.items[0]


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is no such webhook") from None


ROUTES = (
    Route(
        *("POST", WEBHOOKS, post_webhook, "webhooks"),
        "Register a webhook for a declared recipient",
        KEEPING,
        schema.POST_WEBHOOK,
    ),
    Route(
        *("GET", WEBHOOKS, get_webhooks, "webhooks"),
        "Every webhook, and how its deliveries stand",
        KEEPING,
        schema.GET_WEBHOOKS,
    ),
    Route(
        *("GET", f"{WEBHOOKS}/deliveries", get_deliveries, "webhooks"),
        "The delivery log of a webhook",
        KEEPING,
        schema.GET_DELIVERIES,
    ),
    Route(
        *("POST", f"{WEBHOOKS}/redeliver", post_redeliver, "webhooks"),
        "Send again, under the same ids",
        KEEPING,
        schema.REDELIVER,
    ),
    Route(
        *("POST", f"{WEBHOOKS}/{{id}}/ping", post_ping, "webhooks"),
        "Try whether a webhook answers",
        KEEPING,
        schema.PING,
    ),
    Route(
        *("DELETE", f"{WEBHOOKS}/{{id}}", delete_webhook, "webhooks"),
        "Remove a webhook",
        KEEPING,
        schema.DELETE_WEBHOOK,
    ),
    Route(
        *("POST", ACKNOWLEDGEMENTS, post_acknowledgement, "recipients"),
        "An outside system did its part",
        webhooks.IN_PLACE | {RECORDER},
        schema.ACKNOWLEDGE,
    ),
    Route(
        *("GET", f"{ACKNOWLEDGEMENTS}/overdue", get_overdue, "recipients"),
        "Who outside is overdue",
        frozenset({DPO, AUDITOR}),
        schema.GET_OVERDUE,
    ),
    Route(
        *("GET", "/v1/subjects/{id}/recipients", get_recipients, "recipients"),
        "Whom we told of what one person decided",
        frozenset({AGENT, DPO, AUDITOR, SUBJECT}),
        schema.GET_RECIPIENTS,
    ),
)
