"""How an operation is described for OpenAPI: what is sent and answered, each with an example."""

from __future__ import annotations

from typing import Any

from api import examples, problems


def ref(name: str) -> dict[str, Any]:
    """The component of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(name: str) -> dict[str, Any]:
    """An array of components of this name."""
    return {"type": "array", "items": ref(name)}


PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {problems.MEDIA: {"schema": ref("Problem"), "example": examples.PROBLEM}},
}


def described(
    status: int,
    description: str,
    answer: tuple[str, Any],
    sent: tuple[str, Any] | None = None,
    parameters: tuple[dict[str, Any], ...] = (),
) -> dict[str, Any]:
    """The description of one operation: what is sent and what is answered, each with an example."""
    name, shown = answer
    content = {"application/json": {"schema": ref(name), "example": shown}}
    extra: dict[str, Any] = {"parameters": list(parameters)} if parameters else {}
    if sent is not None:
        body = {"application/json": {"schema": ref(sent[0]), "example": sent[1]}}
        extra["requestBody"] = {"required": True, "content": body}
    told = {status: {"description": description, "content": content}}
    return {
        "status_code": status,
        "responses": {**told, "4XX": PROBLEM, "5XX": PROBLEM},
        "openapi_extra": extra,
    }
