"""One example of everything that is sent and answered, for the OpenAPI description.

A test sends what is to be sent, and compares the shape of what comes back with what is shown here.
"""

from __future__ import annotations

from typing import Any

SUBJECT = "5f0c7b6e-3c1d-4a52-9b55-0d3f6f0e8a11"
STREAM = "b7f6c1b0-52a8-4b0e-8a34-6b7d1e0c9f22"
KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
WHEN = "2026-01-06T09:00:00.000000Z"
PERSON: dict[str, Any] = {"kind": "shop", "value": "0042"}
EXPLAINED = ["The term ends on January 5, 2031: 5 years after the last activity (SS-RET-5)."]

ORDER: dict[str, Any] = {
    "kind": "order.placed",
    "person": PERSON,
    "thing": {"kind": "order_ref", "value": "A-1"},
    "occurred": "2026-01-05",
    "data": {"amount": {"minor": 4990, "currency": "EUR"}},
}
CONSENT: dict[str, Any] = {
    "kind": "consent.given",
    "person": PERSON,
    "data": {"purpose": "newsletter", "channel": "email", "grade": "proved"},
}
UNDECLARED: dict[str, Any] = {
    "kind": "consent.given",
    "person": PERSON,
    "data": {"purpose": "resale"},
}
CORRECTION: dict[str, Any] = {"correct": {"position": 3, "occurred": "2026-01-04"}}

_HASH = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ="
_SIGNED = "\u2014 example.org/shop oY…=\n"
RECEIPT = f"example.org/shop/receipt\n3\n{_HASH}\n{_HASH}\n{WHEN}\n60\n\n{_SIGNED}"
CHECKPOINT = f"example.org/shop\n3\n{_HASH}\n\n{_SIGNED}"
PROOF = f"c2sp.org/tlog-proof@v1\nindex 2\n{_HASH}\n\n{CHECKPOINT}"
CONSISTENCY = f"old 2\n{_HASH}\n\n{CHECKPOINT}"

RECORDED: dict[str, Any] = {
    "status": 201,
    "position": 3,
    "subject": SUBJECT,
    "stream": STREAM,
    "recorded_at": WHEN,
    "entry_sha256": "0b3ad27c1c31f6e0f5b1a7c9be8c1f1e6b5f6bb1f2a4c4d7a1e9f0c3d2b1a090",
    "leaf": "9d1f7e5c3b2a19080f6e5d4c3b2a19181716151413121110090807060504a3b2",
    "registered_at": 2,
    "receipt": RECEIPT,
}
PROBLEM: dict[str, Any] = {
    "type": "/docs#problem-purpose-undeclared",
    "title": "Purpose not declared",
    "status": 422,
    "detail": "field 'purpose' is not a purpose that the policy in force declares",
    "clause": "SS-CTL-2",
    "article": "RGPD art. 5(1)(b)",
    "field": "purpose",
}
OUTCOMES: dict[str, Any] = {"recorded": 1, "refused": 1, "items": [RECORDED, PROBLEM]}

LOOKUP: dict[str, Any] = {"person": PERSON}
LOOKUPS: list[Any] = [LOOKUP, {"person": {"kind": "shop", "value": "nobody"}}]
FOUND: dict[str, Any] = {"known": True, "subject": SUBJECT}
UNKNOWN: dict[str, Any] = {"known": False}
FOUNDS: dict[str, Any] = {"known": 1, "unknown": 1, "refused": 0, "items": [FOUND, UNKNOWN]}
TOKEN: dict[str, Any] = {
    "token": "person_XwxH…",
    "id": "self:0b3ad27c1c31f6e0",
    "subject": SUBJECT,
    "expires": "2026-01-06T09:15:00.000000Z",
}
READING: dict[str, Any] = {"classes": ["contact"], "reason": "customer_call", "case": "t-1042"}
READ: dict[str, Any] = {
    "read": 6,
    "subject": SUBJECT,
    "items": [
        {
            "position": 5,
            "kind": "customer.contacted_us.v1",
            "occurred": "2026-01-05",
            "state": "opened",
            "data": {"text": "Where is my order?"},
        }
    ],
    "next": None,
}

