"""What the company does again and again and must be able to list: disclosures, retention runs,
incidents. One stream each, about nobody."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import DataDisclosed, Fact, IncidentDetected, IncidentNotified, RetentionRan


class Line(NamedTuple):
    """What decisions about one line of the register depend on."""

    kind: str | None = None


def initial() -> Line:
    """An empty line."""
    return Line()


def decide(state: Line, fact: Fact) -> Refusal | None:
    """Each line is written once; an incident is notified after it was detected."""
    match fact:
        case IncidentNotified():
            if state.kind != IncidentDetected.kind:
                return Refusal(
                    "conflict", "this incident was never detected", None, "RGPD art. 33(1)"
                )
        case _ if state.kind is not None:
            return Refusal("conflict", "this is already recorded")
        case DataDisclosed() if fact.people < 0:
            return Refusal("malformed", "field 'people' is a count", "SS-REC-1")
        case RetentionRan() if fact.rehearsal and (fact.archived or fact.erased):
            return Refusal(
                "malformed", "a rehearsal archives and erases nothing: 'rehearsal'", "SS-RET-3"
            )
    return None


def evolve(state: Line, fact: Fact) -> Line:
    """The state after this fact."""
    match fact:
        case DataDisclosed() | RetentionRan() | IncidentDetected():
            return Line(fact.kind)
    return state
