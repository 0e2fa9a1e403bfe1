"""A few people with sealed texts, and what must hold of their keys at any time."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.entry import read
from ledger.events import ContactedUs
from ledger.handlers import record
from ledger.store import tables
from tests.contracts.props import now

keys = tables.keys
HORIZON = 35


def told(ledger: Ledger, who: str, text: str) -> tuple[int, UUID]:
    """Somebody writes to us. Returns the position and her id."""
    fact = ContactedUs(occurred=now(ledger), channel="form", text=text)
    done = record(ledger, Record(fact, person=Reference("shop", who)))
    assert done.subject is not None
    return done.written[-1].position, done.subject


def people(ledger: Ledger, n: int, start: int = 0) -> dict[int, str]:
    """What each of `n` people told us, by position."""
    return {
        told(ledger, f"person {i}", f"text {i}")[0]: f"text {i}" for i in range(start, start + n)
    }


def readable(ledger: Ledger, texts: dict[int, str]) -> bool:
    """Whether every one of these texts opens."""
    with ledger.database.read() as connection:
        return all(
            ledger.vault.open(connection, position) == {"text": text}
            for position, text in texts.items()
        )


def epochs_in_use(ledger: Ledger) -> dict[int, int]:
    """Living, operational keys by the epoch they are wrapped under."""
    query = (
        sa.select(keys.c.kek_epoch, sa.func.count())
        .where(keys.c.state == "live", keys.c.tier == "operational")
        .group_by(keys.c.kek_epoch)
    )
    with ledger.database.read() as connection:
        return {row[0]: row[1] for row in connection.execute(query)}


def deaths(ledger: Ledger) -> list[tuple[str, int, str | None]]:
    """The events about KEKs in order: kind, epoch, the day it dies."""
    e = tables.events.c
    query = sa.select(e.kind, e.entry).where(e.kind.like("ledger.kek%")).order_by(e.position)
    found = []
    with ledger.database.read() as connection:
        for kind, raw in connection.execute(query):
            meta: dict[str, Any] = read(raw)["meta"]
            found.append((kind, meta["epoch"], meta.get("dies_on")))
    return found
