"""`/v1/subjects/…`: who is meant, and what follows for one person at two times.

Read next: `answers.py`, `timeline.py` and `tags.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple
from uuid import UUID

from anyio import to_thread
from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import schema, tags
from api.answers import Times, subject_answer
from api.lookup import lookup_answer
from api.problems import language_asked, told
from api.routes import AGENT, AUDITOR, DPO, READER, RECORDER, SUBJECT, Route
from api.routes.taking import (
    body_of,
    instant_of,
    language_headers,
    language_of,
    ledger_of,
    media_of,
    parsed_of,
)
from api.timeline import DEFAULT_LIMIT, MAX_LIMIT, timeline_answer
from ledger.errors import NotFound

EXPLAINED = frozenset({READER, AGENT, DPO, AUDITOR, SUBJECT})
# A history shows what was bought and when: a machine that asks for verdicts has no use for it.
TOLD = EXPLAINED - {READER}


async def post_lookup(request: Request) -> Response:
    """The id of one person (a JSON object) or of many (a JSON array or NDJSON), by a reference that
    travels in the body; of whom nobody knows, an explicit `{"known": false}`, never a 404."""
    media = media_of(request)
    parsed = parsed_of(await body_of(request), media)
    limits, now = request.app.state.limits, ledger_of(request).clock.now()
    limits.lookups.take(request.state.who.id, now, max(1, len(parsed.items)))
    answer = await to_thread.run_sync(lookup_answer, ledger_of(request), parsed)
    return JSONResponse(told(answer, language_asked(request)))


class Asked(NamedTuple):
    """Who is asked about, and at which two times."""

    subject: UUID
    times: Times


def asked_of(
    id: str,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
) -> Asked:
    """What every question about one person states."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    try:
        return Asked(UUID(id), times)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None


Question = Annotated[Asked, Depends(asked_of)]
Lang = Annotated[str | None, Query(description="fr (default) or en.")]


def get_subject(request: Request, asked: Question, lang: Lang = None) -> Response:
    """Last activity, deadlines and choices of one person at two times, each with its reasons."""
    return _explained(request, asked, lang)


def get_deadlines(request: Request, asked: Question, lang: Lang = None) -> Response:
    """The deadlines of the whole answer: until when each class of data is kept, and why."""
    return _explained(request, asked, lang, without="consents")


def get_consents(request: Request, asked: Question, lang: Lang = None) -> Response:
    """The choices of the whole answer: the state of each purpose and channel, and why."""
    return _explained(request, asked, lang, without="deadlines")


def get_timeline(
    request: Request,
    asked: Question,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description=schema.LIMIT)] = DEFAULT_LIMIT,
) -> Response:
    """Every fact in the order it was recorded, corrections linked to what they correct. Clear
    fields only: a personal part says "sealed", or what became of it."""
    ledger = ledger_of(request)
    headers = _tagged(tags.tag_of(ledger, asked.subject, asked.times))
    if _is_unchanged(request, headers):
        return Response(status_code=304, headers=headers)
    answer = timeline_answer(ledger, asked.subject, asked.times, after, limit)
    return JSONResponse(answer, headers=headers)


def _explained(
    request: Request, asked: Asked, lang: str | None, without: str | None = None
) -> Response:
    """The whole answer about one person, or a part of it; 304 when the caller has it already."""
    spoken, ledger = language_of(request, lang), ledger_of(request)
    headers = _tagged(tags.tag_of(ledger, asked.subject, asked.times, spoken))
    headers |= language_headers(spoken)
    if _is_unchanged(request, headers):
        return Response(status_code=304, headers=headers)
    answer = subject_answer(ledger, asked.subject, asked.times, spoken)
    if without is not None:
        whole = ("facts", "last_activity", "death", "restricted", without)
        answer = {name: value for name, value in answer.items() if name not in whole}
    return JSONResponse(answer, headers=headers)


def _tagged(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"ETag": tag}


def _is_unchanged(request: Request, headers: dict[str, str]) -> bool:
    asked = request.headers.getlist("if-none-match")
    return bool(asked) and "ETag" in headers and tags.is_known(headers["ETag"], asked)


ROUTES = (
    Route(
        "POST",
        "/v1/subjects/lookup",
        post_lookup,
        "subjects",
        "Who is meant by a reference, or by up to 1000",
        frozenset({RECORDER, READER, AGENT, DPO}),
        schema.POST_LOOKUP,
    ),
    Route(
        "GET",
        "/v1/subjects/{id}",
        get_subject,
        "subjects",
        "One person's deadlines and choices, explained",
        EXPLAINED,
        schema.GET_SUBJECT,
    ),
    Route(
        "GET",
        "/v1/subjects/{id}/timeline",
        get_timeline,
        "subjects",
        "What was recorded about one person",
        TOLD,
        schema.GET_TIMELINE,
    ),
    Route(
        "GET",
        "/v1/subjects/{id}/deadlines",
        get_deadlines,
        "subjects",
        "One person's deadlines, explained",
        EXPLAINED,
        schema.GET_DEADLINES,
    ),
    Route(
        "GET",
        "/v1/subjects/{id}/consents",
        get_consents,
        "subjects",
        "One person's choices, explained",
        EXPLAINED,
        schema.GET_CONSENTS,
    ),
)
