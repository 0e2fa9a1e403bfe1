"""The OpenAPI description of cards, contracts and holds, with its examples."""

from __future__ import annotations

from typing import Any

from api import examples
from api.components import ACTOR, LOOSE, POSITION, STRING, TEXT, UUID, WHEN, closed
from api.describing import described, listed, ref
from ledger.events import CARD_GROUNDS, CONTRACTS

AS_OF = "When it was true: YYYY-MM-DD (the end of that day in Paris) or an RFC 3339 instant."
KNOWN_AT = "When we had learnt it: same forms."
AFTER = "The position after which to go on: `next` of the page before."
DAY = {"type": ["string", "null"], "format": "date"}
_INSTANT = {"type": "string", "format": "date-time"}
_NONE = {"type": ["string", "null"], "format": "date-time"}
_AT: dict[str, Any] = {
    "as_of": _INSTANT,
    "known_at": _NONE,
    "position": {"type": "integer", "description": "The last position known."},
}
_POSITIONS = {"type": "array", "items": POSITION}
_TEXTS = {"type": "array", "items": STRING}
_DATA = {**LOOSE, "description": "The fields of the fact, as in `POST /v1/facts`."}
_BEGIN: dict[str, Any] = {
    "id": UUID,
    "person": ref("Person"),
    "subject": UUID,
    "thing": ref("Thing"),
    "occurred": WHEN,
    "actor": ACTOR,
    "data": _DATA,
}
_CARD: dict[str, Any] = {
    "id": {"type": "string", "description": "Of a card on file, or of one payment."},
    "class": {"enum": ["card", "card_proof"]},
    "ground": {"enum": list(CARD_GROUNDS)},
    "why": {"type": "string", "description": "What the last day is counted from."},
    "until": {**DAY, "description": "Null: no end in sight, its contract runs."},
    "status": {"enum": ["kept", "to_be_removed", "removed"]},
    "held_by": {**_TEXTS, "description": "The holds that stop its removal."},
    "removed_on": DAY,
    "psp_acknowledged": {"type": ["boolean", "null"]},
    **dict.fromkeys(("rule", "edition", "clause", "article"), STRING),
    "rests_on": _POSITIONS,
    "flips_on": DAY,
    **dict.fromkeys(("would_change", "flags", "explanation"), _TEXTS),
}
_NOTIFIED = {
    "anyOf": [
        closed(
            ["on", "position"], {"on": {"type": "string", "format": "date"}, "position": POSITION}
        ),
        {"type": "null"},
    ]
}
_CONTRACT: dict[str, Any] = {
    "id": UUID,
    "subject": UUID,
    "type": {"enum": [*CONTRACTS, None]},
    "state": {"enum": ["runs", "over", "ended"], "description": "over: its planned end passed."},
    "from": DAY,
    "until": {**DAY, "description": "As planned."},
    "tacit": {"type": ["boolean", "null"]},
    "ended": DAY,
    "renewal_notified": _NOTIFIED,
    "suspends": {**_TEXTS, "description": "The classes whose clocks stand still meanwhile."},
    "clause": STRING,
    "rests_on": _POSITIONS,
}
_HOLD: dict[str, Any] = {
    "id": UUID,
    "subject": UUID,
    "placed": POSITION,
    "open": {"type": "boolean"},
    "article": TEXT,
    "classes": _TEXTS,
    "since": DAY,
    "review": DAY,
    "overdue": {"type": "boolean", "description": "Its review is; it holds all the same."},
    "rests_on": _POSITIONS,
    "clause": STRING,
}
SCHEMAS: dict[str, Any] = {
    "ThingStep": closed([], {"occurred": WHEN, "actor": ACTOR, "data": _DATA}),
    "ThingBegun": closed(["data"], _BEGIN, description="`person` or `subject` says whose."),
    "CardItem": closed(list(_CARD), _CARD),
    "Cards": closed(
        ["subject", *_AT, "items"], {"subject": UUID, **_AT, "items": listed("CardItem")}
    ),
    "ContractItem": closed(list(_CONTRACT), _CONTRACT),
    "Contracts": closed(
        ["subject", *_AT, "items"], {"subject": UUID, **_AT, "items": listed("ContractItem")}
    ),
    "OneContract": closed([*_AT, *_CONTRACT], {**_AT, **_CONTRACT}),
    "Hold": closed(list(_HOLD), _HOLD, description="Its author and its reason are sealed."),
    "Holds": closed(
        ["as_of", "position", "items", "next"],
        {
            "as_of": _INSTANT,
            "position": _AT["position"],
            "items": listed("Hold"),
            "next": {"type": ["integer", "null"]},
        },
    ),
}

