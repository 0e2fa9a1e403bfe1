"""The OpenAPI description: what the framework cannot guess, made from the catalogue of kinds.

Every kind of fact has its own schema, taken from the declarations of `ledger/events/`, so that
the description cannot fall behind.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from api import (
    archive_schema,
    checking_schema,
    choices_schema,
    examples,
    opendsr_schema,
    policy_schema,
    population_schema,
    problems,
    retention_schema,
    rights_schema,
    things_schema,
    webhooks_schema,
)
from api.components import ACTOR, FIXED, UUID, WHEN, closed
from api.facts import MAX_ITEMS
from api.routes import PUBLIC
from ledger.events import KINDS, OWN, Fact

DESCRIPTION = (
    "Records facts about people and explains what follows from them. Every answer carries its "
    "rule, edition, clause, article and the positions it rests on. "
    "Errors are problem+json (RFC 9457)."
)
AS_OF = "When it was true: YYYY-MM-DD (the end of that day in Paris) or an RFC 3339 instant."
KNOWN_AT = "When we had learnt it: same forms."
AT = "The moment of the messages; the moment of each verdict by default. Same forms."
OFFER = "What is offered: analogous, contract or other."
AFTER = "The position after which to go on: `next` of the page before."
WAIT = "Seconds to wait for the seal, at most 30."
LIMIT = "How many facts at most."


def _body(
    media: str, name: str, description: str = "", shown: Any = None, headers: Any = None
) -> dict[str, Any]:
    content = {"schema": {"$ref": f"#/components/schemas/{name}"}, "example": shown}
    made = {"description": description, "content": {media: content}}
    return made if headers is None else {**made, "headers": headers}


def _json(description: str, name: str, shown: Any, headers: Any = None) -> dict[str, Any]:
    return _body("application/json", name, description, shown, headers)


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def _sent(name: str, one: dict[str, Any], many: list[Any], more: Any = None) -> dict[str, Any]:
    """A request body: one item, an array of them, or NDJSON."""
    item = {"$ref": f"#/components/schemas/{name}"}
    items = {"type": "array", "maxItems": MAX_ITEMS, "items": item}
    shown = {"one": {"value": one}, "many": {"value": many}, **(more or {})}
    lines = "\n".join(json.dumps(value) for value in many)
    return {
        "required": True,
        "content": {
            "application/json": {"schema": {"oneOf": [item, items]}, "examples": shown},
            "application/x-ndjson": {
                "schema": {"type": "string", "description": f"One {name} a line."},
                "example": lines,
            },
        },
    }


_PROBLEM = _body(problems.MEDIA, "Problem", "A problem (RFC 9457).", examples.PROBLEM)
ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}
_REPLAYED = {
    "Idempotency-Replayed": _header("`true`: this request was carried out before; told again.")
}
_TAGGED = {"ETag": _header("Weak; send it back in If-None-Match.")}
_UNCHANGED: dict[str, Any] = {"description": "Nothing has changed since.", "headers": _TAGGED}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "A text in double quotes, one for each request, kept for 72 hours as a keyed hash: the"
        " same request sent again records nothing and is answered the same."
    ),
    "schema": {"type": "string", "pattern": '^"([ !#-\\[\\]-~]|\\\\["\\\\]){1,255}"$'},
    "example": examples.KEY,
}
_LANG = {
    "name": "lang",
    "in": "query",
    "required": False,
    "description": "fr (default) or en.",
    "schema": {"type": "string"},
}
_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier answer: 304 when it still holds.",
    "schema": {"type": "string"},
}


def once(extra: dict[str, Any]) -> dict[str, Any]:
    """The description of a route that records: with its key, and how a second answer shows."""
    told = extra.get("openapi_extra", {})
    responses = {
        status: {**answer, "headers": {**answer.get("headers", {}), **_REPLAYED}}
        if str(status).startswith("2")
        else answer
        for status, answer in extra["responses"].items()
    }
    parameters = [*told.get("parameters", ()), _KEY]
    return {**extra, "responses": responses, "openapi_extra": {**told, "parameters": parameters}}


def _about(description: str, name: str, shown: Any) -> dict[str, Any]:
    """A question about one person, or one of her requests."""
    return {
        "responses": {200: _json(description, name, shown, _TAGGED), 304: _UNCHANGED, **ERRORS},
        "openapi_extra": {"parameters": [_IF_NONE_MATCH]},
    }


GET_HEALTH: dict[str, Any] = {
    "responses": {200: _json("It is alive.", "Health", examples.HEALTH), "5XX": _PROBLEM}
}
GET_READY: dict[str, Any] = {
    "responses": {200: _json("It is ready.", "Ready", examples.READY), "5XX": _PROBLEM}
}
POST_FACTS: dict[str, Any] = {
    "responses": {
        201: _json(
            "The one fact that was sent is recorded, committed and synced.",
            "Recorded",
            examples.RECORDED,
            {"Location": _header("The person.")},
        ),
        200: _json("What came of each item, in the order sent.", "Outcomes", examples.OUTCOMES),
        **ERRORS,
    },
    "openapi_extra": {
        "requestBody": _sent(
            "Item",
            examples.ORDER,
            [examples.CONSENT, examples.UNDECLARED],
            {"correction": {"value": examples.CORRECTION}},
        ),
    },
}
POST_LOOKUP: dict[str, Any] = {
    "responses": {
        200: {
            "description": "Who is known, and who is not, in the order sent.",
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [
                            {"$ref": "#/components/schemas/Found"},
                            {"$ref": "#/components/schemas/Founds"},
                        ]
                    },
                    "examples": {
                        "one": {"value": examples.FOUND},
                        "nobody": {"value": examples.UNKNOWN},
                        "many": {"value": examples.FOUNDS},
                    },
                }
            },
        },
        **ERRORS,
    },
    "openapi_extra": {"requestBody": _sent("Lookup", examples.LOOKUP, examples.LOOKUPS)},
}
POST_CHECK: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The verdict: allowed or refused, and why.",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Verdict"},
                    "examples": {
                        "asked": {"value": examples.VERDICT},
                        "recorded": {"value": examples.DECIDED},
                    },
                }
            },
        },
        **ERRORS,
    },
    "openapi_extra": {
        "parameters": [_LANG],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/MayWe"},
                    "examples": {
                        "now": {"value": examples.MAY_WE},
                        "recorded": {"value": {**examples.MAY_WE, "record": True}},
                    },
                }
            },
        },
    },
}
POST_FILTER: dict[str, Any] = {
    "responses": {
        200: {
            "description": "One verdict a line, in the order sent; then one summary, without which"
            " the answer was cut.",
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string", "description": "One Short a line."},
                    "example": "\n".join(json.dumps(one) for one in examples.FILTERED),
                }
            },
        },
        **ERRORS,
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/x-ndjson": {
                    "schema": {"type": "string", "description": "One recipient a line."},
                    "example": "\n".join(json.dumps(one) for one in examples.RECIPIENTS),
                }
            },
        },
    },
}
GET_SUBJECT = _about("The person at these two times.", "Subject", examples.WHOLE)
GET_TIMELINE = _about("The facts, a page of them.", "Timeline", examples.TIMELINE)
GET_DEADLINES = _about("The deadlines at these two times.", "Deadlines", examples.DEADLINES)
GET_CONSENTS = _about("The choices at these two times.", "Choices", examples.CONSENTS)

POST_TOKEN: dict[str, Any] = {
    "responses": {201: _json("The token.", "Token", examples.TOKEN), **ERRORS}
}

POST_READING: dict[str, Any] = {
    "responses": {200: _json("What was read.", "Read", examples.READ), **ERRORS},
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Reading"},
                    "example": examples.READING,
                }
            },
        }
    },
}

GET_RECEIPTS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "A receipt with her records (JSON-LD), or Kantara receipts.",
            "content": {
                "application/ld+json": {
                    "schema": {"$ref": "#/components/schemas/ConsentReceipt"},
                    "example": examples.CONSENT_RECEIPT,
                },
                "application/json; profile=KI-CR-v1.1.0": {
                    "schema": {"type": "array", "items": {"type": "object"}},
                    "example": [],
                },
                "application/jose": {
                    "schema": {"type": "string", "description": "One compact JWS a line."},
                    "example": examples.JWS,
                },
            },
        },
        **ERRORS,
    }
}
GET_KEYS: dict[str, Any] = {
    "responses": {
        200: {
            "description": "A JWK set.",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/JwkSet"},
                    "example": examples.KEYS,
                }
            },
        },
        **ERRORS,
    }
}
POST_EXPORT: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The package: a ZIP, or the JSON document that it holds.",
            "headers": {"Package-SHA256": _header("SHA-256 of these bytes, hex.")},
            "content": {
                "application/zip": {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "",
                },
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Package"},
                    "example": examples.PACKAGE,
                },
            },
        },
        **ERRORS,
    },
    "openapi_extra": {
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Export"},
                    "example": examples.EXPORT,
                }
            },
        }
    },
}


def _file(description: str, media: str, shown: str) -> dict[str, Any]:
    """A file of the log."""
    schema = {"type": "string"} | ({"format": "binary"} if media.endswith("stream") else {})
    content = {media: {"schema": schema, "example": shown}}
    return {"responses": {200: {"description": description, "content": content}, **ERRORS}}


GET_METRICS = _file("The text format of Prometheus.", "text/plain", examples.METRICS)
GET_CHECKPOINT = _file("The signed note.", "text/plain", examples.CHECKPOINT)
GET_TILE = _file("The tile.", "application/octet-stream", "")
GET_PROOF = _file("The proof.", "text/plain", examples.PROOF)
GET_CONSISTENCY = _file("The proof.", "text/plain", examples.CONSISTENCY)


def _taken(name: str, shown: Any) -> dict[str, Any]:
    """A body of one JSON object."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"required": True, "content": {"application/json": {"schema": schema, "example": shown}}}


