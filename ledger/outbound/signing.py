"""Signatures of the Standard Webhooks scheme, version 1: HMAC-SHA256 over `id.timestamp.body`.

The secret of an endpoint is derived from the keyring and its random id: it is stored nowhere, shown
once, and whoever holds only the database cannot sign. Another endpoint, another secret. Specified
at https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from uuid import UUID

from ledger.store.keyring import Keyring

PREFIX = "whsec_"


def secret_of(keyring: Keyring, endpoint: UUID) -> bytes:
    """The 32 bytes that sign what is sent to this endpoint."""
    return keyring.secret(f"webhook/{endpoint}")


def shown(secret: bytes) -> str:
    """The secret as receivers are given it."""
    return PREFIX + b64encode(secret).decode()


def headers(secret: bytes, message: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers of a message sent at `at` (seconds since 1970)."""
    signed = hmac.digest(secret, f"{message}.{at}.".encode() + body, "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{b64encode(signed).decode()}",
    }
