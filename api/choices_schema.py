"""The OpenAPI description of choices, texts, devices, signals and joins, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples
from api.components import LOOSE, POSITION, STRING, TEXT, UUID, WHEN, closed
from api.describing import described, ref
from ledger.calendar import format_day
from ledger.choosing.choose import BY
from ledger.events import CHANNELS_IN, RIGHTS
from ledger.fields import CODE, MAX_TEXT

AFTER = "The position after which to go on: `next` of the page before."
LIMIT = "How many at most."
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of an earlier answer: 412 when something was recorded since.",
    "schema": {"type": "string"},
}
_RECORDED = ref("Recorded")


def _counted(more: dict[str, Any]) -> dict[str, Any]:
    """An object that tells what came of some choices, and of what else."""
    counts = {name: {"type": "integer"} for name in ("recorded", "unchanged", "refused")}
    items = {"type": "array", "items": ref("ChosenItem")}
    return closed([*more, *counts, "items"], {**more, **counts, "items": items})


_OUTCOME = {
    **LOOSE,
    "required": ["outcome"],
    "properties": {"outcome": {"enum": ["recorded", "unchanged", "refused"]}},
}
_WAITING = {
    "position": POSITION,
    "subject": UUID,
    "channel": {"enum": list(CHANNELS_IN)},
    "match": {"enum": ["exact", "near", "unmatched"]},
    "motive": {**TEXT, "description": "The agreed phrase that it is, or is like."},
    "received": {"type": "string", "format": "date-time"},
    "recorded_at": {"type": "string", "format": "date-time"},
}
_OPENED = {
    "description": "The request under her rights that it is, received on the day it came.",
    "anyOf": [
        closed(
            ["id", "position", "at_once"],
            {
                "id": UUID,
                "position": POSITION,
                "at_once": {"type": "array", "items": STRING},
            },
        ),
        {"type": "null"},
    ],
}
SCHEMAS: dict[str, Any] = {
    "ChosenItem": {
        **LOOSE,
        "description": "What came of one choice: a receipt, that it stood, or a problem.",
        "required": ["purpose", "channel", "choice", "kind", "outcome", "status"],
        "properties": {
            "purpose": STRING,
            "channel": TEXT,
            "choice": {"enum": ["yes", "no"]},
            "kind": {**TEXT, "description": "The fact it is; null when it changed nothing."},
            "outcome": {"enum": ["recorded", "unchanged", "refused"]},
            "status": {"type": "integer"},
            "position": {"type": ["integer", "null"]},
        },
    },
    "SayChoices": closed(
        ["choices"],
        {
            "choices": {
                "type": "array",
                "minItems": 1,
                "maxItems": 100,
                "items": closed(
                    ["purpose", "choice"],
                    {
                        "purpose": CODE.schema,
                        "channel": {
                            **CODE.schema,
                            "description": "Left out of a no: every channel of the purpose.",
                        },
                        "choice": {"enum": ["yes", "no"]},
                    },
                ),
            },
            "by": {"enum": list(BY), "description": "The door by which she said it."},
            "form": {**CODE.schema, "description": "The published form that she saw."},
            "occurred": WHEN,
        },
    ),
    "ChosenItems": _counted({}),
    "AskConfirmation": closed(
        ["purpose"],
        {"purpose": CODE.schema, "channel": CODE.schema, "form": CODE.schema, "occurred": WHEN},
    ),
    "Confirm": closed(["token"], {"token": {"type": "string", "maxLength": 200}}),
    "AttachDevice": closed(["device"], {"device": UUID}),
    "DeviceAttached": _counted({"attached": _OUTCOME}),
    "Signalled": _counted({"signal": {"anyOf": [_OUTCOME, {"type": "null"}]}}),
    "Gpc": closed(
        ["gpc", "lastUpdate"],
        {"gpc": {"type": "boolean"}, "lastUpdate": {"type": "string", "format": "date"}},
    ),
    "Written": closed(
        ["text", "channel"],
        {
            "person": ref("Person"),
            "subject": UUID,
            "text": {"type": "string", "maxLength": MAX_TEXT, "description": "Sealed."},
            "channel": {"enum": list(CHANNELS_IN)},
            "received": WHEN,
        },
        description="Of somebody, by `person` or by `subject`.",
    ),
    "Heard": _counted(
        {
            "match": {"enum": ["applied", "exact", "near", "unmatched"]},
            "motive": TEXT,
            "text_withheld": {"anyOf": [ref("Problem"), {"type": "null"}]},
            "request": _OPENED,
            "received": _RECORDED,
        }
    ),
    "Queue": closed(
        ["items", "next"],
        {
            "items": {"type": "array", "items": closed(list(_WAITING), _WAITING)},
            "next": {"type": ["integer", "null"]},
        },
    ),
    "Waiting": closed(
        [*_WAITING, "text", "text_state"],
        {
            **_WAITING,
            "text": TEXT,
            "text_state": {
                "enum": ["kept", "withheld", "sealed", "archived", "erased", "lost"],
                "description": "Why there is no text to read, if there is none.",
            },
        },
    ),
    "Decide": closed(
        ["decision"],
        {
            "decision": {"enum": ["motive", "request", "nothing"]},
            "motive": CODE.schema,
            "right": {"enum": list(RIGHTS), "description": "Goes with the decision `request`."},
            "purpose": CODE.schema,
            "card": UUID,
        },
    ),
    "Settled": _counted(
        {
            "decision": {"enum": ["motive", "request", "nothing"]},
            "position": POSITION,
            "request": _OPENED,
        }
    ),
    "Join": closed(["other"], {"other": UUID, "reason": CODE.schema}),
    "Joined": closed(
        ["subject", "other", "position"],
        {"subject": UUID, "other": UUID, "position": POSITION},
    ),
    "Unjoined": closed(
        ["subject", "other", "position", "meanwhile"],
        {
            "subject": UUID,
            "other": UUID,
            "position": POSITION,
            "meanwhile": {"type": "array", "items": POSITION},
        },
    ),
}

OTHER = "5e0d2a54-0b1c-4f6a-9d61-2f6d5f2c7a10"
CHOSEN = {
    "purpose": "newsletter",
    "channel": "email",
    "choice": "no",
    "kind": "objection.raised.v1",
    "outcome": "recorded",
    **examples.RECORDED,
}
COUNTED: dict[str, Any] = {"recorded": 1, "unchanged": 0, "refused": 0, "items": [CHOSEN]}
NOTHING: dict[str, Any] = {"recorded": 0, "unchanged": 0, "refused": 0, "items": []}
SAY = {
    "by": "page",
    "form": "account-2025",
    "choices": [{"purpose": "newsletter", "channel": "email", "choice": "no"}],
}
WAITS = {
    "position": 7,
    "subject": examples.SUBJECT,
    "channel": "letter",
    "match": "near",
    "motive": "stop_email",
    "received": "2026-01-05T09:00:00.000000Z",
    "recorded_at": "2026-01-06T09:00:00.000000Z",
}
PUT_CHOICES = described(
    200, "What came of each choice.", ("ChosenItems", COUNTED), ("SayChoices", SAY), (IF_MATCH,)
)
POST_REQUEST = described(
    201,
    "She was asked; the token went to her, and to nobody else.",
    ("Recorded", examples.RECORDED),
    ("AskConfirmation", {"purpose": "newsletter", "channel": "email", "form": "popup-3"}),
)
POST_CONFIRMATION = described(
    201, "She consents.", ("Recorded", examples.RECORDED), ("Confirm", {"token": "AAAAAAAAAAc"})
)
POST_DEVICE = described(
    200,
    "What came of each choice of the device.",
    ("DeviceAttached", {"attached": {"outcome": "recorded", **examples.RECORDED}, **NOTHING}),
    ("AttachDevice", {"device": OTHER}),
)
POST_SIGNAL = described(
    200,
    "What the signal objects to; `signal` is null when none was sent.",
    ("Signalled", {"signal": {"outcome": "recorded", **examples.RECORDED}, **NOTHING}),
    parameters=(
        {
            "name": "Sec-GPC",
            "in": "header",
            "required": False,
            "description": "As her browser sent it: exactly `1` counts.",
            "schema": {"type": "string"},
        },
    ),
)
GET_GPC = described(
    200, "The statement.", ("Gpc", {"gpc": True, "lastUpdate": format_day(20181120)})
)
POST_MOTIVE = described(
    201,
    "It is recorded, and applied or put before a person.",
    (
        "Heard",
        {
            "match": "applied",
            "motive": "stop_email",
            "text_withheld": None,
            "request": None,
            "received": examples.RECORDED,
            **COUNTED,
        },
    ),
    (
        "Written",
        {
            "person": {"kind": "shop", "value": "00042"},
            "text": "« Stop email SoftSystem »",
            "channel": "letter",
            "received": "2026-01-05",
        },
    ),
)
GET_QUEUE = described(200, "A page of it.", ("Queue", {"items": [WAITS], "next": None}))
GET_WAITING = described(
    200, "The text.", ("Waiting", {**WAITS, "text": "Stop e-mail SoftSystem", "text_state": "kept"})
)
POST_DECISION = described(
    200,
    "It is decided, and done.",
    ("Settled", {"decision": "motive", "position": 9, "request": None, **COUNTED}),
    ("Decide", {"decision": "motive", "motive": "stop_email"}),
)
_PAIR = {"subject": examples.SUBJECT, "other": OTHER, "position": 9}
_OTHER = {"other": OTHER, "reason": "same_address"}
POST_JOIN = described(201, "They are one.", ("Joined", _PAIR), ("Join", _OTHER))
POST_UNDOING = described(
    200, "They are two again.", ("Unjoined", {**_PAIR, "meanwhile": [8]}), ("Join", _OTHER)
)
