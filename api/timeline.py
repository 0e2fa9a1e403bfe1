"""`GET /v1/subjects/{id}/timeline`: what was recorded about one person, in the order it was.

Every fact is shown as it was recorded, with whether it still stands and what amended it; a
correction stands at its own position and names the fact it amends. Clear fields only: a personal
part says that it is sealed, or what became of it. Pages follow positions, so that what is recorded
meanwhile comes at the end and never moves what was read. Read next: `ledger/store/timeline.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import ledger.store.timeline as history
from api.answers import Times, joined_json
from ledger.application import Ledger
from ledger.calendar import Instant, format_day, format_instant
from ledger.errors import NotFound
from ledger.events import Row
from ledger.projections.joins import Joins
from ledger.store import reader
from ledger.store.timeline import Amendments, Page, Parts, Told

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000


def timeline_answer(
    ledger: Ledger, subject: UUID, times: Times, after: int = 0, limit: int = DEFAULT_LIMIT
) -> dict[str, Any]:
    """At most `limit` facts after position `after`: those known at `known_at` that had happened, as
    they stood, at `as_of` (None: all). Raises NotFound for somebody this ledger never knew."""
    with ledger.database.read() as connection:
        known = reader.position_at(connection, times.known_at)
    joins = ledger.joins(ledger.epoch(), known)
    people = joins.everybody(subject)
    with ledger.database.read() as connection:
        pages = history.pages(connection, people, after, known, limit + 1)
        answer = told_json(subject, joins, times, known, pages, limit)
        if not answer["items"] and history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
    return answer


def told_json(
    subject: UUID, joins: Joins, times: Times, known: int, pages: Iterable[Page], limit: int
) -> dict[str, Any]:
    """The first `limit` facts of these pages that had happened, as plain values."""
    items: list[dict[str, Any]] = []
    for told, amended, parts in pages:
        items += [
            _item(one, amended, parts)
            for one in told
            if times.as_of is None or _happened(one.row, amended) <= times.as_of
        ]
        if len(items) > limit:
            break
    has_more = len(items) > limit
    return {
        "subject": str(subject),
        **joined_json(joins, subject),
        "as_of": None if times.as_of is None else format_instant(times.as_of),
        "known_at": None if times.known_at is None else format_instant(times.known_at),
        "position": known,
        "items": items[:limit],
        "next": items[limit - 1]["position"] if has_more else None,
    }


def _happened(row: Row, amended: Amendments) -> Instant:
    """When the fact was true, as it stands; an amendment goes with the fact it amends."""
    last = amended.get(history.root_of(row))
    return last[-1].occurred_at if last else row.occurred_at


def _item(told: Told, amended: Amendments, parts: Parts) -> dict[str, Any]:
    row = told.row
    item: dict[str, Any] = {
        "position": row.position,
        "subject": str(row.subject),
        "kind": row.kind,
        "class": row.klass,
        "occurred": format_day(row.local_day)
        if row.grain == "day"
        else format_instant(row.occurred_at),
        "recorded_at": format_instant(row.recorded_at),
        "actor": row.actor,
        "edition": format_day(row.edition),
        "stream": str(row.stream),
        "item": row.item,
        "data": history.stated(told),
        "personal": {name: parts[row.position, name].value for name, _ in told.parts},
    }
    return {**item, **history.standing(row, amended)}
