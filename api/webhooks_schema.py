"""The OpenAPI components of what leaves the house: webhooks, deliveries, who was told what."""

from __future__ import annotations

from typing import Any

from api.components import JOINED, NUMBERS, POSITION, STRING, UUID, closed
from ledger.fields import CODE

_INSTANT = {"type": ["string", "null"], "format": "date-time"}
_WEBHOOK: dict[str, Any] = {
    "id": UUID,
    "url": STRING,
    "recipient": STRING,
    "kinds": {"type": "array", "items": STRING},
    "state": {"enum": ["live", "gone"], "description": "gone: it answered 410."},
    "created_at": {"type": "string", "format": "date-time"},
}


def _listed(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


SCHEMAS: dict[str, Any] = {
    "NewWebhook": closed(
        ["url", "recipient"],
        {
            "url": {"type": "string", "format": "uri", "description": "https, and not private."},
            "recipient": {**CODE.schema, "description": "As `recipient.declared` names it."},
            "kinds": {
                "type": "array",
                "items": STRING,
                "description": "Kinds of fact; by default those of which recipients are told. "
                "`reminders` alone: requests that are owed an answer, at J-7 and J-2.",
            },
        },
    ),
    "Webhook": closed(
        [*_WEBHOOK, "deliveries"],
        {**_WEBHOOK, "deliveries": {**NUMBERS, "description": "How many, by state."}},
    ),
    "RegisteredWebhook": closed(
        [*_WEBHOOK, "secret"],
        {**_WEBHOOK, "secret": {"type": "string", "description": "Shown now, and never again."}},
    ),
    "Webhooks": closed(["items"], {"items": _listed("Webhook")}),
    "Delivery": closed(
        ["position", "message", "state", "attempts"],
        {
            "position": POSITION,
            "message": {"type": "string", "description": "The `webhook-id`, the same each time."},
            "state": {"enum": ["pending", "delivered", "dead"]},
            "attempts": {"type": "integer"},
            "next_at": _INSTANT,
            "last_at": _INSTANT,
            "last_status": {"type": ["integer", "null"], "description": "Of HTTP."},
            "last_error": {"type": ["string", "null"], "description": "When there was no answer."},
        },
    ),
    "Deliveries": closed(
        ["webhook", "items", "next"],
        {
            "webhook": UUID,
            "items": _listed("Delivery"),
            "next": {"type": ["integer", "null"], "description": "`after` of the next page."},
        },
    ),
    "Redeliver": closed(
        ["webhook"],
        {
            "webhook": UUID,
            "positions": {
                "type": "array",
                "items": POSITION,
                "description": "By default everything that was given up.",
            },
        },
    ),
    "Redelivered": closed(["waiting"], {"waiting": {"type": "integer"}}),
    "Pinged": closed(
        ["delivered", "status", "error"],
        {
            "delivered": {"type": "boolean"},
            "status": {"type": ["integer", "null"]},
            "error": {"type": ["string", "null"]},
        },
    ),
    "Acknowledge": closed(
        ["recipient", "positions"],
        {
            "recipient": {**CODE.schema, "description": "Who did its part."},
            "positions": {
                "type": "array",
                "items": POSITION,
                "minItems": 1,
                "maxItems": 100,
                "description": "The facts it did its part about: `data.position` of messages.",
            },
            "receipt": {**CODE.schema, "description": "A reference of its own; names nobody."},
            "reason": {
                **CODE.schema,
                "description": "Why staff say it in its place; not for its own key.",
            },
        },
    ),
    "Acknowledged": closed(
        ["items"],
        {
            "items": {
                "type": "array",
                "items": closed(
                    ["about", "position", "recorded"],
                    {
                        "about": POSITION,
                        "position": POSITION,
                        "recorded": {
                            "type": "boolean",
                            "description": "Now; false: it was acknowledged before.",
                        },
                    },
                ),
            }
        },
    ),
    "Standing": closed(
        ["position", "kind", "subject", "recorded_at", "recipients"],
        {
            "position": POSITION,
            "kind": STRING,
            "subject": UUID,
            "joins": {
                "type": "array",
                "items": POSITION,
                "description": "Of what was recorded under another reference of hers: the "
                "positions of the joins by which it is hers.",
            },
            "recorded_at": {"type": "string", "format": "date-time"},
            "recipients": {
                "type": "array",
                "items": closed(
                    ["recipient", "state", "due", "told", "acknowledged"],
                    {
                        "recipient": STRING,
                        "state": {"enum": ["to_tell", "told", "acknowledged", "overdue"]},
                        "due": {"type": "string", "format": "date"},
                        "told": {"type": ["object", "null"], "additionalProperties": True},
                        "acknowledged": {
                            "type": ["object", "null"],
                            "additionalProperties": True,
                            "description": "`in_place`: why staff said it; null: its own word.",
                        },
                    },
                ),
            },
        },
        description="Where each outside system stands about one fact: delivered is not done.",
    ),
    "Recipients": closed(
        ["subject", "joined_into", "joined", "days", "items"],
        {
            "subject": UUID,
            **JOINED,
            "days": {"type": "integer"},
            "items": _listed("Standing"),
        },
    ),
    "Overdue": closed(
        ["days", "items", "next"],
        {
            "days": {"type": "integer"},
            "items": _listed("Standing"),
            "next": {"type": ["integer", "null"]},
        },
    ),
}
