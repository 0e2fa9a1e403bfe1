"""The HTTP interface: `POST /v1/facts`, `/v1/subjects/…`, `/v1/log/…`, `/healthz`, `/docs`.

Each worker opens its own ledger when it starts (an engine must not cross a fork) and closes it when
it stops. The ledger's library knows threads only, so its work runs in them; writes of one worker
follow one another, as they would at the head row anyway. A 2xx on a write means committed. Read
next: `facts.py` (what is sent), `idempotency.py` (what is sent twice), `answers.py` (what is
answered), `problems.py` (what goes wrong).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from api import idempotency, page, problems, schema, sealed, tags
from api.answers import Times, subject_answer
from api.facts import Answers, Parsed, outcome_json, parse_json, parse_ndjson, read_item
from api.guard import Guard
from api.keys import Keys
from api.lookup import lookup_answer
from api.problems import Problem
from api.sealed import Seal
from api.settings import LANGUAGES, Language
from api.timeline import DEFAULT_LIMIT, MAX_LIMIT, timeline_answer
from ledger.application import Ledger
from ledger.calendar import Instant, parse_as_of
from ledger.errors import NotFound, ProbantError, Refusal
from ledger.handlers import Repeated, record_many

MAX_BODY = 8 * 1024 * 1024
FACTS = "/v1/facts"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


def create_app(
    ledger_factory: Callable[[], Ledger], keys: Keys, seal: Seal | None = None
) -> FastAPI:
    """The application over the ledger that `ledger_factory` opens, for holders of one of `keys`;
    `seal` says where the log is sealed, if it is."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.writing = CapacityLimiter(1)
        app.state.running = set()  # fingerprints of the requests being carried out by this worker
        app.state.sweeper = idempotency.Sweeper()
        app.state.ledger = await to_thread.run_sync(ledger_factory)
        yield
        if seal is not None and seal.signer is not None:
            await to_thread.run_sync(seal.signer.close)
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
    app.state.keys, app.state.seal = keys, seal
    app.add_middleware(Guard)
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(ProbantError, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.get(
        "/healthz",
        tags=["service"],
        summary="Is it alive, and where the log ends",
        **schema.GET_HEALTH,
    )(healthz)
    app.get("/docs", include_in_schema=False)(docs)
    behind_key = [Depends(authorised)]
    app.post(
        FACTS,
        tags=["facts"],
        summary="Record one fact, or up to 1000",
        status_code=201,
        dependencies=behind_key,
        **schema.POST_FACTS,
    )(post_facts)
    app.post(
        "/v1/subjects/lookup",
        tags=["subjects"],
        summary="Who is meant by a reference, or by up to 1000",
        dependencies=behind_key,
        **schema.POST_LOOKUP,
    )(post_lookup)
    for path, summary, extra, answer in (
        ("", "One person's deadlines and choices, explained", schema.GET_SUBJECT, get_subject),
        ("/timeline", "What was recorded about one person", schema.GET_TIMELINE, get_timeline),
        ("/deadlines", "One person's deadlines, explained", schema.GET_DEADLINES, get_deadlines),
        ("/consents", "One person's choices, explained", schema.GET_CONSENTS, get_consents),
    ):
        app.get(
            f"/v1/subjects/{{id}}{path}",
            tags=["subjects"],
            summary=summary,
            dependencies=behind_key,
            **extra,
        )(answer)
    for path, summary, extra, served in (
        ("checkpoint", "The newest signed checkpoint", schema.GET_CHECKPOINT, get_checkpoint),
        ("tile/{path:path}", "A tile of the log", schema.GET_TILE, get_tile),
        ("proof/{position}", "That an event is in the log", schema.GET_PROOF, get_proof),
        ("consistency", "That the log only grew", schema.GET_CONSISTENCY, get_consistency),
    ):
        app.get(
            f"/v1/log/{path}",
            tags=["log"],
            summary=summary,
            dependencies=behind_key,
            response_class=Response,
            **extra,
        )(served)
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
    each item has its own outcome, in the order sent). With an Idempotency-Key, sending the same
    request again within 72 hours records nothing and is answered the same."""
    key = idempotency.key_of(request.headers.getlist("idempotency-key"))
    media = _media(request)
    raw = await _body(request)
    app = request.app
    fingerprint = None
    if key is not None:
        holder = request.state.api_key
        fingerprint = idempotency.fingerprint_of(app.state.ledger, holder, FACTS, key)
    running: set[bytes | None] = app.state.running
    if key is not None and fingerprint in running:
        raise Problem("idempotency-key-running", "this request is being carried out; ask again")
    running.add(fingerprint)
    try:
        # One writer at a time, waiting without a thread: readers always find one free.
        writing = app.state.writing
        work = (app, raw, media, fingerprint)
        return await to_thread.run_sync(_recorded, *work, limiter=writing)
    finally:
        running.discard(fingerprint)


async def post_lookup(request: Request) -> Response:
    """The id of one person (a JSON object) or of many (a JSON array or NDJSON), by a reference that
    travels in the body; of whom nobody knows, an explicit `{"known": false}`, never a 404."""
    media = _media(request)
    parsed = _parsed(await _body(request), media)
    return JSONResponse(await to_thread.run_sync(lookup_answer, _ledger(request), parsed))


def get_checkpoint(request: Request) -> Response:
    """The head of the log as a signed note (C2SP tlog-checkpoint): pin its key elsewhere."""
    return sealed.checkpoint_file(request.app.state.seal)


def get_tile(request: Request, path: str) -> Response:
    """256 hashes of a level, or 256 entries (C2SP tlog-tiles). A pruned entry has length zero."""
    return sealed.tile_file(request.app.state.seal, path)


async def get_proof(
    request: Request,
    position: int,
    wait: Annotated[float, Query(ge=0, le=sealed.MAX_WAIT, description=schema.WAIT)] = 0,
) -> Response:
    """The inclusion proof of one event (C2SP tlog-proof), which outlives this server. Recorded and
    not sealed yet: 409, unless `wait` is longer than the seal takes."""
    head = await to_thread.run_sync(_ledger(request).recorder.head)
    return await sealed.inclusion_file(request.app.state.seal, position, head.position, wait)


def get_consistency(
    request: Request,
    old: Annotated[int, Query(description="The size once seen.")],
    new: Annotated[int | None, Query(description="A later size; the newest by default.")] = None,
) -> Response:
    """The proof that what was seen at `old` was only added to since: what a witness asks for."""
    return sealed.consistency_file(request.app.state.seal, old, new)


class Asked(NamedTuple):
    """Who is asked about, and at which two times."""

    subject: UUID
    times: Times


def asked_of(
    id: str,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
) -> Asked:
    """What every question about one person states."""
    times = Times(_instant("as_of", as_of), _instant("known_at", known_at))
    try:
        return Asked(UUID(id), times)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None


Question = Annotated[Asked, Depends(asked_of)]
Lang = Annotated[str | None, Query(description="fr (default) or en.")]


def get_subject(request: Request, asked: Question, lang: Lang = None) -> Response:
    """Last activity, deadlines and choices of one person at two times, each with its reasons."""
    return _explained(request, asked, lang)


def get_deadlines(request: Request, asked: Question, lang: Lang = None) -> Response:
    """The deadlines of the whole answer: until when each class of data is kept, and why."""
    return _explained(request, asked, lang, without="consents")


def get_consents(request: Request, asked: Question, lang: Lang = None) -> Response:
    """The choices of the whole answer: the state of each purpose and channel, and why."""
    return _explained(request, asked, lang, without="deadlines")


def get_timeline(
    request: Request,
    asked: Question,
    after: Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)] = 0,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description=schema.LIMIT)] = DEFAULT_LIMIT,
) -> Response:
    """Every fact in the order it was recorded, corrections linked to what they correct. Clear
    fields only: a personal part says "sealed", or what became of it."""
    ledger = _ledger(request)
    headers = _tagged(tags.tag_of(ledger, asked.subject, asked.times))
    if _is_unchanged(request, headers):
        return Response(status_code=304, headers=headers)
    answer = timeline_answer(ledger, asked.subject, asked.times, after, limit)
    return JSONResponse(answer, headers=headers)


def authorised(request: Request) -> None:
    """Refuse whoever does not show one of the keys."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not request.app.state.keys.accepts(token):
        raise Problem("unauthorized", "send the API key as: Authorization: Bearer KEY")
    request.state.api_key = token


