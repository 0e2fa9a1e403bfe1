"""The first screen as JSON, and what a worker remembers of it for a minute.

What goes over everybody's live rows is counted by one request at a time, and told to the others.
Read next: `ledger/today.py`.
"""

from __future__ import annotations

import json
from pathlib import Path
from threading import Lock
from typing import Any

from ledger.application import Ledger
from ledger.calendar import MINUTE, day_of, format_day, format_instant
from ledger.sealing.files import read_if_there
from ledger.today import Counted, counted, prompt

KEPT = MINUTE


class Board:
    """What one worker needs to answer: where the journal and the last check are, the days that
    recipients have, and the counts it remembers."""

    def __init__(self, journal: Path | None, checked: Path | None, days: int) -> None:
        self.journal, self.checked, self.days = journal, checked, days
        self._counting = Lock()
        self._known: tuple[Counted, int] | None = None  # and the epoch they are of

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

    def _counted(self, ledger: Ledger) -> Counted:
        with self._counting:
            now, epoch = ledger.clock.now(), ledger.epoch()
            if self._known is not None:
                known, of = self._known
                is_today = day_of(known.at) == day_of(now)
                if of == epoch and is_today and now - known.at < KEPT:
                    return known
            made = counted(ledger, self.days)
            self._known = made, epoch
            return made


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
