"""The OpenAPI components of the register of processing, and what its route answers."""

from __future__ import annotations

from typing import Any

from api.components import POSITION, STRING, TEXT, closed
from api.schema import ERRORS
from ledger.register.formats import MEDIA

_STRINGS = {"type": "array", "items": STRING}
_COUNT = {"type": "integer", "minimum": 0}
_DAY = {"type": "string", "format": "date"}


def _several(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/components/schemas/{name}"}}


def _all(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return closed(list(properties), properties, **more)


SCHEMAS: dict[str, Any] = {
    "ReportAsked": closed(
        [],
        {
            "as_of": {**TEXT, "description": "When it was true; now by default."},
            "known_at": {**TEXT, "description": "When we had learnt it; now by default."},
            "lang": {**TEXT, "description": "fr (default) or en."},
        },
    ),
    "Register": _all(
        {
            "as_of": {"type": "string", "format": "date-time"},
            "day": _DAY,
            "position": {"type": "integer", "minimum": 0},
            "edition": STRING,
            "company": STRING,
            "controller": {
                "oneOf": [
                    {"type": "null"},
                    _all({"controller": STRING, "registration": STRING, "position": POSITION}),
                ]
            },
            "dpo": {
                "oneOf": [
                    {"type": "null"},
                    _all({"dpo": STRING, "designation": TEXT, "position": POSITION}),
                ]
            },
            "activities": _several("Activity"),
            "security": _STRINGS,
            "gaps": _several("Gap"),
            "limits": _STRINGS,
        }
    ),
    "Activity": _all(
        {
            "id": STRING,
            "name": STRING,
            "basis": STRING,
            "basis_said": STRING,
            "clause": STRING,
            "article": STRING,
            "created": _DAY,
            "updated": _DAY,
            "owner": TEXT,
            "people": _STRINGS,
            "data": {
                "type": "array",
                "items": _all({"category": STRING, "said": STRING, "fields": _STRINGS}),
            },
            "classes": _several("KeptClass"),
            "recipients": _several("RecipientOf"),
            "transfers": {**_STRINGS, "description": "Recipients outside the EEA."},
            "assessments": {
                "type": "array",
                "items": _all({"type": STRING, "outcome": STRING, "position": POSITION}),
            },
            "observed": _all(
                {
                    "facts": _COUNT,
                    "last": {"type": ["string", "null"], "format": "date"},
                    "people": _COUNT,
                    "past_term": _COUNT,
                },
                description="What events show under this purpose, and in its classes of data.",
            ),
        }
    ),
    "KeptClass": _all(
        {
            "class": STRING,
            "label": STRING,
            "operational_months": _COUNT,
            "archive_months": {"type": ["integer", "null"]},
            "archive_from": {"enum": ["operational_end", "start", None]},
            "archive_article": TEXT,
            "months_in_all": _COUNT,
            "said": STRING,
            "clause": STRING,
            "article": STRING,
            "choice": {"type": "boolean", "description": "Part of the term is our decision."},
            "obligations": _STRINGS,
            "people": _COUNT,
            "past_term": _COUNT,
        }
    ),
    "RecipientOf": _all(
        {
            "recipient": STRING,
            "type": STRING,
            "type_said": STRING,
            "country": TEXT,
            "outside": {"type": "boolean"},
            "contract": TEXT,
            "attested_until": {"type": ["string", "null"], "format": "date"},
            "disclosures": _COUNT,
            "people": _COUNT,
            "position": POSITION,
        }
    ),
    "Gap": _all(
        {
            "code": STRING,
            "severity": {"enum": ["error", "warning", "review"]},
            "about": STRING,
            "seen": STRING,
            "said": STRING,
            "clause": STRING,
            "article": STRING,
            "positions": {"type": "array", "items": POSITION},
        }
    ),
}
_CLASS: dict[str, Any] = {
    "class": "order",
    "label": "orders",
    "operational_months": 60,
    "archive_months": 60,
    "archive_from": "operational_end",
    "archive_article": "C. com. art. L110-4",
    "months_in_all": 120,
    "said": "60 months, then 60 months of archive (C. com. art. L110-4), then erased",
    "clause": "SS-RET-5",
    "article": "GDPR art. 5(1)(e)",
    "choice": True,
    "obligations": [],
    "people": 232,
    "past_term": 0,
}
_RECIPIENT: dict[str, Any] = {
    "recipient": "payline",
    "type": "psp",
    "type_said": "payment provider",
    "country": "fr",
    "outside": False,
    "contract": None,
    "attested_until": "2024-12-31",
    "disclosures": 7,
    "people": 900,
    "position": 4,
}
EXAMPLE: dict[str, Any] = {
    "as_of": "2026-01-05T22:59:59.999999Z",
    "day": "2026-01-05",
    "position": 2066,
    "edition": "softsystem-2018-11-20",
    "company": "SoftSystem",
    "controller": {
        "controller": "softsystem",
        "registration": "rcs.nanterre.843877531",
        "position": 2,
    },
    "dpo": {"dpo": "staff-02", "designation": "dpo-4711", "position": 3},
    "activities": [
        {
            "id": "payment",
            "name": "payment for services",
            "basis": "contract",
            "basis_said": "contract",
            "clause": "SS-PAY-1",
            "article": "GDPR art. 6(1)(b)",
            "created": "2018-11-20",
            "updated": "2018-11-20",
            "owner": None,
            "people": ["customers"],
            "data": [
                {
                    "category": "economic",
                    "said": "Economic and financial information",
                    "fields": ["bin6", "last4"],
                }
            ],
            "classes": [_CLASS],
            "recipients": [_RECIPIENT],
            "transfers": [],
            "assessments": [],
            "observed": {"facts": 7, "last": "2025-12-28", "people": 232, "past_term": 0},
        }
    ],
    "security": ["Access control: by role, refused by default."],
    "gaps": [
        {
            "code": "lapsed",
            "severity": "warning",
            "about": "payline",
            "seen": "2024-12-31",
            "said": "The attestation of “payline” ended on December 31, 2024.",
            "clause": "SS-PAY-2",
            "article": "GDPR art. 28(1)",
            "positions": [4],
        }
    ],
    "limits": ["A recipient without a declared country is not counted as a transfer."],
}
_FILES = {
    "csv": "Activity,Purpose id\r\npayment for services,payment\r\n",
    "md": "# Register of processing activities of SoftSystem, as of 2026-01-05\n",
    "ods": "PK",
}
GET_REGISTER: dict[str, Any] = {
    "responses": {
        200: {
            "description": "The register, in the format asked for.",
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Register"},
                    "example": EXAMPLE,
                },
                **{
                    MEDIA[kind].partition(";")[0]: {"schema": {"type": "string"}, "example": shown}
                    for kind, shown in _FILES.items()
                },
            },
        },
        **ERRORS,
    }
}