# --- how ------------------------------------------------------------------------------------------


def _recorded(app: FastAPI, raw: bytes, media: str, fingerprint: bytes | None) -> Response:
    """In a thread: what came of a request, now or when it was sent before."""
    ledger: Ledger = app.state.ledger
    now = ledger.clock.now()
    app.state.sweeper.sweep(ledger, now)
    if fingerprint is None:
        return _answered(app, _carried_out(ledger, _parsed(raw, media), now))
    mac = idempotency.payload_mac(ledger, "lines" if media in NDJSON else "json", raw)
    told = idempotency.recall(ledger, fingerprint, mac, now)
    if told is None:
        try:
            parsed = _parsed(raw, media)
            return _answered(app, _carried_out(ledger, parsed, now, (fingerprint, mac)))
        except Repeated:  # by another worker, meanwhile
            told = idempotency.recall(ledger, fingerprint, mac, now)
            if told is None:
                raise
    return _answered(app, told, idempotency.REPLAYED)


def _carried_out(
    ledger: Ledger, parsed: Parsed, now: Instant, remembered: tuple[bytes, bytes] | None = None
) -> Answers:
    """Read the items, record the wishes among them, answer each. `remembered`: the fingerprint and
    the payload MAC that are committed with the facts."""
    read = [read_item(item, now) for item in parsed.items]
    wishes = [wish for wish in read if not isinstance(wish, Refusal)]
    remember = remembered and idempotency.record_of(
        *remembered, read, now, is_single=parsed.is_single
    )
    has_work = bool(wishes or remember)
    outcomes = iter(record_many(ledger, wishes, remember=remember) if has_work else ())
    items = [outcome_json(wish if isinstance(wish, Refusal) else next(outcomes)) for wish in read]
    return Answers(items, parsed.is_single)