POST_REQUEST: dict[str, Any] = {
    "responses": {
        201: _json(
            "It is recorded, with what takes effect at once.",
            "RequestRecorded",
            examples.REQUEST_RECORDED,
            {"Location": _header("The request.")},
        ),
        **ERRORS,
    },
    "openapi_extra": {"requestBody": _taken("RequestSent", examples.REQUEST_SENT)},
}
GET_REQUESTS: dict[str, Any] = {
    "responses": {200: _json("Some of them.", "Requests", examples.REQUESTS), **ERRORS}
}
GET_REQUEST = _about("Where it stands.", "Request", examples.REQUEST)
POST_STEP: dict[str, Any] = {
    "responses": {
        201: _json("The step is recorded.", "StepRecorded", examples.STEP_RECORDED),
        **ERRORS,
    },
    "openapi_extra": {
        "parameters": [choices_schema.IF_MATCH],
        "requestBody": _taken("StepSent", examples.STEP_SENT),
    },
}


def _asked(name: str, shown: Any) -> dict[str, Any]:
    """A request body of one JSON object."""
    return {"requestBody": {"required": True, **_json("", name, shown)}}


def _told(description: str, name: str, shown: Any, status: int = 200) -> dict[str, Any]:
    """What a question that changes nothing of ours, or nothing personal, is answered."""
    return {"responses": {status: _json(description, name, shown), **ERRORS}}


