"""`GET /v1/subjects/{id}/timeline`: what was recorded about one person, in the order it was.

Every fact is shown as it was recorded, with whether it still stands and what amended it; a
correction stands at its own position and names the fact it amends. Clear fields only: a personal
part says that it is sealed, or what became of it. Pages follow positions, so that what is recorded
meanwhile comes at the end and never moves what was read. Read next: `ledger/store/timeline.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import ledger.store.timeline as history
from api.answers import Times, joined_json
from ledger.application import Ledger
from ledger.calendar import Instant, format_day, format_instant
from ledger.errors import NotFound
from ledger.events import CORRECTION, VOID, Row
from ledger.fields import Unreadable
from ledger.store import reader
from ledger.store.timeline import Told

DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
_AMENDING = ("ref", "root", "class")  # fields of an amendment that are told in other words

Amendments = dict[int, list[Row]]
Parts = dict[tuple[int, str], Unreadable]


def timeline_answer(
    ledger: Ledger, subject: UUID, times: Times, after: int = 0, limit: int = DEFAULT_LIMIT
) -> dict[str, Any]:
    """At most `limit` facts after position `after`: those known at `known_at` that had happened,
    as they stood, at `as_of` (None: all). Raises NotFound for somebody this ledger never knew."""
    with ledger.database.read() as connection:
        known = reader.position_at(connection, times.known_at)
    joins = ledger.joins(ledger.epoch(), known)
    people = joins.everybody(subject)
    with ledger.database.read() as connection:
        if history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
        items: list[dict[str, Any]] = []
        for told, amended, parts in _pages(connection, people, after, known, limit + 1):
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


def _pages(
    connection: Any, people: Sequence[UUID], after: int, known: int, size: int
) -> Iterator[tuple[list[Told], Amendments, Parts]]:
    """The history page by page, each with the amendments and the parts of its facts."""
    while True:
        told = history.page(connection, people, after, known, size)
        if told:
            roots = {_root(one.row) for one in told}
            amended = history.amendments(connection, roots, known)
            yield told, amended, history.parts(connection, told)
        if len(told) < size:
            return
        after = told[-1].row.position


def _root(row: Row) -> int:
    """The position of the fact that this one amends; its own, if it amends none."""
    return row.ref_position if row.ref_position and row.kind in (CORRECTION, VOID) else row.position


def _happened(row: Row, amended: Amendments) -> Instant:
    """When the fact was true, as it stands; an amendment goes with the fact it amends."""
    last = amended.get(_root(row))
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
        "data": _data(told),
        "personal": {name: parts[row.position, name].value for name, _ in told.parts},
    }
    root = _root(row)
    if root == row.position:
        by = amended.get(row.position, [])
        stands = "as_recorded" if not by else "voided" if by[-1].kind == VOID else "corrected"
        return {**item, "stands": stands, "amended_by": [one.position for one in by]}
    is_last = amended[root][-1].position == row.position
    return {**item, "stands": "in_force" if is_last else "superseded", "amends": root}


def _data(told: Told) -> dict[str, Any]:
    """The clear fields, in the form in which a caller states them."""
    values = ((spec, getattr(told.fact, spec.name)) for spec in told.fact.specs)
    hidden = () if _root(told.row) == told.row.position else _AMENDING
    return {
        spec.key: spec.codec.dump(value)
        for spec, value in values
        if not spec.personal and value is not None and spec.key not in hidden
    }
