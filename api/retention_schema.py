"""The OpenAPI description of retention, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples
from api.components import NUMBERS, STRING, TEXT, UUID, closed
from api.describing import described, listed, ref

AS_OF = "On which day: YYYY-MM-DD (its end in Paris) or an RFC 3339 instant; now by default."
_DAY = {"type": "string", "format": "date"}
_NO_DAY = {"type": ["string", "null"], "format": "date"}
_INSTANT = {"type": "string", "format": "date-time"}
_WHOLE = {"type": "integer", "minimum": 0}
_MAYBE = {"type": ["integer", "null"]}
_COUNT = {"past_operational": _WHOLE, "past_archive": _WHOLE}
_BOUND = {
    "type": "array",
    "items": STRING,
    "description": "Classes of which these counts are a bound: their items end by own facts.",
}
_MONTHLY = closed(
    ["before", "months", "after"],
    {
        "before": {**_WHOLE, "description": "Due already."},
        "months": NUMBERS,
        "after": {**_WHOLE, "description": "Later than the window."},
    },
)
_NUMBERS = ("looked", "people", "archived", "erased", "held")
_RUN: dict[str, Any] = {
    "id": UUID,
    "rehearsal": {"type": "boolean"},
    "state": {"enum": ["waiting", "running", "done", "failed"]},
    "asked_by": STRING,
    "begun_at": _INSTANT,
    "heard_at": {**_INSTANT, "description": "When whoever carries it out was last heard of."},
    **dict.fromkeys(_NUMBERS, _WHOLE),
    "position": {**_MAYBE, "description": "Of its `retention.ran`, once it is done."},
    "error": {**TEXT, "description": "Why it failed: no-archive-key, or a class of errors."},
    "classes": {
        "type": ["object", "null"],
        "additionalProperties": NUMBERS,
        "description": "Of a rehearsal: what would become of how many, by class.",
    },
    "held_by": {
        "type": ["object", "null"],
        "additionalProperties": _WHOLE,
        "description": "Once it is done: how many things each article keeps past their end.",
    },
    "certified": {
        **_MAYBE,
        "description": "Once it is done: how many certificates of erasure it made.",
    },
}
SCHEMAS: dict[str, Any] = {
    "RetentionDue": closed(
        ["as_of", "day", "position", "engine", "edition", "classes", "bound"],
        {
            "as_of": _INSTANT,
            "day": _DAY,
            "position": {"type": "integer"},
            "engine": {"enum": ["live", "sql"]},
            "edition": {"type": ["object", "null"], "additionalProperties": True},
            "classes": {
                "type": "object",
                "additionalProperties": closed(
                    [*_COUNT, "items"], {**_COUNT, "items": closed(list(_COUNT), _COUNT)}
                ),
                "description": "People, and beside them their items.",
            },
            "bound": _BOUND,
        },
    ),
    "RetentionDuePage": closed(
        ["class", "as_of", "items", "next"],
        {
            "class": STRING,
            "as_of": _INSTANT,
            "items": {
                "type": "array",
                "items": closed(
                    ["subject", "scope", "due", "archive_until", "what", "held_by"],
                    {
                        "subject": UUID,
                        "scope": TEXT,
                        "due": {**_DAY, "description": "The last day it was not yet due."},
                        "archive_until": _NO_DAY,
                        "what": {"enum": ["archive", "erase", "held"]},
                        "held_by": {
                            "type": "array",
                            "items": STRING,
                            "description": "The articles that keep it, if it is held.",
                        },
                    },
                ),
            },
            "next": {**TEXT, "description": "`after` of the next page; null on the last one."},
        },
    ),
    "RetentionCalendar": closed(
        ["from", "until", "position", "months", "classes", "bound", "editions_within"],
        {
            "from": _DAY,
            "until": _DAY,
            "position": {"type": "integer"},
            "months": {"type": "array", "items": {"type": "string", "pattern": "^\\d{4}-\\d\\d$"}},
            "classes": {
                "type": "object",
                "additionalProperties": closed(
                    ["leaving", "ending", "suspended"],
                    {
                        "leaving": {**_MONTHLY, "description": "Items that leave daily use."},
                        "ending": {**_MONTHLY, "description": "Items that are erased."},
                        "suspended": {**_WHOLE, "description": "Contracts stop their clocks."},
                    },
                ),
            },
            "bound": _BOUND,
            "editions_within": {
                "type": "array",
                "items": _DAY,
                "description": "Editions that take effect in the window: the last one judges all.",
            },
        },
    ),
    "AskRun": closed([], {"dry_run": {"type": "boolean", "description": "Count only."}}),
    "RetentionRun": closed(list(_RUN), _RUN),
    "RetentionRuns": closed(
        ["under_way", "items", "next"],
        {
            "under_way": {"anyOf": [ref("RetentionRun"), {"type": "null"}]},
            "items": listed("RetentionRan"),
            "next": _MAYBE,
        },
    ),
    "RetentionRan": closed(
        ["position", "recorded_at", "run", "rehearsal", "due", "archived", "erased", "held"],
        {
            "position": {"type": "integer", "minimum": 1},
            "recorded_at": _INSTANT,
            "run": {"type": ["string", "null"], "format": "uuid"},
            "rehearsal": {"type": "boolean"},
            "due": _WHOLE,
            **dict.fromkeys(("archived", "erased", "held"), _MAYBE),
        },
    ),
}

_PAST = {"past_operational": 2, "past_archive": 0}
_DUE = {
    "as_of": examples.WHEN,
    "day": "2026-01-06",
    "position": 90,
    "engine": "live",
    "edition": {"id": "softsystem-2018-11-20", "effective_from": "2018-11-20"},
    "classes": {"contact": {**_PAST, "items": _PAST}},
    "bound": ["card"],
}
_PAGE = {
    "class": "contact",
    "as_of": examples.WHEN,
    "items": [
        {
            "subject": examples.SUBJECT,
            "scope": None,
            "due": "2025-12-31",
            "archive_until": None,
            "what": "erase",
            "held_by": [],
        }
    ],
    "next": "XwxtvjwdSlKbVQ0_bw6KEQ",
}
_MONTHS = {"2026-01": 3, "2026-02": 1}
_CALENDAR = {
    "from": "2026-01-06",
    "until": "2026-02-28",
    "position": 90,
    "months": list(_MONTHS),
    "classes": {
        "contact": {
            "leaving": {"before": 2, "months": _MONTHS, "after": 40},
            "ending": {"before": 2, "months": _MONTHS, "after": 40},
            "suspended": 0,
        }
    },
    "bound": ["card"],
    "editions_within": [],
}
RUN: dict[str, Any] = {
    "id": examples.STREAM,
    "rehearsal": False,
    "state": "running",
    "asked_by": "key:8e03978e40d5",
    "begun_at": examples.WHEN,
    "heard_at": examples.WHEN,
    "looked": 50,
    "people": 48,
    "archived": 12,
    "erased": 40,
    "held": 2,
    "position": None,
    "error": None,
    "classes": None,
    "held_by": None,
    "certified": None,
}
_RAN = {
    "position": 88,
    "recorded_at": examples.WHEN,
    "run": None,
    "rehearsal": True,
    "due": 54,
    "archived": None,
    "erased": None,
    "held": 2,
}
GET_DUE = described(200, "The counts.", ("RetentionDue", _DUE))
GET_DUE_PAGE = described(200, "A page of them.", ("RetentionDuePage", _PAGE))
GET_CALENDAR = described(200, "The counts.", ("RetentionCalendar", _CALENDAR))
POST_RUN = described(
    202, "It has begun.", ("RetentionRun", {**RUN, "looked": 0}), ("AskRun", {"dry_run": True})
)
GET_RUNS = described(
    200, "A page.", ("RetentionRuns", {"under_way": RUN, "items": [_RAN], "next": 88})
)
GET_RUN = described(200, "How far it got.", ("RetentionRun", RUN))
