"""`/v1/permissions/…`: may we? One question, or a campaign.

Read next: `permissions.py` and `gathering.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import idempotency, permissions, schema, sealed
from api.direct import Quick
from api.filtering import FILTER, FilterResponse, Judge
from api.gathering import Gathering
from api.once import alone
from api.permissions import CHECK
from api.problems import Problem, language_asked
from api.routes import AGENT, DPO, READER, RECORDER, Route
from api.routes.taking import NDJSON, body_of, language_headers, language_of, ledger_of, media_of
from ledger.permitting.filtering import Campaign
from ledger.permitting.gate import Answered, Gate, Question
from replay.fold import fold_said

ASKING = frozenset({READER, RECORDER, AGENT, DPO})
NOBODY = UUID(int=0)  # a campaign names its people line by line
RECORDING = frozenset({RECORDER, AGENT, DPO})


async def post_check(request: Request) -> Response:
    """The verdict on one person, purpose and channel at a moment, explained. With `record`, the
    verdict is a fact (`message.decided`) before it is told, once for each Idempotency-Key."""
    # Reading parameters takes longer than seeing that there are none.
    stated = request.query_params if request.scope["query_string"] else {}
    spoken = language_of(request, stated.get("lang"))
    gate = gate_of(request)
    if media_of(request) != "application/json":
        raise Problem("unsupported-media", "one question, as application/json in UTF-8")
    raw = await body_of(request)
    asked = permissions.read_check(gate, raw)
    headers = language_headers(spoken)
    if not asked.record:
        answered = await _gathering(request, asked.question).ask(asked.question)
        return Quick(permissions.verdict_json(answered, spoken), headers=headers)
    if not request.state.who.roles & RECORDING:
        raise Problem("forbidden", "your roles may ask, and not record")
    app, once = request.app, _once(request, raw)
    with alone(app, once[0] if once else None):
        work = gate, asked.question, spoken, once
        told = await to_thread.run_sync(
            permissions.check_and_record, *work, limiter=app.state.writing
        )
    headers |= await to_thread.run_sync(_with_receipt, app, told)
    headers |= idempotency.REPLAYED if told.replayed else {}
    return JSONResponse({**told.answer, "recorded": told.recorded.items[0]}, headers=headers)


async def post_filter(
    request: Request,
    purpose: Annotated[str, Query(description="The purpose asked about.")],
    channel: Annotated[str | None, Query(description="The channel, if it has channels.")] = None,
    at: Annotated[str | None, Query(description=schema.AT)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
    offer: Annotated[str | None, Query(description=schema.OFFER)] = None,
) -> Response:
    """A short verdict on each recipient, one a line, in the order sent, and a summary at the end:
    millions, at one's own pace. A line that names nobody has a problem of its own. Without `at`,
    each is judged at the moment its turn comes: a withdrawal acknowledged before counts."""
    gate = gate_of(request)
    if media_of(request) not in NDJSON:
        raise Problem("unsupported-media", f"one recipient a line, as {NDJSON[0]} in UTF-8")
    stated = {"purpose": purpose, "channel": channel, "at": at, "known_at": known_at}
    asked = permissions.question_of(NOBODY, {**stated, "offer": offer})
    judge = Judge(gate, lambda: Campaign(gate, asked), language_asked(request))
    return FilterResponse(request.stream(), judge)


def gate_of(request: Request) -> Gate:
    """The gate of this worker's ledger."""
    state = request.app.state
    if not hasattr(state, "gate"):
        state.gate = Gate(ledger_of(request), fold_said)
        state.asking, state.looking_back = (Gathering(state.gate.ask) for _ in range(2))
    gate: Gate = state.gate
    return gate


def _gathering(request: Request, question: Question) -> Gathering[Question, Answered]:
    """Whom to ask with. What was known at an instant is looked for in the log, which takes longer:
    nobody who asks about all that is known waits for it."""
    state = request.app.state
    found: Gathering[Question, Answered] = (
        state.asking if question.known_at is None else state.looking_back
    )
    return found


def _once(request: Request, raw: bytes) -> tuple[bytes, bytes] | None:
    """The fingerprint and payload MAC of the request, when it has an Idempotency-Key."""
    key = idempotency.key_of(request.headers.getlist("idempotency-key"))
    if key is None:
        return None
    ledger, holder = ledger_of(request), request.state.who.id
    fingerprint = idempotency.fingerprint_of(ledger, holder, CHECK, key)
    return fingerprint, idempotency.payload_mac(ledger, "json", raw)


def _with_receipt(app: Any, told: permissions.Told) -> dict[str, str]:
    return sealed.with_receipts(app.state.seal, app.state.ledger, told.recorded)


ROUTES = (
    Route(
        "POST",
        CHECK,
        post_check,
        "permissions",
        "May we write to this person, or call her? With every reason",
        ASKING,
        schema.POST_CHECK,
        once=True,
        direct=True,
    ),
    Route(
        "POST",
        FILTER,
        post_filter,
        "permissions",
        "May we write to these people? A campaign, one recipient a line",
        ASKING,
        {"response_class": Response, **schema.POST_FILTER},
    ),
)
