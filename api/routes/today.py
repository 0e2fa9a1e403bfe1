"""`GET /v1/today`: what is overdue, due soon, on track, for whoever answers for the data.

Read next: `today.py` in the room above.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import policy_schema as schema
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import ledger_of


def get_today(request: Request) -> Response:
    """The first screen in numbers. What goes over everybody is as of `counted_at`: a minute ago at
    most, or, where there are many, as it was last known, while it is being counted (`counting`).
    The rest is read now."""
    return JSONResponse(request.app.state.board.answer(ledger_of(request)))


ROUTES = (
    Route(
        *("GET", "/v1/today", get_today, "today"),
        "What is overdue, due soon, on track",
        frozenset({DPO, AUDITOR}),
        schema.GET_TODAY,
    ),
)
