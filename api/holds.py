"""Holds as JSON: which article blocks the destruction of which classes, and when it is reviewed.

Who placed a hold and why is sealed, and told here to nobody. Read next: `ledger/policy/holds.py`,
`ledger/store/listed.py`, `routes/holds.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import Times
from ledger.application import Ledger
from ledger.calendar import Day, Instant, format_day, format_instant
from ledger.errors import NotFound
from ledger.events import Fact, HoldLifted, HoldPlaced, HoldReviewed, Row
from ledger.policy.holds import Hold, open_holds, restrictions
from ledger.projections.live import standing
from ledger.requests.reading import standing as standing_facts
from ledger.store import listed, reader, states
from ledger.store.listed import Placed, Told
from ledger.store.requests import Step

STEPS: dict[str, type[Fact]] = {"review": HoldReviewed, "lift": HoldLifted}
AT_ONCE = 200  # holds read together


class Known(NamedTuple):
    """A hold that was placed, and how it stands; None: it is not open at that time."""

    placed: Placed
    hold: Hold | None


def holds_answer(
    ledger: Ledger, times: Times, after: int, limit: int, review_by: Day | None
) -> dict[str, Any]:
    """The open holds at two times, in the order in which they were placed; with `review_by`, those
    only that must be reviewed by that day."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    with ledger.database.read() as connection:
        now = listed.placed_now(connection, after, AT_ONCE) if times.known_at is None else None
        known = reader.position_at(connection, times.known_at)
        items: list[dict[str, Any]] = []
        following = None
        while following is None:
            if now is None:
                some = listed.placed(connection, after, AT_ONCE, known)
                told = listed.told(connection, [one.stream for one in some], known)
            else:
                (some, told), now = now, None
            for one in some:
                hold = _judged(told[one.stream], as_of, known)
                if hold is None or (review_by is not None and hold.review > review_by):
                    continue
                if len(items) == limit:
                    following = items[-1]["placed"]
                    break
                items.append(hold_json(Known(one, hold)))
            if len(some) < AT_ONCE:
                break
            after = some[-1].position
    return {
        "as_of": format_instant(as_of),
        "position": known,
        "items": items,
        "next": following,
    }


def hold_answer(ledger: Ledger, id: UUID, times: Times) -> dict[str, Any]:
    """One hold at two times. Raises NotFound for one nobody knew then."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    with ledger.database.read() as connection:
        known = reader.position_at(connection, times.known_at)
        placed = listed.hold(connection, id)
        if placed is None or placed.position > known:
            raise NotFound("this ledger knows no such hold")
        told = listed.told(connection, [id], known)[id]
    return hold_json(Known(placed, _judged(told, as_of, known)))


def kept_at(ledger: Ledger, subject: UUID, as_of: Instant, known: int) -> list[Hold]:
    """What stopped the end of anything of one person at (`as_of`, `known`), under whichever of her
    references: her open holds, and what she asked to keep."""
    joins = ledger.joins(ledger.epoch(), known)
    with ledger.database.read() as connection:
        hers = [states.rows_of(connection, one, known) for one in joins.family(subject)]
    held = holds_at(ledger, [row for rows in hers for row in rows], as_of, known)
    stand = [row for rows in hers for row in standing(rows)]
    return held + restrictions(stand, as_of, known, joins)


def holds_at(ledger: Ledger, rows: Sequence[Row], as_of: Instant, known: int) -> list[Hold]:
    """The holds of one person that are open then. `rows`: hers that are known, as recorded."""
    streams = list({row.stream for row in rows if row.kind == HoldPlaced.kind})
    if not streams:
        return []
    with ledger.database.read() as connection:
        told = listed.told(connection, streams, known)
    found = (_judged(told[stream], as_of, known) for stream in streams)
    return [hold for hold in found if hold is not None]


def hold_json(found: Known) -> dict[str, Any]:
    """A hold as plain values. Of one that is lifted, or not placed yet on that day, that it is."""
    placed, hold = found
    return {
        "id": str(placed.stream),
        "subject": str(placed.subject),
        "placed": placed.position,
        "open": hold is not None,
        "article": hold and hold.article,
        "classes": list(hold.classes) if hold else [],
        "since": hold and format_day(hold.since),
        "review": hold and format_day(hold.review),
        "overdue": bool(hold and hold.overdue),
        "rests_on": list(hold.rests_on) if hold else [],
        "clause": "SS-RET-2",
    }


def _judged(told: Sequence[Told], as_of: Instant, known: int) -> Hold | None:
    """One hold by its facts, corrections resolved."""
    steps = [Step(one.row.position, one.row.recorded_at, one.fact) for one in told]
    facts = {one.position: one.fact for one in standing_facts(steps)}
    found = open_holds(standing([one.row for one in told]), facts, as_of, known)
    return found[0] if found else None
