"""Inspector mode: the fifteen questions of an authority, each line with the positions it rests on.

As `/v1/inspect` answers them: the files are its very bodies. Read next: `api/inspecting.py`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response, StreamingResponse

from api import inspecting as answers
from api.console.audit import HOME, page
from api.console.audit.asked import Asked, asked_of, led_on
from api.console.visiting import Visit
from api.pieces import json_pieces
from api.problems import Problem
from ledger.calendar import day_of, format_day
from ledger.errors import NotFound
from ledger.packages.rendering import gathered

INSPECT = f"{HOME}/inspect"
DAYS = ("received", "due", "answered", "until", "archive_until", "day")  # columns of days
SHOWN = 200  # lines on the page; the file has them all
FORMS = {"json": "application/json", "csv": "text/csv; charset=utf-8; header=present"}


def get_questions(visit: Visit) -> Response:
    """All fifteen, to be asked at the two times."""
    if (elsewhere := led_on(visit)) is not None:
        return elsewhere
    return visit.render(
        "audit/questions.html",
        asked=asked_of(visit),
        questions=answers.list_answer(visit.lang)["questions"],
        today=format_day(day_of(visit.now)),
    )


def get_question(visit: Visit) -> Response:
    """One of them, answered of everybody."""
    if (elsewhere := led_on(visit)) is not None:
        return elsewhere
    asked, about, found = _answered(visit)
    (told,) = answers.answer_json(about, found, visit.lang)["answers"]
    return visit.render(
        "audit/question.html",
        asked=asked,
        about=about,
        told=told,
        lines=told["lines"][:SHOWN],
        shown=SHOWN,
        days=DAYS,
        questions=answers.list_answer(visit.lang)["questions"],
        today=format_day(day_of(visit.now)),
    )


def get_file(visit: Visit) -> Response:
    """The same answer as a file, whole."""
    form = visit.request.query_params.get("format", "json")
    if form not in FORMS:
        raise Problem("malformed-question", "'format' must be json or csv", field="format")
    _, about, found = _answered(visit)
    if form == "csv":
        pieces = answers.answer_csv(found, visit.lang)
    else:
        pieces = json_pieces(answers.answer_json(about, found, visit.lang))
    name = f"{found[0].question}-{about['day']}-{about['position']}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(gathered(pieces), media_type=FORMS[form], headers=headers)


def _answered(visit: Visit) -> tuple[Asked, dict[str, Any], tuple[Any, ...]]:
    state, question = visit.request.app.state, visit.path["question"]
    if not question.isascii() or question != question.upper():
        raise NotFound("there is no such question: they are Q1 to Q15")
    asked = asked_of(visit)
    about, found = answers.inspected(
        visit.ledger,
        asked.times,
        answers.wanted([question]),
        log=state.seal.folder if state.seal else None,
        journal=state.journal,
    )
    return asked, about, found


PAGES = (
    page("GET", INSPECT, get_questions),
    page("GET", f"{INSPECT}/{{question}}", get_question),
    page("GET", f"{INSPECT}/{{question}}/file", get_file),
)
