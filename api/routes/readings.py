"""`POST /v1/subjects/{id}/readings`: staff read somebody's personal data, on the record.

A POST, because it records; and because a reason belongs in no URL. Read next: `reading.py` above.
"""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from starlette.responses import JSONResponse, Response

from api import schema
from api.problems import Problem
from api.reading import reading_answer, reading_of
from api.routes import AGENT, DPO, Route
from api.routes.subjects import Asked, asked_of
from api.routes.taking import body_of, ledger_of, media_of, parsed_of


async def post_reading(request: Request, asked: Annotated[Asked, Depends(asked_of)]) -> Response:
    """The personal fields of the classes asked for, opened. That you read them, which and why is a
    fact of her history before you see them, and she may ask for it."""
    media = media_of(request)
    parsed = parsed_of(await body_of(request), media)
    if not parsed.is_single:
        raise Problem("malformed", "one reading at a time: a JSON object")
    wanted = reading_of(parsed.items[0])
    ledger, who = ledger_of(request), request.state.who
    request.app.state.limits.lookups.take(who.id, ledger.clock.now())
    work = (ledger, who, asked.subject, wanted)
    writing = request.app.state.writing
    return JSONResponse(await to_thread.run_sync(reading_answer, *work, limiter=writing))


ROUTES = (
    Route(
        "POST",
        "/v1/subjects/{id}/readings",
        post_reading,
        "subjects",
        "Read somebody's personal data, on the record",
        frozenset({AGENT, DPO}),
        schema.POST_READING,
    ),
)
