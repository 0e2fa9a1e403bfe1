"""`POST /v1/facts`: what happened, recorded; a 2xx means committed and synced.

Requests that come while a commit is on its way share the next one (`ledger/grouping.py`). Read
next: `facts.py` (what is sent) and `idempotency.py` (what is sent twice) in the room above.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress

from anyio import to_thread
from fastapi import FastAPI, Request
from starlette.responses import Response

from api import idempotency, problems, schema, sealed, telling
from api.direct import Quick
from api.facts import Answers, Parsed, outcome_json, parse_json, read_item
from api.once import alone
from api.routes import Route
from api.routes.taking import NDJSON, body_of, media_of, parsed_of
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.commands import Command, Correct, Void
from ledger.errors import Refusal
from ledger.grouping import Writer
from ledger.handlers import Outcome, Repeated

FACTS = "/v1/facts"
SMALL = 16 * 1024  # bytes: what is read between two other requests, and not in a thread


async def post_facts(request: Request) -> Response:
    """Record one fact (a JSON object: 201, or a problem), or many (a JSON array or NDJSON: 200, and
    each item has its own outcome, in the order sent). With an Idempotency-Key, sending the same
    request again within 72 hours records nothing and is answered the same."""
    key = idempotency.key_of(request.headers.getlist("idempotency-key"))
    media = media_of(request)
    raw = await body_of(request)
    app = request.app
    if key is None and media not in NDJSON:
        answer = await _without_waiting(request, raw)
        if answer is not None:
            return answer
    fingerprint = None
    if key is not None:
        holder = request.state.who.id
        fingerprint = idempotency.fingerprint_of(app.state.ledger, holder, FACTS, key)
    with alone(app, fingerprint):
        # Those who write wait in threads of their own: readers always find one free.
        writing = app.state.writing
        lang = problems.language_asked(request)
        work = (app, raw, media, fingerprint, request.state.who.roles, lang)
        return await to_thread.run_sync(_recorded, *work, limiter=writing)


def _recorded(
    app: FastAPI,
    raw: bytes,
    media: str,
    fingerprint: bytes | None,
    roles: frozenset[str],
    lang: Language,
) -> Response:
    """In a thread: what came of a request, now or when it was sent before."""
    ledger: Ledger = app.state.ledger
    writer: Writer = app.state.writer
    now = ledger.clock.now()
    app.state.sweeper.sweep(ledger, now)
    if fingerprint is None:
        return _answered(app, _carried_out(writer, roles, parsed_of(raw, media), now), lang)
    mac = idempotency.payload_mac(ledger, "lines" if media in NDJSON else "json", raw)
    told = idempotency.recall(ledger, fingerprint, mac, now)
    if told is None:
        try:
            parsed = parsed_of(raw, media)
            told = _carried_out(writer, roles, parsed, now, (fingerprint, mac))
            return _answered(app, told, lang)
        except Repeated:  # by another worker, meanwhile
            told = idempotency.recall(ledger, fingerprint, mac, now)
            if told is None:
                raise
    return _answered(app, told, lang, idempotency.REPLAYED)


async def _without_waiting(request: Request, raw: bytes) -> Response | None:
    """One small fact without a key, which is most of what machines send: read here, written with
    whatever else waits, and no thread waits for it. None for anything else."""
    app, roles = request.app, request.state.who.roles
    writer: Writer = app.state.writer
    now = writer.ledger.clock.now()
    if len(raw) > SMALL or not app.state.sweeper.rests(now):
        return None
    parsed = parse_json(raw)
    if not parsed.is_single:
        return None
    told = read_item(parsed.items[0], now, telling.actor_by_default(roles))
    if isinstance(told, Correct | Void):
        return None  # what it amends must be read
    read = telling.permitted(writer.ledger, roles, [told])
    wishes = [wish for wish in read if not isinstance(wish, Refusal)]
    answers = _answers(read, await _recording(writer, wishes) if wishes else [], parsed)
    lang = problems.language_asked(request)
    if app.state.seal is None or app.state.seal.signer is None:
        return _answered(app, answers, lang)
    return await to_thread.run_sync(_answered, app, answers, lang, limiter=app.state.writing)


async def _recording(writer: Writer, wishes: Sequence[Command]) -> list[Outcome]:
    """What came of these wishes, once they were committed."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[Outcome]] = loop.create_future()

    def tell(answer: list[Outcome] | Exception) -> None:
        if future.done():
            return  # whoever asked has gone
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)

    def settle(answer: list[Outcome] | Exception) -> None:
        with suppress(RuntimeError):  # the server has stopped, and nobody waits any more
            loop.call_soon_threadsafe(tell, answer)

    writer.hand_in(wishes, settle)
    return await future


def _carried_out(
    writer: Writer,
    roles: frozenset[str],
    parsed: Parsed,
    now: Instant,
    remembered: tuple[bytes, bytes] | None = None,
) -> Answers:
    """Read the items, record the wishes that these roles may tell, answer each.
    `remembered`: the fingerprint and the payload MAC that are committed with the facts."""
    actor = telling.actor_by_default(roles)
    told = [read_item(item, now, actor) for item in parsed.items]
    read = telling.permitted(writer.ledger, roles, told)
    wishes = [wish for wish in read if not isinstance(wish, Refusal)]
    remember = remembered and idempotency.record_of(
        *remembered, read, now, is_single=parsed.is_single
    )
    has_work = bool(wishes or remember)
    return _answers(read, writer.record(wishes, remember).result() if has_work else [], parsed)


def _answers(
    read: Sequence[Command | Refusal], outcomes: Iterable[Outcome], parsed: Parsed
) -> Answers:
    left = iter(outcomes)
    items = [outcome_json(wish if isinstance(wish, Refusal) else next(left)) for wish in read]
    return Answers(items, parsed.is_single)


def _answered(
    app: FastAPI, answers: Answers, lang: Language, headers: dict[str, str] | None = None
) -> Response:
    """One answer, or one for each item, each recorded one with its receipt; problems in the
    language of this request, whichever it was when they were remembered."""
    more = dict(headers or {}) | sealed.with_receipts(app.state.seal, app.state.ledger, answers)
    if not answers.is_single:
        recorded = sum(answer["status"] == 201 for answer in answers.items)
        refused = len(answers.items) - recorded
        items = problems.told(answers.items, lang) if refused else answers.items
        counted = {"recorded": recorded, "refused": refused, "items": items}
        return Quick(counted, headers=more)
    (answer,) = answers.items
    if answer["status"] != 201:
        answer, language = problems.spoken(answer, lang)
        return Quick(answer, answer["status"], more | language, problems.MEDIA)
    if answer["subject"] is not None:
        more["Location"] = f"/v1/subjects/{answer['subject']}"
    return Quick(answer, 201, more)


ROUTES = (
    Route(
        "POST",
        FACTS,
        post_facts,
        "facts",
        "Record one fact, or up to 1000",
        telling.TELLING,
        {"status_code": 201, **schema.POST_FACTS},
        once=True,
        direct=True,
    ),
)
