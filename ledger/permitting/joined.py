"""One person under several references, as the rules see her. Reads nothing.

Read next: `ledger/projections/joins.py`, which says which of two choices counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policy.consents import without_proof
from ledger.policy.permissions import Person
from ledger.projections.joins import Joins, honoured
from ledger.projections.model import SubjectState


def as_one(own: Person, others: Sequence[tuple[int, Person]], joins: Joins) -> Person:
    """One person under several references, given each of the others with the position since when
    they are one: all that was recorded of any of them is hers, and of two answers the one that
    protects her more (`honoured`, `last_words`; decisions 0020, 0047)."""
    everybody = (own, *(person for _, person in others))
    rows = sorted((row for person in everybody for row in person.rows), key=lambda r: r.position)
    state = of_all(own.state, [(at, person.state) for at, person in others])._replace(
        contracts={key: c for p in everybody for key, c in p.state.contracts.items()},
    )
    facts = {position: fact for person in everybody for position, fact in person.facts.items()}
    opposed = frozenset(one for person in everybody for one in person.opposed)
    return Person(state, tuple(rows), facts, opposed, joins, ((0, own), *others))


def of_all(own: SubjectState, others: Sequence[tuple[int, SubjectState]]) -> SubjectState:
    """What is derived of one person's own reference, with the choices that count for her under all
    of them, each with what became of its own proof. `others` as for `as_one`."""
    unproved = without_proof((own, *(state for _, state in others)))
    said = [(at, state.consents) for at, state in others]
    return own._replace(consents=honoured(own.consents, said, unproved), unproved=unproved)
