"""Activity: first and last fact of each (class, scope, kind, edition), by (local day, position).

Everything that happened to a person counts here, mailings included: which kinds move a clock is the
edition's business, asked at read. Corrections and voids are no activity of their own.
"""

from __future__ import annotations

from ledger.events import CORRECTION, KINDS, VOID, Row
from ledger.projections.model import ActivityKey, Span

META = frozenset({CORRECTION, VOID})

ALSO: dict[str, str] = {kind: fact.also for kind, fact in KINDS.items() if fact.also is not None}
"""The second class of the kinds whose personal part dies item by item (login day, payment)."""


def delta(row: Row) -> list[tuple[ActivityKey, Span]]:
    """What one fact adds: one span, or two when its kind also belongs to a class of items."""
    klass, kind = row.klass, row.kind
    if row.subject is None or klass is None or kind in META:
        return []
    span = Span(row.local_day, row.position, row.local_day, row.position, 1)
    item = row.item or ""
    also = ALSO.get(kind)
    if also is None:
        return [(ActivityKey(klass, item, kind, row.edition), span)]
    home = (ActivityKey(klass, "", kind, row.edition), span)
    return [home, (ActivityKey(also, item, kind, row.edition), span)] if item else [home]
