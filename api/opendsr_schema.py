"""The OpenAPI description of `/opendsr/v2`, with examples. Read next: `routes/opendsr.py`."""

from __future__ import annotations

from typing import Any

from api import examples, problems
from api.components import LOOSE, STRING, UUID, closed
from api.describing import described, ref
from ledger.requests.opendsr import DOMAIN, SIGNATURE, TYPES

_INSTANT = {"type": "string", "format": "date-time"}
_IDENTITY = {"identity_type": STRING, "identity_format": STRING}
_STATUS = {"enum": ["pending", "in_progress", "completed", "cancelled"]}
_KEYS = "https://probant.example.org/.well-known/jwks.json"
_ID = "a7551968-d5d6-44b2-9831-815ac9017798"
_STANDS: dict[str, Any] = {
    "controller_id": STRING,
    "expected_completion_time": {**_INSTANT, "description": "The law's last day."},
    "subject_request_id": UUID,
    "request_status": _STATUS,
    "api_version": STRING,
    "extensions": {**LOOSE, "description": "Under our domain: what the protocol has no word for."},
}
_RECEIVED: dict[str, Any] = {
    "controller_id": STRING,
    "expected_completion_time": _INSTANT,
    "received_time": _INSTANT,
    "encoded_request": {**STRING, "description": "What was sent, in base64: keep it nowhere."},
    "subject_request_id": UUID,
    "api_version": STRING,
}
_CANCELLED = {
    name: _RECEIVED[name]
    for name in ("controller_id", "subject_request_id", "received_time", "api_version")
}
SCHEMAS: dict[str, Any] = {
    "OpenDsrDiscovery": closed(
        ["api_version", "supported_identities", "supported_subject_request_types"],
        {
            "api_version": STRING,
            "supported_identities": {"type": "array", "items": closed(list(_IDENTITY), _IDENTITY)},
            "supported_subject_request_types": {"type": "array", "items": {"enum": list(TYPES)}},
            "processor_certificate": {**STRING, "description": "The keys (RFC 7517)."},
            "extensions": LOOSE,
        },
    ),
    "OpenDsrSent": {
        "type": "object",
        "required": [
            *("subject_request_id", "subject_request_type", "submitted_time"),
            "subject_identities",
        ],
        "properties": {
            "regulation": {"enum": ["gdpr"]},
            "subject_request_id": {**UUID, "description": "Version 4, in lower case: yours."},
            "subject_request_type": {"enum": list(TYPES)},
            "submitted_time": {**_INSTANT, "description": "When she asked: the law's clock."},
            "subject_identities": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["identity_type", "identity_value", "identity_format"],
                    "properties": {
                        "identity_type": {"enum": ["email", "controller_customer_id"]},
                        "identity_value": STRING,
                        "identity_format": {"enum": ["raw"]},
                    },
                },
            },
            "api_version": STRING,
            "status_callback_urls": {"type": "array", "items": STRING},
            "extensions": LOOSE,
        },
    },
    "OpenDsrReceived": closed(list(_RECEIVED), _RECEIVED),
    "OpenDsrStatus": closed(list(_STANDS), _STANDS),
    "OpenDsrCancelled": closed(list(_CANCELLED), _CANCELLED),
    "OpenDsrError": closed(
        ["error"],
        {
            "error": closed(
                ["code", "message", "errors"],
                {"code": {"type": "integer"}, "message": STRING, "errors": {"type": "array"}},
            )
        },
        description="What goes wrong beyond the door.",
    ),
}
_SENT = {
    "regulation": "gdpr",
    "subject_request_id": _ID,
    "subject_request_type": "erasure",
    "submitted_time": "2026-01-05T08:00:00Z",
    "subject_identities": [
        {"identity_type": "email", "identity_value": "zoe@example.org", "identity_format": "raw"}
    ],
    "api_version": "2.0",
}
_WHEN = {
    "controller_id": "key:8e03978e40d5",
    "subject_request_id": _ID,
    "received_time": examples.WHEN,
    "api_version": "2.0",
}
_SAID_WRONG = {
    "error": {
        "code": 400,
        "message": "subject_request_id is a UUID of version 4, in lower case",
        "errors": [],
    }
}
_WRONG = {
    "description": "In the protocol's form; at the door, a problem (RFC 9457).",
    "content": {
        problems.MEDIA: {"schema": ref("Problem"), "example": examples.PROBLEM},
        "application/json": {"schema": ref("OpenDsrError"), "example": _SAID_WRONG},
    },
}
_HEADERS = {
    DOMAIN: {"schema": STRING, "description": "Whose answer this is."},
    SIGNATURE: {"schema": STRING, "description": "Ed25519 over the body, base64."},
}


def _described(status: int, text: str, answer: tuple[str, Any], sent: Any = None) -> dict[str, Any]:
    found = described(status, text, answer, sent)
    answers = found["responses"]
    answers[status] = {**answers[status], "headers": _HEADERS}
    return {**found, "responses": {**answers, "4XX": _WRONG}}


GET_DISCOVERY = _described(
    200,
    "What is supported.",
    (
        "OpenDsrDiscovery",
        {
            "api_version": "2.0",
            "supported_identities": [{"identity_type": "email", "identity_format": "raw"}],
            "supported_subject_request_types": list(TYPES),
            "processor_certificate": _KEYS,
            "extensions": {"example.org": {"signature": "Ed25519", "keys": _KEYS}},
        },
    ),
)
POST_REQUEST = _described(
    201,
    "It is recorded.",
    (
        "OpenDsrReceived",
        {
            **_WHEN,
            "expected_completion_time": "2026-02-05T23:00:00Z",
            "encoded_request": "eyJyZWd1bGF0aW9uIjoiZ2RwciJ9",
        },
    ),
    ("OpenDsrSent", _SENT),
)
GET_REQUEST = _described(
    200,
    "Where it stands.",
    (
        "OpenDsrStatus",
        {
            "controller_id": "key:8e03978e40d5",
            "expected_completion_time": "2026-02-05T23:00:00Z",
            "subject_request_id": _ID,
            "request_status": "pending",
            "api_version": "2.0",
            "extensions": {"example.org": {"state": "received", "status": "on_track"}},
        },
    ),
)
DELETE_REQUEST = _described(202, "It is withdrawn.", ("OpenDsrCancelled", _WHEN))
