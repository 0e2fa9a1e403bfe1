"""Checks of the whole ledger: the last one noted, one begun from here, and what it found; and a
check that the browser makes by itself: whether the log was only added to (`static/grown.js`).

Carried out beside what the server does; its page is refreshed by the browser, or by a script where
there is one. Read next: `api/verifying.py`.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from api import sealed
from api.console.audit import HOME, page
from api.console.proving import growth_of, key_of
from api.console.visiting import Visit
from api.today import last_check
from api.verifying import Checker
from ledger.errors import NotFound

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
        size=sealed.size_of(state.seal),
        key=key_of(visit),
    )


def get_growth(visit: Visit) -> Response:
    """The newest checkpoint, and the proof that it extends the one of the size that is named."""
    text = visit.request.query_params.get("size", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound("a log has a size, in digits")
    return growth_of(visit, int(text))


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
    page("GET", f"{HOME}/growth", get_growth),
)