DEADLINE: dict[str, Any] = {
    "class": "order",
    "scope": None,
    "label": "Orders",
    "tier": "operational",
    "operational_until": "2031-01-05",
    "archive_until": "2036-01-05",
    "suspended_by": [],
    "rule": "RET-order",
    "edition": "softsystem-2018-11-20",
    "clause": "SS-RET-5",
    "article": "RGPD art. 5(1)(e)",
    "rests_on": [3],
    "explanation": EXPLAINED,
}
CHOICE: dict[str, Any] = {
    "purpose": "newsletter",
    "channel": "email",
    "label": "Newsletter",
    "state": "ConsentGiven",
    "kind": "consent.given.v1",
    "day": "2026-01-06",
    "position": 4,
    "rests_on": [4],
    "explanation": ["Consent was given on January 6, 2026."],
}
_AT: dict[str, Any] = {
    "subject": SUBJECT,
    "joined_into": None,
    "joined": [],
    "as_of": WHEN,
    "day": "2026-01-06",
    "known_at": None,
    "position": 4,
    "path": "live",
    "edition": {"id": "softsystem-2018-11-20", "effective_from": "2018-11-20"},
    "flags": [],
}
DEADLINES: dict[str, Any] = {**_AT, "deadlines": [DEADLINE]}
CONSENTS: dict[str, Any] = {**_AT, "consents": [CHOICE]}
WHOLE: dict[str, Any] = {
    **_AT,
    "facts": {"consent.given.v1": 1, "customer.registered.v1": 1, "order.placed.v1": 1},
    "last_activity": {"kind": "order.placed.v1", "day": "2026-01-05", "position": 3},
    "death": None,
    "restricted": [],
    "deadlines": [DEADLINE],
    "consents": [CHOICE],
}
JWS = "eyJhbGciOiJFZERTQSIsImtpZCI6ImtQcktfcW14Vld.eyJ2ZXJzaW9uIjoiS0ktQ1I.c2lnbmVk\n"
KEYS: dict[str, Any] = {
    "keys": [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            "alg": "EdDSA",
            "use": "sig",
        }
    ]
}
TOLD: dict[str, Any] = {
    "position": 3,
    "subject": SUBJECT,
    "kind": "order.placed.v1",
    "class": "order",
    "occurred": "2026-01-05",
    "recorded_at": WHEN,
    "actor": "self",
    "edition": "2018-11-20",
    "stream": STREAM,
    "item": None,
    "data": {"amount": {"minor": 4990, "currency": "EUR"}},
    "personal": {},
    "stands": "as_recorded",
    "amended_by": [],
}
TIMELINE: dict[str, Any] = {
    "subject": SUBJECT,
    "joined_into": None,
    "joined": [],
    "as_of": None,
    "known_at": None,
    "position": 4,
    "items": [TOLD],
    "next": 3,
}

WEBHOOK = "0b0e3a51-1f8f-4a0c-9d0e-5a2a3e7c4b10"
NEW_WEBHOOK: dict[str, Any] = {
    "url": "https://crm.example.org/hooks/probant",
    "recipient": "crm",
    "kinds": ["consent.withdrawn", "customer.class_erased"],
}
REGISTERED: dict[str, Any] = {
    "id": WEBHOOK,
    "url": "https://crm.example.org/hooks/probant",
    "recipient": "crm",
    "kinds": ["consent.withdrawn.v1", "customer.class_erased.v1"],
    "state": "live",
    "created_at": WHEN,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw1234567890A=",
}
WEBHOOKS: dict[str, Any] = {
    "items": [
        {key: value for key, value in REGISTERED.items() if key != "secret"}
        | {"deliveries": {"pending": 0, "delivered": 12, "dead": 0}}
    ]
}
DELIVERIES: dict[str, Any] = {
    "webhook": WEBHOOK,
    "items": [
        {
            "position": 4,
            "message": "msg_5f0c7b6e3c1d8a529b550d3f6f0e8a11",
            "state": "pending",
            "attempts": 1,
            "next_at": WHEN,
            "last_at": WHEN,
            "last_status": 503,
            "last_error": None,
        }
    ],
    "next": None,
}
REDELIVER: dict[str, Any] = {"webhook": WEBHOOK, "positions": [4]}
REDELIVERED: dict[str, Any] = {"waiting": 1}
PINGED: dict[str, Any] = {"delivered": True, "status": 204, "error": None}
ACKNOWLEDGE: dict[str, Any] = {"recipient": "crm", "positions": [4], "receipt": "job-2026-0042"}
ACKNOWLEDGED: dict[str, Any] = {"items": [{"about": 4, "position": 9, "recorded": True}]}
STANDING: dict[str, Any] = {
    "position": 4,
    "kind": "consent.withdrawn.v1",
    "subject": SUBJECT,
    "recorded_at": WHEN,
    "recipients": [
        {
            "recipient": "crm",
            "state": "acknowledged",
            "due": "2026-01-13",
            "told": {"position": 8, "at": WHEN},
            "acknowledged": {"position": 9, "at": WHEN, "receipt": "job-2026-0042"},
        }
    ],
}
OUTSIDE: dict[str, Any] = {
    "subject": SUBJECT,
    "joined_into": None,
    "joined": [],
    "days": 7,
    "items": [{**STANDING, "joins": []}],
}
OVERDUE: dict[str, Any] = {
    "days": 7,
    "items": [STANDING],
    "next": None,
}
HEALTH: dict[str, Any] = {"status": "ok", "version": "0.1.0", "position": 4}
READY: dict[str, Any] = {
    "status": "ready",
    "position": 4,
    "sealed": 3,
    "lag": 0.4,
    "signer": True,
}
METRICS = """# HELP probant_log_position The last position of the log.
# TYPE probant_log_position gauge
probant_log_position 4.0
"""

