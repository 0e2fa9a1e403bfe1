"""`/v1/controls`: what must never be found in history, asked at any two times.

Read next: `controls.py` in the room above, then `docs/controls.md`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import checking_schema as schema
from api import controls as answers
from api.answers import Times
from api.facts import parse_json
from api.once import once
from api.problems import Problem
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import (
    body_of,
    instant_of,
    language_headers,
    language_of,
    ledger_of,
    media_of,
)

CHECKING = frozenset({DPO, AUDITOR})
TOLD = 100  # findings of each control told in one answer; all are counted

Lang = Annotated[str | None, Query(description="fr (default) or en.")]


def get_controls(request: Request, lang: Lang = None) -> Response:
    """Every control: what it asks, what it cannot see, the clauses it proves."""
    spoken = language_of(request, lang)
    return JSONResponse(answers.list_answer(spoken), headers=language_headers(spoken))


def get_control(request: Request, control: str, lang: Lang = None) -> Response:
    """One control, and how many violations it found in the runs on record, newest first."""
    spoken = language_of(request, lang)
    found = answers.control_answer(ledger_of(request), control, spoken)
    return JSONResponse(found, headers=language_headers(spoken))


async def post_run(request: Request, lang: Lang = None) -> Response:
    """Ask the controls (all, or those named) of history as of a moment and as known at another. The
    run becomes a fact, and its result is signed where a signer answers. Large ledgers: ask
    `probant controls run`."""
    spoken, asked = language_of(request, lang), await _body(request)
    names, times = _wanted(asked)
    ledger, state = ledger_of(request), request.app.state

    def work() -> Response:
        result = answers.asked_of(ledger, times, names, journal=state.journal)
        told = answers.result_json(result, spoken, TOLD)
        told["recorded"] = answers.put_on_record(ledger, result, state.desk)
        return JSONResponse(told, 201, language_headers(spoken))

    return await once(request, work)


async def _body(request: Request) -> dict[str, Any]:
    raw = await body_of(request)
    if not raw:
        return {}
    if media_of(request) != "application/json":
        raise Problem("unsupported-media", "Content-Type must be application/json")
    parsed = parse_json(raw)
    if not parsed.is_single or not isinstance(parsed.items[0], dict):
        raise Problem("malformed", "one question at a time: a JSON object")
    return parsed.items[0]


def _wanted(asked: dict[str, Any]) -> tuple[tuple[str, ...], Times]:
    if not asked.keys() <= {"controls", "as_of", "known_at"}:
        raise Problem("malformed", "only controls, as_of and known_at may be stated")
    names: Any = asked.get("controls", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Problem("malformed", "field 'controls' is a list of ids", field="controls")
    times = []
    for name in ("as_of", "known_at"):
        text = asked.get(name)
        if text is not None and not isinstance(text, str):
            raise Problem("malformed", f"field '{name}' is a text", field=name)
        times.append(instant_of(name, text))
    return answers.wanted(names), Times(*times)


ROUTES = (
    Route(
        "GET",
        "/v1/controls",
        get_controls,
        "controls",
        "What must never be found in history",
        CHECKING,
        schema.GET_CONTROLS,
    ),
    Route(
        "POST",
        "/v1/controls/runs",
        post_run,
        "controls",
        "Ask the controls, on record",
        CHECKING,
        schema.POST_RUN,
        once=True,
    ),
    Route(
        "GET",
        "/v1/controls/{control}",
        get_control,
        "controls",
        "One control, and its runs",
        CHECKING,
        schema.GET_CONTROL,
    ),
)
