"""Whom we wait for, to confirm from her own address: one person under all her references. Pure.

Within one reference the door sees to it: while her token is awaited it takes nobody else's yes.
Two references that turn out to be one person were two streams until then, and each waited for its
own. So a yes that one of them holds does not count while the other awaits her confirmation, unless
it is one: the address that was typed in for the other is still nobody's proven address (GDPR art.
4(11), 7(1); decision 0052). A no is never held back, and a question that lapsed holds back nothing.

Read next: `ledger/policy/choosing.py`, which says how long we wait; `ledger/choosing/optin.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from ledger.calendar import Instant
from ledger.events import DOUBLE_OPT_IN, Choice, ConsentRequested, Fact, Row
from ledger.policy.book import Book
from ledger.policy.choosing import waits_until
from ledger.policy.consents import GRANTS, is_said
from ledger.policy.verdicts import ChoiceState
from ledger.projections.joins import Joins
from ledger.projections.model import ChoiceKey

HELD: Collection[str] = ("ConsentGiven", "RenewedConsentGiven")
ASKED = ConsentRequested.kind


class Awaited(NamedTuple):
    """A request to confirm that nothing of hers has answered: by which fact she was asked, until
    when we wait, and the yeses (positions) that do not count meanwhile."""

    key: ChoiceKey
    position: int
    until: Instant
    holds: frozenset[int]


def awaited(
    rows: Sequence[Row], facts: Mapping[int, Fact], book: Book, joins: Joins
) -> tuple[Awaited, ...]:
    """The requests of one person that are not answered, in the order of the log. `rows` are her
    facts that stand, under all her references; `facts` those of her choices in full."""
    asked = [row for row in rows if row.kind == ASKED and _is_of_two_steps(facts.get(row.position))]
    if not asked:
        return ()
    said = [row for row in rows if is_said(row.kind, row.decision)]
    return tuple(
        Awaited(
            _key(one),
            one.position,
            waits_until(book, one.occurred_at),
            _holds(one, said, facts, joins),
        )
        for one in sorted(asked, key=lambda row: row.position)
        if not any(_answers(row, one, joins) for row in said)
    )


def held_back(found: ChoiceState, waits: Iterable[Awaited], at: Instant) -> ChoiceState:
    """The choice at an instant: a yes that is held back is a question that waits for her."""
    if found.state not in HELD:
        return found
    holding = [one for one in waits if found.position in one.holds and at <= one.until]
    if not holding:
        return found
    asked = max(holding, key=lambda one: one.until)
    return found._replace(
        state="ConsentRequested",
        reason="awaited",
        rests_on=tuple(sorted({*found.rests_on, asked.position})),
        flips_on=None,
        would_change=("consent.given.v1", "consent.refused.v1"),
    )


def _holds(
    asked: Row, said: Iterable[Row], facts: Mapping[int, Fact], joins: Joins
) -> frozenset[int]:
    """The yeses about the same that were said under another reference before the two were one, and
    are not her own confirmation."""
    return frozenset(
        row.position
        for row in said
        if row.kind in GRANTS
        and _key(row) == _key(asked)
        and not joins.speaks_for(asked, row)
        and not _confirms(row, facts.get(row.position))
    )


def _answers(said: Row, asked: Row, joins: Joins) -> bool:
    later = said.position > asked.position and _key(said) == _key(asked)
    return later and joins.speaks_for(said, asked)


def _is_of_two_steps(fact: Fact | None) -> bool:
    return isinstance(fact, ConsentRequested) and fact.act == DOUBLE_OPT_IN


def _confirms(row: Row, fact: Fact | None) -> bool:
    act = fact.act if isinstance(fact, Choice) else None
    return (act, row.grade, row.actor) == (DOUBLE_OPT_IN, "proved", "self")


def _key(row: Row) -> ChoiceKey:
    return ChoiceKey(row.purpose or "", row.channel or "")
