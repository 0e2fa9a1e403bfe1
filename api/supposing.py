"""What a draft edition would change, as plain values: for the command line and over HTTP."""

from __future__ import annotations

from typing import Any

from api.components import STRING, TEXT, UUID, closed
from ledger.calendar import format_day
from ledger.supposing import Supposed

_COUNT = {"type": "integer", "minimum": 0}
_DAY = {"type": "string", "format": "date"}
_DAY_OR_NOT = {"type": ["string", "null"], "format": "date"}
_DUE = closed(["archive", "erase"], {"archive": _COUNT, "erase": _COUNT})
_FATE = {"enum": ["kept", "archive", "erase"]}


def _list_of(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": closed(list(properties), properties)}


_SUPPOSED: dict[str, Any] = {
    "day": _DAY,
    "position": {"type": "integer", "minimum": 0},
    "edition": {**TEXT, "description": "In force that day without the draft."},
    "draft": STRING,
    "lengthens": {"type": "array", "items": STRING},
    "classes": {
        "type": "object",
        "additionalProperties": closed(
            ["before", "after", "people"], {"before": _DUE, "after": _DUE, "people": _COUNT}
        ),
    },
    "asked": _list_of({"purpose": STRING, "channel": STRING, "people": _COUNT}),
    "changes": _list_of(
        {
            "subject": UUID,
            "class": STRING,
            "scope": TEXT,
            "before": _FATE,
            "after": _FATE,
            "due_before": _DAY_OR_NOT,
            "due_after": _DAY_OR_NOT,
        }
    ),
    "asked_again": _list_of(
        {
            "subject": UUID,
            "purpose": STRING,
            "channel": STRING,
            "before": STRING,
            "after": STRING,
        }
    ),
}
SCHEMAS: dict[str, Any] = {
    "Draft": closed(
        ["edition"],
        {
            "edition": {"type": "string", "description": "The draft: the text of a TOML file."},
            "as_of": {**TEXT, "description": "A day on which the draft is in force."},
            "class": {**TEXT, "description": "List the items of this class only."},
            "limit": {"type": "integer", "minimum": 0, "maximum": 1000},
        },
    ),
    "Supposed": closed(list(_SUPPOSED), _SUPPOSED),
}
EXAMPLE: dict[str, Any] = {
    "day": "2026-12-31",
    "position": 2066,
    "edition": "softsystem-2018-11-20",
    "draft": "draft-2026",
    "lengthens": [],
    "classes": {
        "order": {
            "before": {"archive": 101, "erase": 16},
            "after": {"archive": 92, "erase": 79},
            "people": 117,
        }
    },
    "asked": [{"purpose": "newsletter", "channel": "email", "people": 45}],
    "changes": [
        {
            "subject": "3f2c1a9e-6a4e-4d6c-9f53-0c1c0d6d7b11",
            "class": "order",
            "scope": None,
            "before": "kept",
            "after": "archive",
            "due_before": None,
            "due_after": "2026-05-02",
        }
    ],
    "asked_again": [],
}


def supposed_json(found: Supposed) -> dict[str, Any]:
    """The answer as plain values: counts, and the ids of the people listed."""
    return {
        "day": format_day(found.day),
        "position": found.position,
        "edition": found.edition,
        "draft": found.draft,
        "lengthens": list(found.lengthens),
        "classes": {
            name: {"before": effect.before, "after": effect.after, "people": effect.people}
            for name, effect in found.classes.items()
        },
        "asked": [
            {"purpose": purpose, "channel": channel, "people": n}
            for (purpose, channel), n in found.asked.items()
        ],
        "changes": [
            {
                "subject": str(one.subject),
                "class": one.klass,
                "scope": one.scope or None,
                "before": one.before,
                "after": one.after,
                "due_before": format_day(one.due_before) if one.due_before else None,
                "due_after": format_day(one.due_after) if one.due_after else None,
            }
            for one in found.changes
        ],
        "asked_again": [
            {**one._asdict(), "subject": str(one.subject)} for one in found.asked_again
        ],
    }
