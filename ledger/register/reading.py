"""The register of a ledger at two times: the only part of this room that asks the ledger.

Costs two passes over the events for the counts (the live tables when asked about now): the register
is an answer for a person, not for a gate. Read next: `formats.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ledger.aggregates.policy_book import evolve, initial, with_declared
from ledger.application import Ledger
from ledger.calendar import Instant, day_of
from ledger.errors import NotFound
from ledger.events import (
    AssessmentRecorded,
    ControllerDeclared,
    DataDisclosed,
    DpoAppointed,
    FieldDeclared,
    ObligationDeclared,
    PurposeDeclared,
    RecipientDeclared,
)
from ledger.register import model
from ledger.register.model import Register
from ledger.store import declarations, population, reader

DECLARING = tuple(
    cls.kind
    for cls in (
        ControllerDeclared,
        DpoAppointed,
        PurposeDeclared,
        RecipientDeclared,
        FieldDeclared,
        ObligationDeclared,
        AssessmentRecorded,
    )
)


class Answer(NamedTuple):
    """The register, and the two times it answers for."""

    register: Register
    as_of: Instant
    position: int


def read(ledger: Ledger, as_of: Instant | None, known_at: Instant | None) -> Answer:
    """The register at (`as_of`, `known_at`); None: now, and all that is known.

    Raises NotFound where no edition was known.
    """
    when = ledger.clock.now() if as_of is None else as_of
    book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        known = reader.position_at(connection, known_at)
        stated = declarations.stated(connection, DECLARING, when, known)
        handed: Any = declarations.stated(connection, (DataDisclosed.kind,), when, known)
        uses = declarations.uses(connection, when, known, DECLARING)
        counted = population.population(connection, book, when, known)
    chain = book.chain(day_of(when), known)
    if not chain:
        raise NotFound("no edition of the policy was known at that time")
    beside = initial()
    for _, fact in stated:
        beside = evolve(beside, fact)
    purposes = with_declared(chain[-1], beside).purposes
    observed = model.Observed(
        counted.classes, {name: model.Use(*use) for name, use in uses.items()}, handed
    )
    found = model.register(chain, purposes, model.declared(stated), observed, day_of(when))
    return Answer(found, when, known)