def _answered(app: FastAPI, answers: Answers, headers: dict[str, str] | None = None) -> Response:
    """One answer, or one for each item, each recorded one with its receipt."""
    more = dict(headers or {}) | sealed.with_receipts(app.state.seal, app.state.ledger, answers)
    if not answers.is_single:
        recorded = sum(answer["status"] == 201 for answer in answers.items)
        refused = len(answers.items) - recorded
        counted = {"recorded": recorded, "refused": refused, "items": answers.items}
        return JSONResponse(counted, headers=more)
    (answer,) = answers.items
    if answer["status"] != 201:
        return JSONResponse(answer, answer["status"], more, problems.MEDIA)
    if answer["subject"] is not None:
        more["Location"] = f"/v1/subjects/{answer['subject']}"
    return JSONResponse(answer, 201, more)


def _explained(
    request: Request, asked: Asked, lang: str | None, without: str | None = None
) -> Response:
    """The whole answer about one person, or a part of it; 304 when the caller has it already."""
    spoken, ledger = _language(request, lang), _ledger(request)
    headers = _tagged(tags.tag_of(ledger, asked.subject, asked.times, spoken))
    headers |= {"Content-Language": spoken, "Vary": "Accept-Language"}
    if _is_unchanged(request, headers):
        return Response(status_code=304, headers=headers)
    answer = subject_answer(ledger, asked.subject, asked.times, spoken)
    if without is not None:
        whole = ("facts", "last_activity", without)
        answer = {name: value for name, value in answer.items() if name not in whole}
    return JSONResponse(answer, headers=headers)


def _tagged(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"ETag": tag}


def _is_unchanged(request: Request, headers: dict[str, str]) -> bool:
    asked = request.headers.getlist("if-none-match")
    return bool(asked) and "ETag" in headers and tags.is_known(headers["ETag"], asked)


def _parsed(raw: bytes, media: str) -> Parsed:
    return parse_ndjson(raw) if media in NDJSON else parse_json(raw)


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
    named = ("as_of", "known_at", "lang", "id", "after", "limit")
    known = place if place in named else None
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
