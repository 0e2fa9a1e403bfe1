"""Grants to consult the archive: given once by somebody else than their holder, ended once.

A consultation has a stream of its own; whether its grant allows it is asked by the command that
records it, and again by the opener, which believes nobody.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import AccessGranted, AccessRevoked, ArchiveConsulted, Fact

CLAUSE, ARTICLE = "SS-RET-2", "RGPD art. 29, 32"


class Grant(NamedTuple):
    """What decisions about one grant, or one consultation, depend on."""

    holder: str | None = None
    classes: tuple[str, ...] = ()
    until: Day = 0
    revoked: bool = False
    consulted: bool = False


def initial() -> Grant:
    """No grant, no consultation."""
    return Grant()


def decide(state: Grant, fact: Fact) -> Refusal | None:
    """Four eyes, an end, and one beginning."""
    match fact:
        case AccessGranted() | ArchiveConsulted() if state.holder or state.consulted:
            return Refusal("conflict", "this is already recorded", CLAUSE, ARTICLE)
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
            return state._replace(consulted=True)
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
