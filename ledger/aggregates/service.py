"""Tickets, surveys and selections: one stream each.

A ticket and a survey never share a stream; give their references different kinds.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import Fact, SelectionRun, SurveyAnswered, SurveySent, TicketClosed, TicketOpened


class Service(NamedTuple):
    """What decisions about a ticket or a survey depend on."""

    what: str | None = None  # 'ticket', 'survey' or 'selection'
    done: bool = False


def initial() -> Service:
    """Nothing yet."""
    return Service()


def decide(state: Service, fact: Fact) -> Refusal | None:
    """Begun once; a ticket is closed once, a survey is answered once."""
    match fact:
        case TicketOpened() | SurveySent() | SelectionRun() if state.what is not None:
            return Refusal("conflict", f"this {state.what} is already recorded", _clause(fact))
        case TicketClosed() if state.what != "ticket":
            return Refusal("conflict", "this ticket was never opened", "SS-CRM-2")
        case TicketClosed() if state.done:
            return Refusal("conflict", "this ticket is already closed", "SS-CRM-2")
        case SurveyAnswered() if state.what != "survey":
            return Refusal("conflict", "this survey was never sent", "SS-CRM-1")
        case SurveyAnswered() if state.done:
            return Refusal("conflict", "this survey is already answered", "SS-CRM-1")
    return None


def evolve(state: Service, fact: Fact) -> Service:
    """The state after this fact."""
    match fact:
        case TicketOpened():
            return Service("ticket")
        case SurveySent():
            return Service("survey")
        case SelectionRun():
            return Service("selection")
        case TicketClosed() | SurveyAnswered():
            return state._replace(done=True)
    return state


def _clause(fact: Fact) -> str:
    match fact:
        case TicketOpened():
            return "SS-CRM-2"
        case SurveySent():
            return "SS-CRM-1"
    return "SS-CRM-3"
