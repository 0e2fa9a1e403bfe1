"""The first screen as JSON, and what a worker remembers.

What goes over everybody's live rows is counted beside whoever asks: `counting.py`. Who shows it
says when it was counted. Read next: `ledger/today.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from api.counting import Counting, Told
from api.retention import calendar_answer, due_page
from ledger.application import Ledger
from ledger.calendar import day_of, format_day, format_instant
from ledger.sealing.files import read_if_there
from ledger.store import dashboard
from ledger.today import Counted, counted, prompt


class Board:
    """What one worker needs to answer: where the journal and the last check are, the days that
    recipients have, and the counts it remembers."""

    def __init__(self, journal: Path | None, checked: Path | None, days: int) -> None:
        self.journal, self.checked, self.days = journal, checked, days
        self.counting = Counting()
        self._drawn: dict[tuple[str, ...], tuple[object, Markup]] = {}

    def answer(self, ledger: Ledger, *, must: bool = True) -> dict[str, Any]:
        """Today, in numbers. Unless they `must` be there, those that go over everybody are None
        while they are counted for the first time."""
        if ledger.database.is_sitting:  # a page: it is all asked for next
            with ledger.database.read() as connection:
                dashboard.first(connection)
        many = self._counted(ledger, must=must)
        found, now = prompt(ledger, self.journal), ledger.clock.now()
        said = many.answer or {}
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
            "counted_at": many.at and format_instant(many.at),
            "counting": many.is_old,
            "retention": said.get("retention"),
            "stale_consents": said.get("stale_consents"),
            "acknowledgements_overdue": said.get("acknowledgements_overdue"),
        }

    def drawn(self, name: tuple[str, ...], source: object, draw: Callable[[], Markup]) -> Markup:
        """A part of a page, made of `source` alone: drawn once, as long as that is remembered."""
        found = self._drawn.get(name)
        if found is None or found[0] is not source:
            found = self._drawn[name] = source, draw()
        return found[1]

    def due(self, ledger: Ledger, klass: str, limit: int, last_run: int | None) -> Told:
        """The first items of a class that are past their end, as `GET /v1/retention/due` lists
        them; listed anew after a run."""
        read = partial(due_page, ledger, klass, None, None, limit)
        return self.counting.told(ledger, f"due {klass}", read, last_run, rests=False)

    def past(self, ledger: Ledger) -> Told:
        """How many people are past a term of each class, under `retention`: as `answer` says."""
        return self._counted(ledger)

    def calendar(self, ledger: Ledger, months: int, last_run: int | None) -> Told:
        """What falls due when, as `GET /v1/retention/calendar` says it; counted anew after a run.
        `last_run`: where it stands in the log."""
        count = partial(calendar_answer, ledger, months)
        return self.counting.told(ledger, f"calendar {months}", count, last_run)

    def _counted(self, ledger: Ledger, *, must: bool = False) -> Told:
        return self.counting.told(
            ledger, "everybody", lambda: _said(counted(ledger, self.days)), must=must
        )


def _said(found: Counted) -> dict[str, Any]:
    tiers = ("past_operational", "past_archive")
    return {
        "retention": {
            name: dict(zip(tiers, people, strict=True)) for name, people in found.past.items()
        },
        "stale_consents": found.stale,
        "acknowledgements_overdue": found.overdue,
    }


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
