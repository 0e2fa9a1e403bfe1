"""The OpenAPI description of what answers rights beyond the queue, with examples: certificates,
and what a person does about herself."""

from __future__ import annotations

from typing import Any

from api import examples, problems
from api.components import LOOSE, POSITION, STRING, TEXT, UUID, closed
from ledger.events import WISHES
from ledger.fields import CODE


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_STANDING = {"type": "array", "items": LOOSE}
_DIGEST = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}

_ISSUED: dict[str, Any] = {
    "subject": {**UUID, "description": "Under which of her references."},
    "reason": {**STRING, "description": "term, request, or another reason of an erasure."},
    "request": {**TEXT, "format": "uuid"},
    "erased_at": {"type": "string", "format": "date-time"},
    "id": {**TEXT, "format": "uuid", "description": "Null: none that is known by this erasure."},
    "renews": {**TEXT, "format": "uuid", "description": "Made again now: what it renews."},
    "sha256": {**TEXT, "description": "Of the text that is signed; null where there is no note."},
    "is_signed": {"type": "boolean"},
    "note": {**TEXT, "description": "A signed note, or its text alone; null: not in its folder."},
}
SCHEMAS: dict[str, Any] = {
    "JwkSet": closed(
        ["keys"],
        {"keys": {"type": "array", "items": LOOSE}},
        description="Public keys (RFC 7517): `kid` is the thumbprint that a JWS names.",
    ),
    "IssuedCertificate": {
        "anyOf": [
            closed(
                ["id", "sha256", "is_signed"],
                {"id": UUID, "sha256": _DIGEST, "is_signed": {"type": "boolean"}},
            ),
            {"type": "null"},
        ],
        "description": "Of an erasure that erased something. `sha256` is of the text that is"
        " signed; the answer on record names it too.",
    },
    "Certificate": closed(
        ["request", "id", "renews", "sha256", "is_signed", "note", "recipients"],
        {
            "request": UUID,
            "id": UUID,
            "renews": {**TEXT, "format": "uuid", "description": "Made again now: what it renews."},
            "sha256": _DIGEST,
            "is_signed": {"type": "boolean"},
            "note": {**STRING, "description": "The certificate: a signed note, or its text alone."},
            "recipients": {
                **_STANDING,
                "description": "Who was handed such data, as of now: to_tell, told, acknowledged"
                " (with the receipt) or overdue.",
            },
        },
    ),
    "Certificates": closed(
        ["subject", "items"],
        {
            "subject": UUID,
            "items": {
                "type": "array",
                "items": closed([*_ISSUED, "recipients"], {**_ISSUED, "recipients": _STANDING}),
                "description": "One for each erasure under each of her references, oldest first.",
            },
        },
    ),
    "OwnRequest": closed(
        ["data"],
        {
            "id": {**UUID, "description": "Of your own: sent again, it is refused."},
            "over": {**CODE.schema, "description": "An objection to one channel only."},
            "data": {
                "type": "object",
                "additionalProperties": True,
                "required": ["right"],
                "description": "The fields of request.received but its channel: it is a page.",
            },
        },
    ),
    "Reads": closed(
        ["subject", "position", "items", "next"],
        {
            "subject": UUID,
            "position": {"type": "integer", "description": "The last position known."},
            "items": {
                "type": "array",
                "items": closed(
                    ["position", "occurred", "archive", "classes", "reason"],
                    {
                        "position": POSITION,
                        "occurred": STRING,
                        "archive": {"type": "boolean", "description": "Out of the archive."},
                        "classes": {"type": "array", "items": STRING},
                        "reason": STRING,
                    },
                ),
            },
            "next": {"type": ["integer", "null"]},
        },
    ),
    "Directive": closed(
        ["subject", "directive"],
        {
            "subject": UUID,
            "directive": {
                "anyOf": [
                    closed(
                        ["position", "wish", "since", "recorded_at"],
                        {
                            "position": POSITION,
                            "wish": {"enum": list(WISHES)},
                            "since": {"type": "string", "format": "date"},
                            "recorded_at": {"type": "string", "format": "date-time"},
                        },
                    ),
                    {"type": "null"},
                ],
                "description": "Null: none, or taken back. Its words are in her package.",
            },
        },
    ),
    "DirectiveSent": closed(
        ["wish"],
        {
            "wish": {"enum": list(WISHES)},
            "trustee": {**STRING, "minLength": 1, "maxLength": 4000},
            "text": {**STRING, "minLength": 1, "maxLength": 4000},
        },
        description="`trustee` and `text` are sealed.",
    ),
}

