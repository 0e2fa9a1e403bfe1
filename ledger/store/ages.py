"""How long ago, and how soon: ages of what is held, and the next end of a term.

Over the same items that `population.py` counts, judged by the same query.
"""

from __future__ import annotations

import sqlalchemy as sa

from ledger.calendar import Day, Instant, day_of
from ledger.policy.book import Book
from ledger.projections.population import Age
from ledger.store.population import Query, Source


def ages(
    connection: sa.Connection,
    book: Book,
    as_of: Instant,
    known: int | None = None,
    source: Source = "events",
) -> list[Age]:
    """What is held, in daily use or archived, by class and age."""
    query = Query(connection, book, as_of, known, source)
    text = f"""SELECT class, years, past, COUNT(DISTINCT subject), COUNT(*) FROM (
            SELECT class, subject,
                CASE WHEN suspended = 1 THEN NULL WHEN day > {day_of(as_of):d} THEN 0
                ELSE ({day_of(as_of):d} - day) / 10000 END AS years,
                CASE WHEN past + past_archive > 0 THEN 1 ELSE 0 END AS past
            FROM judged WHERE erased = 0) aged_items
        GROUP BY class, years, past ORDER BY class, years IS NULL, years, past"""
    return [Age(name, years, bool(past), *n) for name, years, past, *n in query.run(text)]


def next_end(connection: sa.Connection, book: Book, as_of: Instant) -> Day | None:
    """The first last day, today or later, of a term that runs in daily use; None when none does.
    From the live tables: what an open contract stops does not count."""
    query = Query(connection, book, as_of, None, "live")
    text = f"""SELECT MIN(due) FROM judged WHERE suspended = 0 AND archived = 0 AND erased = 0
        AND due >= {day_of(as_of):d}"""
    found: Day | None = next(iter(query.run(text)))[0]
    return found
