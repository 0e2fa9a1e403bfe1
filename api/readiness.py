"""Whether this worker may be sent requests: `/readyz`, and how far the log and its seal reach.

Not ready: the database does not answer, the keyring is not this ledger's, or the erasure journal
and the database disagree, which is how a backup restored under a running server shows: erased
people might be back. A seal that lags, or a signer that is silent, is told and counted and keeps
nobody out: a fact without a receipt is recorded all the same; without a server it would be lost.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from api.problems import Problem
from api.sealed import Seal
from ledger.application import Ledger
from ledger.erasing.journal import Journal
from ledger.errors import ProbantError
from ledger.store import erasure, log, reader

MICROSECONDS = 1_000_000  # in a second


class Reach(NamedTuple):
    """How far the log reaches, its seal behind it. `lag` in seconds; None: not known here."""

    position: int
    sealed: int
    lag: float
    signer: bool | None


def reach(ledger: Ledger, seal: Seal | None) -> Reach:
    """Ask the database, and the signer if there is one. Raises what the database raises."""
    position, sealed = log.head_position(ledger.database), log.sealed(ledger.database).size
    waits_since = log.recorded_at(ledger.database, sealed + 1) if sealed < position else None
    age = 0 if waits_since is None else max(0, ledger.clock.now() - waits_since)
    return Reach(position, sealed, age / MICROSECONDS, _answers(seal))


class Readiness:
    """What is asked of one worker, again and again: what was read of the journal is remembered."""

    def __init__(self, journal: Path | None) -> None:
        self.folder = journal
        self._seen: tuple[Any, int] = None, 0

    def answer(self, ledger: Ledger, seal: Seal | None) -> dict[str, Any]:
        """That we are ready, and how far the log reaches. Raises Problem naming what is not right,
        and nothing of how."""
        checks = (
            ("database", self._has_database),
            ("keyring", self._has_keyring),
            ("journal", self._is_settled),
        )
        wrong = [name for name, check in checks if not _holds(check, ledger)]
        if wrong:
            raise Problem("not-ready", f"not right: {', '.join(wrong)}")
        return {"status": "ready", **reach(ledger, seal)._asdict()}

    def _has_database(self, ledger: Ledger) -> bool:
        return log.head_position(ledger.database) >= 0

    def _has_keyring(self, ledger: Ledger) -> bool:
        ledger.keyring.refresh()
        with ledger.database.read() as connection:
            return reader.origin(connection) == ledger.keyring.origin

    def awaiting(self, ledger: Ledger) -> int:
        """So many erasures the journal names that this database has not carried out: one may be
        under way, more await a replay; negative: the journal lacks some."""
        if self.folder is None:
            return 0
        with ledger.database.read() as connection:
            known = erasure.carried_out(connection)
        return self._intents(Journal(self.folder, ledger.keyring.origin)) - known

    def _is_settled(self, ledger: Ledger) -> bool:
        """One intent may be under way; more, or fewer than were carried out, is another history."""
        return self.awaiting(ledger) in (0, 1)

    def _intents(self, journal: Journal) -> int:
        try:
            found = journal.path.stat()
        except FileNotFoundError:
            return 0
        identity = found.st_ino, found.st_mtime_ns, found.st_size
        if identity != self._seen[0]:
            self._seen = identity, journal.count()
        return self._seen[1]


def _holds(check: Any, ledger: Ledger) -> bool:
    """Whatever is raised is the answer no: what it says may hold a path or a URL."""
    try:
        return bool(check(ledger))
    except Exception:
        return False


def _answers(seal: Seal | None) -> bool | None:
    if seal is None or seal.signer is None:
        return None
    try:
        seal.signer.state()
    except ProbantError:
        return False
    return True
