"""What one person is handed: `POST /v1/subjects/{id}/export`, her data, to read or to take away;
`GET /v1/subjects/{id}/receipts`, her consents in the words of other systems.

The first is a POST, because it records who reads. Read next: `packages.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from api import schema
from api.access import Who
from api.archive import archive_of
from api.facts import parse_json
from api.packages import (
    Package,
    Wanted,
    package_of,
    receipts_of,
    signed_receipts,
    wanted_of,
)
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO, PUBLIC, SUBJECT, Route
from api.routes.subjects import Asked, asked_of
from api.routes.taking import body_of, language_of, ledger_of, media_of
from api.sealed import Seal
from api.settings import Language
from ledger.application import Ledger
from ledger.archiving.asking import Ask, NoOpener
from ledger.packages import signing
from ledger.packages.archived import Opened, opened
from ledger.packages.gathering import everybody
from ledger.packages.rendering import MEDIA
from ledger.policy import dpv

# A package opens a whole history: it counts as so many people looked up, or as so many of her own
# requests.
WEIGHT, OWN_WEIGHT = 100, 20


async def post_export(
    request: Request,
    asked: Annotated[Asked, Depends(asked_of)],
    scope: Annotated[str, Query(description="access (default), portability or estate.")] = "access",
    format: Annotated[str, Query(description="zip (default), csv or json.")] = "zip",
    lang: Annotated[str | None, Query(description="fr (default) or en.")] = None,
) -> Response:
    """All that is held about this person (GDPR art. 15), or what she provided and what was
    observed of her, under consent or contract (art. 20); `estate` is what her heirs are handed once
    her death is proved (LIL art. 85), and then nothing else is. That you read it is recorded first;
    what is archived is opened for consultations that are on record already, and listed as missing
    without. Nothing of the package is kept here. One of more than 2000 facts is made while it is
    sent, without `Package-SHA256`: hash what you received."""
    wanted = wanted_of(scope, format, await _body(request))
    spoken, ledger, who = language_of(request, lang), ledger_of(request), request.state.who
    _not_too_often(request, who, ledger)
    state = request.app.state
    work = (ledger, who, asked.subject, wanted, spoken, state.seal, state.opener)
    made = await to_thread.run_sync(_made, *work, limiter=request.app.state.writing)
    ending = "json" if wanted.form == "json" else "zip"
    headers = {
        "Content-Language": spoken,
        "Content-Disposition": f'attachment; filename="{wanted.scope}.{ending}"',
    }
    media = MEDIA[wanted.form]
    if not made.is_small:
        return StreamingResponse(made.chunks, media_type=media, headers=headers)
    content = await to_thread.run_sync(lambda: made.content, limiter=state.writing)
    return Response(content, media_type=media, headers={**headers, "Package-SHA256": made.digest})


def _not_too_often(request: Request, who: Who, ledger: Ledger) -> None:
    limits, now = request.app.state.limits, ledger.clock.now()
    if who.subject is None:
        limits.lookups.take(who.id, now, WEIGHT)
    else:
        limits.person.take(str(who.subject), now, OWN_WEIGHT)


def _made(
    ledger: Ledger,
    who: Who,
    subject: UUID,
    wanted: Wanted,
    lang: Language,
    seal: Seal | None,
    opener: Ask | None,
) -> Package:
    archive: Opened = {}
    if wanted.consultations:
        if who.subject is not None:
            raise Problem("forbidden", "the archive is opened by somebody who holds a grant")
        where = archive_of(seal, opener)
        people = everybody(ledger, subject)
        try:
            archive = opened(ledger, where.seal.folder, people, wanted.consultations, where.ask)
        except NoOpener:
            raise Problem("no-opener", "no opener of the archive answers; ask again") from None
    return package_of(ledger, who, subject, wanted, lang, archive)


def get_receipts(request: Request, asked: Annotated[Asked, Depends(asked_of)]) -> Response:
    """One record for each purpose and channel on which this person ever expressed something, with
    every event of it (ISO/IEC TS 27560 in DPV 2.3). With `Accept: application/json;
    profile=KI-CR-v1.1.0`, Kantara receipts of the consents that hold now. With `Accept:
    application/jose`, and that profile or none, the same signed: one JWS a line, under a key of
    `/.well-known/jwks.json`."""
    accepted = request.headers.get("accept", "")
    is_kantara, ledger = dpv.KANTARA in accepted, ledger_of(request)
    said = receipts_of(ledger, asked.subject, is_kantara)
    if signing.MEDIA in accepted:
        profile = f"; profile={dpv.KANTARA}" if is_kantara else ""
        signed = signed_receipts(ledger, said)
        return Response(signed, media_type=signing.MEDIA + profile, headers={"Vary": "Accept"})
    media = f"application/json; profile={dpv.KANTARA}" if is_kantara else "application/ld+json"
    return JSONResponse(said, media_type=media, headers={"Vary": "Accept"})


def get_keys(request: Request) -> JSONResponse:
    """The public keys that verify what other systems are handed (RFC 7517), for anybody to keep."""
    return JSONResponse(signing.published(ledger_of(request).keyring))


async def _body(request: Request) -> Any:
    """The one JSON object of the body; without a body, an empty one."""
    raw = await body_of(request)
    if not raw:
        return {}
    if media_of(request) != "application/json":
        raise Problem("unsupported-media", "Content-Type must be application/json")
    parsed = parse_json(raw)
    if not parsed.is_single:
        raise Problem("malformed", "one package at a time: a JSON object")
    return parsed.items[0]


ROUTES = (
    Route(
        "POST",
        "/v1/subjects/{id}/export",
        post_export,
        "subjects",
        "A package of somebody's data: to read, or to take away",
        frozenset({AGENT, DPO, SUBJECT}),
        schema.POST_EXPORT,
    ),
    Route(
        "GET",
        "/v1/subjects/{id}/receipts",
        get_receipts,
        "subjects",
        "One person's consent receipts, for other systems",
        frozenset({AGENT, DPO, AUDITOR, SUBJECT}),
        {"response_class": Response, **schema.GET_RECEIPTS},
    ),
    Route(
        "GET",
        "/.well-known/jwks.json",
        get_keys,
        "subjects",
        "The keys that sign receipts and answers",
        PUBLIC,
        schema.GET_KEYS,
    ),
)
