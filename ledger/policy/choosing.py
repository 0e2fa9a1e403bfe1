"""Which fact a yes or a no is, given what stands: one rule for every door. Pure.

Whoever expresses a choice says yes or no and need not know what was said before. A yes is a
consent, its renewal, or the end of an objection; a no takes a consent back, refuses it, or objects
(GDPR art. 7(3), 21). What already stands is not said twice. Whoever was asked to confirm from her
own address is waited for, and for no longer than the edition says. Read next:
`ledger/choosing/choose.py`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from ledger.calendar import HOUR, Instant, day_of
from ledger.events import GRADES
from ledger.policy.book import Book
from ledger.policy.consents import GRANTS, UNPROVED
from ledger.policy.model import Purpose
from ledger.policy.verdicts import ChoiceState

Says: TypeAlias = Literal["yes", "no"]

CONFIRMATION: Instant = 72 * HOUR
"""How long she is waited for where the edition says nothing: a choice of ours."""
OBJECTION = "objection.raised.v1"
NOS = ("consent.withdrawn.v1", "consent.refused.v1", OBJECTION)


def waits_until(book: Book, asked: Instant) -> Instant:
    """Until when she is waited for, who was asked at that instant to confirm from her own address:
    the `confirmation_days` of the edition in force then. After that her token is void, the question
    has lapsed, and a yes is again what it always was: asserted by whoever says it."""
    edition = book.in_force(day_of(asked), None)
    for said in edition.statements if edition else ():
        if said.topic == "confirmation_days" and isinstance(said.value, int):
            return asked + said.value * 24 * HOUR
    return asked + CONFIRMATION


def kind_of(
    says: Says, purpose: Purpose | None, stands: ChoiceState, edition: int, grade: str
) -> str | None:
    """The kind of fact to record, None when it would change nothing.

    `stands` is what counts now, `edition` the number of the one in force, `grade` the evidence that
    the new expression brings. A purpose nobody declared is left to the door, which refuses it.
    """
    if says == "no":
        return _no(purpose, stands)
    return _yes(purpose, stands, edition, grade)


def _no(purpose: Purpose | None, stands: ChoiceState) -> str | None:
    if stands.kind in NOS:
        return None
    if purpose is not None and purpose.basis == "legitimate_interest":
        return OBJECTION
    return "consent.withdrawn.v1" if stands.kind in GRANTS else "consent.refused.v1"


def _yes(purpose: Purpose | None, stands: ChoiceState, edition: int, grade: str) -> str | None:
    if stands.kind in GRANTS and stands.reason != UNPROVED:
        # Said again under other words, after its age, or with better evidence, it is worth keeping.
        better = stands.grade is None or GRADES.index(grade) < GRADES.index(stands.grade)
        told = stands.edition_number == edition and stands.state != "ConsentExpired"
        return None if told and not better else "consent.renewed.v1"
    interest = purpose is not None and purpose.basis == "legitimate_interest"
    if interest and purpose is not None and not purpose.marketing:
        # Nothing but the objection stood in the way: lifting it says no more than she said.
        if stands.kind == "objection.lifted.v1":
            return None
        if stands.kind == OBJECTION:
            return "objection.lifted.v1"
    return "consent.given.v1"
