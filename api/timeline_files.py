"""One person's timeline from a folder of segments, in the shape in which a ledger tells it.

What became of a sealed part is what history says of it: erased where its key was destroyed, lost
where a restore says so, archived where its class went to the archive. Whether the key and the
envelope are there now, only the database could show. Read next: `timeline.py`, `replaying.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import ledger.store.timeline as history
from api.answers import Times
from api.replaying import Source, joined_in, known_by, opened
from api.timeline import told_json
from ledger.errors import NotFound
from ledger.events import CORRECTION, VOID, ClassArchived, Fact, KeyDestroyed, Restored
from ledger.fields import Unreadable
from ledger.projections.joins import Joins
from ledger.store.controlling import Whole
from ledger.store.timeline import Amendments, Parts, Told

DESTROYED = KeyDestroyed.kind


def timeline_alone(
    source: Source, subject: UUID, times: Times, after: int, limit: int
) -> dict[str, Any]:
    """As `timeline_answer`. Raises NotFound for somebody these segments never knew."""
    with opened(source) as (segments, engine):
        known = known_by(segments, engine, times)
        joins = Joins(one.join for one in joined_in(engine, known) if one.undone_at is None)
        people = joins.everybody(subject)
        ever = [history.told_of(*one) for one in engine.entries(people=people)]
        if not ever:
            raise NotFound("these segments know no such subject")
        keys, first = {key for one in ever for _, key in one.parts}, min(map(_position, ever))
        ours = [*engine.company(kinds=(Restored.kind,)), *engine.naming(DESTROYED, keys, first)]
        company = [Whole(*one).fact for one in ours]
    parts = _parts(ever, [*company, *(one.fact for one in ever)])
    told = sorted((one for one in ever if one.row.position <= known), key=_position)
    later = [one for one in told if one.row.position > after]
    return told_json(subject, joins, times, known, [(later, _amended(told), parts)], limit)


def _position(told: Told) -> int:
    return told.row.position


def _amended(told: Iterable[Told]) -> Amendments:
    found: Amendments = {}
    for one in told:
        if one.row.kind in (CORRECTION, VOID):
            found.setdefault(one.row.ref_position or 0, []).append(one.row)
    return found


def _parts(told: Iterable[Told], facts: Iterable[Fact]) -> Parts:
    erased: set[UUID] = set()
    archived: set[UUID] = set()
    lost: list[tuple[int, int]] = []
    for fact in facts:
        if isinstance(fact, KeyDestroyed):
            erased.update(key.kid for key in fact.keys)
        elif isinstance(fact, ClassArchived):
            archived.update(fact.keys or ())
        elif isinstance(fact, Restored):
            lost += fact.lost_parts or ()

    def state(position: int, key: UUID) -> Unreadable:
        if key in erased:
            return Unreadable.ERASED
        if any(first <= position <= last for first, last in lost):
            return Unreadable.LOST
        return Unreadable.ARCHIVED if key in archived else Unreadable.SEALED

    return {
        (one.row.position, name): state(one.row.position, key)
        for one in told
        for name, key in one.parts
    }
