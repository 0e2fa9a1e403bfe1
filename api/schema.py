"""The OpenAPI description: what the framework cannot guess, made from the catalogue of kinds.

Every kind of fact has its own schema, taken from the declarations of `ledger/events/`, so that
the description cannot fall behind.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import problems
from api.facts import ACTORS, MAX_ITEMS, MAX_REFERENCE
from ledger.events import KINDS, Fact
from ledger.fields import CODE, IDENTIFIER

DESCRIPTION = (
    "Records facts about people and explains what follows from them. Every answer carries its "
    "rule, edition, clause, article and the positions it rests on. "
    "Errors are problem+json (RFC 9457)."
)
AS_OF = "When it was true: YYYY-MM-DD (the end of that day in Paris) or an RFC 3339 instant."
KNOWN_AT = "When we had learnt it: same forms."

_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {problems.MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def _json(description: str, name: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"description": description, "content": content}


POST_FACTS: dict[str, Any] = {
    "responses": {
        201: _json("The one fact that was sent is recorded, committed and synced.", "Recorded"),
        200: _json("What came of each item, in the order sent.", "Outcomes"),
        **_ERRORS,
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            {"$ref": "#/components/schemas/Item"},
                            {
                                "type": "array",
                                "maxItems": MAX_ITEMS,
                                "items": {"$ref": "#/components/schemas/Item"},
                            },
                        ]
                    }
                },
                "application/x-ndjson": {
                    "schema": {"type": "string", "description": "One Item a line."}
                },
            },
        }
    },
}
GET_SUBJECT: dict[str, Any] = {
    "responses": {200: _json("The person at these two times.", "Subject"), **_ERRORS}
}


def complete(app: FastAPI) -> None:
    """Give the application a description with our components and its key."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            components = made.setdefault("components", {})
            components["schemas"] = _schemas()
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for path, methods in made["paths"].items():
                if path.startswith("/v1/"):
                    for operation in methods.values():
                        operation["security"] = [{"key": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _schemas() -> dict[str, Any]:
    facts = {_name(cls): _fact(cls) for cls in KINDS.values() if is_recordable(cls)}
    references = [{"$ref": f"#/components/schemas/{name}"} for name in (*facts, "Correct", "Void")]
    return {**_FIXED, "Item": {"oneOf": references}, **facts}


def is_recordable(cls: type[Fact]) -> bool:
    """Whether callers may send a fact of this kind: corrections and editions have ways of their
    own."""
    return cls.aggregate != "any" and cls.kind != "policy.published.v1"


_UUID = IDENTIFIER.schema
_POSITION = {"type": "integer", "minimum": 1}
_DAY = {"type": ["string", "null"], "format": "date"}
_WHEN = {
    "type": "string",
    "description": "YYYY-MM-DD or an RFC 3339 instant; now by default.",
    "examples": ["2026-01-05", "2026-01-05T09:30:00Z"],
}
_ACTOR = {"type": "string", "enum": list(ACTORS)}


def _object(required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def _reference(description: str) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_REFERENCE}
    return _object(["kind", "value"], {"kind": CODE.schema, "value": text}, description=description)


def _name(cls: type[Fact]) -> str:
    return cls.kind.removesuffix(".v1")


def _fact(cls: type[Fact]) -> dict[str, Any]:
    """The item that records a fact of one kind."""
    data = {spec.key: _spec(spec) for spec in cls.specs}
    required = [spec.key for spec in cls.specs if spec.required]
    return _object(
        ["kind", "data"] if required else ["kind"],
        {
            "kind": {"enum": [_name(cls), cls.kind]},
            "subject": _UUID,
            "person": {"$ref": "#/components/schemas/Person"},
            "stream": _UUID,
            "thing": {"$ref": "#/components/schemas/Thing"},
            "occurred": _WHEN,
            "actor": _ACTOR,
            "data": _object(required, data),
        },
        description=" ".join((cls.__doc__ or "").split()),
    )


def _spec(spec: Any) -> dict[str, Any]:
    schema = dict(spec.codec.schema)
    if spec.one_of:
        schema["enum"] = list(spec.one_of)
    if spec.personal:
        schema["description"] = "Personal: sealed under a key of its own, never in the log."
    return schema


_LOOSE = {"type": "object", "additionalProperties": True}
_NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}
_STRING = {"type": "string"}
_FIXED: dict[str, Any] = {
    "Person": _reference("A business identifier of a person. Kept as a keyed HMAC only."),
    "Thing": _reference("A business identifier of an order, contract or message. Likewise."),
    "Correct": _object(
        ["correct"],
        {
            "correct": _object(
                ["position"],
                {
                    "position": _POSITION,
                    "changes": _LOOSE,
                    "occurred": _WHEN,
                    "reason": CODE.schema,
                    "actor": _ACTOR,
                },
            )
        },
        description="The fact at this position should have read otherwise.",
    ),
    "Void": _object(
        ["void"],
        {
            "void": _object(
                ["position"],
                {"position": _POSITION, "reason": CODE.schema, "actor": _ACTOR},
            )
        },
        description="The fact at this position did not happen, or not to this person.",
    ),
    "Recorded": _object(
        ["status", "position", "subject", "stream", "recorded_at", "entry_sha256", "leaf"],
        {
            "status": {"const": 201},
            "position": _POSITION,
            "subject": {"type": ["string", "null"], "format": "uuid"},
            "stream": _UUID,
            "recorded_at": {"type": "string", "format": "date-time"},
            "entry_sha256": {"type": "string", "description": "SHA-256 of the entry, hex."},
            "leaf": {"type": "string", "description": "Merkle leaf hash of the entry, hex."},
            "registered_at": {
                "type": ["integer", "null"],
                "description": "Position of the registration that this fact implied, if any.",
            },
        },
    ),
    "Outcomes": _object(
        ["recorded", "refused", "items"],
        {
            "recorded": {"type": "integer"},
            "refused": {"type": "integer"},
            "items": {
                "type": "array",
                "items": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Recorded"},
                        {"$ref": "#/components/schemas/Problem"},
                    ]
                },
            },
        },
    ),
    "Problem": _object(
        ["type", "title", "status", "detail"],
        {
            "type": _STRING,
            "title": _STRING,
            "status": {"type": "integer"},
            "detail": _STRING,
            "clause": {"type": "string", "description": "Clause of the policy."},
            "article": {"type": "string", "description": "Article of the law."},
            "field": _STRING,
        },
    ),
    "Subject": _object(
        ["subject", "as_of", "position", "path", "deadlines", "consents"],
        {
            "subject": _UUID,
            "as_of": {"type": "string", "format": "date-time"},
            "day": {"type": "string", "format": "date"},
            "known_at": {"type": ["string", "null"], "format": "date-time"},
            "position": {"type": "integer", "description": "The last position known."},
            "path": {"enum": ["live", "fold"], "description": "Which path gave the answer."},
            "edition": {"type": ["object", "null"], "additionalProperties": True},
            "flags": {"type": "array", "items": _STRING},
            "facts": _NUMBERS,
            "last_activity": {"type": ["object", "null"], "additionalProperties": True},
            "deadlines": {"type": "array", "items": {"$ref": "#/components/schemas/Deadline"}},
            "consents": {"type": "array", "items": {"$ref": "#/components/schemas/Choice"}},
        },
    ),
    "Deadline": {
        **_LOOSE,
        "required": ["class", "tier", "operational_until", "explanation"],
        "properties": {
            "class": _STRING,
            "tier": {"enum": ["operational", "suspended", "past_operational", "past_archive"]},
            "operational_until": _DAY,
            "archive_until": _DAY,
            "rule": _STRING,
            "edition": _STRING,
            "clause": _STRING,
            "article": _STRING,
            "rests_on": {"type": "array", "items": _POSITION},
            "explanation": {"type": "array", "items": _STRING},
        },
    },
    "Choice": {
        **_LOOSE,
        "required": ["purpose", "channel", "state", "explanation"],
        "properties": {
            "purpose": _STRING,
            "channel": {"type": ["string", "null"]},
            "state": {"type": "string", "description": "One of the DPV's consent statuses."},
            "explanation": {"type": "array", "items": _STRING},
        },
    },
}
