"""The texts that wait for a person: a query over the log, not a table (decision 0019).

What was received and not applied waits until a decision, or a void, points at it. A partial index
holds what can wait at all, so that the query does not grow with the log. Read next:
`ledger/choosing/motives.py`.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant, Moment
from ledger.events import VOID, MotiveReceived
from ledger.store import tables
from ledger.store.mapper import fact_from

DECIDED = "motive.decided.v1"


class Waiting(NamedTuple):
    """A text that waits, without the text."""

    position: int
    id: UUID  # of the event: what a request that was opened from it points at
    subject: UUID
    channel: str
    match: str  # exact | near | unmatched
    motive: str | None  # the phrase that it is, or is like
    received: Moment
    recorded_at: Instant


def waiting(connection: sa.Connection, after: int, limit: int) -> list[Waiting]:
    """At most `limit` texts that wait, after a position, oldest first."""
    heard, reply = tables.events.alias("heard"), tables.events.alias("reply")
    answered = sa.exists().where(
        reply.c.ref_position == heard.c.position, reply.c.kind.in_((DECIDED, VOID))
    )
    query = (
        sa.select(heard.c.position, heard.c.subject, heard.c.entry, heard.c.recorded_at)
        # Written out, not bound: the partial index is found by these very words.
        .where(sa.text("heard.kind = 'motive.received.v1' AND heard.decision <> 'applied'"))
        .where(heard.c.position > after, ~answered)
        .order_by(heard.c.position)
        .limit(limit)
    )
    found = []
    for row in connection.execute(query):
        said = entry.read(bytes(row.entry))
        fact = fact_from(said)
        assert isinstance(fact, MotiveReceived)
        found.append(
            Waiting(
                row.position,
                UUID(said["id"]),
                row.subject,
                fact.channel,
                fact.match,
                fact.motive,
                fact.occurred,
                row.recorded_at,
            )
        )
    return found