_TIMES = {"as_of": examples.WHEN, "known_at": None, "position": 9}
CARD: dict[str, Any] = {
    "id": examples.STREAM,
    "class": "card",
    "ground": "wallet",
    "why": "valid",
    "until": "2027-03-31",
    "status": "kept",
    "held_by": [],
    "removed_on": None,
    "psp_acknowledged": None,
    "rule": "RET-card",
    "edition": "softsystem-2018-11-20",
    "clause": "SS-CARD-3",
    "article": "GDPR art. 5(1)(e)",
    "rests_on": [7, 8],
    "flips_on": "2027-04-01",
    "would_change": ["card.removal_requested.v1", "consent.withdrawn.v1"],
    "flags": [],
    "explanation": ["This card is kept until March 31, 2027."],
}
CONTRACT: dict[str, Any] = {
    "id": examples.STREAM,
    "subject": examples.SUBJECT,
    "type": "subscription",
    "state": "runs",
    "from": "2026-01-05",
    "until": "2027-01-04",
    "tacit": True,
    "ended": None,
    "renewal_notified": {"on": "2026-11-20", "position": 9},
    "suspends": ["account", "order"],
    "clause": "SS-ACT-2",
    "rests_on": [3, 9],
}
HOLD: dict[str, Any] = {
    "id": examples.STREAM,
    "subject": examples.SUBJECT,
    "placed": 9,
    "open": True,
    "article": "RGPD art. 17(3)(e)",
    "classes": ["order"],
    "since": "2026-01-06",
    "review": "2026-07-06",
    "overdue": False,
    "rests_on": [9],
    "clause": "SS-RET-2",
}
BEGIN_CONTRACT: dict[str, Any] = {
    "person": examples.PERSON,
    "thing": {"kind": "contract_ref", "value": "C-1"},
    "occurred": "2026-01-05",
    "data": {"type": "subscription", "until": "2027-01-04", "tacit": True},
}
BEGIN_HOLD: dict[str, Any] = {
    "person": examples.PERSON,
    "data": {
        "article": "RGPD art. 17(3)(e)",
        "review": "2099-07-06",
        "classes": ["order"],
        "reason": "Litige en cours",
    },
}
CHANNEL = {"data": {"channel": "phone"}}
REMOVED = {"data": {"psp_ack": True, "psp_reference": "tok_removed_1"}}
_DONE = ("Recorded", examples.RECORDED)
_CARDS = {"subject": examples.SUBJECT, **_TIMES, "items": [CARD]}
_CONTRACTS = {"subject": examples.SUBJECT, **_TIMES, "items": [CONTRACT]}

GET_CARDS = described(200, "Each card, explained.", ("Cards", _CARDS))
POST_REMOVAL = described(201, "It is recorded.", _DONE, ("ThingStep", CHANNEL))
POST_OWN_REMOVAL = described(201, "It is recorded.", _DONE)
POST_REMOVED = described(201, "It is recorded.", _DONE, ("ThingStep", REMOVED))
POST_CONTRACT = described(201, "It is recorded.", _DONE, ("ThingBegun", BEGIN_CONTRACT))
POST_CONTRACT_STEP = described(
    201, "It is recorded.", _DONE, ("ThingStep", {"data": {"until": "2028-01-04"}})
)
GET_CONTRACTS = described(200, "Each contract.", ("Contracts", _CONTRACTS))
GET_CONTRACT = described(200, "The contract.", ("OneContract", {**_TIMES, **CONTRACT}))
POST_HOLD = described(201, "It is recorded.", _DONE, ("ThingBegun", BEGIN_HOLD))
POST_HOLD_STEP = described(
    201, "It is recorded.", _DONE, ("ThingStep", {"data": {"review": "2099-12-31"}})
)
GET_HOLDS = described(
    200,
    "A page of them.",
    ("Holds", {"as_of": examples.WHEN, "position": 9, "items": [HOLD], "next": None}),
)
GET_HOLD = described(200, "The hold.", ("Hold", HOLD))
