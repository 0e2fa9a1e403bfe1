"""The OpenAPI description of consulting the archive, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples, problems
from api.components import LOOSE, POSITION, STRING, TEXT, UUID, closed
from ledger.events.ending import MOTIVES
from ledger.fields import CODE

_CASE = {"type": "string", "minLength": 1, "description": "Which case; kept sealed, never told."}
_CONSULTED: dict[str, Any] = {
    "id": UUID,
    "position": {**POSITION, "description": "Of what was recorded last: of its approval."},
    "recorded_at": {"type": "string", "format": "date-time"},
    "state": {
        "enum": ["waiting", "ready"],
        "description": "waiting: for the checkpoint that covers it.",
    },
    "subject": UUID,
    "class": STRING,
    "scope": TEXT,
    "motive": {"enum": list(MOTIVES)},
    "reader": {"type": "string", "description": "You: what a grant names as its holder."},
    "approver": TEXT,
    "grant": UUID,
    "keys": {"type": "integer", "description": "How many keys of the archive it is about."},
}
_PART = closed(
    ["position", "kind", "occurred", "fields"],
    {
        "position": POSITION,
        "kind": STRING,
        "occurred": STRING,
        "fields": {**LOOSE, "description": "The personal fields, as recorded."},
    },
)
_READ = {
    "read": {**POSITION, "description": "The position of the fact that you read this."},
    "opened": {"type": "array", "items": _PART},
}
SCHEMAS: dict[str, Any] = {
    "Consult": closed(
        ["subject", "class", "grant", "motive", "case"],
        {
            "subject": UUID,
            "class": {**CODE.schema, "description": "The archived class of data."},
            "scope": {**CODE.schema, "description": "One item of it; all of the class if not."},
            "grant": {**UUID, "description": "Given to you: `probant archive grant`."},
            "motive": {"enum": list(MOTIVES)},
            "case": _CASE,
        },
    ),
    "Approve": closed(["case"], {"case": _CASE}),
    "Consultation": closed(list(_CONSULTED), _CONSULTED),
    "Consultations": closed(
        ["reader", "items"],
        {
            "reader": {"type": "string", "description": "You, as grants and facts name you."},
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Consultation"}},
        },
    ),
    "Opened": closed([*_CONSULTED, *_READ], {**_CONSULTED, **_READ}),
}
CONSULT: dict[str, Any] = {
    "subject": examples.SUBJECT,
    "class": "order",
    "grant": examples.STREAM,
    "motive": "litigation",
    "case": "Tribunal judiciaire de Nanterre, dossier 2026/42",
}
APPROVE: dict[str, Any] = {"case": CONSULT["case"]}
CONSULTED: dict[str, Any] = {
    "id": "4b1f6a52-7d3e-4a0b-9c61-1f0e5d2c7a33",
    "position": 41,
    "recorded_at": examples.WHEN,
    "state": "waiting",
    "subject": examples.SUBJECT,
    "class": "order",
    "scope": None,
    "motive": "litigation",
    "reader": "key:3f8a12c4d5e6",
    "approver": None,
    "grant": examples.STREAM,
    "keys": 1,
}
OPENED: dict[str, Any] = {
    **CONSULTED,
    "state": "ready",
    "read": 44,
    "opened": [
        {
            "position": 7,
            "kind": "survey.answered.v1",
            "occurred": "2019-03-14",
            "fields": {"comment": "Le colis est arrivé ouvert."},
        }
    ],
}
_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {
        problems.MEDIA: {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "example": examples.PROBLEM,
        }
    },
}
_LATER = {
    "Location": {"description": "Where to ask again.", "schema": {"type": "string"}},
    "Retry-After": {"description": "In so many seconds.", "schema": {"type": "string"}},
}


def _told(description: str, name: str, shown: Any, headers: Any = None) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": shown}
    told = {"description": description, "content": {"application/json": content}}
    return told if headers is None else {**told, "headers": headers}


def _sent(name: str, shown: Any) -> dict[str, Any]:
    body = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": shown}
    return {"requestBody": {"required": True, "content": {"application/json": body}}}


_ERRORS = {"4XX": _PROBLEM, "5XX": _PROBLEM}
_WAITS = _told("It is on record, and waits for its seal.", "Consultation", CONSULTED, _LATER)
POST_CONSULTATION: dict[str, Any] = {
    "status_code": 202,
    "responses": {202: _WAITS, **_ERRORS},
    "openapi_extra": _sent("Consult", CONSULT),
}
POST_APPROVAL: dict[str, Any] = {
    "status_code": 202,
    "responses": {202: _WAITS, **_ERRORS},
    "openapi_extra": _sent("Approve", APPROVE),
}
GET_CONSULTATIONS: dict[str, Any] = {
    "responses": {
        200: _told(
            "In the order asked for.",
            "Consultations",
            {"reader": CONSULTED["reader"], "items": [CONSULTED]},
        ),
        **_ERRORS,
    }
}
GET_CONSULTATION: dict[str, Any] = {
    "responses": {
        200: _told("The record. Nothing of it is kept.", "Opened", OPENED),
        202: _WAITS,
        **_ERRORS,
    }
}
