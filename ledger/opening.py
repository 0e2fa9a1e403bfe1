"""The two ways to a ledger: bring one into being, or open one that exists.

Everything outside (`api`, tests, tools) begins here. Crash during `create`: run it again.
"""

from __future__ import annotations

from pathlib import Path

from ledger.application import Ledger
from ledger.calendar import Clock
from ledger.handlers import publish
from ledger.policy.book import shipped_bytes
from ledger.store.keyring import FileKeyring
from ledger.store.setup import initialise, open_database


def create(
    url: str,
    keyring: Path | None = None,
    *,
    origin: str | None = None,
    policy: bytes | None = None,
    clock: Clock | None = None,
) -> Ledger:
    """Create what is missing of the ledger at `url` and open it.

    `policy` is the first edition, position 1 of the ledger (SoftSystem's by default). Raises Misuse
    when the keyring is another ledger's, BadData when the policy is no edition.
    """
    database, keys = initialise(url, keyring, origin)
    ledger = Ledger(database, keys, clock)
    if ledger.recorder.head().position == 0:
        publish(ledger, policy or shipped_bytes(), actor="system")
    return ledger


def open_ledger(url: str, keyring: Path, *, clock: Clock | None = None) -> Ledger:
    """Open an existing ledger. Raises Misuse if there is none, or its keyring is missing."""
    return Ledger(open_database(url), FileKeyring.load(keyring), clock)
