"""Controls: what must never be found in history, asked at two times, each finding with positions.

As `/v1/controls` asks them: a run becomes a fact, its result is signed where a signer answers. A
large ledger is asked with `probant controls run`. Read next: `api/controls.py`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api import controls
from api.answers import Times
from api.console import Page
from api.console.dates import end_of_day
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AUDITOR, DPO
from ledger.errors import ProbantError

CONTROLS = "/console/controls"
CHECKING = frozenset({DPO, AUDITOR})
TOLD, RUNS = 50, 20  # findings of each control; runs on record


def get_controls(visit: Visit) -> Response:
    """Every control with what the last run on record found, and the runs before it."""
    return visit.render("controls.html", **_told(visit))


def post_run(visit: Visit) -> Response:
    """Ask them all, as of a day and as known on another; the run is put on record."""
    state = visit.request.app.state
    try:
        times = Times(*(end_of_day(visit.field(name)) for name in ("as_of", "known_at")))
        result = controls.asked_of(visit.ledger, times, journal=state.journal)
        told = controls.result_json(result, visit.lang, TOLD)
        recorded = controls.put_on_record(visit.ledger, result, state.desk)
    except (Problem, ProbantError) as error:
        refusal = visit.refusal_of(error)
        return visit.render("controls.html", 422, **_told(visit) | {"refusal": refusal})
    return visit.render("controls.html", **_told(visit) | {"result": told, "recorded": recorded})


def _told(visit: Visit) -> dict[str, Any]:
    runs = controls.history_answer(visit.ledger, RUNS)["runs"]
    return {
        "controls": controls.list_answer(visit.lang)["controls"],
        "last": runs[0]["found"] if runs else {},
        "runs": runs,
        "as_of": visit.field("as_of"),
        "known_at": visit.field("known_at"),
        "result": None,
        "recorded": None,
        "refusal": None,
    }


PAGES = (
    Page("GET", CONTROLS, get_controls, CHECKING),
    Page("POST", CONTROLS, post_run, CHECKING),
)
