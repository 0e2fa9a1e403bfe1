"""The OpenAPI description of what answers rights beyond the queue: certificates, with examples."""

from __future__ import annotations

from typing import Any

from api import examples, problems
from api.components import LOOSE, STRING, TEXT, UUID, closed


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


_STANDING = {"type": "array", "items": LOOSE}
_DIGEST = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}

SCHEMAS: dict[str, Any] = {
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


GET_CERTIFICATE = told("The certificate, and who was told.", "Certificate", CERTIFICATE)
