"""Files to take away: evidence bundles, and the report for the authority.

A bundle is a disclosure on record before a byte of it is written, a report a fact of its own; both
are what `probant evidence export` and `probant report` make. Read next: `bundles.py` above.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api import sealed
from api.answers import Times
from api.console.audit import HOME, page
from api.console.bundles import RECIPIENTS, handed_over
from api.console.dates import end_of_day
from api.console.visiting import Visit
from api.problems import Problem
from api.routes.reporting import made
from ledger.calendar import day_of, format_day
from ledger.errors import Misuse, ProbantError
from ledger.evidence.export import Wanted

FILES = f"{HOME}/files"
WHOLE, RANGE, REDACTED = "whole", "range", "redacted"
KINDS = (WHOLE, RANGE, REDACTED)


def get_files(visit: Visit) -> Response:
    """The two forms, and what each makes."""
    return visit.render("audit/files.html", **_told(visit), refusal=None)


def post_bundle(visit: Visit) -> Response:
    """A bundle: of everything, of some positions, or of hashes only."""
    try:
        wanted = _wanted(visit)
        name = f"evidence-{wanted.kind}-{sealed.size_of(visit.request.app.state.seal)}.zip"
        return handed_over(visit, wanted, name)
    except (Problem, ProbantError) as error:
        return _refused(visit, error)


def post_report(visit: Visit) -> Response:
    """The report as one PDF, in the language of the page."""
    try:
        times = Times(*(end_of_day(visit.field(name)) for name in ("as_of", "known_at")))
        return made(visit.ledger, visit.request.app.state, times, visit.lang)
    except (Problem, ProbantError) as error:
        return _refused(visit, error)


def _wanted(visit: Visit) -> Wanted:
    kind, size = visit.field("kind"), sealed.size_of(visit.request.app.state.seal)
    if kind == WHOLE:
        return Wanted("whole")
    if kind == REDACTED:
        return Wanted("redacted")
    first, last = (_position(visit.field(name)) for name in ("first", "last"))
    if kind != RANGE or not 1 <= first <= last <= size:
        raise Misuse(f"a range lies between 1 and the sealed size, {size}")
    return Wanted("range", first, last)


def _position(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _refused(visit: Visit, error: Problem | ProbantError) -> Response:
    told = _told(visit) | {"refusal": visit.refusal_of(error)}
    return visit.render("audit/files.html", 422, **told)


def _told(visit: Visit) -> dict[str, Any]:
    return {
        "kinds": KINDS,
        "recipients": tuple(RECIPIENTS),
        "size": sealed.size_of(visit.request.app.state.seal),
        "today_text": format_day(day_of(visit.now)),
    }


PAGES = (
    page("GET", FILES, get_files),
    page("POST", f"{FILES}/bundle", post_bundle),
    page("POST", f"{FILES}/report", post_report),
)
