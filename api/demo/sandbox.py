"""A clock that somebody who tries Probant may move: forward, and never back.

Only `serve --demo` has one, over the made-up company. What is recorded after a jump says so for
ever, and record time only increases: a ledger whose clock was moved stays ahead, and is thrown away
when one is done. Read next: `api/console/clock.py`, the page that moves it.
"""

from __future__ import annotations

from threading import Lock

from ledger.application import Ledger
from ledger.calendar import Clock, Instant, SystemClock
from ledger.errors import Misuse


class Sandbox:
    """Runs as the clock under it does, so far ahead of it as it was moved. It begins no earlier
    than `since`, when something was recorded last."""

    def __init__(self, under: Clock, since: Instant = 0) -> None:
        self._under, self._lock = under, Lock()
        self._ahead = max(0, since - under.now())

    def now(self) -> Instant:
        """The instant that everything believes in."""
        return self._under.now() + self._ahead

    def real(self) -> Instant:
        """The instant of the clock under it: what sessions last by, which no jump may end."""
        return self._under.now()

    @property
    def is_ahead(self) -> bool:
        """Whether it was ever moved."""
        return self._ahead > 0

    def jump(self, to: Instant) -> None:
        """Go on from this instant. Raises Misuse for one that is over."""
        with self._lock:
            now = self.now()
            if to <= now:
                raise Misuse("a sandbox's clock goes forward only: begin a new demo to go back")
            self._ahead += to - now


def sandbox_of(ledger: Ledger) -> Sandbox | None:
    """The clock for a server of this ledger; None where it is not the made-up company's, whose
    edition nobody else has."""
    from api.demo.company import edition_2022
    from ledger.policy.loader import load_edition

    made_up = load_edition(edition_2022(), "the made-up edition").pol
    published = ledger.book(ledger.epoch()).entries
    if all(one.edition.pol != made_up for one in published):
        return None
    return Sandbox(SystemClock(), ledger.recorder.head().last_at)
