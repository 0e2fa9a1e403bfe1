"""What endpoints take from a request: its ledger, body, media type, moments and language.

Nothing that was sent is repeated in a refusal. Read next: `facts.py` in the room above.
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from api.facts import Parsed, parse_json, parse_ndjson
from api.problems import Problem
from api.settings import LANGUAGES, Language
from ledger.application import Ledger
from ledger.calendar import Day, FarAway, Instant, parse_as_of, parse_day

MAX_BODY = 8 * 1024 * 1024
BODY_SECONDS = 30  # for the whole body: whoever drips bytes holds nothing open for longer
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")


def ledger_of(request: Request) -> Ledger:
    """The ledger that this worker has open."""
    ledger: Ledger = request.app.state.ledger
    return ledger


def media_of(request: Request) -> str:
    """The media type of the body: JSON or NDJSON, in UTF-8 and not compressed, or a Problem."""
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


async def body_of(request: Request) -> bytes:
    """The body, refused as soon as it is known to be too large, or to come too slowly."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY:
        raise _too_large()
    chunks, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise _too_large()
                chunks.append(chunk)
    except TimeoutError:
        raise Problem("too-slow", f"the body did not arrive in {BODY_SECONDS} seconds") from None
    request.state.body = b"".join(chunks)  # an Idempotency-Key belongs to it: `once.py`
    return bytes(request.state.body)


def _too_large() -> Problem:
    return Problem("too-large", f"at most {MAX_BODY // 2**20} MiB in one request")


def parsed_of(raw: bytes, media: str) -> Parsed:
    """The items of a body of this media type."""
    return parse_ndjson(raw) if media in NDJSON else parse_json(raw)


def instant_of(name: str, text: str | None) -> Instant | None:
    """The moment that a parameter states. Raises Problem."""
    try:
        return None if text is None else parse_as_of(text)
    except FarAway as error:
        raise Problem("malformed-question", f"'{name}': {error}", field=name) from None
    except ValueError:
        raise Problem(
            "malformed-question",
            f"'{name}' must be a day (YYYY-MM-DD) or a date and time with its zone (RFC 3339)",
            field=name,
        ) from None


def language_of(request: Request, lang: str | None) -> Language:
    """The language asked for by the parameter, or preferred by the caller; French otherwise."""
    if lang is None:
        preferred = request.headers.get("accept-language", "").strip().lower()
        return "en" if preferred.startswith("en") else "fr"
    if lang not in LANGUAGES:
        raise Problem("malformed-question", "'lang' must be fr or en", field="lang")
    return "en" if lang == "en" else "fr"


def language_headers(lang: Language) -> dict[str, str]:
    """What is said of an answer in one language: whoever keeps it keeps one for each."""
    return {"Content-Language": lang, "Vary": "Accept-Language"}


def day_named(name: str, text: str) -> Day:
    """The day that a parameter states. Raises Problem."""
    try:
        return parse_day(text)
    except FarAway as error:
        raise Problem("malformed-question", f"'{name}': {error}", field=name) from None
    except ValueError:
        detail = f"'{name}' must be a day (YYYY-MM-DD)"
        raise Problem("malformed-question", detail, field=name) from None


async def object_of(request: Request, wanted: str) -> object:
    """The one JSON value of the body. Raises Problem: `wanted` says what is one at a time."""
    if media_of(request) != "application/json":
        raise Problem("unsupported-media", "Content-Type must be application/json")
    parsed = parse_json(await body_of(request))
    if not parsed.is_single:
        raise Problem("malformed", f"{wanted} at a time: a JSON object")
    return parsed.items[0]
