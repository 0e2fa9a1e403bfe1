"""Cosignatures (C2SP tlog-cosignature, Ed25519, 0x04): a witness saw this head, at this time.

A witness signs `cosignature/v1\\ntime <t>\\n` and then the text of the checkpoint, and adds a line
`— <witness name> base64(key id || u64be time || signature)` below the log's. It says: at that time
(POSIX seconds) this was the largest consistent tree I had seen of this log. One key, one witness:
the message does not bind the witness's name.

What this file never does: decide whether a head is consistent (`merkle.check_consistency`, asked by
whoever keeps the witness's state), or read a clock. Read next: `witnesses.py`.
"""

from __future__ import annotations

from ledger.errors import Misuse
from ledger.seal.checkpoint import parse_checkpoint
from ledger.seal.merkle import SIZE_LIMIT
from ledger.seal.note import PrivateKey, PublicKey, Signature

COSIGNATURE = 0x04
TIME_BYTES = 8


class WitnessKey(PublicKey):
    """The public key of a witness: a timestamped Ed25519 cosignature (0x04)."""

    algorithm = COSIGNATURE
    __slots__ = ()

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this witness cosigned the checkpoint with this text, at the time it states."""
        time = int.from_bytes(signature[:TIME_BYTES], "big")
        message = _message(time, text)
        return time < SIZE_LIMIT and self._verify_raw(message, signature[TIME_BYTES:])


class CosigningKey(PrivateKey[WitnessKey]):
    """The private key of a witness."""

    public_type = WitnessKey
    __slots__ = ()

    def cosign(self, text: str, time: int) -> str:
        """The signature line over a checkpoint's text, at `time` (POSIX seconds).

        Raises BadData when the text is no checkpoint, Misuse for an impossible time.
        """
        parse_checkpoint(text)
        if not 0 <= time < SIZE_LIMIT:
            raise Misuse("a cosignature's time is in POSIX seconds")
        signed = self._sign_raw(_message(time, text.encode("utf-8")))
        stamped = time.to_bytes(TIME_BYTES, "big") + signed
        return Signature(self.name, self.public.key_id, stamped).line


def cosigned_at(signature: Signature) -> int:
    """The time, in POSIX seconds, that a *verified* cosignature states."""
    return int.from_bytes(signature.signature[:TIME_BYTES], "big")


def _message(time: int, text: bytes) -> bytes:
    return b"cosignature/v1\ntime %d\n" % time + text
