"""The first screen: what waits, what is past its term, and whether the ledger is whole."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from api.console import Page
from api.console.board import Counts
from api.console.dates import days_between
from api.console.people import SEARCHING
from api.console.visiting import Visit
from api.readiness import reach
from api.routes import AUDITOR, DPO
from ledger.calendar import day_of

SHOWN = 6  # of the requests that are due first


class Term(NamedTuple):
    """People past the term of one class, of those of whom there is something in it."""

    label: str
    clause: str
    past: int
    present: int
    past_archive: int


def get_today(visit: Visit) -> Response:
    """Everything that a Monday morning asks."""
    state = visit.request.app.state
    counts, is_counting = state.board.counts(visit.ledger)
    return visit.render(
        "today.html",
        counts=counts,
        is_counting=is_counting,
        may_search=bool(visit.asker.roles & SEARCHING),
        statuses=[(status, counts.among(status)) for status in ("overdue", "due_soon", "on_track")],
        first=[
            (one, days_between(day_of(visit.now), one.due)) for one in counts.open_requests[:SHOWN]
        ],
        terms=terms(visit, counts),
        seal=reach(visit.ledger, state.seal),
        awaiting=state.readiness.awaiting(visit.ledger),
    )


def terms(visit: Visit, counts: Counts) -> list[Term]:
    """Each class of the edition in force in which somebody is past her term, most people first."""
    edition = visit.ledger.edition(visit.ledger.epoch(), visit.now)
    counted: dict[str, dict[str, Any]] = counts.population["classes"]
    found = []
    for name, one in edition.classes.items():
        n = counted.get(name)
        if n is None or not n["past_operational"] + n["past_archive"]:
            continue
        label = one.label_fr if visit.lang == "fr" else one.label_en
        numbers = n["past_operational"], n["present"], n["past_archive"]
        found.append(Term(label[:1].upper() + label[1:], one.clause, *numbers))
    return sorted(found, key=lambda term: -term.past)


PAGES = (Page("GET", "/console", get_today, frozenset({DPO, AUDITOR})),)
