"""Where things stand after a death, at two times: one person under all her references.

The rule is `ledger/policy/death.py`; here it is given her facts. What this file never does: judge,
or open what an heir wrote.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.events import Died, Fact
from ledger.policy.death import AfterDeath, after_death
from ledger.projections.joins import Joins
from ledger.projections.live import standing
from ledger.store import reader, states


def of_now(ledger: Ledger, subject: UUID) -> AfterDeath | None:
    """Where things stand now. Whether there was a death the live tables say, so that nobody's whole
    history is read for it."""
    joins = ledger.joins(ledger.epoch())
    with ledger.database.read() as connection:
        if not states.have_died(connection, joins.family(subject)):
            return None
        return of_person(connection, joins, subject, ledger.clock.now())


def of_person(
    connection: Any, joins: Joins, subject: UUID, as_of: Instant, known: int | None = None
) -> AfterDeath | None:
    """Where things stand with one person, whichever of her ids this is, at (`as_of`, `known`); None
    while no death of hers is known. `joins`: who was one person with whom then."""
    rows = [
        r for one in joins.family(subject) for r in standing(states.rows_of(connection, one, known))
    ]
    deaths = [row.position for row in rows if row.kind == Died.kind]
    events = (reader.event_at(connection, position) for position in deaths)
    facts: dict[int, Fact] = {event.position: event.fact for event in events if event}
    return after_death(rows, facts, as_of, joins)
