"""How often one caller may ask what would let her find out who is known here: token buckets.

A bucket holds `burst` drops, each asking takes one for each person named, and `per_second` come
back. Buckets live in the memory of one worker: with N workers a caller may ask up to N times as
much, and a restart fills them. They slow down whoever tries references or hands out tokens by the
thousand; they are no defence against a flood, which is a proxy's business.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from api.problems import Problem
from ledger.calendar import Instant

SECOND: Instant = 1_000_000
HOLDERS_MAX = 10_000  # before full buckets are forgotten


class Bucket:
    """One limit, for each holder by her id."""

    def __init__(self, per_second: float, burst: int) -> None:
        self.per_second, self.burst = per_second, burst
        self._left: dict[str, tuple[float, Instant]] = {}

    def take(self, holder: str, now: Instant, drops: int = 1) -> None:
        """Take so many drops (at most `burst`), or raise a Problem that says when to come back;
        what was refused costs nothing."""
        drops = min(drops, self.burst)
        left = self._refilled(holder, now)
        if left < drops:
            wait = math.ceil((drops - left) / self.per_second)
            raise Problem("too-many", "too many in too short a time; see Retry-After", retry=wait)
        if len(self._left) >= HOLDERS_MAX:
            self._left = {
                known: level
                for known, level in self._left.items()
                if self._refilled(known, now) < self.burst
            }
        self._left[holder] = left - drops, now

    def _refilled(self, holder: str, now: Instant) -> float:
        left, at = self._left.get(holder, (float(self.burst), now))
        return min(self.burst, left + max(0, now - at) / SECOND * self.per_second)


class Limits(NamedTuple):
    """The limits of one worker."""

    lookups: Bucket  # people named, for each key
    tokens: Bucket  # tokens issued, for each key
    person: Bucket  # requests of one person under her own tokens


def limits() -> Limits:
    """Full buckets. A batch of 1000 references passes five times at once, then one in ten
    seconds; a shop may greet 20 people a second; one person's pages need a handful a second."""
    return Limits(Bucket(100, 5000), Bucket(20, 200), Bucket(5, 60))
