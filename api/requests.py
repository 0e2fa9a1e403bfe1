"""Rights requests as JSON: what is sent to receive one and to record its steps, what is answered.

The fields of a step are those of its fact, under `data`, as with `POST /v1/facts`. What people
wrote is taken and sealed; it is never answered. Read next: `routes/requests.py`, then
`ledger/requests/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from api.certificates import issued_json
from api.facts import (
    actor_of,
    an_object,
    check_keys,
    check_strict,
    load_of,
    moment_of,
    reference_of,
)
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import format_day, format_instant, moment_of_instant
from ledger.erasing.certificate import Desk, outcome_json
from ledger.errors import BadData, NotFound
from ledger.events import (
    RESTRICTIONS,
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    RecipientsNotified,
    RequestAcknowledged,
    RequestClosed,
    RequestExtended,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    build,
)
from ledger.fields import CODE, IDENTIFIER, TEXT
from ledger.policy.requests import Request, explain
from ledger.requests.fulfilling import Carried, Deed, carry_out
from ledger.requests.reading import Page, one
from ledger.requests.steps import receive, record_step

STEPS: dict[str, type[Fact]] = {
    "acknowledge": RequestAcknowledged,
    "ask-identity": IdentityAsked,
    "confirm-identity": IdentityConfirmed,
    "qualify": RequestQualified,
    "extend": RequestExtended,
    "fulfil-partly": RequestPartiallyFulfilled,
    "refuse": RequestRefused,
    "notify-recipients": RecipientsNotified,
    "withdraw": RequestWithdrawn,
    "close": RequestClosed,
}
FULFIL = "fulfil"  # does what is asked, and answers

RECEIVE_KEYS = ("id", "person", "subject", "occurred", "actor", "over", "data")
STEP_KEYS = ("occurred", "actor", "data")
DEED_KEYS = ("channel", "changes", "ground", "wish", "trustee", "text", "package", "cards")


def received(ledger: Ledger, value: Any, lang: Language) -> dict[str, Any]:
    """Record the request that a body states, and tell where it stands. Raises BadData, Refused."""
    body = _read(value, RECEIVE_KEYS)
    shared = _shared(ledger, body, "self")
    subject = body.get("subject")
    if subject is not None:
        shared["subject"] = load_of("subject", IDENTIFIER, subject)
    stream = body.get("id")
    over = body.get("over")
    made = receive(
        ledger,
        build(RequestReceived, shared, an_object("data", body.get("data", {}))),
        reference_of("person", body.get("person")),
        stream=None if stream is None else load_of("id", IDENTIFIER, stream),
        over=None if over is None else str(load_of("over", CODE, over)),
    )
    answer = {"position": made.position, "at_once": list(made.at_once)}
    return answer | {"request": request_json(one(ledger, made.stream), lang)}


def stepped(
    ledger: Ledger,
    stream: UUID,
    step: str,
    value: Any,
    lang: Language,
    journal: Path | None,
    desk: Desk | None = None,
) -> dict[str, Any]:
    """Record one step of a request, and tell where it stands; an erasure is certified at the
    `desk`. Raises NotFound for another step."""
    body = _read(value, STEP_KEYS)
    shared = _shared(ledger, body, "agent")
    data = an_object("data", body.get("data", {}))
    if step == FULFIL:
        if "occurred" in body:
            raise BadData("field 'occurred': it is done now; leave it out")
        deed = _deed(data, shared["actor"])
        carried = carry_out(ledger, stream, deed, journal=journal, desk=desk)
        answer: dict[str, Any] = {"position": carried.answer.position}
        answer["outcomes"] = list(_outcomes(carried))
        answer["to_tell"] = list(carried.to_tell)
        answer["certificate"] = issued_json(carried.certificate)
    elif step in STEPS:
        answer = {
            "position": record_step(ledger, stream, build(STEPS[step], shared, data)).position
        }
    else:
        raise NotFound(f"there is no such step; there are: {', '.join((*STEPS, FULFIL))}")
    return answer | {"request": request_json(one(ledger, stream), lang)}


def _outcomes(carried: Carried) -> Iterator[dict[str, Any]]:
    """What became of each class, under each of her references."""
    for subject, outcomes in carried.by_reference.items():
        for outcome in outcomes:
            yield {"subject": str(subject), **outcome_json(outcome)}


def _deed(data: dict[str, Any], actor: str) -> Deed:
    check_keys("data", data, DEED_KEYS)
    codes = {
        key: str(load_of(key, CODE, data[key]))
        for key in ("channel", "ground", "wish")
        if key in data
    }
    if codes.get("ground", RESTRICTIONS[0]) not in RESTRICTIONS:
        raise BadData(f"field 'ground' must be one of: {', '.join(RESTRICTIONS)}")
    texts = {
        key: load_of(key, TEXT, data[key]) for key in ("trustee", "text", "package") if key in data
    }
    changes = an_object("changes", data.get("changes", {}))
    cards = data.get("cards", [])
    if not isinstance(cards, list):
        raise BadData("field 'cards' must be a list of ids")
    return Deed(
        channel=codes.get("channel"),
        changes={key: load_of("changes", TEXT, changes[key]) for key in changes},
        ground=codes.get("ground"),
        wish=codes.get("wish"),
        trustee=texts.get("trustee"),
        text=texts.get("text"),
        package=texts.get("package"),
        cards=tuple(load_of("cards", IDENTIFIER, one) for one in cards),
        actor=actor,
    )


def _read(value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    check_strict(value)
    body = an_object("body", value)
    check_keys("body", body, keys)
    return body


def _shared(ledger: Ledger, body: dict[str, Any], default: str) -> dict[str, Any]:
    """When it happened and who told us."""
    now = moment_of_instant(ledger.clock.now())
    return {"occurred": moment_of(body) or now, "actor": actor_of(body, default)}


# --- answers --------------------------------------------------------------------------------------


def request_json(found: Request, lang: Language) -> dict[str, Any]:
    """A request as plain values, days as YYYY-MM-DD, with its explanation."""
    return {
        "id": str(found.stream),
        "subject": None if found.subject is None else str(found.subject),
        "right": found.right,
        "purpose": found.purpose,
        "channel": found.channel,
        "state": found.state,
        "status": found.status,
        "received": format_day(found.received),
        "due": format_day(found.due),
        "due_suspended": _day(found.due_suspended),
        "promised": _day(found.promised),
        "extended": found.extended,
        "answered": _day(found.answered),
        "grounds": list(found.grounds),
        "reminders": [format_day(day) for day in found.reminders],
        "clause": found.clause,
        "article": found.article,
        "rests_on": list(found.rests_on),
        "flips_on": _day(found.flips_on),
        "would_change": list(found.would_change),
        "flags": list(found.flags),
        "explanation": explain(found, lang),
    }


def page_json(page: Page, lang: Language) -> dict[str, Any]:
    """Some of the queue, and where it goes on."""
    return {
        "as_of": format_instant(page.as_of),
        "position": page.known,
        "items": [request_json(queued.request, lang) for queued in page.requests],
        "next": page.next,
    }


def _day(day: int | None) -> str | None:
    return None if day is None else format_day(day)