EXPORT: dict[str, Any] = {"case": SUBJECT, "consultations": [41]}
PACKAGE: dict[str, Any] = {
    "format": "probant-package/1",
    "scope": "portability",
    "origin": "example.org/shop",
    "subject": SUBJECT,
    "made_at": WHEN,
    "position": 3,
    "language": "en",
    "controller": {"company": "SoftSystem", "edition": "softsystem-2018-11-20"},
    "missing": [],
    "facts": [{"position": 3, "kind": "order.placed.v1", "class": "order", "source": "provided"}],
    "left_out": [{"kind": "data.read.v1", "why": "ours", "facts": 1}],
}
REQUEST_SENT: dict[str, Any] = {
    "person": PERSON,
    "occurred": "2025-12-31",
    "data": {"right": "access", "channel": "letter", "text": "Quelles données avez-vous ?"},
}
REQUEST: dict[str, Any] = {
    "id": STREAM,
    "subject": SUBJECT,
    "right": "access",
    "purpose": None,
    "channel": "letter",
    "state": "received",
    "status": "on_track",
    "received": "2025-12-31",
    "due": "2026-02-02",
    "due_suspended": "2026-02-02",
    "promised": "2026-02-28",
    "extended": False,
    "answered": None,
    "grounds": [],
    "reminders": ["2026-01-26", "2026-01-31"],
    "clause": "SS-DSR-1",
    "article": "GDPR art. 15",
    "rests_on": [3],
    "flips_on": "2026-01-26",
    "would_change": ["request.fulfilled.v1", "request.extended.v1"],
    "flags": [],
    "explanation": ["Request (access): to be answered by February 2, 2026."],
}
REQUEST_RECORDED: dict[str, Any] = {"position": 3, "at_once": [], "request": REQUEST}
REQUESTS: dict[str, Any] = {"as_of": WHEN, "position": 3, "items": [REQUEST], "next": None}
STEP_SENT: dict[str, Any] = {"occurred": "2026-01-02", "data": {"channel": "letter"}}
STEP_RECORDED: dict[str, Any] = {"position": 4, "request": REQUEST}
CONSENT_RECEIPT: dict[str, Any] = {
    "@context": {"dpv": "https://w3id.org/dpv#"},
    "@id": f"urn:uuid:{STREAM}",
    "@type": "dpv:ConsentReceipt",
    "dct:conformsTo": "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr",
    "dpv:hasIdentifier": STREAM,
    "dct:created": WHEN,
    "dct:hasPart": [],
}
MAY_WE: dict[str, Any] = {"person": PERSON, "purpose": "newsletter", "channel": "email"}
VERDICT: dict[str, Any] = {
    "allowed": True,
    "purpose": "newsletter",
    "channel": "email",
    "at": WHEN,
    "position": 4,
    "subject": SUBJECT,
    "basis": "consent",
    "rule": "PERM-consent",
    "clause": "SS-COM-2",
    "article": "CPCE art. L34-5",
    "edition": "softsystem-2018-11-20",
    "state": "ConsentGiven",
    "state_iri": "https://w3id.org/dpv#ConsentGiven",
    "stale": None,
    "reasons": ["consent"],
    "explanation": ["Allowed.", "The person consented."],
    "rests_on": [4],
    "flips_at": None,
    "would_change": ["consent.withdrawn.v1", "objection.raised.v1"],
}
DECIDED: dict[str, Any] = {
    **VERDICT,
    "recorded": {**RECORDED, "position": 5, "registered_at": None},
}
RECIPIENTS: list[Any] = [{"person": PERSON}, {"subject": SUBJECT}]
FILTERED: list[dict[str, Any]] = [
    {
        "allowed": True,
        "reason": "consent",
        "state": "ConsentGiven",
        "basis": "consent",
        "clause": "SS-COM-2",
        "stale": None,
    },
    {
        "allowed": False,
        "reason": "unknown_person",
        "state": "ConsentUnknown",
        "basis": None,
        "clause": "SS-CTL-2",
        "stale": None,
    },
    {
        "summary": {
            **{"lines": 2, "allowed": 1, "refused": 1, "malformed": 0},
            "reasons": {"consent": 1, "unknown_person": 1},
        }
    },
]
