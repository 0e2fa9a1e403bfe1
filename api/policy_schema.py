"""The OpenAPI description of the policy and of the first screen, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples
from api.components import LOOSE, NUMBERS, STRING, TEXT, closed
from api.describing import described, listed

_DAY = {"type": "string", "format": "date"}
_NO_DAY = {"type": ["string", "null"], "format": "date"}
_INSTANT = {"type": "string", "format": "date-time"}
_NO_INSTANT = {"type": ["string", "null"], "format": "date-time"}
_WHOLE = {"type": "integer", "minimum": 0}
_TEXTS = {"type": "array", "items": STRING}
_VALUE = {"type": ["string", "integer", "null"]}
_NAMED: dict[str, Any] = {
    "id": STRING,
    "title": STRING,
    "effective_from": _DAY,
    "position": {"type": "integer", "minimum": 1},
    "sha256": {"type": "string", "description": "Of its file: what facts name as `pol`."},
    "published_sha256": {"type": "string", "description": "Of the text the company published."},
}
_OBJECTS = {"type": "object", "additionalProperties": LOOSE}
_FINDING: dict[str, Any] = {
    "id": STRING,
    "severity": {"enum": ["error", "warning", "review"]},
    "clause": STRING,
    "article": STRING,
    "in_force_since": _DAY,
    "looks_at": _TEXTS,
    "seen": STRING,
    **dict.fromkeys(("found", "looked", "proposed"), STRING),
}
_CHANGE: dict[str, Any] = {
    "part": {"enum": ["edition", "class", "purpose", "clause"]},
    "name": STRING,
    "field": STRING,
    "effect": {"enum": ["longer", "shorter", "appears", "disappears", "changed"]},
    "before": _VALUE,
    "after": _VALUE,
}
_HOLDS: dict[str, Any] = {
    **dict.fromkeys(("open", "overdue", "due_soon"), _WHOLE),
    "next_review": _NO_DAY,
}
_SEAL: dict[str, Any] = {
    "size": _WHOLE,
    "covers_until": {**_NO_INSTANT, "description": "When the last event it covers was recorded."},
    "waiting": {**_WHOLE, "description": "Events that wait for their seal."},
    "waiting_since": _NO_INSTANT,
}
_CHECK: dict[str, Any] = {
    "at": _INSTANT,
    "position": _WHOLE,
    "ok": {"type": "boolean"},
    "findings": _WHOLE,
}
_PAST = closed(
    ["past_operational", "past_archive"], {"past_operational": _WHOLE, "past_archive": _WHOLE}
)
_COUNTED: dict[str, Any] = {
    "counted_at": {**_INSTANT, "description": "Those that follow go over everybody: as of then."},
    "counting": {"type": "boolean", "description": "They are old, and being counted again."},
    "retention": {"type": "object", "additionalProperties": _PAST},
    "stale_consents": {**NUMBERS, "description": "By purpose: their words have changed since."},
    "acknowledgements_overdue": {**NUMBERS, "description": "Facts, by recipient."},
}
_TODAY: dict[str, Any] = {
    "at": _INSTANT,
    "day": _DAY,
    "position": _WHOLE,
    "requests": closed(
        ["overdue", "due_soon", "on_track"],
        dict.fromkeys(("overdue", "due_soon", "on_track"), _WHOLE),
    ),
    "holds": closed(list(_HOLDS), _HOLDS),
    "queue": {**NUMBERS, "description": "Texts that wait for a person, by match."},
    "erasures_waiting": {
        "type": ["integer", "null"],
        "description": "Of the journal, not carried out; null: this server has no journal.",
    },
    "seal": closed(list(_SEAL), _SEAL),
    "last_check": {"anyOf": [closed(list(_CHECK), _CHECK), {"type": "null"}]},
    **_COUNTED,
}
SCHEMAS: dict[str, Any] = {
    "Editions": closed(["items"], {"items": listed("EditionNamed")}),
    "EditionNamed": closed([*_NAMED, "in_force"], {**_NAMED, "in_force": {"type": "boolean"}}),
    "Edition": closed(
        [*_NAMED, "company", "classes", "purposes", "labels"],
        {
            **_NAMED,
            "company": STRING,
            "classes": _OBJECTS,
            "purposes": _OBJECTS,
            "labels": _OBJECTS | {"description": "Of purposes declared beside the editions."},
        },
    ),
    "PublishEdition": closed(
        ["toml"],
        {
            "toml": {"type": "string", "description": "The edition's file."},
            "notified": {"type": "boolean", "description": "People were told (GDPR art. 13(3))."},
        },
    ),
    "Lint": closed(
        ["edition", "day", "findings", "undeclared", "to_come"],
        {
            "edition": STRING,
            "day": _DAY,
            "findings": {"type": "array", "items": closed(list(_FINDING), _FINDING)},
            "undeclared": {"type": "object", "additionalProperties": STRING},
            "to_come": _TEXTS,
        },
    ),
    "Clauses": closed(
        ["edition", "items"],
        {
            "edition": STRING,
            "items": {
                "type": "array",
                "items": closed(
                    ["clause", "article", "text"],
                    {"clause": STRING, "article": TEXT, "text": STRING},
                ),
            },
        },
    ),
    "EditionDiff": closed(
        ["old", "new", "lengthens", "changes"],
        {
            "old": STRING,
            "new": STRING,
            "lengthens": _TEXTS,
            "changes": {"type": "array", "items": closed(list(_CHANGE), _CHANGE)},
        },
    ),
    "Today": closed(list(_TODAY), _TODAY),
}

_EDITION: dict[str, Any] = {
    "id": "softsystem-2018-11-20",
    "title": "Politique de protection des données",
    "effective_from": "2018-11-20",
    "position": 1,
    "sha256": "0b3ad27c1c31f6e0f5b1a7c9be8c1f1e6b5f6bb1f2a4c4d7a1e9f0c3d2b1a090",
    "published_sha256": "9d1f7e5c3b2a19080f6e5d4c3b2a19181716151413121110090807060504a3b2",
}
_WHOLE_EDITION = {**_EDITION, "company": "SoftSystem", "classes": {}, "purposes": {}, "labels": {}}
_FOUND = {
    "id": "L03",
    "severity": "error",
    "clause": "SS-DSR-10",
    "article": "GDPR art. 12(3)",
    "in_force_since": "2018-05-25",
    "looks_at": ["answer_months"],
    "seen": "2",
    "found": "Answers are promised within two months.",
    "looked": "answer_months",
    "proposed": "One month.",
}
_CHANGED = {
    "part": "class",
    "name": "contact",
    "field": "operational_months",
    "effect": "shorter",
    "before": 36,
    "after": 24,
}
TODAY: dict[str, Any] = {
    "at": examples.WHEN,
    "day": "2026-01-06",
    "position": 90,
    "requests": {"overdue": 1, "due_soon": 2, "on_track": 5},
    "holds": {"open": 1, "overdue": 0, "due_soon": 1, "next_review": "2026-01-10"},
    "queue": {"near": 1, "unmatched": 3},
    "erasures_waiting": 0,
    "seal": {"size": 90, "covers_until": examples.WHEN, "waiting": 0, "waiting_since": None},
    "last_check": {"at": examples.WHEN, "position": 88, "ok": True, "findings": 0},
    "counted_at": examples.WHEN,
    "counting": False,
    "retention": {"contact": {"past_operational": 2, "past_archive": 0}},
    "stale_consents": {"newsletter": 12},
    "acknowledgements_overdue": {"crm": 1},
}
GET_EDITIONS = described(
    200, "All of them.", ("Editions", {"items": [{**_EDITION, "in_force": True}]})
)
POST_EDITION = described(
    201,
    "It is published.",
    ("Edition", _WHOLE_EDITION),
    ("PublishEdition", {"toml": 'id = "softsystem-2027-01-01"\n…', "notified": False}),
)
GET_EDITION = described(200, "The edition.", ("Edition", _WHOLE_EDITION))
GET_LINT = described(
    200,
    "What was found.",
    (
        "Lint",
        {
            "edition": _EDITION["id"],
            "day": "2026-01-06",
            "findings": [_FOUND],
            "undeclared": {"L20": "minors"},
            "to_come": [],
        },
    ),
)
_CLAUSE = {"clause": "SS-RET-5", "article": "GDPR art. 5(1)(e)", "text": "Orders: five years."}
GET_CLAUSES = described(
    200, "The table.", ("Clauses", {"edition": _EDITION["id"], "items": [_CLAUSE]})
)
GET_DIFF = described(
    200,
    "The changes, in the order of the file.",
    (
        "EditionDiff",
        {
            "old": _EDITION["id"],
            "new": "softsystem-2027-01-01",
            "lengthens": [],
            "changes": [_CHANGED],
        },
    ),
)
GET_TODAY = described(200, "The numbers.", ("Today", TODAY))
