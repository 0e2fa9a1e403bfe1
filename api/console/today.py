"""The first screen: what waits, what is past its term, and whether the ledger is whole.

Every number is of `GET /v1/today`, asked of the same board. Read next: `api/today.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from api.console import Page
from api.console.dates import days_between
from api.console.naming import capital, edition_of
from api.console.people import SEARCHING
from api.console.visiting import Visit
from api.routes import AUDITOR, DPO
from ledger.calendar import day_of
from ledger.requests.reading import owed

SHOWN = 6  # of the requests that are due first


class Term(NamedTuple):
    """People past the term of one class: in daily use, in the archive."""

    name: str
    label: str
    clause: str
    past: int
    past_archive: int


def get_today(visit: Visit) -> Response:
    """Everything that a Monday morning asks."""
    answer = visit.request.app.state.board.answer(visit.ledger, must=False)
    today = day_of(visit.now)
    waiting = owed(visit.ledger)
    terms = _terms(visit, answer["retention"] or {})
    return visit.render(
        "today.html",
        answer=answer,
        first=[(one, days_between(today, one.due)) for one in waiting[:SHOWN]],
        terms=terms,
        most=max((term.past for term in terms), default=1),
        stale=_stale(visit, answer["stale_consents"] or {}),
        may_search=bool(visit.asker.roles & SEARCHING),
    )


def _terms(visit: Visit, counted: dict[str, dict[str, int]]) -> list[Term]:
    """Each class of the edition in force in which somebody is past her term, most people first."""
    found = []
    for name, one in edition_of(visit).classes.items():
        n = counted.get(name, {})
        past, archive = n.get("past_operational", 0), n.get("past_archive", 0)
        if past + archive:
            label = capital(one.label_fr if visit.lang == "fr" else one.label_en)
            found.append(Term(name, label, one.clause, past, archive))
    return sorted(found, key=lambda term: -term.past)


def _stale(visit: Visit, counted: dict[str, int]) -> list[tuple[str, int]]:
    """Consents whose words changed since, by the label of their purpose."""
    purposes = edition_of(visit).purposes
    found: list[tuple[str, int]] = []
    for name, n in counted.items():
        purpose: Any = purposes.get(name)
        label = purpose and (purpose.label_fr if visit.lang == "fr" else purpose.label_en)
        found.append((capital(label or name), n))
    return found


PAGES = (Page("GET", "/console", get_today, frozenset({DPO, AUDITOR})),)
