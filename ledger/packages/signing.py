"""What other systems are handed, signed: JWS (RFC 7515) by EdDSA (RFC 8037), with PyJWT.

The key is derived from the keyring, one for each use: nothing is stored, every worker has it, and
it goes where the keyring goes. It is not the log's key, which signs checkpoints and statements of
its own form and nothing else (`ledger/sealing/signer.py`). Its public half is published as a JWK
set (RFC 7517) under its thumbprint (RFC 7638), and named in what it signed.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, NamedTuple

from jwt import PyJWS
from jwt.algorithms import OKPAlgorithm

from ledger.entry import to_base64
from ledger.seal.note import SigningKey as Ed25519
from ledger.store.keyring import Keyring

RECEIPTS, OPENDSR = "packages/receipts", "opendsr/answers"
USES = (RECEIPTS, OPENDSR)
MEDIA = "application/jose"


class SigningKey(NamedTuple):
    """A private key and its public half as a JWK."""

    private: Any
    jwk: dict[str, str]

    @property
    def kid(self) -> str:
        """The name of the key: its thumbprint."""
        return self.jwk["kid"]

    def jws(self, payload: bytes) -> str:
        """The payload, signed, in compact form."""
        headers = {"kid": self.kid}
        return PyJWS().encode(payload, self.private, algorithm="EdDSA", headers=headers)

    def signature(self, content: bytes) -> bytes:
        """A signature beside the content, 64 bytes."""
        signed: bytes = self.private.sign(content)
        return signed


def key_of(keyring: Keyring, use: str) -> SigningKey:
    """The key of one use."""
    seed = keyring.secret(use)
    public = to_base64(Ed25519(use, seed).public.public)
    named = {"crv": "Ed25519", "kty": "OKP", "x": public}
    said = json.dumps(named, sort_keys=True, separators=(",", ":")).encode()
    private = OKPAlgorithm.from_jwk({**named, "d": to_base64(seed)})
    return SigningKey(private, {**named, "kid": to_base64(sha256(said).digest())})


def published(keyring: Keyring) -> dict[str, Any]:
    """The public keys of every use, as a JWK set."""
    found = (key_of(keyring, use).jwk for use in USES)
    return {"keys": [{**jwk, "alg": "EdDSA", "use": "sig"} for jwk in found]}
