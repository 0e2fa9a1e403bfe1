"""Checks of the whole ledger: the last one noted, one begun from here, and what it found.

Carried out beside what the server does; its page is refreshed by the browser, or by a script where
there is one. Read next: `api/verifying.py`.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from api.console.audit import HOME, page
from api.console.visiting import Visit
from api.today import last_check
from api.verifying import Checker

CHECKS = f"{HOME}/checks"


def get_checks(visit: Visit) -> Response:
    """The last check, and how far the one under way got."""
    state = visit.request.app.state
    checker: Checker = state.checker
    return visit.render(
        "audit/checks.html",
        told=checker.told,
        noted=last_check(state.board.checked),
        head=visit.ledger.recorder.head().position,
    )


def post_check(visit: Visit) -> Response:
    """Begin one; where one is under way, follow that."""
    checker: Checker = visit.request.app.state.checker
    checker.begin(visit.ledger)
    return visit.go(CHECKS)


def get_progress(visit: Visit) -> Response:
    """How far it got, for the script of the page."""
    checker: Checker = visit.request.app.state.checker
    told = checker.told
    said = {name: visit.say.number(n) for name, n in (("done", told.done), ("total", told.total))}
    return JSONResponse({"over": told.state != "running", **said})


PAGES = (
    page("GET", CHECKS, get_checks),
    page("POST", CHECKS, post_check),
    page("GET", f"{CHECKS}/progress", get_progress),
)
