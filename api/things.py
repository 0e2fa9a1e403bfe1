"""Facts of a card, a contract or a hold over HTTP: what is sent, whose the thing is, what is said.

A thing is named by the id of its stream. The fields of each step are those of its fact, under
`data`, as with `POST /v1/facts`; who may tell which is decided by the same table (`telling.py`).
Read next: `cards.py`, `contracts.py`, `holds.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from api import telling
from api.facts import (
    actor_of,
    an_object,
    check_keys,
    load_of,
    moment_of,
    reference_of,
)
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record
from ledger.errors import NotFound, Refusal, Refused
from ledger.events import Fact, Row, build
from ledger.fields import IDENTIFIER
from ledger.store import states
from replay import fold as replaying

BEGIN_KEYS = ("id", "person", "subject", "thing", "occurred", "actor", "data")
STEP_KEYS = ("occurred", "actor", "data")


def beginning(
    ledger: Ledger, cls: type[Fact], item: dict[str, Any], roles: Collection[str]
) -> Record:
    """The wish that begins a thing, from a body already checked for its keys. Raises BadData."""
    shared = _shared(ledger, item, roles)
    if item.get("subject") is not None:
        shared["subject"] = load_of("subject", IDENTIFIER, item["subject"])
    stream = item.get("id")
    wish = Record(
        build(cls, shared, _data(cls, item)),
        person=reference_of("person", item.get("person")),
        stream=None if stream is None else load_of("id", IDENTIFIER, stream),
        thing=reference_of("thing", item.get("thing")),
    )
    return _permitted(ledger, roles, wish)


def step(
    ledger: Ledger, cls: type[Fact], id: UUID, item: dict[str, Any], roles: Collection[str]
) -> Record:
    """The wish that adds a step to a thing. Raises NotFound for one nobody knows, BadData."""
    shared = {**_shared(ledger, item, roles), "subject": owner(ledger, cls.aggregate, id)}
    wish = Record(build(cls, shared, _data(cls, item)), stream=id)
    return _permitted(ledger, roles, wish)


def owner(ledger: Ledger, aggregate: str, id: UUID) -> UUID:
    """Whose this card, contract or hold is, under the id by which new facts name her. Raises
    NotFound."""
    rows = rows_of(ledger, aggregate, id)
    assert rows[0].subject is not None
    return ledger.joins(ledger.epoch()).kept(rows[0].subject)


def rows_of(ledger: Ledger, aggregate: str, id: UUID) -> list[Row]:
    """Every fact of this thing. Raises NotFound when there is none."""
    with ledger.database.read() as connection:
        rows = states.rows_of_stream(connection, id)
    if not rows or rows[0].subject is None or not rows[0].kind.startswith(f"{aggregate}."):
        raise NotFound(f"this ledger knows no such {aggregate}")
    return rows


def everything_of(ledger: Ledger, subject: UUID, known: int) -> list[Row]:
    """What was known of one person at a position and stands, under all the ids she has. Raises
    NotFound for somebody this ledger never knew."""
    people = ledger.joins(ledger.epoch(), known).everybody(subject)
    with ledger.database.read() as connection:
        rows = [row for one in people for row in states.rows_of(connection, one)]
    if not rows:
        raise NotFound("this ledger knows no such subject")
    return replaying.effective([row for row in rows if row.position <= known])


def uuid_of(text: str, what: str) -> UUID:
    """The id of a path or a question. Raises NotFound."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"this ledger knows no such {what}") from None


def _shared(ledger: Ledger, item: dict[str, Any], roles: Collection[str]) -> dict[str, Any]:
    now = moment_of_instant(ledger.clock.now())
    actor = actor_of(item, telling.actor_by_default(roles))
    return {"occurred": moment_of(item) or now, "actor": actor}


def _data(cls: type[Fact], item: dict[str, Any]) -> dict[str, Any]:
    data = an_object("data", item.get("data", {}))
    check_keys("data", data, [spec.key for spec in cls.specs])
    return data


def _permitted(ledger: Ledger, roles: Collection[str], wish: Record) -> Record:
    (found,) = telling.permitted(ledger, roles, [wish])
    if isinstance(found, Refusal):
        raise Refused(found)
    assert isinstance(found, Record)
    return found
