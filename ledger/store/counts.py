"""What was last counted over everybody, and when: numbers only, of nobody.

A worker that starts tells them until it has counted itself, and what one worker counted the others
need not. They may be deleted at any time: then they are counted again. Read next:
`api/counting.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.store import tables
from ledger.store.database import Database, speaking
from ledger.store.statements import upsert

counts = tables.counts.c


class Row(NamedTuple):
    """One count: its answer as JSON, as of when, how long counting took (µs), and of which epoch
    and which run of retention (None: there was none, or it does not matter)."""

    name: str
    answer: str
    at: Instant
    took: Instant
    epoch: int
    since: int | None


def find(connection: sa.Connection, name: str) -> Row | None:
    """The last count of this name."""
    found = connection.execute(sa.select(tables.counts).where(counts.name == name)).first()
    return None if found is None else Row(*found)


def keep(database: Database, row: Row) -> None:
    """Put it in the place of the one before."""
    with speaking(), database.write() as connection:
        upsert(connection, tables.counts, [row._asdict()], Row._fields[1:])
