"""The OpenAPI description of controls and of the inspector's questions, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples, problems
from api.components import POSITION, STRING, TEXT, WHEN, closed

_POSITIONS = {"type": "array", "items": POSITION}
_COUNT = {"type": "integer", "minimum": 0}
_TIME = {"type": "string", "format": "date-time"}
_DAY = {"type": "string", "format": "date"}
_LISTED = {"type": "array", "items": STRING}
_CONTROL: dict[str, Any] = {
    "id": {"type": "string", "pattern": "^C[0-9]{2}$"},
    "title": STRING,
    "about": {"type": "string", "description": "What it looks at, and what it cannot see."},
    "clauses": _LISTED,
    "article": STRING,
}
_RAN: dict[str, Any] = {
    "position": POSITION,
    "recorded_at": _TIME,
    "as_of": _DAY,
    "known": _COUNT,
    "violations": _COUNT,
}
_OUTCOME: dict[str, Any] = {
    "id": _CONTROL["id"],
    "title": STRING,
    "checked": {
        "enum": ["whole", "part", "no"],
        "description": "How much of it could be judged. Nothing found elsewhere says nothing.",
    },
    "unchecked": {"type": ["string", "null"], "description": "Why not, or not in full."},
    "violations": _COUNT,
    "exceptions": _COUNT,
    "differs": _COUNT,
    "digest": {**STRING, "description": "SHA-256 of all its violations."},
    "findings": {"type": "array", "items": {"$ref": "#/components/schemas/ControlFinding"}},
}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _items(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _ref(name)}


SCHEMAS: dict[str, Any] = {
    "Control": closed(list(_CONTROL), _CONTROL),
    "Controls": closed(["controls"], {"controls": _items("Control")}),
    "ControlHistory": closed(
        [*_CONTROL, "runs"],
        {**_CONTROL, "runs": {"type": "array", "items": closed(list(_RAN), _RAN)}},
        description="One control, and what it found in the runs on record, newest first.",
    ),
    "AskControls": closed(
        [],
        {
            "controls": {**_LISTED, "maxItems": 18, "description": "By default all of them."},
            "as_of": {**WHEN, "description": "When it was true; now by default."},
            "known_at": {**WHEN, "description": "When we had learnt it; now by default."},
        },
    ),
    "ControlFinding": closed(
        ["weight", "why", "positions", "subject", "clause", "article", "explanation", "values"],
        {
            "weight": {
                "enum": ["violation", "exception", "differs"],
                "description": "exception: past a limit for a reason on record; differs: what "
                "became known since answers otherwise.",
            },
            "why": STRING,
            "positions": {**_POSITIONS, "description": "The facts it rests on: drill down here."},
            "subject": {"type": ["string", "null"], "format": "uuid"},
            "clause": STRING,
            "article": STRING,
            "explanation": STRING,
            "values": {
                "type": "object",
                "additionalProperties": {"type": ["string", "integer"]},
                "description": "What the explanation names: codes, days as YYYY-MM-DD, numbers.",
            },
        },
    ),
    "ControlsRun": closed(
        ["ok", "as_of", "position", "violations", "controls", "recorded"],
        {
            "ok": {"type": "boolean", "description": "No violation."},
            "as_of": _TIME,
            "day": _DAY,
            "position": _COUNT,
            "people": _COUNT,
            "events": _COUNT,
            "pruned": {**_COUNT, "description": "Entries that no control can judge any more."},
            "parts_opened": {"type": "boolean"},
            "unchecked": {"type": "boolean", "description": "None of them could be judged."},
            "violations": _COUNT,
            "controls": {
                "type": "array",
                "items": closed(list(_OUTCOME), _OUTCOME),
            },
            "recorded": closed(
                ["position", "result", "signed", "file"],
                {
                    "position": {**POSITION, "description": "Of the fact `control.ran`."},
                    "result": {**STRING, "description": "SHA-256 of what was signed."},
                    "signed": {"type": "boolean"},
                    "file": {**TEXT, "description": "Its name among the certificates."},
                },
            ),
        },
    ),
}

_QUESTION = {"type": "string", "pattern": "^Q[0-9]{1,2}$"}
_CELL = {"type": ["string", "integer", "null"]}
SCHEMAS |= {
    "Questions": closed(
        ["questions"],
        {
            "questions": {
                "type": "array",
                "items": closed(["id", "title"], {"id": _QUESTION, "title": STRING}),
            }
        },
    ),
    "Inspection": closed(
        ["as_of", "position", "sealed", "answers"],
        {
            "as_of": _TIME,
            "day": _DAY,
            "known_at": {"type": ["string", "null"], "format": "date-time"},
            "position": {**_COUNT, "description": "The last position known."},
            "sealed": {
                **_COUNT,
                "description": "Positions up to here have a proof: /v1/log/proof/{position}.",
            },
            "pruned": _COUNT,
            "subject": {"type": ["string", "null"], "format": "uuid"},
            "answers": _items("InspectorAnswer"),
        },
    ),
    "InspectorAnswer": closed(
        ["question", "title", "columns", "figures", "lines"],
        {
            "question": _QUESTION,
            "title": STRING,
            "columns": {
                "type": "array",
                "items": closed(["id", "label"], {"id": STRING, "label": STRING}),
            },
            "figures": {
                "type": "object",
                "additionalProperties": closed(
                    ["label", "value"], {"label": STRING, "value": _CELL}
                ),
            },
            "lines": {
                "type": "array",
                "items": closed(
                    ["values", "text", "positions", "of"],
                    {
                        "values": {"type": "object", "additionalProperties": _CELL},
                        "text": {**_LISTED, "description": "The same for people, in order."},
                        "positions": {**_POSITIONS, "description": "The first facts counted."},
                        "of": {**_COUNT, "description": "How many facts were counted."},
                    },
                ),
            },
        },
    ),
}

_PROBLEM = {
    "description": "A problem (RFC 9457).",
    "content": {problems.MEDIA: {"schema": _ref("Problem"), "example": examples.PROBLEM}},
}
_ERRORS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}


def _told(description: str, name: str, shown: Any, status: int = 200) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(name), "example": shown}}
    return {"responses": {status: {"description": description, "content": content}, **_ERRORS}}


_SHOWN = {
    "id": "C02",
    "title": "Aucun après un retrait ou une opposition",
    "about": "Les envois de C01 qui ont ignoré un retrait alors connu, avec le délai.",
    "clauses": ["SS-LB-2", "SS-DSR-4"],
    "article": "RGPD art. 7(3), 21(3)",
}
_PAST = {
    "position": 5021,
    "recorded_at": "2026-01-05T09:00:00.000000Z",
    "as_of": "2026-01-05",
    "known": 5020,
    "violations": 1,
}
_FINDING = {
    "weight": "violation",
    "why": "after_a_no",
    "positions": [314, 311],
    "subject": "5b1c3a0e-0000-4000-8000-000000000001",
    "clause": "SS-LB-2",
    "article": "RGPD art. 7(3)",
    "explanation": "Envoi pour newsletter par email 26 jours et 19 heures après son non.",
    "values": {"purpose": "newsletter", "channel": "email", "days": 26, "hours": 19},
}
_RUN = {
    "ok": False,
    "as_of": "2026-01-05T09:00:00.000000Z",
    "day": "2026-01-05",
    "position": 5020,
    "people": 412,
    "events": 5020,
    "pruned": 0,
    "parts_opened": False,
    "unchecked": False,
    "violations": 1,
    "controls": [
        {
            "id": "C02",
            "title": _SHOWN["title"],
            "checked": "whole",
            "unchecked": None,
            "violations": 1,
            "exceptions": 0,
            "differs": 0,
            "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "findings": [_FINDING],
        }
    ],
    "recorded": {
        "position": 5021,
        "result": "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg",
        "signed": True,
        "file": "6f1d4c0e-9b1e-4d0e-8a55-6f8f0f3a2a10.certificate",
    },
}

GET_CONTROLS = _told("All of them.", "Controls", {"controls": [_SHOWN]})
GET_CONTROL = _told("One of them.", "ControlHistory", {**_SHOWN, "runs": [_PAST]})
POST_RUN = {
    "status_code": 201,
    **_told("They were asked, and the run is on record.", "ControlsRun", _RUN, 201),
    "openapi_extra": {
        "requestBody": {
            "required": False,
            "content": {
                "application/json": {
                    "schema": _ref("AskControls"),
                    "example": {"controls": ["C02"], "as_of": "2026-01-05"},
                }
            },
        }
    },
}

_INSPECTION = {
    "as_of": "2026-01-05T22:59:59.999999Z",
    "day": "2026-01-05",
    "known_at": None,
    "position": 5020,
    "sealed": 5020,
    "pruned": 0,
    "subject": None,
    "answers": [
        {
            "question": "Q4",
            "title": "Messages et appels après un retrait ou une opposition, avec le délai",
            "columns": [{"id": "delay_hours", "label": "heures après"}],
            "figures": {"sends": {"label": "envois après un non", "value": 1}},
            "lines": [
                {"values": {"delay_hours": 643}, "text": ["643"], "positions": [311, 314], "of": 2}
            ],
        }
    ],
}
GET_QUESTIONS = _told(
    "All of them.", "Questions", {"questions": [{"id": "Q4", "title": "Envois après un non"}]}
)
GET_INSPECTION = _told("The answer, and what it rests on.", "Inspection", _INSPECTION)
GET_INSPECTION["responses"][200]["content"]["text/csv"] = {
    "schema": {"type": "string", "description": "With `format=csv`: RFC 4180, UTF-8."},
    "example": ",heures après,faits,positions\r\nQ4,643,2,311 314\r\n",
}