POST_WEBHOOK = {
    "status_code": 201,
    **_told("Registered.", "RegisteredWebhook", examples.REGISTERED, 201),
    "openapi_extra": _asked("NewWebhook", examples.NEW_WEBHOOK),
}
GET_WEBHOOKS = _told("All of them.", "Webhooks", examples.WEBHOOKS)
DELETE_WEBHOOK: dict[str, Any] = {
    "status_code": 204,
    "responses": {204: {"description": "Nothing is sent there any more."}, **ERRORS},
}
PING = _told("What it answered.", "Pinged", examples.PINGED)
GET_DELIVERIES = _told("A page of them.", "Deliveries", examples.DELIVERIES)
REDELIVER = {
    **_told("They wait again.", "Redelivered", examples.REDELIVERED),
    "openapi_extra": _asked("Redeliver", examples.REDELIVER),
}
ACKNOWLEDGE = {
    **_told("What is on record.", "Acknowledged", examples.ACKNOWLEDGED),
    "openapi_extra": _asked("Acknowledge", examples.ACKNOWLEDGE),
}
GET_OVERDUE = _told("Oldest first.", "Overdue", examples.OVERDUE)
GET_RECIPIENTS = _told("In the order recorded.", "Recipients", examples.OUTSIDE)


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
            for methods in made["paths"].values():
                for operation in methods.values():
                    if operation["x-roles"] != sorted(PUBLIC):
                        operation["security"] = [{"key": []}]
            for route in app.routes:
                if isinstance(route, APIRoute) and route.include_in_schema:
                    _show(made["paths"][route.path_format], route)
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _show(methods: dict[str, Any], route: APIRoute) -> None:
    """Put the examples of a route back as they were stated: the framework drops every null."""
    for method in route.methods or ():
        operation = methods[method.lower()]
        stated = [(operation["responses"][str(s)], a) for s, a in route.responses.items()]
        if "requestBody" in (extra := route.openapi_extra or {}):
            stated.append((operation["requestBody"], extra["requestBody"]))
        for told, said in stated:
            for media, body in said.get("content", {}).items():
                shown = {n: v for n, v in body.items() if n in ("example", "examples")}
                told["content"][media].update(shown)


