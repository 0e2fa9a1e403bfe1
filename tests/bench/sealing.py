"""Encryption through our own function, beside a cached cipher of the library on the same text.

`encrypt` makes salt and nonce, binds event, part and key, and encrypts; `seal` also writes the text
as canonical JSON and computes the commitments of the entry (two SHA-256 over all of it). The peer
encrypts the same bytes under a new nonce, with associated data that are ready.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from uuid import uuid4

from ledger import entry
from ledger.calendar import moment_of_instant
from ledger.events import ContactedUs
from ledger.store.keyring import NONCE, FileKeyring
from ledger.store.vault import Vault, encrypt, scope_of

Rate = Callable[[], float]
CALLS = 20_000
SHORT, LONG = "Hello", "Bonjour, je vous écris au sujet de ma commande. " * 80


def sides(text: str) -> tuple[Rate, Rate, Rate]:
    """`encrypt`, `seal` and the peer for a fact with this text: parts per second."""
    fact = ContactedUs(
        occurred=moment_of_instant(0),
        subject=uuid4(),
        channel="form",
        email="someone@example.org",
        text=text,
    )
    personal, scope, event = fact.personal_fields(), scope_of(fact), uuid4()
    vault = Vault(FileKeyring.generate("example.org/bench"))
    key = vault.keys_for(None, 1, [scope])[scope]
    plaintext, aad, str_id = entry.encode(personal), bytes(91), str(event)
    return (
        _rate(lambda: encrypt(key, str_id, plaintext)),
        _rate(lambda: vault.seal(fact, personal, event, key)),
        _rate(lambda: key.cipher.encrypt(os.urandom(NONCE), plaintext, aad)),
    )


def _rate(call: Callable[[], object]) -> Rate:
    def measured() -> float:
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        return CALLS / (time.perf_counter() - started)

    return measured
