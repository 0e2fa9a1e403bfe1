"""Grants to consult the archive: given once by somebody else than their holder, ended once.

A consultation has a stream of its own: asked for once, and once approved, word for word, by
somebody else (decision 0030). Whether its grant allows it is asked by the command that records it,
and again by the opener, which believes nobody.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import AccessGranted, AccessRevoked, ArchiveConsulted, Fact

CLAUSE, ARTICLE = "SS-RET-2", "RGPD art. 29, 32"


class Asked(NamedTuple):
    """A consultation, without its case: what an approval must repeat, and who approved."""

    subject: UUID | None
    reader: str
    motive: str
    of: str
    scope: str | None
    keys: tuple[UUID, ...]
    grant: UUID
    approver: str | None


class Grant(NamedTuple):
    """What decisions about one grant, or one consultation, depend on."""

    holder: str | None = None
    classes: tuple[str, ...] = ()
    until: Day = 0
    revoked: bool = False
    asked: Asked | None = None


def initial() -> Grant:
    """No grant, no consultation."""
    return Grant()


def decide(state: Grant, fact: Fact) -> Refusal | None:
    """Four eyes, an end, and one beginning."""
    match fact:
        case AccessGranted() | ArchiveConsulted() if state.holder:
            return Refusal("conflict", "this is already recorded", CLAUSE, ARTICLE)
        case AccessGranted() if state.asked:
            return Refusal("conflict", "this is already recorded", CLAUSE, ARTICLE)
        case ArchiveConsulted() if fact.approver == fact.reader:
            detail = "field 'approver': nobody approves her own consultation"
            return Refusal("four-eyes", detail, CLAUSE, ARTICLE, "approver")
        case ArchiveConsulted() if state.asked:
            return _refuse_approval(state.asked, asked_of(fact))
        case AccessGranted() if fact.holder == fact.approver:
            return Refusal(
                "four-eyes",
                "field 'approver': nobody grants access to herself",
                CLAUSE,
                ARTICLE,
                "approver",
            )
        case AccessGranted() if fact.until < fact.occurred.day:
            return Refusal(
                "malformed", "field 'until': a grant ends later", CLAUSE, ARTICLE, "until"
            )
        case AccessRevoked() if state.holder is None or state.revoked:
            return Refusal("conflict", "there is no such grant to revoke", CLAUSE, ARTICLE)
    return None


def evolve(state: Grant, fact: Fact) -> Grant:
    """The state after this fact."""
    match fact:
        case AccessGranted():
            return Grant(fact.holder, fact.classes, fact.until)
        case AccessRevoked():
            return state._replace(revoked=True)
        case ArchiveConsulted():
            return state._replace(asked=asked_of(fact))
    return state


def refuse_consultation(given: Grant, reader: str, of: str, today: Day) -> Refusal | None:
    """Why this grant does not let `reader` consult the archived class `of` that day, or None."""
    if given.holder is None:
        return Refusal("no-grant", "there is no such grant", CLAUSE, ARTICLE, "grant")
    if given.revoked or given.until < today:
        return Refusal("no-grant", "this grant has ended", CLAUSE, ARTICLE, "grant")
    if given.holder != reader:
        return Refusal("no-grant", "this grant is somebody else's", CLAUSE, ARTICLE, "grant")
    if of not in given.classes:
        return Refusal("no-grant", "this grant does not cover this class", CLAUSE, ARTICLE, "grant")
    return None


def asked_of(fact: ArchiveConsulted) -> Asked:
    """What a consultation asks for."""
    return Asked(*(getattr(fact, name) for name in Asked._fields))


def _refuse_approval(before: Asked, now: Asked) -> Refusal | None:
    if before.approver is None and now.approver and now._replace(approver=None) == before:
        return None
    return Refusal("conflict", "this consultation is already recorded", CLAUSE, ARTICLE)
