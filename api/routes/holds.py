"""`/v1/holds…`: what may not be destroyed, by which article, and when that is looked at again.

Read next: `holds.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import holds as telling
from api import things
from api import things_schema as schema
from api.answers import Times
from api.routes import AUDITOR, DPO, Route
from api.routes.stepping import begun, stepped
from api.routes.taking import day_named, instant_of, ledger_of
from ledger.events import HoldPlaced

HOLDS = "/v1/holds"
LISTED, LIMIT = 50, 500

AsOf = Annotated[str | None, Query(description=schema.AS_OF)]
KnownAt = Annotated[str | None, Query(description=schema.KNOWN_AT)]


async def post_hold(request: Request) -> Response:
    """Place a hold: nothing of these classes of hers is destroyed until it is lifted. It names its
    article and the day by which it is reviewed; its author and its reason are sealed."""
    return await begun(request, HoldPlaced, HOLDS)


async def post_step(request: Request, id: str, step: str) -> Response:
    """`review` a hold (a later day for the next review), or `lift` it."""
    return await stepped(request, telling.STEPS.get(step), id, "hold", telling.STEPS)


def get_holds(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
    review_by: Annotated[
        str | None, Query(description="Only those to be reviewed by that day.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The open holds with their days of review, in the order in which they were placed."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    day = None if review_by is None else day_named("review_by", review_by)
    return JSONResponse(telling.holds_answer(ledger_of(request), times, after, limit, day))


def get_hold(request: Request, id: str, as_of: AsOf = None, known_at: KnownAt = None) -> Response:
    """One hold at two times."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    hold = things.uuid_of(id, "hold")
    return JSONResponse(telling.hold_answer(ledger_of(request), hold, times))


ROUTES = (
    Route(
        *("POST", HOLDS, post_hold, "holds"),
        "Place a hold",
        frozenset({DPO}),
        schema.POST_HOLD,
        once=True,
    ),
    Route(
        *("GET", HOLDS, get_holds, "holds"),
        "The open holds, with their days of review",
        frozenset({DPO, AUDITOR}),
        schema.GET_HOLDS,
    ),
    Route(
        *("GET", f"{HOLDS}/{{id}}", get_hold, "holds"),
        "One hold",
        frozenset({DPO, AUDITOR}),
        schema.GET_HOLD,
    ),
    Route(
        *("POST", f"{HOLDS}/{{id}}/{{step}}", post_step, "holds"),
        "Review or lift a hold",
        frozenset({DPO}),
        schema.POST_HOLD_STEP,
        once=True,
    ),
)
