"""The two ways to a ledger: bring one into being, or open one that exists.

Everything outside (`api`, tests, tools) begins here. Crash during `create`: run it again.
"""

from __future__ import annotations

from pathlib import Path

from ledger.application import Ledger
from ledger.calendar import Clock
from ledger.erasing.erase import settle
from ledger.erasing.journal import Journal
from ledger.handlers import publish
from ledger.policy.book import shipped_bytes
from ledger.store import keyrings
from ledger.store.keyrings import Where
from ledger.store.setup import initialise, open_database


def create(
    url: str,
    keyring: Where | None = None,
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


def open_ledger(
    url: str, keyring: Where, *, clock: Clock | None = None, journal: Path | None = None
) -> Ledger:
    """Open an existing ledger. Raises Misuse if there is none, or its keyring is missing.

    `journal` is the folder of its erasure journal: what this database has not erased yet, because
    an erasure was interrupted or a backup was restored, is erased before the ledger is handed out.
    """
    ledger = Ledger(open_database(url), keyrings.load(keyring), clock)
    if journal is not None:
        try:
            settle(ledger, Journal(journal, ledger.keyring.origin))
        except BaseException:
            ledger.close()
            raise
    return ledger
