"""A request that records, carried out once under its `Idempotency-Key`: for every route but facts.

`POST /v1/facts` commits what is remembered with the facts themselves. Here a deed may be several
commits, so its key is claimed first (a row, committed) and its answer kept when it is done:

1. claimed: whoever sends it again meanwhile, to whichever worker, is told 409;
2. carried out: refused, it has recorded nothing, and the claim is taken back;
3. its answer is kept for 72 hours and told again to whoever sends the same request.

A server that dies in 2 leaves the claim: the request may have been carried out or not, and is never
carried out again under this key. The retry is told so, 409 `idempotency-key-unsettled`: look
first, then ask under a new key. What is kept are keyed hashes and the answer, in which nothing
personal may be: ids, positions, codes, receipts. Read next: `idempotency.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api import idempotency
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.errors import BadData, Misuse, NotFound, Refused, Stale
from ledger.store import commands

KEPT_HEADERS = ("location", "content-language", "receipt-missing", "retry-after")
NOTHING_DONE = (Problem, Refused, NotFound, Misuse, BadData, Stale)
Claim = tuple[bytes, bytes]
"""The fingerprint of a request and the keyed hash of its body."""


async def once(request: Request, work: Callable[[], Response]) -> Response:
    """Do `work` in a thread of those that write; under a key, once, and answer it again."""
    app = request.app
    key = idempotency.key_of(request.headers.getlist("idempotency-key"))
    if key is None:
        return await writing(request, work)
    claim = _claim_of(request, key)
    with alone(app, claim[0]):
        return await to_thread.run_sync(_done, app, claim, work, limiter=app.state.writing)


async def writing(request: Request, work: Callable[[], Response]) -> Response:
    """Do `work` in a thread of those that write, as often as it is asked: readers always find a
    thread free."""
    return await to_thread.run_sync(work, limiter=request.app.state.writing)


@contextmanager
def alone(app: FastAPI, fingerprint: bytes | None) -> Iterator[None]:
    """While this request is being carried out by this worker, the same one is refused. None: it
    has no key, and is like no other."""
    running: set[bytes] = app.state.running
    if fingerprint is None:
        yield
        return
    if fingerprint in running:
        raise Problem("idempotency-key-running", "this request is being carried out; ask again")
    running.add(fingerprint)
    try:
        yield
    finally:
        running.discard(fingerprint)


def _claim_of(request: Request, key: str) -> Claim:
    """Its path is of the fingerprint: the same key elsewhere is another request."""
    ledger: Ledger = request.app.state.ledger
    where = f"{request.method} {request.url.path}"
    fingerprint = idempotency.fingerprint_of(ledger, request.state.who.holder, where, key)
    form = f"json?{request.url.query}"
    body: bytes = getattr(request.state, "body", b"")
    return fingerprint, idempotency.payload_mac(ledger, form, body)


def _done(app: FastAPI, claim: Claim, work: Callable[[], Response]) -> Response:
    ledger: Ledger = app.state.ledger
    now = ledger.clock.now()
    app.state.sweeper.sweep(ledger, now)
    found = idempotency.remembered(ledger, *claim, now)
    if found is not None:
        return _told(found)
    until = now + idempotency.KEPT
    if not commands.claim(ledger.database, *claim, until):
        raise Problem("idempotency-key-running", "this request is being carried out; ask again")
    try:
        answer = work()
    except NOTHING_DONE:
        commands.release(ledger.database, claim[0])
        raise
    if answer.status_code >= 400:
        commands.release(ledger.database, claim[0])
    else:
        _keep(ledger, claim, until, answer)
    return answer


def _keep(ledger: Ledger, claim: Claim, until: Instant, answer: Response) -> None:
    headers = {name: answer.headers[name] for name in KEPT_HEADERS if name in answer.headers}
    content = {
        "status": answer.status_code,
        "headers": headers,
        "body": json.loads(bytes(answer.body)),
    }
    commands.settle(ledger.database, *claim, until, json.dumps(content).encode())


def _told(found: commands.Remembered) -> Response:
    if found.outcome == commands.BEGUN:
        raise Problem(
            "idempotency-key-unsettled",
            "this request was begun and is not finished: another worker is at it, or died in it;"
            " ask again, or look what was recorded and use a new key",
        )
    content: dict[str, Any] = json.loads(found.outcome)
    headers = content["headers"] | idempotency.REPLAYED
    return JSONResponse(content["body"], content["status"], headers)
