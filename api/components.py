"""The parts of the OpenAPI description that no catalogue knows: what is asked and answered."""

from __future__ import annotations

from typing import Any

from api.facts import ACTORS, MAX_REFERENCE
from ledger.events import GROUNDS, REQUEST_CHANNELS, RIGHTS
from ledger.fields import CODE, IDENTIFIER
from ledger.policy.requests import STATES, STATUSES

UUID = IDENTIFIER.schema
POSITION = {"type": "integer", "minimum": 1}
_DAY = {"type": ["string", "null"], "format": "date"}
WHEN = {
    "type": "string",
    "description": "YYYY-MM-DD or an RFC 3339 instant; now by default.",
    "examples": ["2026-01-05", "2026-01-05T09:30:00Z"],
}
ACTOR = {"type": "string", "enum": list(ACTORS)}


def closed(required: list[str], properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The schema of an object that has these members and no others."""
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def _reference(description: str) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1, "maxLength": MAX_REFERENCE}
    return closed(["kind", "value"], {"kind": CODE.schema, "value": text}, description=description)


LOOSE = {"type": "object", "additionalProperties": True}
NUMBERS = {"type": "object", "additionalProperties": {"type": "integer"}}
STRING = {"type": "string"}
TEXT = {"type": ["string", "null"]}
_DEADLINES = {"type": "array", "items": {"$ref": "#/components/schemas/Deadline"}}
_CHOICES = {"type": "array", "items": {"$ref": "#/components/schemas/Choice"}}
JOINED: dict[str, Any] = {
    "joined_into": {
        "type": ["string", "null"],
        "format": "uuid",
        "description": "The person she was found to be: of whom new facts are recorded.",
    },
    "joined": {
        "type": "array",
        "items": UUID,
        "description": "Who was found to be her.",
    },
}
_AT: dict[str, Any] = {
    "subject": UUID,
    **JOINED,
    "as_of": {"type": "string", "format": "date-time"},
    "day": {"type": "string", "format": "date"},
    "known_at": {"type": ["string", "null"], "format": "date-time"},
    "position": {"type": "integer", "description": "The last position known."},
    "path": {"enum": ["live", "fold"], "description": "Which path gave the answer."},
    "edition": {"type": ["object", "null"], "additionalProperties": True},
    "flags": {"type": "array", "items": STRING},
}
_REQUEST_MEMBERS: dict[str, Any] = {
    "id": UUID,
    "subject": {"type": ["string", "null"], "format": "uuid"},
    "right": {"enum": list(RIGHTS)},
    "purpose": {"type": ["string", "null"]},
    "channel": {"enum": list(REQUEST_CHANNELS)},
    "state": {"enum": list(STATES)},
    "status": {"enum": list(STATUSES)},
    **dict.fromkeys(("received", "due", "due_suspended", "promised"), _DAY),
    "extended": {"type": "boolean"},
    "answered": _DAY,
    "grounds": {"type": "array", "items": {"enum": list(GROUNDS)}},
    "reminders": {"type": "array", "items": _DAY},
    "clause": STRING,
    "article": STRING,
    "rests_on": {"type": "array", "items": POSITION},
    "flips_on": _DAY,
    **{many: {"type": "array", "items": STRING} for many in ("would_change", "flags")},
    "explanation": {"type": "array", "items": STRING},
}
_REQUEST = closed(
    list(_REQUEST_MEMBERS),
    _REQUEST_MEMBERS,
    description="`due` is the law's; `due_suspended` the decree's, null while identity is in doubt;"
    " `promised` what the edition in force at reception says, null where it promises nothing.",
)
FIXED: dict[str, Any] = {
    "Person": _reference("A business identifier of a person. Kept as a keyed HMAC only."),
    "Thing": _reference("A business identifier of an order, contract or message. Likewise."),
    "Correct": closed(
        ["correct"],
        {
            "correct": closed(
                ["position"],
                {
                    "position": POSITION,
                    "changes": LOOSE,
                    "occurred": WHEN,
                    "reason": CODE.schema,
                    "actor": ACTOR,
                },
            )
        },
        description="The fact at this position should have read otherwise.",
    ),
    "Void": closed(
        ["void"],
        {
            "void": closed(
                ["position"],
                {"position": POSITION, "reason": CODE.schema, "actor": ACTOR},
            )
        },
        description="The fact at this position did not happen, or not to this person.",
    ),
    "Recorded": closed(
        ["status", "position", "subject", "stream", "recorded_at", "entry_sha256", "leaf"],
        {
            "status": {"const": 201},
            "position": POSITION,
            "subject": {"type": ["string", "null"], "format": "uuid"},
            "stream": {"type": ["string", "null"], "format": "uuid"},
            "recorded_at": {"type": ["string", "null"], "format": "date-time"},
            "entry_sha256": {
                "type": ["string", "null"],
                "description": "SHA-256 of the entry, hex.",
            },
            "leaf": {"type": "string", "description": "Merkle leaf hash of the entry, hex."},
            "registered_at": {
                "type": ["integer", "null"],
                "description": "Position of the registration that this fact implied, if any.",
            },
            "receipt": {
                "type": ["string", "null"],
                "description": (
                    "A signed note: keep it, it binds us before the log is sealed. Null when no"
                    " signer answers (header Receipt-Missing), or when the fact was pruned since."
                ),
            },
        },
    ),
    "Outcomes": closed(
        ["recorded", "refused", "items"],
        {
            "recorded": {"type": "integer"},
            "refused": {"type": "integer"},
            "items": {
                "type": "array",
                "items": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Recorded"},
                        {"$ref": "#/components/schemas/Problem"},
                    ]
                },
            },
        },
    ),
    "Problem": closed(
        ["type", "title", "status", "detail"],
        {
            "type": STRING,
            "title": STRING,
            "status": {"type": "integer"},
            "detail": STRING,
            "clause": {"type": "string", "description": "Clause of the policy."},
            "article": {"type": "string", "description": "Article of the law."},
            "field": STRING,
        },
    ),
    "Health": closed(
        ["status", "version", "position"],
        {
            "status": {"const": "ok"},
            "version": STRING,
            "position": {"type": "integer", "description": "Where the log ends."},
        },
    ),
    "Ready": closed(
        ["status", "position", "sealed", "lag", "signer"],
        {
            "status": {"const": "ready"},
            "position": {"type": "integer", "description": "Where the log ends."},
            "sealed": {"type": "integer", "description": "How many events the seal covers."},
            "lag": {
                "type": "number",
                "description": "Seconds for which the oldest event has waited for its seal.",
            },
            "signer": {
                "type": ["boolean", "null"],
                "description": "Whether the signer answers; null: this server has none.",
            },
        },
    ),
    "Lookup": closed(["person"], {"person": {"$ref": "#/components/schemas/Person"}}),
    "Found": closed(
        ["known"],
        {"known": {"type": "boolean"}, "subject": UUID},
        description="`subject` when the person is known; an erased person is not.",
    ),
    "Founds": closed(
        ["known", "unknown", "refused", "items"],
        {
            "known": {"type": "integer"},
            "unknown": {"type": "integer"},
            "refused": {"type": "integer"},
            "items": {
                "type": "array",
                "items": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Found"},
                        {"$ref": "#/components/schemas/Problem"},
                    ]
                },
            },
        },
    ),
    "Token": closed(
        ["token", "id", "subject", "expires"],
        {
            "token": STRING,
            "id": {**STRING, "description": "What logs call it; it opens nothing."},
            "subject": UUID,
            "expires": {"type": "string", "format": "date-time"},
        },
        description="Keep it in memory: it is gone in fifteen minutes.",
    ),
    "Reading": closed(
        ["classes", "reason"],
        {
            "classes": {"type": "array", "minItems": 1, "items": CODE.schema},
            "reason": {
                **CODE.schema,
                "description": "Why: a code of yours, never a free text. While the use of her data "
                "is restricted: rights_request, access_request, complaint, consent, correction, "
                "litigation, legal_claims, rights_of_others or public_interest.",
            },
            "case": CODE.schema,
            "after": {"type": "integer", "minimum": 0, "description": "`next` of the page before."},
        },
    ),
    "Read": closed(
        ["read", "subject", "items", "next"],
        {
            "read": {**POSITION, "description": "The position of the fact that you read this."},
            "subject": UUID,
            "items": {
                "type": "array",
                "items": closed(
                    ["position", "kind", "occurred", "state", "data"],
                    {
                        "position": POSITION,
                        "kind": STRING,
                        "occurred": {"type": "string"},
                        "state": {"enum": ["opened", "archived", "erased", "lost"]},
                        "data": {**LOOSE, "description": "The personal fields, as recorded."},
                    },
                ),
            },
            "next": {"type": ["integer", "null"]},
        },
    ),
    "Export": closed(
        [],
        {
            "reason": {
                **CODE.schema,
                "description": "Why, for your staff; if not, access_request,"
                " and of an estate heir_request.",
            },
            "case": {**CODE.schema, "description": "Of which case: the id of her request."},
            "consultations": {
                "type": "array",
                "maxItems": 32,
                "items": POSITION,
                "description": "Consultations of her archive (rights_request) to be opened.",
            },
            "classes": {
                "type": "array",
                "maxItems": 32,
                "items": CODE.schema,
                "description": "Of an estate: only these, where her directive names less than all.",
            },
        },
    ),
    "ConsentReceipt": {
        "type": "object",
        "description": "A receipt by the profile receipt-eu-gdpr of DPV 27560, in JSON-LD.",
        "required": ["@context", "@type", "dct:conformsTo", "dpv:hasIdentifier", "dct:hasPart"],
        "properties": {"dct:hasPart": {"type": "array", "items": LOOSE}},
        "additionalProperties": True,
    },
    "Package": {
        "type": "object",
        "description": "What `package.schema.json`, which travels in the ZIP, describes.",
        "required": ["format", "scope", "subject", "made_at", "position", "missing", "facts"],
        "properties": {
            "format": {"const": "probant-package/1"},
            "scope": {"enum": ["access", "portability", "estate"]},
            "subject": UUID,
            "made_at": {"type": "string", "format": "date-time"},
            "position": {"type": "integer"},
            "missing": {"type": "array", "items": LOOSE},
            "facts": {"type": "array", "items": LOOSE},
        },
        "additionalProperties": True,
    },
    "Subject": closed(
        [*_AT, "facts", "last_activity", "death", "restricted", "deadlines", "consents"],
        {
            **_AT,
            "facts": NUMBERS,
            "last_activity": {"type": ["object", "null"], "additionalProperties": True},
            "death": {
                "type": ["object", "null"],
                "additionalProperties": True,
                "description": "What a death stopped, the directive she left, and what heirs may"
                " ask (LIL art. 85). Null while no death is known.",
            },
            "restricted": {
                "type": "array",
                "items": closed(
                    ["ground", "since", "position", "clause", "article"],
                    {
                        "ground": STRING,
                        "since": _DAY,
                        "position": POSITION,
                        "clause": STRING,
                        "article": STRING,
                    },
                ),
                "description": "The restrictions of the use of her data that stand, by ground of"
                " GDPR art. 18(1). While there is one, no verdict allows anything but what a law"
                " imposes, and staff read her data for few reasons only.",
            },
            "deadlines": _DEADLINES,
            "consents": _CHOICES,
        },
    ),
    "Deadlines": closed([*_AT, "deadlines"], {**_AT, "deadlines": _DEADLINES}),
    "Choices": closed([*_AT, "consents"], {**_AT, "consents": _CHOICES}),
    "Timeline": closed(
        ["subject", *JOINED, "as_of", "known_at", "position", "items", "next"],
        {
            "subject": UUID,
            **JOINED,
            "as_of": {"type": ["string", "null"], "format": "date-time"},
            "known_at": {"type": ["string", "null"], "format": "date-time"},
            "position": {"type": "integer", "description": "The last position known."},
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Told"}},
            "next": {
                "type": ["integer", "null"],
                "description": "`after` of the next page; null on the last one.",
            },
        },
    ),
    "Told": closed(
        [
            *("position", "subject", "kind", "occurred", "recorded_at", "stream", "data"),
            *("personal", "stands"),
        ],
        {
            "position": POSITION,
            "subject": {**UUID, "description": "Of whom it was recorded, if she was joined."},
            "kind": STRING,
            "class": {"type": ["string", "null"]},
            "occurred": {"type": "string", "description": "A day in Paris, or an instant."},
            "recorded_at": {"type": "string", "format": "date-time"},
            "actor": {"type": ["string", "null"]},
            "edition": {"type": "string", "format": "date"},
            "stream": UUID,
            "item": {"type": ["string", "null"]},
            "data": {**LOOSE, "description": "The clear fields, as they were stated."},
            "personal": {
                "type": "object",
                "additionalProperties": {"enum": ["sealed", "archived", "erased", "lost"]},
                "description": "What became of each personal part, by its class of data.",
            },
            "stands": {
                "enum": ["as_recorded", "corrected", "voided", "in_force", "superseded"],
                "description": "The last two are said of corrections and voids.",
            },
            "amended_by": {"type": "array", "items": POSITION},
            "amends": POSITION,
        },
        description="One fact, as it was recorded.",
    ),
    "Deadline": {
        **LOOSE,
        "required": ["class", "tier", "operational_until", "explanation"],
        "properties": {
            "class": STRING,
            "tier": {
                "enum": [
                    "operational",
                    "suspended",
                    "past_operational",
                    "past_archive",
                    "archived",
                    "erased",
                ]
            },
            "operational_until": _DAY,
            "archive_until": _DAY,
            "rule": STRING,
            "edition": STRING,
            "clause": STRING,
            "article": STRING,
            "rests_on": {"type": "array", "items": POSITION},
            "explanation": {"type": "array", "items": STRING},
        },
    },
    "Choice": {
        **LOOSE,
        "required": ["purpose", "channel", "state", "explanation"],
        "properties": {
            "purpose": STRING,
            "channel": {"type": ["string", "null"]},
            "state": {"type": "string", "description": "One of the DPV's consent statuses."},
            "explanation": {"type": "array", "items": STRING},
        },
    },
    "RequestSent": closed(
        ["data"],
        {
            "id": UUID,
            "person": {"$ref": "#/components/schemas/Person"},
            "subject": UUID,
            "occurred": WHEN,
            "actor": ACTOR,
            "over": CODE.schema,
            "data": {
                "type": "object",
                "additionalProperties": True,
                "required": ["right", "channel"],
                "description": "The fields of request.received; `person` or `subject` says whose.",
            },
        },
        description="A request that reached us. `over` narrows an objection to one channel.",
    ),
    "RequestRecorded": closed(
        ["position", "at_once", "request"],
        {
            "position": POSITION,
            "at_once": {"type": "array", "items": STRING},
            "request": {"$ref": "#/components/schemas/Request"},
        },
    ),
    "StepSent": closed(
        [],
        {"occurred": WHEN, "actor": ACTOR, "data": LOOSE},
        description="The fields of the step's fact, or what `fulfil` needs by right.",
    ),
    "StepRecorded": closed(
        ["position", "request"],
        {
            "position": POSITION,
            "outcomes": {"type": "array", "items": LOOSE},
            "to_tell": {"type": "array", "items": STRING},
            "certificate": {"$ref": "#/components/schemas/IssuedCertificate"},
            "request": {"$ref": "#/components/schemas/Request"},
        },
    ),
    "Requests": closed(
        ["as_of", "position", "items", "next"],
        {
            "as_of": _AT["as_of"],
            "position": _AT["position"],
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Request"}},
            "next": {"type": ["integer", "null"]},
        },
    ),
    "Request": _REQUEST,
    "MayWe": closed(
        ["purpose"],
        {
            "subject": UUID,
            "person": {"$ref": "#/components/schemas/Person"},
            "purpose": CODE.schema,
            "channel": {**CODE.schema, "description": "Where the purpose has channels."},
            "at": {**WHEN, "description": "The moment of the message or call; now by default."},
            "known_at": {**WHEN, "description": "As known then; all that is known by default."},
            "offer": {
                "enum": ["analogous", "contract", "other"],
                "description": "What is offered: our own products, analogous to what she bought;"
                " something about a contract of hers that runs; anything else.",
            },
            "record": {"type": "boolean", "description": "Record the verdict (message.decided)."},
        },
        description="One of `subject` and `person` says who.",
    ),
    "Verdict": closed(
        ["allowed", "reasons", "rule", "clause", "article", "state", "explanation"],
        {
            "allowed": {"type": "boolean"},
            "purpose": STRING,
            "channel": TEXT,
            "at": STRING,
            "position": {"type": "integer", "description": "The last position known."},
            "subject": {"type": ["string", "null"], "format": "uuid"},
            "basis": {**TEXT, "description": "Null when it is refused."},
            "rule": STRING,
            "clause": STRING,
            "article": STRING,
            "edition": TEXT,
            "state": {"type": "string", "description": "One of the DPV's consent statuses."},
            "state_iri": {"type": "string", "format": "uri"},
            "stale": {**TEXT, "description": "Why the words consented to are no longer ours."},
            "reasons": {"type": "array", "items": STRING, "description": "The first decides."},
            "explanation": {"type": "array", "items": STRING},
            "rests_on": {"type": "array", "items": POSITION},
            "flips_at": {
                "type": ["string", "null"],
                "format": "date-time",
                "description": "When the answer changes although no fact is added.",
            },
            "would_change": {"type": "array", "items": STRING},
            "recorded": {
                "oneOf": [
                    {"$ref": "#/components/schemas/Recorded"},
                    {"$ref": "#/components/schemas/Problem"},
                ],
                "description": "With `record`: where the verdict stands in the log, or why not.",
            },
        },
    ),
}
