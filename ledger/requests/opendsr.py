"""OpenDSR 2.0 (once OpenGDPR): what its words mean here, and what a status callback says. Pure.

Its three kinds of request are rights of ours, its four states a coarse view of ours: `pending`
until anybody did anything, `in_progress` until it is answered, `completed` by any answer, a refusal
too, `cancelled` when it was withdrawn. What it has no word for is told beside, under the domain of
the ledger. Read next: `api/opendsr.py`, `ledger/outbound/courier.py`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any
from uuid import UUID

from ledger.calendar import end_of, format_instant
from ledger.packages.signing import OPENDSR, key_of
from ledger.policy.requests import Request
from ledger.store.keyring import Keyring

VERSION, REGULATION = "2.0", "gdpr"
TYPES = ("access", "portability", "erasure")
CHANNEL = "api"  # how a request came that came this way
DOMAIN, SIGNATURE = "X-OpenDSR-Processor-Domain", "X-OpenDSR-Signature"


def domain_of(keyring: Keyring) -> str:
    """The domain of this processor: that of the ledger's origin."""
    return keyring.origin.partition("/")[0]


def status_of(found: Request) -> str:
    """One of the four states."""
    if found.status == "withdrawn":
        return "cancelled"
    if found.answered is not None:
        return "completed"
    return "pending" if found.state == "received" else "in_progress"


def told(found: Request, controller: str, keyring: Keyring) -> dict[str, Any]:
    """What is said of a request whoever asks, or is called: its state, and the law's last day."""
    return {
        "controller_id": controller,
        "expected_completion_time": format_instant(end_of(found.due)),
        "subject_request_id": str(found.stream),
        "request_status": status_of(found),
        "api_version": VERSION,
        "extensions": {
            domain_of(keyring): {
                "state": found.state,
                "status": found.status,
                "extended": found.extended,
                "grounds": list(found.grounds),
            }
        },
    }


def callback(found: Request, controller: str, url: str, keyring: Keyring) -> bytes:
    """The body of a status callback to `url`."""
    return json.dumps({**told(found, controller, keyring), "status_callback_url": url}).encode()


def headers(keyring: Keyring, content: bytes) -> dict[str, str]:
    """Whose answer or callback this is, signed: Ed25519 over the bytes of the body, in base64."""
    signed = key_of(keyring, OPENDSR).signature(content)
    return {DOMAIN: domain_of(keyring), SIGNATURE: b64encode(signed).decode()}


def is_id(text: object) -> UUID | None:
    """The id that a text states as OpenDSR wants it: a UUID of version 4 in lower case."""
    try:
        found = UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is not None and found.version == 4 and str(found) == text else None
