"""The first screen as JSON, and what a worker remembers of what was counted over everybody.

What goes over everybody's live rows is counted by one request at a time, and told to the others for
a minute; where counting takes long, for ten times as long as it took. Who shows it says when it was
counted. Read next: `ledger/today.py`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, TypeVar

from ledger.application import Ledger
from ledger.calendar import MINUTE, Instant, day_of, format_day, format_instant
from ledger.sealing.files import read_if_there
from ledger.today import Counted, counted, prompt

KEPT = MINUTE
SHARE = 10  # counting takes at most so small a part of the time: a tenth
Answer = TypeVar("Answer")


class Kept(NamedTuple):
    """A count that is remembered: since when, what it costs, and of which rules."""

    answer: Any
    at: Instant
    took: Instant
    of: tuple[int, object]  # the epoch, and what else must not have changed

    def serves(self, now: Instant, of: tuple[int, object]) -> bool:
        """Whether it is still told. A day ends what was counted in it."""
        is_young = 0 <= now - self.at < max(KEPT, SHARE * self.took)
        return is_young and self.of == of and day_of(self.at) == day_of(now)


class Board:
    """What one worker needs to answer: where the journal and the last check are, the days that
    recipients have, and the counts it remembers."""

    def __init__(self, journal: Path | None, checked: Path | None, days: int) -> None:
        self.journal, self.checked, self.days = journal, checked, days
        self._counting: defaultdict[str, Lock] = defaultdict(Lock)
        self._known: dict[str, Kept] = {}

    def answer(self, ledger: Ledger) -> dict[str, Any]:
        """Today, in numbers."""
        found, many, now = prompt(ledger, self.journal), self._counted(ledger), ledger.clock.now()
        tiers = ("past_operational", "past_archive")
        return {
            "at": format_instant(now),
            "day": format_day(day_of(now)),
            "position": found.position,
            "requests": found.requests,
            "holds": {
                **found.holds._asdict(),
                "next_review": found.holds.next_review and format_day(found.holds.next_review),
            },
            "queue": found.queue,
            "erasures_waiting": found.erasures,
            "seal": {
                **found.seal._asdict(),
                **{
                    name: at and format_instant(at)
                    for name, at in (
                        ("covers_until", found.seal.covers_until),
                        ("waiting_since", found.seal.waiting_since),
                    )
                },
            },
            "last_check": last_check(self.checked),
            "counted_at": format_instant(many.at),
            "retention": {
                name: dict(zip(tiers, counts, strict=True)) for name, counts in many.past.items()
            },
            "stale_consents": many.stale,
            "acknowledgements_overdue": many.overdue,
        }

    def remembered(
        self, ledger: Ledger, name: str, count: Callable[[], Answer], since: object = None
    ) -> tuple[Answer, Instant]:
        """The answer of `count` under this name, and when it was counted: anew if it is old, or if
        the policy, the day or `since` changed. While somebody counts, the others are told what was
        known."""
        of = ledger.epoch(), since
        known, now = self._known.get(name), ledger.clock.now()
        may_wait = known is None or known.of != of or day_of(known.at) != day_of(now)
        if not self._counting[name].acquire(blocking=may_wait):
            assert known is not None
            return known.answer, known.at
        try:
            known, begun = self._known.get(name), ledger.clock.now()
            if known is None or not known.serves(begun, of):
                answer = count()
                known = Kept(answer, begun, ledger.clock.now() - begun, of)
                self._known[name] = known
            return known.answer, known.at
        finally:
            self._counting[name].release()

    def past(self, ledger: Ledger) -> tuple[dict[str, tuple[int, int]], Instant]:
        """How many people are past a term of each class: of daily use, of the archive; and when
        that was counted."""
        many = self._counted(ledger)
        return many.past, many.at

    def _counted(self, ledger: Ledger) -> Counted:
        found, _ = self.remembered(ledger, "everybody", lambda: counted(ledger, self.days))
        return found


def note_check(file: Path, content: dict[str, Any]) -> None:
    """Remember that the log was verified: a note for people, which proves nothing."""
    from ledger.sealing.files import write_whole

    write_whole(file, json.dumps(content).encode(), 0o600)


def last_check(file: Path | None) -> dict[str, Any] | None:
    """The last note; None when there is none that can be read."""
    raw = None if file is None else read_if_there(file)
    try:
        said = None if raw is None else json.loads(raw)
        return None if said is None else {name: said[name] for name in CHECK}
    except (ValueError, KeyError, TypeError):
        return None


CHECK = ("at", "position", "ok", "findings")
