"""The OpenAPI description of the counts over everybody, with their example."""

from __future__ import annotations

from typing import Any

from api import examples
from api.components import NUMBERS, STRING, closed
from api.describing import described
from ledger.projections.population import TALLIES

_COUNT = {"type": "integer", "minimum": 0}
_INSTANT = {"type": "string", "format": "date-time"}
_DAY = {"type": "string", "format": "date"}
_TALLY = dict.fromkeys(TALLIES, _COUNT)
_EDITION: dict[str, Any] = {"id": STRING, "effective_from": _DAY}
_CHOICE: dict[str, Any] = {
    "purpose": STRING,
    "channel": {**STRING, "description": "Empty where a purpose has no channel."},
    "state": {**STRING, "description": "One of the DPV's ten consent statuses."},
    "reason": {
        "enum": ["proof_erased", None],
        "description": "Given, but its proof was erased since: it allows nothing.",
    },
    "subjects": _COUNT,
}
_AGE: dict[str, Any] = {
    "klass": STRING,
    "years": {
        "type": ["integer", "null"],
        "description": "Whole years since what counted last; null: a contract stops the clock.",
    },
    "past": {"type": "boolean", "description": "The term is over where they are."},
    "subjects": _COUNT,
    "items": _COUNT,
}
_UNREADABLE: dict[str, Any] = {
    "erased": {**_COUNT, "description": "Classes and items whose keys were destroyed."},
    "pruned": {**_COUNT, "description": "Facts whose entries are gone."},
    "classes": {"type": "object", "additionalProperties": NUMBERS},
}
_POPULATION: dict[str, Any] = {
    "as_of": _INSTANT,
    "day": _DAY,
    "known_at": {"type": ["string", "null"], "format": "date-time"},
    "position": {**_COUNT, "description": "Of the last fact that is counted."},
    "engine": {"enum": ["live", "sql"], "description": "Which path of the database counted."},
    "events": {**NUMBERS, "description": "Facts that stand, by kind."},
    "subjects": {**_COUNT, "description": "References of whom a fact stands, each its own clocks."},
    "joined": {**_COUNT, "description": "Those that are somebody who is counted already."},
    "people": {**_COUNT, "description": "What is left: people."},
    "classes": {
        "type": "object",
        "additionalProperties": closed(
            [*TALLIES, "items"], {**_TALLY, "items": closed(list(TALLIES), _TALLY)}
        ),
        "description": "People by class and where they stand that day; beside them their items.",
    },
    "consents": {"type": "array", "items": closed(list(_CHOICE), _CHOICE)},
    "edition": {"oneOf": [{"type": "null"}, closed(list(_EDITION), _EDITION)]},
    "flags": {"type": "array", "items": STRING},
    "unreadable": {
        **closed(list(_UNREADABLE), _UNREADABLE),
        "description": "Gone for good, and in no count, at whichever two times.",
    },
    "ages": {
        "type": "array",
        "items": closed(list(_AGE), _AGE),
        "description": "With `ages=true`.",
    },
}
SCHEMAS: dict[str, Any] = {
    "Population": closed([name for name in _POPULATION if name != "ages"], _POPULATION),
}

_ORDERS = {
    **dict.fromkeys(TALLIES, 0),
    "present": 367,
    "operational": 221,
    "past_operational": 146,
}
_NEWSLETTER = {"purpose": "newsletter", "channel": "email"}
_SHOWN = {
    "as_of": examples.WHEN,
    "day": "2026-01-06",
    "known_at": None,
    "position": 2066,
    "engine": "live",
    "events": {"order.placed.v1": 1258, "consent.given.v1": 181, "consent.withdrawn.v1": 59},
    "subjects": 367,
    "joined": 0,
    "people": 367,
    "classes": {"order": {**_ORDERS, "items": _ORDERS}},
    "consents": [
        {**_NEWSLETTER, "state": "ConsentGiven", "reason": None, "subjects": 119},
        {**_NEWSLETTER, "state": "ConsentUnknown", "reason": "proof_erased", "subjects": 3},
        {**_NEWSLETTER, "state": "ConsentWithdrawn", "reason": None, "subjects": 59},
    ],
    "edition": {"id": "softsystem-2018-11-20", "effective_from": "2018-11-20"},
    "flags": [],
    "unreadable": {"erased": 0, "pruned": 0, "classes": {}},
    "ages": [{"klass": "order", "years": 3, "past": False, "subjects": 80, "items": 80}],
}
GET_POPULATION = described(200, "The counts.", ("Population", _SHOWN))
