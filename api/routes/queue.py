"""`/v1/motives` and `/v1/queue`: what people write, and what a person of ours must read.

An agreed phrase is applied at once; all the rest waits here and nothing falls out. Read next:
`ledger/choosing/motives.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Query, Request
from starlette.responses import JSONResponse, Response

from api import choices as saying
from api import choices_schema as schema
from api import problems, sealed
from api.choices import SAYING
from api.facts import outcome_json
from api.once import once, writing
from api.routes import AGENT, DPO, Route
from api.routes.taking import body_of, ledger_of
from ledger.choosing import motives
from ledger.choosing.motives import Settled
from ledger.errors import BadData
from ledger.fields import Unreadable

READING = frozenset({AGENT, DPO})


async def post_motive(request: Request) -> Response:
    """Record what somebody wrote, by whichever channel it came; apply it if it is an agreed phrase
    (`applied`: marketing stops, or the request to erase is received), else put it before a person
    (`exact` from a reference nobody knew, `near`, `unmatched`)."""
    item = saying.body_object(await body_of(request), saying.MOTIVE_KEYS)
    who, ledger = saying.person_of(item), ledger_of(request)
    text, channel = saying.text_of(item)
    received = saying.moment_of("received", item, ledger.clock.now())

    def work() -> Response:
        heard = motives.receive(ledger, who, text, channel, received)
        answer = outcome_json(saying.or_refused(heard.outcome))
        counted = saying.counted_json(heard.choices)
        state = request.app.state
        answers = saying.answers_of(answer, *counted["items"])
        headers = sealed.with_receipts(state.seal, ledger, answers)
        withheld = heard.withheld and problems.body(heard.withheld)
        said: dict[str, Any] = {
            "match": heard.match,
            "motive": heard.motive,
            "text_withheld": withheld,
        }
        said |= {"request": saying.opened_json(heard.opened), "received": answer}
        return JSONResponse(_told(request, {**said, **counted}), 201, headers)

    return await once(request, work)


Position = Annotated[int, Path(ge=1, le=2**53)]  # beyond: no log is so long


def get_queue(
    request: Request,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000, description=schema.LIMIT)] = 100,
) -> Response:
    """What waits for a person, oldest first, without the texts."""
    found = motives.waiting(ledger_of(request), after, limit + 1)
    items = [saying.waiting_json(item) for item in found[:limit]]
    following = items[-1]["position"] if len(found) > limit else None
    return JSONResponse({"items": items, "next": following})


async def get_waiting(request: Request, position: Position) -> Response:
    """One text that waits, opened: that you looked is recorded before it is."""
    ledger, reader = ledger_of(request), request.state.who.id

    def work() -> Response:
        item, text = motives.read(ledger, position, reader)
        readable = not isinstance(text, Unreadable)
        state = "kept" if isinstance(text, str) else text.value if text else "withheld"
        told = {"text": text if readable else None, "text_state": state}
        return JSONResponse({**saying.waiting_json(item), **told})

    return await writing(request, work)


async def post_decision(request: Request, position: Position) -> Response:
    """Decide what a text amounts to: an agreed phrase (`motive`), a request under a `right`
    (`request`), or nothing that is asked (`nothing`). Done as of the day the text came."""
    item = saying.body_object(await body_of(request), saying.DECISION_KEYS)
    ledger, reader = ledger_of(request), request.state.who.id
    decision: Any = item.get("decision")
    if decision not in ("motive", "request", "nothing"):
        raise BadData("field 'decision' must be one of: motive, request, nothing")
    motive, asked = saying.code_of("motive", item), saying.asked_of(item)

    def work() -> Response:
        settled: Settled = saying.or_refused(
            motives.decide(ledger, position, decision, reader, motive, asked)
        )
        counted = saying.counted_json(settled.choices)
        state = request.app.state
        headers = sealed.with_receipts(state.seal, ledger, saying.answers_of(*counted["items"]))
        said: dict[str, Any] = {"decision": settled.decision, "position": settled.position}
        said["request"] = saying.opened_json(settled.opened)
        return JSONResponse(_told(request, {**said, **counted}), headers=headers)

    return await once(request, work)


def _told(request: Request, answer: dict[str, Any]) -> Any:
    return problems.told(answer, problems.language_asked(request))


ROUTES = (
    Route(
        "POST",
        "/v1/motives",
        post_motive,
        "queue",
        "Record what somebody wrote",
        SAYING,
        schema.POST_MOTIVE,
        once=True,
    ),
    Route(
        "GET",
        "/v1/queue",
        get_queue,
        "queue",
        "What waits for a person",
        READING,
        schema.GET_QUEUE,
    ),
    Route(
        "GET",
        "/v1/queue/{position}",
        get_waiting,
        "queue",
        "One text that waits, opened on record",
        READING,
        schema.GET_WAITING,
    ),
    Route(
        "POST",
        "/v1/queue/{position}/decide",
        post_decision,
        "queue",
        "Decide what a text amounts to",
        READING,
        schema.POST_DECISION,
        once=True,
    ),
)
