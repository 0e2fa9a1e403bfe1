"""What goes over everybody is counted beside whoever asks, who is told what was last known.

A count is told for a minute; where counting takes long, for ten times as long as it took. A day
ends what was counted in it, and so does a new epoch. Whoever asks then sets a thread counting and
waits for it a moment: where few people are, that is all it takes. Where many are she is told the
last count, with its date and that a new one is under way. The last counts rest in the database, so
that a restart forgets none; a list of whom something is due does not. Read next: `today.py`,
`ledger/store/counts.py`.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Lock, Thread
from typing import Any, NamedTuple

from ledger.application import Ledger
from ledger.calendar import MINUTE, Instant, day_of
from ledger.store import counts
from ledger.store.counts import Row

log = logging.getLogger("probant.counting")

KEPT = MINUTE
SHARE = 10  # counting takes at most so small a part of the time: a tenth
PATIENCE = 0.5  # seconds that somebody waits for a count
LEAVING = 10.0  # seconds that a worker which stops waits for a count

Answer = dict[str, Any]
Count = Callable[[], Answer]


class Told(NamedTuple):
    """A count as of an instant; both None: it was never counted to the end. `is_old`: it is being
    counted again."""

    answer: Answer | None
    at: Instant | None
    is_old: bool


def serves(at: Instant, took: Instant, now: Instant) -> bool:
    """Whether what was counted then is still told. A day ends what was counted in it."""
    return 0 <= now - at < max(KEPT, SHARE * took) and day_of(at) == day_of(now)


class _Asked(NamedTuple):
    """What must not have changed since."""

    epoch: int
    since: int | None
    rests: bool  # in the database, for the other workers
    strict: bool  # however long counting takes


class Known(NamedTuple):
    """A count as it is kept, and what its answer says."""

    row: Row
    answer: Answer

    def fits(self, asked: _Asked, now: Instant) -> bool:
        """Whether it is still told."""
        row = self.row
        is_quick = row.took <= PATIENCE * 1e6
        since = row.since == asked.since or not (asked.strict or is_quick)
        return row.epoch == asked.epoch and since and serves(row.at, row.took, now)


class Counting:
    """The counts of one worker: what it knows of each, and the threads that count. `patience`:
    seconds that somebody waits."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._lock = Lock()
        self._known: dict[str, Known] = {}
        self._under_way: dict[str, tuple[Future[Known], float]] = {}

    def told(
        self,
        ledger: Ledger,
        name: str,
        count: Count,
        since: int | None = None,
        *,
        must: bool = False,
        rests: bool = True,
        strict: bool = True,
    ) -> Told:
        """The numbers of `count`, which are plain JSON, under this name: counted anew if they are
        old, or if the epoch or `since` (a position) changed. Where counting is known to take longer
        than somebody waits, nobody does. With `must` the first count of all is waited for, however
        long it takes. What names people does not rest in the database (`rests`). Unless it is
        `strict`, a change of `since` matters only where counting is quick. Raises what `count`
        raises."""
        asked = _Asked(ledger.epoch(), since, rests, strict)
        known = self._find(ledger, name, asked)
        if known is not None and known.fits(asked, ledger.clock.now()):
            return Told(known.answer, known.row.at, False)
        counted, begun = self._begin(ledger, name, count, asked)
        left: float | None = max(0, begun + self.patience - time.monotonic())
        if known is not None and known.row.took > self.patience * 1e6:
            left = 0
        elif must:
            left = None
        if wait([counted], left).done:
            found = counted.result()
            return Told(found.answer, found.row.at, False)
        return Told(known and known.answer, known and known.row.at, True)

    def close(self) -> None:
        """Wait a while for what is being counted; what takes longer is left to end by itself."""
        with self._lock:
            left = [counted for counted, _ in self._under_way.values()]
        wait(left, LEAVING)

    def _find(self, ledger: Ledger, name: str, asked: _Asked) -> Known | None:
        """What this worker knows; what another worker has counted, if that is newer."""
        known = self._known.get(name)
        if known is not None and known.fits(asked, ledger.clock.now()):
            return known
        if not asked.rests:
            return known
        with ledger.database.read() as connection:
            row = counts.find(connection, name)
        if row is not None and (known is None or row.at > known.row.at):
            self._known[name] = known = Known(row, json.loads(row.answer))
        return known

    def _begin(
        self, ledger: Ledger, name: str, count: Count, asked: _Asked
    ) -> tuple[Future[Known], float]:
        """The count that is under way, begun if there is none; and when it began."""
        with self._lock:
            found = self._under_way.get(name)
            if found is None:
                found = self._under_way[name] = Future(), time.monotonic()
                work = (ledger, name, count, asked, found[0])
                Thread(target=self._count, args=work, name=f"count {name}", daemon=True).start()
            return found

    def _count(
        self, ledger: Ledger, name: str, count: Count, asked: _Asked, counted: Future[Known]
    ) -> None:
        """In a thread of its own: count, remember, and keep it for the other workers."""
        try:
            at, begun = ledger.clock.now(), time.monotonic()
            answer = count()
            took = int((time.monotonic() - begun) * 1e6)
            row = Row(name, json.dumps(answer), at, took, *asked[:2])
            found = self._known[name] = Known(row, answer)
            if asked.rests:
                counts.keep(ledger.database, row)
        except Exception as error:
            log.warning("counting failed (%s)", type(error).__name__)
            self._end(name)
            counted.set_exception(error)
        else:
            self._end(name)
            counted.set_result(found)

    def _end(self, name: str) -> None:
        with self._lock:
            del self._under_way[name]