def _schemas() -> dict[str, Any]:
    facts = {_name(cls): _fact(cls) for cls in KINDS.values() if is_recordable(cls)}
    references = [{"$ref": f"#/components/schemas/{name}"} for name in (*facts, "Correct", "Void")]
    # Imported late: they take the shape of problems from here.
    from api import register_schema, supposing

    described = {
        **FIXED,
        **checking_schema.SCHEMAS,
        **choices_schema.SCHEMAS,
        **policy_schema.SCHEMAS,
        **population_schema.SCHEMAS,
        **retention_schema.SCHEMAS,
        **rights_schema.SCHEMAS,
        **opendsr_schema.SCHEMAS,
        **things_schema.SCHEMAS,
        **webhooks_schema.SCHEMAS,
        **archive_schema.SCHEMAS,
        **register_schema.SCHEMAS,
        **supposing.SCHEMAS,
    }
    return {**described, "Item": {"oneOf": references}, **facts}


def is_recordable(cls: type[Fact]) -> bool:
    """Whether callers may send a fact of this kind: corrections, editions and the ledger's
    own acts have ways of their own."""
    return cls.aggregate != "any" and cls.kind not in OWN


def _name(cls: type[Fact]) -> str:
    return cls.kind.removesuffix(".v1")


def _fact(cls: type[Fact]) -> dict[str, Any]:
    """The item that records a fact of one kind."""
    data = {spec.key: _spec(spec) for spec in cls.specs}
    required = [spec.key for spec in cls.specs if spec.required]
    return closed(
        ["kind", "data"] if required else ["kind"],
        {
            "kind": {"enum": [_name(cls), cls.kind]},
            "subject": UUID,
            "person": {"$ref": "#/components/schemas/Person"},
            "stream": UUID,
            "thing": {"$ref": "#/components/schemas/Thing"},
            "occurred": WHEN,
            "actor": ACTOR,
            "data": closed(required, data),
        },
        description=" ".join((cls.__doc__ or "").split()),
    )


def _spec(spec: Any) -> dict[str, Any]:
    schema = dict(spec.codec.schema)
    if spec.one_of and schema["type"] == "array":
        schema["items"] = {**schema["items"], "enum": list(spec.one_of)}
    elif spec.one_of:
        schema["enum"] = list(spec.one_of)
    if spec.personal:
        schema["description"] = "Personal: sealed under a key of its own, never in the log."
    return schema
