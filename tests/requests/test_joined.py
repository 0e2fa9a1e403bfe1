"""One person under two references: counted once, whoever counts, on every kind of database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.answers import Engine, Times, population_answer
from ledger.calendar import parse_as_of
from ledger.choosing.joining import join
from ledger.commands import Record, Reference
from ledger.events import ContactedUs, OrderPlaced
from ledger.handlers import record
from ledger.store.recorder import Written
from tests.requests.conftest import Office
from tests.stories.facts_room import on


def told(office: Office, who: str, day: str) -> UUID:
    fact = ContactedUs(**on(day), channel="form")
    found = record(office.ledger, Record(fact, Reference("crm", who))).subject
    assert found is not None
    return found


def counts(office: Office, times: Times, engine: Engine) -> tuple[int, int, int]:
    found: dict[str, Any] = population_answer(office.ledger, times, engine)
    return found["subjects"], found["joined"], found["people"]


@pytest.mark.clause("SS-DSR-8")
@pytest.mark.parametrize("engine", ["live", "sql", "fold"])
def test_whoever_has_two_references_is_one_of_the_people(office: Office, engine: Engine) -> None:
    office.told(OrderPlaced(**on("2025-03-01")))
    zoe = told(office, "z", "2025-03-01")
    ann, late = told(office, "a", "2025-03-01"), told(office, "b", "2025-09-01")
    office.clock.advance(days=1)
    before = office.clock.now()
    office.clock.advance(days=1)
    for kept, other in ((ann, late), (ann, zoe)):
        assert isinstance(join(office.ledger, kept, other, "same_address"), Written)
    office.clock.advance(days=1)  # the live tables answer for a day that is over
    assert counts(office, Times(), engine) == (4, 2, 2)
    if engine != "live":
        # In June one of her references was not known yet; as known before, nobody was joined.
        assert counts(office, Times(parse_as_of("2025-06-01")), engine) == (3, 1, 2)
        assert counts(office, Times(None, before), engine) == (4, 0, 4)
