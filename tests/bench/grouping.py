"""Sixteen callers who record one fact each, again and again, beside bare rows on four connections.

The peer inserts a row of the size of an entry and commits, on four connections at once, so that
PostgreSQL shares its own flushes among them. It decides, hashes, indexes and projects nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from uuid import uuid4

import psycopg2
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.commands import Command
from ledger.grouping import Writer, collect_seldom

CALLERS, CONNECTIONS, EACH = 16, 4, 200
ENTRY = 420  # bytes of a typical entry


def ours(ledger: Ledger, wish: Callable[[], Command]) -> float:
    """Facts per second, each caller waiting for its own commit."""
    collect_seldom()  # as `probant serve` does
    writer = Writer(ledger)

    def call(_caller: int) -> None:
        for _ in range(EACH):
            writer.record([wish()]).result()

    try:
        return _rate(CALLERS, EACH, call)
    finally:
        writer.close()


def bare(url: str) -> float:
    """Rows per second."""
    where = sa.make_url(url).set(drivername="postgresql").render_as_string(False)
    name = f"bare_{uuid4().hex[:8]}"
    with closing(psycopg2.connect(where)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {name} (id bigserial primary key, entry bytea)")
        connection.commit()
    each = EACH * CALLERS // CONNECTIONS

    def call(_caller: int) -> None:
        with closing(psycopg2.connect(where)) as connection, connection.cursor() as cursor:
            for _ in range(each):
                cursor.execute(f"INSERT INTO {name} (entry) VALUES (%s)", (os.urandom(ENTRY),))
                connection.commit()

    return _rate(CONNECTIONS, each, call)


def _rate(callers: int, each: int, call: Callable[[int], None]) -> float:
    with ThreadPoolExecutor(callers) as pool:
        started = time.perf_counter()
        list(pool.map(call, range(callers)))
        return callers * each / (time.perf_counter() - started)
