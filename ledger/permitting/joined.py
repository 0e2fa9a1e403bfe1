"""One person under several references, as the rules see her. Reads nothing.

Read next: `ledger/projections/joins.py`, which says which of two choices counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.policy.permissions import Person
from ledger.projections.joins import Joins, honoured


def as_one(own: Person, others: Sequence[tuple[int, Person]], joins: Joins) -> Person:
    """One person under several references, given each of the others with the position since when
    they are one: all that was recorded of any of them is hers, and of two answers the one that
    protects her more (`honoured`, `last_words`; decisions 0020, 0047)."""
    everybody = (own, *(person for _, person in others))
    rows = sorted((row for person in everybody for row in person.rows), key=lambda r: r.position)
    state = own.state._replace(
        consents=honoured(own.state.consents, [(at, p.state.consents) for at, p in others]),
        contracts={key: c for p in everybody for key, c in p.state.contracts.items()},
    )
    facts = {position: fact for person in everybody for position, fact in person.facts.items()}
    opposed = frozenset(one for person in everybody for one in person.opposed)
    return Person(state, tuple(rows), facts, opposed, joins, ((0, own), *others))
