"""The numbers of the first screen, counted at one moment and one position of the log.

Counting everybody takes the database a moment that grows with the company, so the numbers are kept
for as long as nothing was recorded and no day began. When something was, they are counted again: at
once where that is quick, else behind the page, which shows the last ones and says of when they
are. They come from the live tables, through the very functions that answer over HTTP. Read next:
`today.py`.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from api.answers import Times, population_answer
from api.problems import Problem
from api.readiness import Reach, reach
from api.sealed import Seal
from ledger.application import Ledger
from ledger.calendar import Instant, day_of
from ledger.errors import ProbantError
from ledger.policy.requests import Request
from ledger.requests.reading import queue

QUICK = 0.15  # seconds: a count that took no longer is made again while she waits
ATTEMPTS = 3  # to count everything at one position


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted, at `as_of`, of everything up to `position`."""

    as_of: Instant
    position: int
    population: dict[str, Any]
    open_requests: tuple[Request, ...]  # by the day on which an answer is due

    def among(self, status: str) -> tuple[Request, ...]:
        """The open requests that stand so."""
        return tuple(one for one in self.open_requests if one.status == status)


@dataclass(slots=True)
class Board:
    """The last count, and whether another one is being made."""

    _counts: Counts | None = None
    _took: float = 0.0
    _counting: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def counts(self, ledger: Ledger) -> tuple[Counts, bool]:
        """The numbers, and whether newer ones are on their way."""
        now, position = ledger.clock.now(), ledger.recorder.head().position
        found = self._counts
        if found is not None and _is_current(found, position, now):
            return found, False
        if found is None or self._took <= QUICK:
            return self._count(ledger), False
        with self._lock:
            is_ours, self._counting = not self._counting, True
        if is_ours:
            threading.Thread(target=self._behind, args=(ledger,), daemon=True).start()
        return found, True

    def _behind(self, ledger: Ledger) -> None:
        try:
            self._count(ledger)
        except ProbantError:
            pass  # the page goes on showing the last ones, with their date
        finally:
            self._counting = False

    def _count(self, ledger: Ledger) -> Counts:
        began = time.monotonic()
        made = count(ledger)
        self._counts, self._took = made, time.monotonic() - began
        return made


def count(ledger: Ledger) -> Counts:
    """Everything of the first screen, now. Raises Problem when others write too fast."""
    for _ in range(ATTEMPTS):
        as_of = ledger.clock.now()
        people = population_answer(ledger, Times(as_of))
        page = queue(ledger, as_of=as_of, limit=10_000, wanted=lambda found: found.is_open)
        if page.known == people["position"]:
            found = sorted((one.request for one in page.requests), key=lambda one: one.due)
            return Counts(as_of, page.known, people, tuple(found))
    raise Problem("stale", "others kept writing while everything was counted")


def _is_current(found: Counts, position: int, now: Instant) -> bool:
    return found.position == position and day_of(found.as_of) == day_of(now)


def sealed(ledger: Ledger, seal: Seal | None) -> Reach:
    """How far the log and its seal reach now."""
    return reach(ledger, seal)
