"""`/v1/retention/…`: what is past its term, what falls due when, and runs in the background.

Read next: `retention.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import choices as saying
from api import retention as telling
from api import retention_schema as schema
from api import rights_schema, things
from api.certificates import person_answer
from api.once import once
from api.routes import AUDITOR, DPO, OPERATOR, Route
from api.routes.taking import body_of, instant_of, ledger_of
from ledger.errors import BadData
from ledger.retention.running import find

RUNS = "/v1/retention/runs"
LOOKING = frozenset({DPO, AUDITOR})
LISTED, LIMIT = 50, 500

AsOf = Annotated[str | None, Query(description=schema.AS_OF)]


def get_due(request: Request, as_of: AsOf = None) -> Response:
    """How many people, and items of theirs, are past their term on a day, by class."""
    return JSONResponse(telling.due_answer(ledger_of(request), instant_of("as_of", as_of)))


def get_due_page(
    request: Request,
    name: str,
    after: Annotated[str | None, Query(max_length=200, description="`next` of the last.")] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
    as_of: AsOf = None,
) -> Response:
    """Whose items of one class are past their end, and what a run would do with each: `archive`,
    `erase`, or nothing while it is `held`. A page of cards may be short, and go on all the same."""
    at = instant_of("as_of", as_of)
    return JSONResponse(telling.due_page(ledger_of(request), name, at, after, limit))


def get_calendar(
    request: Request,
    months: Annotated[
        int, Query(ge=1, le=telling.MONTHS_MAX, description="How many, this one included.")
    ] = telling.MONTHS,
) -> Response:
    """What leaves daily use, and what ends for ever, by class and month: as it will be judged at
    the end of the window if nothing more is recorded."""
    return JSONResponse(telling.calendar_answer(ledger_of(request), months))


async def post_run(request: Request) -> Response:
    """Have everything that is due archived and erased, beside what this server does; with
    `dry_run`, counted only. 202: it has begun; ask for its progress. One at a time."""
    item = saying.body_object(await body_of(request), ("dry_run",))
    dry_run = item.get("dry_run", False)
    if not isinstance(dry_run, bool):
        raise BadData("field 'dry_run' must be true or false")
    keeper, who = request.app.state.keeper, request.state.who

    def work() -> Response:
        begun = keeper.ask(who.id, rehearsal=dry_run)
        return JSONResponse(telling.run_json(begun), 202, {"Location": f"{RUNS}/{begun.id}"})

    return await once(request, work)


def get_runs(
    request: Request,
    before: Annotated[int, Query(ge=0, le=2**53, description="`next` of the last page.")] = 2**53,
    limit: Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")] = LISTED,
) -> Response:
    """The run under way, and the last ones on record (`retention.ran`), the newest first."""
    return JSONResponse(telling.runs_answer(ledger_of(request), before, limit))


def get_run(request: Request, id: str) -> Response:
    """How far a run got. `waiting`: its server let go of it, or died; the next one goes on."""
    run = find(ledger_of(request), things.uuid_of(id, "retention run"))
    return JSONResponse(telling.run_json(run))


def get_certificates(
    request: Request,
    id: str,
    now: Annotated[bool, Query(description="Made again, with every check done now.")] = False,
) -> Response:
    """What was erased of one person, by a term or otherwise: each certificate as it was issued;
    and, as of now, which outside systems were told, acknowledged (with the receipt), or are
    overdue."""
    state = request.app.state
    subject = things.uuid_of(id, "subject")
    said = person_answer(ledger_of(request), subject, state.desk, state.journal, is_now=now)
    return JSONResponse(said)


ROUTES = (
    Route(
        *("GET", "/v1/retention/due", get_due, "retention"),
        "What is past its term, by class",
        LOOKING,
        schema.GET_DUE,
    ),
    Route(
        *("GET", "/v1/retention/due/{name}", get_due_page, "retention"),
        "Whose items of a class are past their end",
        LOOKING,
        schema.GET_DUE_PAGE,
    ),
    Route(
        *("GET", "/v1/retention/calendar", get_calendar, "retention"),
        "What falls due, month by month",
        LOOKING,
        schema.GET_CALENDAR,
    ),
    Route(
        *("POST", RUNS, post_run, "retention"),
        "Archive and erase what is due, or rehearse it",
        frozenset({DPO, OPERATOR}),
        schema.POST_RUN,
        once=True,
    ),
    Route(
        *("GET", RUNS, get_runs, "retention"),
        "The run under way, and those on record",
        LOOKING | {OPERATOR},
        schema.GET_RUNS,
    ),
    Route(
        *("GET", f"{RUNS}/{{id}}", get_run, "retention"),
        "How far a run got",
        LOOKING | {OPERATOR},
        schema.GET_RUN,
    ),
    Route(
        *("GET", "/v1/subjects/{id}/certificates", get_certificates, "retention"),
        "What was erased of one person, certified",
        LOOKING,
        rights_schema.GET_CERTIFICATES,
    ),
)