_SIGNED = "\n\n— example.org/shop/certificate oY…=\n"
CERTIFICATE: dict[str, Any] = {
    "request": examples.STREAM,
    "id": examples.STREAM,
    "renews": None,
    "sha256": "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ",
    "is_signed": True,
    "note": 'example.org/shop/certificate\n{\n "format": "probant-certificate/2"…' + _SIGNED,
    "recipients": [
        {
            "position": 9,
            "recipient": "crm",
            "state": "told",
            "due": "2026-01-13",
            "told": {"position": 10, "at": examples.WHEN},
            "acknowledged": None,
        }
    ],
}

_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {
        problems.MEDIA: {"schema": _ref("Problem"), "example": examples.PROBLEM},
    },
}
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def told(description: str, name: str, shown: Any, status: int = 200) -> dict[str, Any]:
    """The answer of a route, and its problems."""
    content = {"application/json": {"schema": _ref(name), "example": shown}}
    return {"responses": {status: {"description": description, "content": content}, **ERRORS}}


CERTIFICATES: dict[str, Any] = {
    "subject": examples.SUBJECT,
    "items": [
        {
            **CERTIFICATE,
            "subject": examples.SUBJECT,
            "reason": "term",
            "request": None,
            "erased_at": examples.WHEN,
        },
    ],
}
GET_CERTIFICATES = told("Each certificate, and who was told.", "Certificates", CERTIFICATES)
GET_CERTIFICATE = told("The certificate, and who was told.", "Certificate", CERTIFICATE)


def _taken(name: str, shown: Any) -> dict[str, Any]:
    """A body of one JSON object."""
    content = {"application/json": {"schema": _ref(name), "example": shown}}
    return {"openapi_extra": {"requestBody": {"required": True, "content": content}}}


OWN_SENT: dict[str, Any] = {"data": {"right": "access", "text": "Quelles données avez-vous ?"}}
DIRECTIVE_SENT: dict[str, Any] = {"wish": "transmit", "trustee": "Maître Canari"}
READS: dict[str, Any] = {
    "subject": examples.SUBJECT,
    "position": 12,
    "items": [
        {
            "position": 6,
            "occurred": examples.WHEN,
            "archive": False,
            "classes": ["contact"],
            "reason": "customer_call",
        }
    ],
    "next": None,
}
DIRECTIVE: dict[str, Any] = {
    "subject": examples.SUBJECT,
    "directive": {
        "position": 7,
        "wish": "transmit",
        "since": "2026-01-05",
        "recorded_at": examples.WHEN,
    },
}
_RECORDED = told("It is recorded.", "Recorded", examples.RECORDED, 201)
POST_OWN = {
    **told("It is recorded.", "RequestRecorded", examples.REQUEST_RECORDED, 201),
    **_taken("OwnRequest", OWN_SENT),
}
GET_OWN = told("Some of them.", "Requests", examples.REQUESTS)
GET_ONE = told("Where it stands.", "Request", examples.REQUEST)
POST_WITHDRAWAL = told("It is taken back.", "StepRecorded", examples.STEP_RECORDED, 201)
GET_READS = told("In the order recorded.", "Reads", READS)
GET_DIRECTIVE = told("As she last said.", "Directive", DIRECTIVE)
PUT_DIRECTIVE = {**_RECORDED, **_taken("DirectiveSent", DIRECTIVE_SENT)}
DELETE_DIRECTIVE = _RECORDED
