"""Ended: what left daily use or was erased, by class and scope; the highest position speaks.

The facts are homed in `rights`; what they speak about is their decision (a class) and their item.
"""

from __future__ import annotations

from ledger.events import Row
from ledger.projections.model import Ended, EndedKey

TIERS = {"customer.class_archived.v1": "archived", "customer.class_erased.v1": "erased"}


def delta(row: Row) -> tuple[EndedKey, Ended] | None:
    """What one of these facts says; None when it names no class."""
    if row.decision is None:
        return None
    ended = Ended(TIERS[row.kind], row.local_day, row.until_day, row.position)
    return EndedKey(row.decision, row.item or ""), ended
