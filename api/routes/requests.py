"""`/v1/requests…`: what people ask under their rights, on a clock that stands up in court.

Received over any channel by POST, walked through its steps, read as a queue or one by one, at any
two times. Read next: `requests.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import rights_schema, schema, tags
from api.answers import Times
from api.certificates import certificate_answer
from api.once import once
from api.problems import Problem
from api.requests import page_json, received, request_json, stepped
from api.routes import AGENT, AUDITOR, DPO, RECORDER, Route
from api.routes.taking import (
    day_named,
    instant_of,
    language_headers,
    language_of,
    ledger_of,
    object_of,
)
from ledger.calendar import Day
from ledger.errors import NotFound
from ledger.events import RIGHTS
from ledger.policy import requests as policy
from ledger.requests.reading import one, queue

REQUESTS = "/v1/requests"
HANDLING = frozenset({AGENT, DPO})
LISTED, LIMIT = 50, 500

Lang = Annotated[str | None, Query(description="fr (default) or en.")]
AsOf = Annotated[str | None, Query(description=schema.AS_OF)]
KnownAt = Annotated[str | None, Query(description=schema.KNOWN_AT)]


async def post_request(request: Request, lang: Lang = None) -> Response:
    """Record that a request reached us; an objection or the removal of a card takes effect with it.
    Give it an `id` of your own (sent again, it is refused), or send an Idempotency-Key."""
    value = await object_of(request, "one request")
    spoken = language_of(request, lang)
    ledger = ledger_of(request)

    def work() -> Response:
        answer = received(ledger, value, spoken)
        where = f"{REQUESTS}/{answer['request']['id']}"
        return JSONResponse(answer, 201, {"Location": where, **language_headers(spoken)})

    return await once(request, work)


class Filter(NamedTuple):
    """Which requests are asked for; None asks for all."""

    state: str | None
    status: str | None
    right: str | None
    due: Day | None
    subject: UUID | None

    def wants(self, found: policy.Request) -> bool:
        """Whether this one is asked for. (Of whom is asked of the store.)"""
        return (
            self.state in (None, found.state)
            and self.status in (None, found.status)
            and self.right in (None, found.right)
            and (self.due is None or (found.is_open and found.due <= self.due))
        )


def filter_of(
    state: Annotated[str | None, Query(description="Only those in this state.")] = None,
    status: Annotated[str | None, Query(description="overdue, due_soon, on_track…")] = None,
    right: Annotated[str | None, Query(description="Only those under this right.")] = None,
    due_before: Annotated[
        str | None, Query(description="Only those still owed, due on that day or before.")
    ] = None,
    subject: Annotated[str | None, Query(description="Only those of this person.")] = None,
) -> Filter:
    """What a question about the queue states. Raises Problem."""
    _among("state", state, policy.STATES)
    _among("status", status, policy.STATUSES)
    _among("right", right, RIGHTS)
    due = None if due_before is None else day_named("due_before", due_before)
    whose = None if subject is None else _id(subject, "this ledger knows no such subject")
    return Filter(state, status, right, due, whose)


def get_requests(
    request: Request,
    asked: Annotated[Filter, Depends(filter_of)],
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    lang: Lang = None,
) -> Response:
    """The queue, in the order in which requests were recorded, page by page."""
    page = queue(
        ledger_of(request),
        as_of=instant_of("as_of", as_of),
        known_at=instant_of("known_at", known_at),
        after=after,
        limit=limit,
        wanted=asked.wants,
        subject=asked.subject,
    )
    spoken = language_of(request, lang)
    return JSONResponse(page_json(page, spoken), headers=language_headers(spoken))


def get_request(
    request: Request, id: str, as_of: AsOf = None, known_at: KnownAt = None, lang: Lang = None
) -> Response:
    """Where one request stands at two times: both clocks, what they rest on, what would change
    it."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    spoken, ledger, stream = language_of(request, lang), ledger_of(request), _request_id(id)
    tag = tags.tag_of_request(ledger, stream, times, spoken)
    headers = {"ETag": tag, **language_headers(spoken)}
    asked = request.headers.getlist("if-none-match")
    if asked and tags.is_known(tag, asked):
        return Response(status_code=304, headers=headers)
    found = one(ledger, stream, *times)
    return JSONResponse(request_json(found, spoken), headers=headers)


async def post_step(request: Request, id: str, step: str, lang: Lang = None) -> Response:
    """Record a step: acknowledge, ask-identity, confirm-identity, qualify, extend, refuse,
    fulfil-partly, notify-recipients, withdraw, close; or `fulfil`, which does what was asked and
    answers it. What the law forbids is refused, with its article. With If-Match, only if no step
    was recorded since that ETag."""
    value = await object_of(request, "one request")
    spoken = language_of(request, lang)
    ledger, stream, state = ledger_of(request), _request_id(id), request.app.state
    expected = request.headers.getlist("if-match")

    def work() -> Response:
        if expected and not tags.is_current(tags.tag_of_request(ledger, stream, Times()), expected):
            raise Problem("precondition-failed", "a step was recorded since that ETag")
        answer = stepped(ledger, stream, step, value, spoken, state.journal, state.desk)
        return JSONResponse(answer, 201, language_headers(spoken))

    return await once(request, work)


def get_certificate(
    request: Request,
    id: str,
    now: Annotated[bool, Query(description="Made again, with every check done now.")] = False,
) -> Response:
    """The certificate of an erasure that was asked for, as it was issued with the answer; and, as
    of now, which outside systems were told, acknowledged, or are overdue."""
    ledger, state = ledger_of(request), request.app.state
    stream = _request_id(id)
    said = certificate_answer(ledger, stream, state.desk, state.journal, is_now=now)
    return JSONResponse(said)


def _request_id(text: str) -> UUID:
    return _id(text, "this ledger knows no such request")


def _id(text: str, otherwise: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(otherwise) from None


def _among(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value is not None and value not in allowed:
        detail = f"'{name}' must be one of: {', '.join(allowed)}"
        raise Problem("malformed-question", detail, field=name)


ROUTES = (
    Route(
        "POST",
        REQUESTS,
        post_request,
        "requests",
        "Record that a request reached us",
        HANDLING | {RECORDER},
        {"status_code": 201, **schema.POST_REQUEST},
        once=True,
    ),
    Route(
        "GET",
        REQUESTS,
        get_requests,
        "requests",
        "The queue of requests, with both clocks",
        HANDLING | {AUDITOR},
        schema.GET_REQUESTS,
    ),
    Route(
        "GET",
        f"{REQUESTS}/{{id}}",
        get_request,
        "requests",
        "Where one request stands, explained",
        HANDLING | {AUDITOR},
        schema.GET_REQUEST,
    ),
    Route(
        "GET",
        f"{REQUESTS}/{{id}}/certificate",
        get_certificate,
        "requests",
        "The certificate of an erasure, and who was told",
        HANDLING | {AUDITOR},
        rights_schema.GET_CERTIFICATE,
    ),
    Route(
        "POST",
        f"{REQUESTS}/{{id}}/{{step}}",
        post_step,
        "requests",
        "Record a step of a request, or carry it out",
        HANDLING,
        {"status_code": 201, **schema.POST_STEP},
        once=True,
    ),
)
