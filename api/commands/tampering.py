"""`probant drill tamper`: every attack of docs/evidence.md, tried on a made-up ledger.

The ledger of whoever runs it is not opened. On PostgreSQL the scene is a schema of its own in the
same database, `probant_drill_…`, dropped at the end; whoever connects must be allowed to make one.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from api.options import Run
from api.screen import Screen

if TYPE_CHECKING:
    from api.drill.table import Tried


def tamper(run: Run) -> int:
    """Try every attack of docs/evidence.md on a made-up ledger, and say what caught each."""
    from api.drill.stage import staged
    from api.drill.table import ATTEMPTS, ROWS
    from api.drill.table import run as attack

    began, settings, screen = time.monotonic(), run.settings, run.screen
    tried: list[Tried] = []
    with (
        TemporaryDirectory(prefix="probant-") as folder,
        screen.progress(screen.word("tamper.title")) as advance,
        staged(Path(folder), settings.url, settings.lang) as stage,
    ):
        for one in attack(stage):
            tried.append(one)
            advance(len(tried), len(ATTEMPTS), screen.word(f"tamper_row.{one.attempt.row}"))
    broken = [one for one in tried if not one.as_told]
    content: dict[str, Any] = {
        "ok": not broken,
        "database": settings.database,
        "attacks": len(ROWS),
        "attempts": [one.to_json() for one in tried],
        "seconds": round(time.monotonic() - began, 1),
    }
    screen.answer(content, lambda: list(_told(screen, content, tried)))
    return 1 if broken else 0


def _told(screen: Screen, content: dict[str, Any], tried: Sequence[Tried]) -> Iterator[str]:
    """A heading for each attack; below it each attempt, what caught it, on what that rests."""
    say, row, number = screen.word, "", 0
    yield say("tamper.intro", **{**content, "attempts": len(tried)})
    for one in tried:
        if one.attempt.row != row:
            row, number = one.attempt.row, number + 1
            yield f"{number:>2}. {say(f'tamper_row.{row}')}"
        yield f"    - {say(f'tamper_attempt.{one.attempt.name}')}"
        yield from (f"      {line}" for line in _outcome(screen, one))
    broken = sum(not one.as_told for one in tried)
    limits = sum(not one.attempt.by for one in tried)
    if broken:
        yield say("tamper.broken", broken=broken)
    else:
        yield say("tamper.kept", caught=len(tried) - limits, limits=limits)


def _outcome(screen: Screen, one: Tried) -> Iterator[str]:
    say, attempt = screen.word, one.attempt
    if not one.as_told:
        yield say("tamper.missed")
        yield from (f"{say(f'tamper_by.{seen.by}')}: {seen.sentence}" for seen in one.seen)
    elif not attempt.by:
        yield say("tamper.limit", limit=say(f"tamper_limit.{attempt.name}"))
    else:
        yield say("tamper.by", by=", ".join(say(f"tamper_by.{name}") for name in one.by))
        rests = " · ".join(say(f"tamper_rests.{name}") for name in attempt.by)
        yield say("tamper.rests", rests=rests)
