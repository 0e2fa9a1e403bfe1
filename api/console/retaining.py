"""Retention: what is past its term, what falls due over two years as a picture, and the runs.

Nothing here decides a term. A run is asked for as `POST /v1/retention/runs` does and is carried out
beside what this server does; its page is refreshed by the browser, or by a script where there is
one. A run is begun only after a rehearsal of the same day. Read next: `api/retention.py`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from api import retention as telling
from api import things
from api.console import Page, pictures, rendering
from api.console.naming import class_labels, sorting
from api.console.visiting import Visit
from api.counting import Told
from api.problems import Problem
from api.routes import AUDITOR, DPO, OPERATOR
from api.today import Board
from ledger.application import Ledger
from ledger.calendar import day_of, parse_instant
from ledger.errors import ProbantError, Refusal, Refused
from ledger.retention.running import find

RETENTION = "/console/retention"
LOOKING = frozenset({DPO, AUDITOR})
RUNNING = frozenset({DPO, OPERATOR})
WATCHING = LOOKING | RUNNING
WHATS = ("leaving", "ending")
MONTHS = 24
PAST_RUNS = 10
LIMIT = 100
NOT_REHEARSED = Refusal("not-rehearsed", "rehearse first: no dry run of today was asked for here")


def get_retention(visit: Visit) -> Response:
    """The picture, its table, what is past its term today, and the runs."""
    return visit.render("retention.html", **_told(visit))


def get_due(visit: Visit) -> Response:
    """Whose items of one class are past their end, and what a run would do with each."""
    after, name = visit.request.query_params.get("after") or None, visit.path["name"]
    labels, ledger = class_labels(visit), visit.ledger
    board: Board = visit.request.app.state.board
    if after is None and name in labels:  # what is looked at first is remembered for a minute
        listed = board.due(ledger, name, LIMIT, _last_run(ledger))
        draw = partial(_list, visit, listed.answer)
        lines = listed.answer and board.drawn(("due", name, visit.lang), listed.answer, draw)
    else:
        listed = Told(telling.due_page(ledger, name, None, after, LIMIT), visit.now, False)
        lines = _list(visit, listed.answer)
    label = labels.get(name, name)
    return visit.render("due.html", due=listed.answer, lines=lines, label=label, listed=listed)


def post_run(visit: Visit) -> Response:
    """Begin a run, or rehearse one."""
    rehearsal = visit.field("how") != "run"
    try:
        runs = telling.runs_answer(visit.ledger, 2**53, PAST_RUNS)
        if not rehearsal and not _is_rehearsed(visit, runs):
            raise Refused(NOT_REHEARSED)
        begun = visit.request.app.state.keeper.ask(visit.asker.id, rehearsal=rehearsal)
    except (Problem, ProbantError) as error:
        refusal = visit.refusal_of(error)
        return visit.render("retention.html", 422, **_told(visit) | {"refusal": refusal})
    return visit.go(f"{RETENTION}/runs/{begun.id}")


def get_run(visit: Visit) -> Response:
    """How far a run got."""
    return visit.render("run.html", run=_run(visit), labels=class_labels(visit))


def get_progress(visit: Visit) -> Response:
    """The same for the script of its page."""
    found = _run(visit)
    numbers = {n: visit.say.number(found[n]) for n in ("looked", *DONE)}
    is_over = found["state"] in ("done", "failed")
    return JSONResponse({"state": found["state"], "over": is_over, **numbers})


DONE = ("people", "archived", "erased", "held")


def _run(visit: Visit) -> dict[str, Any]:
    run = find(visit.ledger, things.uuid_of(visit.path["id"], "retention run"))
    return telling.run_json(run)


def _last_run(ledger: Ledger) -> int | None:
    """Where the last run stands in the log: what was counted before it is not told after it."""
    return telling.last_run(ledger)


def _is_rehearsed(visit: Visit, runs: dict[str, Any]) -> bool:
    """Whether a dry run that was asked for here today is among the last on record."""
    today = day_of(visit.now)
    return any(
        one["rehearsal"] and one["run"] and day_of(parse_instant(one["recorded_at"])) == today
        for one in runs["items"]
    )


def _told(visit: Visit) -> dict[str, Any]:
    what = visit.request.query_params.get("what", WHATS[0])
    what = what if what in WHATS else WHATS[0]
    ledger = visit.ledger
    board: Board = visit.request.app.state.board
    runs = telling.runs_answer(ledger, 2**53, PAST_RUNS)
    last = next((one["position"] for one in runs["items"]), None)
    falling = board.calendar(ledger, MONTHS, last)
    past, calendar = board.past(ledger), falling.answer
    people = {} if past.answer is None else past.answer["retention"]
    waiting = [(name, *n.values()) for name, n in people.items() if any(n.values())]
    return {
        "what": what,
        "whats": WHATS,
        "picture": calendar
        and board.drawn((what, visit.lang), calendar, lambda: _picture(visit, what, calendar)),
        "calendar": falling,
        "counted": past,
        "past": sorted(waiting, key=lambda one: -one[1]),
        "labels": class_labels(visit),
        "runs": runs,
        "is_rehearsed": _is_rehearsed(visit, runs),
        "may_run": bool(visit.asker.roles & RUNNING),
        "refusal": None,
    }


def _picture(visit: Visit, what: str, calendar: dict[str, Any]) -> Markup:
    """The calendar as a picture and as a table."""
    months: list[str] = calendar["months"]
    labels = class_labels(visit)
    rows = {
        labels.get(name, name): (
            one[what]["before"],
            [one[what]["months"][month] for month in months],
            one[what]["after"],
        )
        for name, one in calendar["classes"].items()
        if any(one[what]["months"].values())
    }
    values = {"t": visit.say, "lang": visit.lang, "what": what, "calendar": calendar}
    picture = pictures.heat(months, dict(sorted(rows.items(), key=lambda one: sorting(one[0]))))
    return rendering.piece("calendar.html", {**values, "months": months, "picture": picture})


def _list(visit: Visit, found: dict[str, Any] | None) -> Markup:
    """The lines of a due list."""
    return rendering.piece("due_list.html", {"t": visit.say, "lang": visit.lang, "due": found})


PAGES = (
    Page("GET", RETENTION, get_retention, LOOKING),
    Page("GET", f"{RETENTION}/due/{{name}}", get_due, LOOKING),
    Page("POST", f"{RETENTION}/runs", post_run, frozenset({DPO})),
    Page("GET", f"{RETENTION}/runs/{{id}}", get_run, WATCHING),
    Page("GET", f"{RETENTION}/runs/{{id}}/progress", get_progress, WATCHING),
)
