"""`/v1/reports`: the evidence report for the authority, made when it is asked for, kept nowhere.

Read next: `api/report/`.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.datastructures import State
from starlette.responses import Response

from api import schema
from api.answers import Times
from api.choices import body_object
from api.problems import Problem
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import body_of, instant_of, language_of, ledger_of
from api.settings import Language
from ledger.application import Ledger

PDF = "application/pdf"


async def post_report(request: Request) -> Response:
    """Policy, retention, register, an inspector's questions, controls and integrity as of a date,
    in one tagged PDF. That it was made, and its hash, is on record before it is sent."""
    raw = await body_of(request)
    item = body_object(raw, ("as_of", "known_at", "lang")) if raw else {}
    stated: dict[str, Any] = {name: item.get(name) for name in ("as_of", "known_at", "lang")}
    for name, value in stated.items():
        if value is not None and not isinstance(value, str):
            raise Problem("malformed", f"field '{name}' is a text", field=name)
    lang = language_of(request, stated["lang"])
    times = Times(*(instant_of(name, stated[name]) for name in ("as_of", "known_at")))
    work, state = (ledger_of(request), request.app.state, times, lang), request.app.state
    return await to_thread.run_sync(made, *work, limiter=state.writing)


def made(ledger: Ledger, state: State, times: Times, lang: Language) -> Response:
    """The file, on record before it is sent. `state`: of the application."""
    from api.report.gathering import gather, issued
    from api.report.rendering import pdf
    from api.report.sections import document, file_name

    log = None if state.seal is None else state.seal.folder
    found = gather(ledger, times, lang, log=log, journal=state.journal)
    content = pdf(document(found, lang))
    position = issued(ledger, found, lang, content)
    headers = {
        "Content-Language": lang,
        "Content-Disposition": f'attachment; filename="{file_name(found, lang)}"',
        "Report-Position": str(position),
    }
    return Response(content, media_type=PDF, headers=headers)


ROUTES = (
    Route(
        "POST",
        "/v1/reports",
        post_report,
        "report",
        "The evidence report for the authority",
        frozenset({DPO, AUDITOR}),
        {
            "response_class": Response,
            "responses": {
                200: {
                    "description": "The file; `Report-Position` is that of its fact.",
                    "content": {PDF: {"schema": {"type": "string"}, "example": "%PDF-1.7"}},
                },
                **schema.ERRORS,
            },
            "openapi_extra": {
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/ReportAsked"},
                            "example": {"as_of": "2026-01-05", "lang": "fr"},
                        }
                    }
                }
            },
        },
    ),
)
