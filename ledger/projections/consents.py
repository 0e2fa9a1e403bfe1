"""Consents: for each (purpose, channel), the expression that counts and the stops around it.

The last expression by (weight, occurred instant, rank, position) wins; a request weighs nothing
beside an answer, and at one instant the withdrawal beats the grant. A live grant recorded more than
five minutes after it is said to have happened is ignored once a stop is known: nobody revives a
withdrawn consent by dating a new one back (SS-LB-2, SS-LB-3; GDPR art. 7(3), 21).
"""

from __future__ import annotations

from ledger.calendar import MINUTE
from ledger.events import Row
from ledger.projections.model import ChoiceKey, Expression

REQUESTED = "consent.requested.v1"
ASSESSED = "objection.assessed.v1"
GRANTS = frozenset({"consent.given.v1", "consent.renewed.v1"})
STOPS = frozenset({"consent.withdrawn.v1", "objection.raised.v1"})
RANKS = {
    REQUESTED: 0,
    **dict.fromkeys(GRANTS, 0),
    "objection.lifted.v1": 0,
    ASSESSED: 0,  # only when the objection was overridden
    **dict.fromkeys(STOPS, 1),
    "consent.refused.v1": 1,
    "consent.invalidated.v1": 1,
}
BACKDATED = 5 * MINUTE


def is_expression(row: Row) -> bool:
    """Whether this fact says yes, no, or that she was asked."""
    return row.kind in RANKS and (row.kind != ASSESSED or row.decision == "overridden")


def key_of(row: Row) -> ChoiceKey:
    """What the expression is about."""
    return ChoiceKey(row.purpose or "", row.channel or "")


def apply(known: Expression | None, row: Row) -> Expression | None:
    """The expression that counts after one more, which must have the highest position so far.

    A stop keeps its place in `first_stop` and `last_stop` even when it does not win. A grant is
    ignored because of stops of lower positions only, so what was counted stays counted.
    """
    first_stop = known.first_stop if known else None
    last_stop = known.last_stop if known else None
    live = row.actor != "import"
    if row.kind in STOPS:
        first_stop = row.position if first_stop is None else first_stop
        last_stop = row.position if live else last_stop
    elif row.kind in GRANTS and live and first_stop is not None and _is_backdated(row):
        return known
    if known is not None and not _beats(row, known):
        return known._replace(first_stop=first_stop, last_stop=last_stop)
    return Expression(
        at=row.occurred_at,
        rank=RANKS[row.kind],
        position=row.position,
        kind=row.kind,
        day=row.local_day,
        edition=row.edition,
        grade=row.grade,
        actor=row.actor,
        first_stop=first_stop,
        last_stop=last_stop,
    )


def _is_backdated(row: Row) -> bool:
    return row.occurred_at < row.recorded_at - BACKDATED


def _beats(row: Row, known: Expression) -> bool:
    new = (row.kind != REQUESTED, row.occurred_at, RANKS[row.kind], row.position)
    return new > (known.kind != REQUESTED, known.at, known.rank, known.position)
