"""Whether she is awaited under any of her references: the facts for the rule that says so.

What this file never does: decide. Read next: `ledger/policy/awaiting.py`, the rule; `optin.py`,
which makes the tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from ledger.aggregates import consent
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.errors import Refusal
from ledger.events import ConsentGiven, ConsentRenewed, Fact
from ledger.policy.awaiting import ASKED, Awaited, awaited
from ledger.policy.book import Book
from ledger.policy.choosing import waits_until
from ledger.policy.consents import GRANTS
from ledger.projections.joins import Joins
from ledger.projections.live import standing
from ledger.projections.model import ChoiceKey
from ledger.store import reader, states


def awaited_of(
    connection: Any,
    joins: Joins,
    subject: UUID,
    book: Book,
    as_of: Instant | None = None,
    known: int | None = None,
) -> tuple[Awaited, ...]:
    """The requests to confirm that nothing of hers has answered, at (`as_of`, `known`), whichever
    of her ids this is."""
    rows = [
        row
        for one in joins.family(subject)
        for row in standing(states.rows_of(connection, one, known))
        if as_of is None or row.occurred_at <= as_of
    ]
    if not any(row.kind == ASKED for row in rows):
        return ()
    asked = (row.position for row in rows if row.kind == ASKED or row.kind in GRANTS)
    events = (reader.event_at(connection, position) for position in asked)
    facts: dict[int, Fact] = {event.position: event.fact for event in events if event}
    return awaited(rows, facts, book, joins)


def unless_lapsed(
    ledger: Ledger, epoch: int, refused: Refusal | None, state: Any, fact: Fact
) -> Refusal | None:
    """The refusal of a yes that is awaited from her alone, unless she was awaited for too long when
    this was said; any other refusal as it is."""
    if refused is not consent.ONLY_SHE:
        return refused
    asked, book = consent.asked_at(state, fact), ledger.book(epoch)
    return None if asked and fact.occurred.at > waits_until(book, asked) else refused


def refuse_elsewhere(
    ledger: Ledger, epoch: int, subject: UUID, fact: Fact, others: Iterable[consent.Choices]
) -> Refusal | None:
    """Why this yes is not taken: she is awaited, about the same, under another reference of hers.
    `others`: what is decided on under each of those; few of them wait for anything, and only then
    is her history read, for what she said since of herself as one person ends the waiting."""
    if not isinstance(fact, ConsentGiven | ConsentRenewed):
        return None
    if not any(consent.refuse_awaited(state, fact) for state in others):
        return None
    key, said = ChoiceKey(fact.purpose, fact.channel or ""), fact.occurred.at
    with ledger.database.glance() as connection:
        waits = awaited_of(connection, ledger.joins(epoch), subject, ledger.book(epoch))
    is_awaited = any(one.key == key and said <= one.until for one in waits)
    return consent.ONLY_SHE if is_awaited else None
