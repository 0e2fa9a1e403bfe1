"""The public half of the archive key: the service can archive with it, and never read back.

A data key is wrapped by HPKE (RFC 9180, one shot) for the hybrid KEM ML-KEM-768 + X25519, so that
an archive copied today does not open when X25519 falls. What is wrapped stays bound to `info`, the
same context that binds it under a KEK. What this file never does: unwrap; nothing in it could. The
private half is `ledger/archive_key.py`, which only the opener may import.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PublicKey, Suite

from ledger.entry import from_base64, to_base64
from ledger.errors import BadData

SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
HEADER = "probant-archive-key/1 mlkem768-x25519"
MLKEM_BYTES, X25519_BYTES = 1184, 32


class ArchiveRecipient:
    """To whom archived data keys are wrapped. `raw` is ML-KEM-768's public key, then X25519's."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != MLKEM_BYTES + X25519_BYTES:
            raise BadData("the archive's public key has the wrong length")
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(raw[:MLKEM_BYTES])
            x25519 = X25519PublicKey.from_public_bytes(raw[MLKEM_BYTES:])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadData("the archive's public key is no key") from error
        self._raw, self._key = raw, MLKEM768X25519PublicKey(mlkem, x25519)

    @classmethod
    def parse(cls, content: bytes) -> ArchiveRecipient:
        """What `to_bytes` wrote (the file `archive.pub`). Raises BadData for anything else."""
        header, _, key = content.removesuffix(b"\n").decode("ascii", "replace").partition("\n")
        if header != HEADER:
            raise BadData("this is no archive key that Probant wrote")
        return cls(from_base64(key))

    def to_bytes(self) -> bytes:
        """Two lines: what it is, and the key in base64url."""
        return f"{HEADER}\n{to_base64(self._raw)}\n".encode("ascii")

    @property
    def digest(self) -> bytes:
        """SHA-256 of the public key: how `customer.class_archived` names its recipient."""
        return hashlib.sha256(self._raw).digest()

    def wrap(self, dek: bytes, info: bytes) -> bytes:
        """A data key that only the private half unwraps, with the same `info`. 1,168 bytes."""
        return SUITE.encrypt(dek, self._key, info=info)
