"""The peers: the eventsourcing library doing its own work, and COPY or INSERT of ready rows.

What a peer does is less than what we do beside it: a bare aggregate is not sealed, not indexed by
person, not projected; ready rows are not parsed, identified, hashed or counted.
"""

from __future__ import annotations

import io
import time
from typing import Any
from uuid import UUID

import psycopg2
import sqlalchemy as sa
from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking, TrackingRecorder
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner

from tests.postgres import PostgresServer


class Purchase(Aggregate):
    """An aggregate of the library, about as large as one of our purchases."""

    @event("Placed")
    def __init__(self, customer: str, day: str, minor: int) -> None:
        self.customer, self.day, self.minor = customer, day, minor


class Shop(Application[UUID]):
    """The library's application."""


class LastActivity(TrackingRecorder):
    """What the library's projection keeps: one row per customer."""

    def saw(self, customer: str, day: str, tracking: Tracking) -> None:
        """One purchase."""


class PostgresLastActivity(PostgresTrackingRecorder, LastActivity):
    """The same on PostgreSQL, in the transaction that tracks the notification."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = f"{self.tracking_table_name}_activity"
        self.sql_create_statements.append(
            psycopg_sql(
                f'CREATE TABLE IF NOT EXISTS "{self.datastore.schema}"."{self.table}" '
                "(customer text PRIMARY KEY, day text, n bigint)"
            )
        )

    def saw(self, customer: str, day: str, tracking: Tracking) -> None:
        """One purchase, one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking=tracking)
            cursor.execute(
                psycopg_sql(
                    f'INSERT INTO "{self.datastore.schema}"."{self.table}" VALUES (%s, %s, 1) '
                    "ON CONFLICT (customer) DO UPDATE SET n = "
                    f'"{self.table}".n + 1, day = greatest("{self.table}".day, excluded.day)'
                ),
                (customer, day),
            )


def psycopg_sql(text: str) -> Any:
    """The library composes statements with psycopg's sql module."""
    from psycopg.sql import SQL

    return SQL(text)


class ActivityProjection(Projection[LastActivity]):
    """The library's projection."""

    name = "activity"
    topics = ()

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Every event is a purchase."""
        self.view.saw(domain_event.customer, domain_event.day, tracking)


def library_environment(server: PostgresServer, schema: str) -> dict[str, str]:
    """The library on the same server, in its default mode."""
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": server.database,
        "POSTGRES_HOST": server.host,
        "POSTGRES_PORT": str(server.port),
        "POSTGRES_USER": server.user,
        "POSTGRES_PASSWORD": "trusted",
        "POSTGRES_SCHEMA": schema,
    }


def library_sqlite(path: str) -> dict[str, str]:
    """The library on its own SQLite recorder."""
    return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": path}


def purchases(n: int) -> list[Purchase]:
    """New aggregates, one event each."""
    return [Purchase(f"{i % 997:05d}", "2026-01-05", 1999) for i in range(n)]


def run_projection(environment: dict[str, str], events: int) -> float:
    """Events per second of the library's ProjectionRunner over `events` recorded purchases."""
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Shop,
        projection_class=ActivityProjection,
        view_class=PostgresLastActivity,
        env=environment,
    ) as runner:
        runner.wait(events, timeout=600)
        took = time.perf_counter() - started
    return events / took


def copy_ready(url: str, schema: str, text: str) -> float:
    """Seconds to COPY ready text into an empty table with the indexes of `events`."""
    connection = psycopg2.connect(
        sa.make_url(url).set(drivername="postgresql").render_as_string(False)
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {schema}")
        cursor.execute("DROP TABLE IF EXISTS ready")
        cursor.execute("CREATE TABLE ready (LIKE events INCLUDING ALL)")
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {schema}")
        connection.commit()
        cursor.execute(f"SET search_path = {schema}")
        started = time.perf_counter()
        cursor.copy_expert("COPY ready FROM STDIN", io.StringIO(text))
        connection.commit()
        took = time.perf_counter() - started
    connection.close()
    return took


def events_as_text(url: str, schema: str) -> str:
    """The events of a ledger as COPY text."""
    connection = psycopg2.connect(
        sa.make_url(url).set(drivername="postgresql").render_as_string(False)
    )
    out = io.StringIO()
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SET search_path = {schema}")
        cursor.copy_expert("COPY events TO STDOUT", out)
    connection.close()
    return out.getvalue()
