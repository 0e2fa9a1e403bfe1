"""The HTTP interface: `POST /v1/facts`, `GET /v1/subjects/{id}`, `/healthz`, `/docs`.

Each worker opens its own ledger when it starts (an engine must not cross a fork) and closes it when
it stops. The ledger's library knows threads only, so its work runs in them; writes of one worker
follow one another, as they would at the head row anyway. A 2xx on a write means committed. Read
next: `facts.py` (what is sent), `answers.py` (what is answered), `problems.py` (what goes wrong).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from api import page, problems, schema
from api.answers import Times, subject_answer
from api.facts import outcome_json, parse_json, parse_ndjson, read_item
from api.guard import Guard
from api.keys import Keys
from api.problems import Problem
from api.settings import LANGUAGES, Language
from ledger.application import Ledger
from ledger.calendar import Instant, parse_as_of
from ledger.errors import NotFound, ProbantError, Refusal
from ledger.handlers import record_many

MAX_BODY = 8 * 1024 * 1024
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


def create_app(ledger_factory: Callable[[], Ledger], keys: Keys) -> FastAPI:
    """The application over the ledger that `ledger_factory` opens, for holders of one of `keys`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.writing = CapacityLimiter(1)
        app.state.ledger = await to_thread.run_sync(ledger_factory)
        yield
        await to_thread.run_sync(app.state.ledger.close)

    app = FastAPI(
        title="Probant",
        version=version("probant"),
        description=schema.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.keys = keys
    app.add_middleware(Guard)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(ProbantError, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.get("/healthz", tags=["service"], summary="Is it alive, and where the log ends")(healthz)
    app.get("/docs", include_in_schema=False)(docs)
    behind_key = [Depends(authorised)]
    app.post(
        "/v1/facts",
        tags=["facts"],
        summary="Record one fact, or up to 1000",
        status_code=201,
        dependencies=behind_key,
        **schema.POST_FACTS,
    )(post_facts)
    app.get(
        "/v1/subjects/{id}",
        tags=["subjects"],
        summary="One person's deadlines and choices, explained",
        dependencies=behind_key,
        **schema.GET_SUBJECT,
    )(get_subject)
    schema.complete(app)
    return app


# --- what is offered ------------------------------------------------------------------------------


def healthz(request: Request) -> dict[str, Any]:
    """Version of the program, position of the last event. Open to all, says nothing of anybody."""
    head = _ledger(request).recorder.head()
    return {"status": "ok", "version": version("probant"), "position": head.position}


def docs(request: Request) -> HTMLResponse:
    """The documentation, made here and complete: the page asks nothing of any other server."""
    return HTMLResponse(
        page.render(request.app.openapi()), headers={"Content-Security-Policy": page.POLICY}
    )


async def post_facts(request: Request) -> Response:
    """Record one fact (a JSON object: 201, or a problem), or many (a JSON array or NDJSON: 200, and
    each item has its own outcome, in the order sent)."""
    media = _media(request)
    raw = await _body(request)
    # One writer at a time, waiting without a thread: readers always find one free.
    writing = request.app.state.writing
    return await to_thread.run_sync(_recorded, request.app, raw, media, limiter=writing)


def get_subject(
    request: Request,
    id: str,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
    lang: Annotated[str | None, Query(description="fr (default) or en.")] = None,
) -> Response:
    """Last activity, deadlines and choices of one person at two times, each with its reasons."""
    times = Times(_instant("as_of", as_of), _instant("known_at", known_at))
    spoken = _language(request, lang)
    try:
        subject = UUID(id)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None
    answer = subject_answer(_ledger(request), subject, times, spoken)
    return JSONResponse(answer, headers={"Content-Language": spoken})


def authorised(request: Request) -> None:
    """Refuse whoever does not show one of the keys."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not request.app.state.keys.accepts(token.strip()):
        raise Problem("unauthorized", "send the API key as: Authorization: Bearer KEY")


# --- how ------------------------------------------------------------------------------------------


def _recorded(app: FastAPI, raw: bytes, media: str) -> Response:
    """In a thread: read the items, record the wishes among them, answer each."""
    parsed = parse_ndjson(raw) if media in NDJSON else parse_json(raw)
    ledger: Ledger = app.state.ledger
    now = ledger.clock.now()
    read = [read_item(item, now) for item in parsed.items]
    wishes = [wish for wish in read if not isinstance(wish, Refusal)]
    outcomes = iter(record_many(ledger, wishes) if wishes else ())
    answers = [outcome_json(wish if isinstance(wish, Refusal) else next(outcomes)) for wish in read]
    if not parsed.is_single:
        recorded = sum(answer["status"] == 201 for answer in answers)
        counted = {"recorded": recorded, "refused": len(answers) - recorded, "items": answers}
        return JSONResponse(counted)
    (answer,) = answers
    if answer["status"] == 201:
        return JSONResponse(answer, 201, {"Location": f"/v1/subjects/{answer['subject']}"})
    return JSONResponse(answer, answer["status"], media_type=problems.MEDIA)


def _media(request: Request) -> str:
    media, _, parameters = request.headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    charset = parameters.replace(" ", "").replace('"', "").lower()
    if charset not in ("", "charset=utf-8") or media not in ("application/json", *NDJSON):
        raise Problem(
            "unsupported-media", f"Content-Type must be application/json or {NDJSON[0]}, in UTF-8"
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem("unsupported-media", "compressed bodies are not accepted")
    return media


async def _body(request: Request) -> bytes:
    """The body, refused as soon as it is known to be too large."""
    too_large = Problem("too-large", f"at most {MAX_BODY // 2**20} MiB in one request")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise too_large
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise too_large
        chunks.append(chunk)
    return b"".join(chunks)


def _ledger(request: Request) -> Ledger:
    ledger: Ledger = request.app.state.ledger
    return ledger


def _instant(name: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else parse_as_of(text)
    except ValueError:
        raise Problem(
            "malformed-question",
            f"'{name}' must be a day (YYYY-MM-DD) or a date and time with its zone (RFC 3339)",
            field=name,
        ) from None


def _language(request: Request, lang: str | None) -> Language:
    if lang is None:
        preferred = request.headers.get("accept-language", "").strip().lower()
        return "en" if preferred.startswith("en") else "fr"
    if lang not in LANGUAGES:
        raise Problem("malformed-question", "'lang' must be fr or en", field="lang")
    return "en" if lang == "en" else "fr"


# --- what goes wrong ------------------------------------------------------------------------------


def _on_problem(_request: Request, error: Any) -> Response:
    """Raised by a door: `error` is a Problem."""
    return problems.response(error.refusal)


def _on_failure(_request: Request, error: Any) -> Response:
    """Raised by the ledger: `error` is of one of its three families."""
    return problems.response(problems.refusal_of(error))


def _on_invalid(_request: Request, error: Any) -> Response:
    """The framework would repeat what was sent: only the place of the first mistake is said."""
    place = next((str(e["loc"][-1]) for e in error.errors() if len(e["loc"]) > 1), None)
    known = place if place in ("as_of", "known_at", "lang", "id") else None
    return problems.response(Refusal("malformed-question", "a parameter is not valid", field=known))


def _on_http(_request: Request, error: Any) -> Response:
    """Raised by the framework: `error` is an HTTPException."""
    if error.status_code == 405:
        refusal = Refusal("method-not-allowed", "this page does not answer to that method")
    elif error.status_code == 404:
        refusal = Refusal("not-found", "there is no such page")
    elif error.status_code < 500:
        refusal = Refusal("malformed-json", "the request cannot be read")
    else:
        refusal = Refusal("broken", "unexpected failure")
    return problems.response(refusal, dict(error.headers or {}))
