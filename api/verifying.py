"""Checking the whole ledger beside what a server does: one check at a time, with how far it got.

What it finds is kept until the next one; that it was made is noted for the first screen, as
`probant verify` notes it. Crash: nothing is noted, and it may be asked again. Read next:
`ledger/store/verify.py`.
"""

from __future__ import annotations

from pathlib import Path
from threading import Event, Lock, Thread
from typing import Literal, NamedTuple, TypeAlias

from api.today import note_check
from ledger.application import Ledger
from ledger.calendar import Instant, format_instant
from ledger.store.verify import Report, verify

State: TypeAlias = Literal["never", "running", "done", "failed"]


class Check(NamedTuple):
    """How far a check got: events looked at, of how many. `report` when it is done; `error` is the
    class of what it failed by, never its text."""

    state: State
    done: int = 0
    total: int = 0
    ended: Instant | None = None
    report: Report | None = None
    error: str | None = None


class _Stopped(Exception):
    """The server ends; so does the check."""


class Checker:
    """The checks of one worker. `noted`: the file of the note of the last one, if there is any."""

    def __init__(self, noted: Path | None) -> None:
        self._noted, self._lock, self._stopping = noted, Lock(), Event()
        self._thread: Thread | None = None
        self._told = Check("never")

    @property
    def told(self) -> Check:
        """The check under way, or the last one."""
        return self._told

    def begin(self, ledger: Ledger) -> bool:
        """Begin one, unless one is under way or the server ends."""
        with self._lock:
            if self._told.state == "running" or self._stopping.is_set():
                return False
            self._told = Check("running", 0, ledger.recorder.head().position)
            self._thread = Thread(target=self._check, args=(ledger,), name="check", daemon=True)
            self._thread.start()
            return True

    def close(self) -> None:
        """Let go of the ledger: a check under way ends at its next page."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _check(self, ledger: Ledger) -> None:
        def listen(done: int, total: int) -> None:
            if self._stopping.is_set():
                raise _Stopped
            self._told = Check("running", done, total)

        try:
            report = verify(ledger.database, listen)
            now = ledger.clock.now()
            if self._noted is not None:
                said = {"at": format_instant(now), "position": report.events, "ok": report.ok}
                note_check(self._noted, {**said, "findings": sum(report.counts.values())})
            self._told = Check("done", report.events, report.events, now, report)
        except Exception as error:
            self._told = self._told._replace(state="failed", error=type(error).__name__)
