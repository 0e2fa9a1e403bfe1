"""Contracts as JSON: how long each runs, whether she was told before it is renewed, and which of
her classes' clocks stand still meanwhile.

Read next: `ledger/policy/evaluate.py` (what a contract suspends), `routes/contracts.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.answers import Times
from api.things import everything_of, rows_of
from ledger.application import Ledger
from ledger.calendar import Day, day_of, format_day, format_instant, is_past
from ledger.errors import NotFound
from ledger.events import (
    ContractAmended,
    ContractEnded,
    ContractRenewed,
    Fact,
    RenewalNotified,
    Row,
)
from ledger.policy.evaluate import deadlines_now
from ledger.projections.model import Contract
from ledger.store import reader, states
from replay import fold as replaying

STEPS: dict[str, type[Fact]] = {
    "notify-renewal": RenewalNotified,
    "renew": ContractRenewed,
    "amend": ContractAmended,
    "end": ContractEnded,
}


def contracts_answer(ledger: Ledger, subject: UUID, times: Times) -> dict[str, Any]:
    """Every contract of one person at two times, in the order of their ids. Raises NotFound."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    with ledger.database.read() as connection:
        known = reader.position_at(connection, times.known_at)
    people = ledger.joins(ledger.epoch(), known).everybody(subject)
    told = _told(everything_of(ledger, subject, known), as_of)
    book, items = ledger.book(ledger.epoch()), []
    for one in people:
        with ledger.database.read() as connection:
            rows = states.rows_of(connection, one, known)
        state = replaying.fold_subject(rows, as_of, known)
        stopped: dict[str, list[str]] = {}
        for deadline in deadlines_now(state, book, as_of, known):
            for suspension in deadline.suspended_by:
                stopped.setdefault(suspension.item, []).append(deadline.klass)
        items += [
            contract_json(one, id, contract, told.get(id), sorted(set(stopped.get(id, ()))), as_of)
            for id, contract in sorted(state.contracts.items())
        ]
    return {
        "subject": str(subject),
        "as_of": format_instant(as_of),
        "known_at": None if times.known_at is None else format_instant(times.known_at),
        "position": known,
        "items": items,
    }


def contract_answer(ledger: Ledger, id: UUID, times: Times) -> dict[str, Any]:
    """One contract at two times. Raises NotFound for one nobody knew then."""
    subject = rows_of(ledger, "contract", id)[0].subject
    assert subject is not None
    found = contracts_answer(ledger, subject, times)
    for item in found["items"]:
        if item["id"] == str(id):
            return {**{name: found[name] for name in ("as_of", "known_at", "position")}, **item}
    raise NotFound("this ledger knew no such contract then")


def contract_json(
    subject: UUID, id: str, c: Contract, told: Row | None, stopped: Sequence[str], as_of: int
) -> dict[str, Any]:
    """A contract as plain values. `until`: as planned; `ended`: as recorded."""
    state = "runs"
    if c.ended_day is not None:
        state = "ended"
    elif c.planned_day is not None and not c.tacit and is_past(c.planned_day, day_of(as_of)):
        state = "over"  # its planned end has passed and nobody said that it goes on
    positions = (c.from_position, c.planned_position, c.ended_position, told and told.position)
    return {
        "id": id,
        "subject": str(subject),
        "type": c.type,
        "state": state,
        "from": _day(c.from_day),
        "until": _day(c.planned_day),
        "tacit": c.tacit,
        "ended": _day(c.ended_day),
        "renewal_notified": told and {"on": format_day(told.local_day), "position": told.position},
        "suspends": list(stopped),
        "clause": "SS-ACT-3" if state == "ended" else "SS-ACT-2",
        "rests_on": sorted({position for position in positions if position}),
    }


def _told(rows: Sequence[Row], as_of: int) -> dict[str, Row]:
    """The last time that she was told of a renewal, by contract."""
    found = {}
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.position)):
        if row.kind == RenewalNotified.kind and row.item and row.occurred_at <= as_of:
            found[row.item] = row
    return found


def _day(day: Day | None) -> str | None:
    return None if day is None else format_day(day)
