"""`/v1/inspect`: the fifteen questions of an authority, at any two times.

Read next: `inspecting.py` in the room above, then `docs/inspector.md`.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api import checking_schema, schema
from api import inspecting as answers
from api.answers import Times
from api.pieces import json_pieces
from api.problems import Problem
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import instant_of, language_headers, language_of, ledger_of
from ledger.errors import NotFound
from ledger.packages.rendering import gathered

CHECKING = frozenset({DPO, AUDITOR})
CSV = "text/csv; charset=utf-8; header=present"

Lang = Annotated[str | None, Query(description="fr (default) or en.")]


def get_questions(request: Request, lang: Lang = None) -> Response:
    """The fifteen questions."""
    spoken = language_of(request, lang)
    headers = language_headers(spoken)
    return JSONResponse(answers.list_answer(spoken), headers=headers)


def get_inspection(
    request: Request,
    question: str,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
    subject: Annotated[str | None, Query(description="Of one person, by her id.")] = None,
    positions: Annotated[
        int, Query(ge=1, le=answers.MOST, description="Positions named by a line, at most.")
    ] = answers.POSITIONS,
    format: Annotated[str, Query(description="json (default) or csv.")] = "json",
    lang: Lang = None,
) -> Response:
    """One question, answered of everybody or of one person: every line names the positions it was
    counted from, and `/v1/log/proof/{position}` proves each that is sealed."""
    spoken = language_of(request, lang)
    if format not in ("json", "csv"):
        raise Problem("malformed-question", "'format' must be json or csv", field="format")
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    state = request.app.state
    about, found = answers.inspected(
        ledger_of(request),
        times,
        answers.wanted([question]),
        subject=_id(subject),
        log=state.seal.folder if state.seal else None,
        journal=state.journal,
        positions=positions,
    )
    headers = language_headers(spoken)
    if format == "csv":
        pieces, media = answers.answer_csv(found, spoken), CSV
    else:
        pieces, media = json_pieces(answers.answer_json(about, found, spoken)), "application/json"
    return StreamingResponse(gathered(pieces), media_type=media, headers=headers)


def _id(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None


ROUTES = (
    Route(
        "GET",
        "/v1/inspect",
        get_questions,
        "inspector",
        "The questions of an authority",
        CHECKING,
        checking_schema.GET_QUESTIONS,
    ),
    Route(
        "GET",
        "/v1/inspect/{question}",
        get_inspection,
        "inspector",
        "One of them, answered with what it rests on",
        CHECKING,
        {"response_class": Response, **checking_schema.GET_INSPECTION},
    ),
)
