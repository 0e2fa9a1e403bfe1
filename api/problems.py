"""One shape for everything that goes wrong over HTTP: problem+json (RFC 9457).

`type` is a permanent slug with a page of its own (`/docs#problem-…`); `detail` names fields, never
values; `clause` and `article` say by which rule of the policy, or of the law, a wish was refused.
`title` and `detail` are English for whoever asks for no language, and French for whoever asks for
that: a problem is made in English, and told at the door.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse

from api.settings import LANGUAGES, Language
from api.wording import said
from ledger.errors import (
    Away,
    BadData,
    Broken,
    Misuse,
    NotFound,
    ProbantError,
    Refusal,
    Refused,
    Stale,
)

MEDIA = "application/problem+json"
PAGE = "/docs#problem-"
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")  # of a language, RFC 9110 12.4.2
_FIELD = re.compile(r"field '([a-z_]{1,40})'")


class Kind(NamedTuple):
    """A type of problem: its HTTP status, and what it always means."""

    status: int
    title: str
    meaning: str


KINDS: dict[str, Kind] = {
    "malformed-json": Kind(400, "Malformed JSON", "The body, or this line, is not strict JSON."),
    "malformed-question": Kind(400, "Malformed question", "A query parameter cannot be read."),
    "idempotency-key-malformed": Kind(400, "Malformed key", "One quoted text of 1 to 255 ASCII."),
    "unauthorized": Kind(401, "No valid key", "Send Authorization: Bearer with a key or a token."),
    "forbidden": Kind(403, "Not for you", "Your roles do not open this page, or not this person."),
    "form-expired": Kind(403, "Form expired", "Open the page again: it was another session."),
    "https-only": Kind(403, "Over https only", "Nobody signs in over a line others can read."),
    "not-found": Kind(404, "Not found", "No such page, subject, order, contract or position."),
    "method-not-allowed": Kind(405, "Method not allowed", "See the Allow header."),
    "conflict": Kind(409, "Conflict", "What was recorded before does not allow this fact."),
    "not-sealed-yet": Kind(409, "Not sealed yet", "It is recorded, and waits for its seal."),
    "idempotency-key-running": Kind(
        409, "Still running", "This very request is being carried out."
    ),
    "idempotency-key-unsettled": Kind(
        409, "Begun, not finished", "Ask again; or look what was recorded, and use a new key."
    ),
    "erased": Kind(410, "Erased", "This person's data of this class was erased, for ever."),
    "too-slow": Kind(408, "Too slow", "The body must arrive within 30 seconds."),
    "precondition-failed": Kind(412, "Changed since", "The ETag in If-Match is not the newest."),
    "too-large": Kind(413, "Too large", "At most 8 MiB and 1000 items in one request."),
    "unsupported-media": Kind(415, "Unsupported media type", "JSON or NDJSON in UTF-8, please."),
    "malformed": Kind(422, "Malformed fact", "A field is unknown, missing or not of its type."),
    "idempotency-key-reused": Kind(422, "Key used before", "The key came with another body."),
    "future": Kind(422, "In the future", "Only what happened can be recorded."),
    "purpose-undeclared": Kind(422, "Purpose not declared", "The policy in force names no such."),
    "channel-undeclared": Kind(422, "Channel not declared", "Not a channel of this purpose."),
    "channel-required": Kind(422, "Channel required", "This purpose needs a channel."),
    "not-a-choice": Kind(422, "Not a choice", "Consent neither allows nor stops this purpose."),
    "pan-detected": Kind(422, "Card number", "A full card number may enter no field."),
    "cvv-detected": Kind(422, "Security code", "A card's security code may be kept by nobody."),
    "track-data-detected": Kind(422, "Card track", "A magnetic track may be kept by nobody."),
    "past-term": Kind(422, "Past its term", "The policy's term for this data has passed."),
    "objected": Kind(422, "Objected", "An objection to marketing is absolute."),
    "recipient-undeclared": Kind(422, "Recipient not declared", "Nobody declared it."),
    "field-undeclared": Kind(422, "Field not declared", "A form shows declared fields only."),
    "class-undeclared": Kind(422, "Class not declared", "The policy in force has no such."),
    "geolocation": Kind(422, "Geolocation", "No field may say where somebody is."),
    "social-network": Kind(422, "Social network", "Nothing goes to social networks."),
    "no-grant": Kind(422, "No grant", "The archive is consulted under a live grant only."),
    "not-archived": Kind(422, "Not archived", "Nothing of this class is in the archive."),
    "archived-motive-required": Kind(422, "Motive required", "The archive needs a motive."),
    "not-examined": Kind(422, "Not examined", "First see what the law and the ledger say of it."),
    "other-document": Kind(422, "Another document", "The edition names another SHA-256."),
    "not-rehearsed": Kind(422, "Not rehearsed", "A run is begun after a dry run of the same day."),
    "opener-refused": Kind(422, "Opener refused", "The opener was not shown what it asks for."),
    "four-eyes": Kind(422, "Four eyes", "It takes a second person to grant or to approve this."),
    "double-opt-in": Kind(422, "Hers to confirm", "Only the token sent to her says yes."),
    "token-void": Kind(422, "Token void", "Unknown, too old, used, or overtaken."),
    "no-carrier": Kind(422, "No carrier", "Nothing carries messages to people here."),
    "restricted": Kind(422, "Restricted", "The use of her data is restricted (GDPR art. 18)."),
    "minor": Kind(422, "Under 15", "The consent of somebody under 15 alone allows nothing."),
    "deceased": Kind(422, "Deceased", "Nothing can be allowed in the name of the dead."),
    "deadline-passed": Kind(422, "Too late", "The time for this step of a request has passed."),
    "identity-not-justified": Kind(422, "No doubt on record", "Identity needs a recorded doubt."),
    "promotional-in-service": Kind(422, "Not service", "A message that sells is marketing."),
    "refused": Kind(422, "Refused", "A rule of the ledger refuses this fact."),
    "too-many": Kind(429, "Too many", "Come back after the seconds that Retry-After names."),
    "broken": Kind(500, "We failed", "Nothing was acknowledged. Trying again later may help."),
    "not-ready": Kind(503, "Not ready", "This worker must not be sent requests now."),
    "no-opener": Kind(503, "No opener", "Nobody opens the archive here now."),
    "away": Kind(503, "Database away", "It does not answer; nothing was acknowledged. Try again."),
    "overloaded": Kind(503, "Overloaded", "Too many requests at once; nothing was read."),
    "stale": Kind(503, "Busy", "Others kept writing; nothing was written. Try again."),
}


class Problem(Exception):
    """A problem on its way to the caller."""

    def __init__(
        self, slug: str, detail: str, *, field: str | None = None, retry: int | None = None
    ) -> None:
        super().__init__(detail)
        self.refusal = Refusal(slug, detail, field=field)
        # `retry`: seconds after which asking again may help.
        self.headers = {} if retry is None else {"Retry-After": str(retry)}


def body(refusal: Refusal) -> dict[str, Any]:
    """The members of a problem; absent ones are left out."""
    slug = refusal.problem if refusal.problem in KINDS else "refused"
    kind = KINDS[slug]
    found = _FIELD.search(refusal.detail)
    members = {
        "type": PAGE + slug,
        "title": kind.title,
        "status": kind.status,
        "detail": refusal.detail,
        "clause": refusal.clause,
        "article": refusal.article,
        "field": refusal.field or (found[1] if found else None),
    }
    return {name: value for name, value in members.items() if value is not None}


def response(
    refusal: Refusal, headers: dict[str, str] | None = None, lang: Language = "en"
) -> JSONResponse:
    """A problem as an HTTP answer, in one language."""
    content, language = spoken(body(refusal), lang)
    more = language | dict(headers or {})
    if content["status"] == 401:
        more["WWW-Authenticate"] = 'Bearer realm="probant"'
    if content["status"] == 503:
        more["Retry-After"] = "1"
    return JSONResponse(content, content["status"], more, MEDIA)


def told(answer: Any, lang: Language) -> Any:
    """An answer with every problem in it, alone or among items, said in this language."""
    if lang == "en":
        return answer
    if isinstance(answer, list):
        return [told(one, lang) for one in answer]
    if not isinstance(answer, dict):
        return answer
    inner = {name: told(one, lang) for name, one in answer.items()}
    if str(answer.get("type", "")).startswith(PAGE):
        inner |= {name: said(answer[name], lang).text for name in ("title", "detail")}
    return inner


def spoken(problem: dict[str, Any], lang: Language) -> tuple[dict[str, Any], dict[str, str]]:
    """One problem in this language, and the headers that say which it is in."""
    shown = told(problem, lang)
    found = "en" if shown["detail"] == problem["detail"] else lang
    return shown, {"Content-Language": found, "Vary": "Accept-Language"}


def language_asked(request: Request) -> Language:
    """The language that problems are told in: by the parameter `lang`, else the one of the two
    that `Accept-Language` prefers; English for whoever asks for neither."""
    lang = request.query_params.get("lang")
    if lang in LANGUAGES:
        return "fr" if lang == "fr" else "en"
    best, asked = 0.0, "en"
    for wish in request.headers.get("accept-language", "")[:400].lower().split(","):
        name, _, weight = wish.partition(";")
        name, found = name.strip().partition("-")[0], _WEIGHT.fullmatch(weight.strip())
        wanted = float(found[1]) if found else 1.0
        if name in LANGUAGES and wanted > best:
            best, asked = wanted, name
    return "fr" if asked == "fr" else "en"


def refusal_of(error: ProbantError) -> Refusal:
    """The three families of failure as problems."""
    match error:
        case Refused():
            return error.refusal
        case NotFound():
            return Refusal("not-found", str(error))
        case Misuse():
            return Refusal("malformed-question", str(error))
        case BadData():
            return Refusal("malformed", str(error))
        case Stale():
            return Refusal("stale", str(error))
        case Away():
            return Refusal("away", str(error))
        case Broken():
            return Refusal("broken", str(error))
    return Refusal("broken", "unexpected failure")
