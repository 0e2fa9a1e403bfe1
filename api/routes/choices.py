"""`PUT /v1/subjects/{id}/choices` and what else a person says yes or no by (SS-CH-1 to SS-CH-7).

Each is carried out once under its Idempotency-Key (`once.py`). Read next: `choices.py` in the
room above, then `ledger/choosing/choose.py`.
"""

from __future__ import annotations

from typing import Any

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import choices as saying
from api import choices_schema as schema
from api import problems, sealed, tags
from api.answers import Times
from api.choices import SAYING
from api.facts import outcome_json
from api.once import once, writing
from api.problems import Problem
from api.routes import PUBLIC, RECORDER, SUBJECT, Route
from api.routes.taking import body_of, ledger_of
from ledger.calendar import format_day
from ledger.choosing import devices, optin, signals
from ledger.choosing.choose import choose
from ledger.errors import NotFound, Refusal
from ledger.events import ConsentRequested
from ledger.handlers import Accepted
from ledger.outbound.endpoints import carries

CHOICES = "/v1/subjects/{id}/choices"


async def put_choices(request: Request, id: str) -> Response:
    """Say yes or no to some purposes, whatever was said before; the others stay as they are. Each
    choice has its own outcome: recorded, unchanged or refused. With If-Match, only if nothing was
    recorded of her since that ETag."""
    subject = saying.subject_of(id)
    item = saying.body_object(await body_of(request), saying.CHOICES_KEYS)
    ledger, who = ledger_of(request), request.state.who
    wanted = saying.wanted_of(item)
    how = saying.expressed_of(item, who, ledger.clock.now())
    expected = request.headers.getlist("if-match")

    def work() -> Response:
        tag = tags.tag_of(ledger, subject, Times())
        if expected and not tags.is_current(tag, expected):
            raise Problem("precondition-failed", "something was recorded of her since that ETag")
        found = saying.counted_json(choose(ledger, subject, wanted, how))
        headers = _receipts(request, *found["items"])
        tag = tags.tag_of(ledger, subject, Times())
        shown = _told(request, found)
        return JSONResponse(shown, headers=headers | ({"ETag": tag} if tag else {}))

    return await once(request, work)


async def post_request(request: Request, id: str) -> Response:
    """Ask her to confirm a consent from her own address: recorded, and the token handed to what
    carries messages (the company's mailer, by a signed webhook), never answered here. Refused where
    nothing carries them."""
    subject = saying.subject_of(id)
    item = saying.body_object(await body_of(request), ("purpose", "channel", "form", "occurred"))
    ledger, carry = ledger_of(request), request.app.state.carry
    if carry is None and not carries(ledger):
        detail = "nothing carries messages to people here: probant webhooks add --confirmations"
        raise Problem("no-carrier", detail)
    wish = ConsentRequested(
        subject=subject,
        occurred=saying.moment_of("occurred", item, ledger.clock.now()),
        actor="agent",
        purpose=saying.code_of("purpose", item) or "",
        channel=saying.code_of("channel", item),
        form=saying.code_of("form", item),
        act=optin.ACT,
    )
    return await once(request, lambda: recorded(request, optin.ask(ledger, subject, wish, carry)))


async def post_confirmation(request: Request) -> Response:
    """Her token came back: she consents. Whoever holds the token is she, for this one consent."""
    item = saying.body_object(await body_of(request), ("token",))
    token, ledger = item.get("token"), ledger_of(request)
    if not isinstance(token, str) or len(token) > 200:
        return problems.response(optin.VOID_TOKEN, None, problems.language_asked(request))
    return await writing(request, lambda: recorded(request, optin.complete(ledger, token)))


async def post_device(request: Request, id: str) -> Response:
    """What was chosen on this device before she logged in is hers; its history stays."""
    subject = saying.subject_of(id)
    item = saying.body_object(await body_of(request), ("device",))
    device, ledger = saying.uuid_of("device", item.get("device")), ledger_of(request)

    def work() -> Response:
        found = devices.attach(ledger, subject, device)
        attached = saying.one_json(saying.or_refused(found.attached))
        counted = saying.counted_json(found.choices)
        headers = _receipts(request, attached, *counted["items"])
        return JSONResponse(_told(request, {"attached": attached, **counted}), headers=headers)

    return await once(request, work)


async def post_signal(request: Request, id: str) -> Response:
    """Her browser's Global Privacy Control, sent on as the very header it was (`Sec-GPC: 1`): an
    objection to what follows her elsewhere, and to nothing she consented to on this site."""
    subject, ledger = saying.subject_of(id), ledger_of(request)
    if not signals.is_gpc(request.headers.getlist("sec-gpc")):
        nothing = {"recorded": 0, "unchanged": 0, "refused": 0, "items": []}
        return JSONResponse({"signal": None, **nothing})

    def work() -> Response:
        found = signals.gpc(ledger, subject)
        signal = saying.one_json(saying.or_refused(found.heard))
        counted = saying.counted_json(found.choices)
        headers = _receipts(request, signal, *counted["items"])
        return JSONResponse(_told(request, {"signal": signal, **counted}), headers=headers)

    return await once(request, work)


def get_gpc(request: Request) -> Response:
    """That this site honours Global Privacy Control, since the edition in force took effect."""
    ledger = ledger_of(request)
    edition = ledger.edition(ledger.epoch(), ledger.clock.now())
    return JSONResponse({"gpc": True, "lastUpdate": format_day(edition.effective_from)})


def _told(request: Request, answer: dict[str, Any]) -> Any:
    return problems.told(answer, problems.language_asked(request))


def recorded(request: Request, outcome: Accepted | Refusal) -> Response:
    """One recorded fact with its receipt, or a problem."""
    if isinstance(outcome, Refusal):
        if outcome.problem == "not-found":
            raise NotFound("this ledger knows no such subject")
        return problems.response(outcome, None, problems.language_asked(request))
    answer = outcome_json(outcome)
    headers = _receipts(request, answer)
    return JSONResponse(answer, 201, headers)


def _receipts(request: Request, *items: dict[str, Any]) -> dict[str, str]:
    state = request.app.state
    return sealed.with_receipts(state.seal, state.ledger, saying.answers_of(*items))


ROUTES = (
    Route(
        "PUT",
        CHOICES,
        put_choices,
        "choices",
        "Say yes or no, whatever was said before",
        SAYING | {SUBJECT},
        schema.PUT_CHOICES,
        once=True,
    ),
    Route(
        "POST",
        f"{CHOICES}/requests",
        post_request,
        "choices",
        "Ask her to confirm from her own address",
        SAYING,
        schema.POST_REQUEST,
        once=True,
    ),
    Route(
        "POST",
        "/v1/choices/confirmations",
        post_confirmation,
        "choices",
        "Confirm, with the token that was sent",
        PUBLIC,
        schema.POST_CONFIRMATION,
    ),
    Route(
        "POST",
        "/v1/subjects/{id}/devices",
        post_device,
        "choices",
        "Make the choices of a device hers",
        frozenset({RECORDER, SUBJECT}),
        schema.POST_DEVICE,
        once=True,
    ),
    Route(
        "POST",
        "/v1/subjects/{id}/signals",
        post_signal,
        "choices",
        "Pass on her browser's privacy signal",
        frozenset({RECORDER, SUBJECT}),
        schema.POST_SIGNAL,
        once=True,
    ),
    Route(
        "GET",
        "/.well-known/gpc.json",
        get_gpc,
        "choices",
        "That privacy signals are honoured",
        PUBLIC,
        schema.GET_GPC,
    ),
)
