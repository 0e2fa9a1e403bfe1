"""One control: what it asks, what it found in the runs on record, and its violations at two times.

All of them are at `/console/controls`, where a run is put on record; here nothing is recorded. Read
next: `api/controls.py`.
"""

from __future__ import annotations

from starlette.responses import Response

from api import controls as answers
from api.console.audit import HOME, page
from api.console.audit.asked import asked_of, led_on
from api.console.visiting import Visit
from ledger.calendar import day_of, format_day
from ledger.errors import NotFound

SHOWN = 200  # findings on the page; all are counted


def get_all(visit: Visit) -> Response:
    """The list, which the data protection officer has too."""
    return visit.go("/console/controls")


def get_control(visit: Visit) -> Response:
    """One of them, asked of history at the two times."""
    if (elsewhere := led_on(visit)) is not None:
        return elsewhere
    name, asked = visit.path["control"], asked_of(visit)
    if name != name.upper():
        raise NotFound("there is no such control")
    about = answers.control_answer(visit.ledger, name, visit.lang)
    journal = visit.request.app.state.journal
    result = answers.asked_of(visit.ledger, asked.times, [name], journal=journal)
    told = answers.result_json(result, visit.lang, SHOWN)
    return visit.render(
        "audit/control.html",
        asked=asked,
        about=about,
        told=told["controls"][0],
        shown=SHOWN,
        today=format_day(day_of(visit.now)),
    )


PAGES = (
    page("GET", f"{HOME}/controls", get_all),
    page("GET", f"{HOME}/controls/{{control}}", get_control),
)
