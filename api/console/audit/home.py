"""The first page of the desk: how many people, of which class, age and choice, at two times.

Counted by `population_answer`, as `GET /v1/population` and `probant replay` count. At the newest
instant the live tables answer, and history is replayed beside them: that is counted beside whoever
asks (`api/counting.py`). At other times she waits for the count; at any two times, a replay fact by
fact can be asked for. Read next: `api/answers.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from starlette.responses import Response

from api.answers import Times, population_answer
from api.console import pictures
from api.console.audit import HOME, page
from api.console.audit.asked import Asked, asked_of, led_on
from api.console.naming import class_labels, edition_of, names, sorting
from api.console.visiting import Visit
from api.counting import Told
from api.today import Board
from ledger.application import Ledger
from ledger.calendar import Day, date_of, day_of, end_of, format_day
from ledger.errors import Misuse
from ledger.projections.population import TALLIES
from ledger.store import browsing

AHEAD = timedelta(days=5 * 366)  # how far into the future the slider of D goes
COUNTED = ("events", "subjects", "classes", "consents", "ages")


class Slider(NamedTuple):
    """The slider of D: its first day, so many days long, and where it stands."""

    first: str
    days: int
    at: int


class Compared(NamedTuple):
    """Two ways of counting: so many numbers, and those that differ (what, here, replayed)."""

    numbers: int
    differing: list[tuple[str, int, int]]


def get_desk(visit: Visit) -> Response:
    """Everybody at two times, in numbers and one picture."""
    if (elsewhere := led_on(visit, "class")) is not None:
        return elsewhere
    asked = asked_of(visit)
    if asked.times != Times():
        answer = population_answer(visit.ledger, asked.times, with_ages=True)
        counted, beside = Told(answer, visit.now, False), None
    else:
        counted, beside = _newest(visit, asked.head)
    return visit.render(
        "audit/desk.html",
        asked=asked,
        slider=_slider(visit, asked),
        today=format_day(day_of(visit.now)),
        counted=counted,
        beside=beside,
        **_told(visit, counted.answer),
    )


def _newest(visit: Visit, head: int) -> tuple[Told, Told | None]:
    """Everybody now; once that is known, whether the live tables say what history does."""
    board: Board = visit.request.app.state.board
    ledger, day = visit.ledger, day_of(visit.now)

    def now() -> dict[str, Any]:
        return population_answer(ledger, Times(), with_ages=True)

    def told(name: str, count: Callable[[], dict[str, Any]]) -> Told:
        return board.counting.told(ledger, name, count, head, strict=False)

    counted = told("desk", now)
    if counted.is_old:
        return counted, None
    return counted, told("live beside history", lambda: {"live": _live(ledger, day)})


def get_replay(visit: Visit) -> Response:
    """The same numbers, counted again by the plain replay: every fact of everybody is read."""
    if (elsewhere := led_on(visit)) is not None:
        return elsewhere
    asked = asked_of(visit)
    # Both are asked of the same state: what is recorded meanwhile is known to neither.
    times = Times(visit.now if asked.times.as_of is None else asked.times.as_of, asked.recorded_at)
    answer = population_answer(visit.ledger, times, with_ages=True)
    replayed = population_answer(visit.ledger, times, "fold", with_ages=True)
    labels = class_labels(visit)
    rows = [
        (labels.get(name, name), [(one[tier], replayed["classes"][name][tier]) for tier in TALLIES])
        for name, one in answer["classes"].items()
        if name in replayed["classes"]
    ]
    found = compared(answer, replayed)
    return visit.render(
        "audit/replay.html",
        asked=asked,
        answer=answer,
        rows=rows,
        tallies=TALLIES,
        found=found,
        today=format_day(day_of(visit.now)),
    )


def _live(ledger: Ledger, today: Day) -> dict[str, Any] | None:
    """The live tables beside history, by the end of today: facts of a day are known to no hour.
    None when some fact is dated later, of which live tables cannot leave anything out."""
    times = Times(end_of(today))
    try:
        live = population_answer(ledger, times, "live", with_ages=True)
    except Misuse:
        return None
    return compared(live, population_answer(ledger, times, "sql", with_ages=True))._asdict()


def compared(one: dict[str, Any], other: dict[str, Any]) -> Compared:
    """Number by number: whatever only one of them counts is zero for the other."""
    here, there = dict(_numbers(one)), dict(_numbers(other))
    counted = sorted(here.keys() | there.keys())
    pairs = [(name, here.get(name, 0), there.get(name, 0)) for name in counted]
    return Compared(len(pairs), [pair for pair in pairs if pair[1] != pair[2]])


def _numbers(answer: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Every number that is counted, by what it counts."""
    yield "subjects", answer["subjects"]
    for kind, n in answer["events"].items():
        yield f"events {kind}", n
    for name, found in answer["classes"].items():
        for tier in TALLIES:
            yield f"{name} {tier}", found[tier]
            yield f"{name} items {tier}", found["items"][tier]
    for said in answer["consents"]:
        what = f"{said['purpose']} {said['channel']} {said['state']} {said['reason'] or ''}"
        yield what.rstrip(), said["subjects"]
    for age in answer["ages"]:
        what = f"{age['klass']} years {age['years']} past {age['past']}"
        yield what, age["subjects"]
        yield f"{what} items", age["items"]


def _told(visit: Visit, answer: dict[str, Any] | None) -> dict[str, Any]:
    """The numbers as the page shows them; none where they were never counted."""
    if answer is None:
        return {"answer": None, "wanted": ""}
    labels = class_labels(visit)
    classes = {
        name: one for name, one in answer["classes"].items() if one["present"] or one["erased"]
    }
    aged = [name for name in classes if any(age["klass"] == name for age in answer["ages"])]
    wanted = visit.request.query_params.get("class", "")
    if wanted not in aged:
        wanted = max(aged, key=lambda name: int(classes[name]["present"]), default="")
    ages = [age for age in answer["ages"] if age["klass"] == wanted]
    return {
        "answer": answer,
        "facts": sum(answer["events"].values()),
        "classes": sorted(classes.items(), key=lambda one: sorting(labels.get(one[0], one[0]))),
        "labels": labels,
        "tallies": TALLIES,
        "aged": sorted(aged, key=lambda name: sorting(labels.get(str(name), str(name)))),
        "wanted": wanted,
        "bars": pictures.bars(*_bars(ages)),
        "purposes": _purposes(visit),
    }


def _bars(ages: list[dict[str, Any]]) -> tuple[list[int | None], list[tuple[int, int]]]:
    """For each whole year from none on (None: a contract runs), people within the term, and past
    it."""
    years: list[int | None] = [*range(max((a["years"] or 0 for a in ages), default=0) + 1)]
    if any(age["years"] is None for age in ages):
        years.append(None)
    counts = {(age["years"], age["past"]): age["subjects"] for age in ages}
    return years, [(counts.get((year, False), 0), counts.get((year, True), 0)) for year in years]


def _slider(visit: Visit, asked: Asked) -> Slider:
    with visit.ledger.database.read() as connection:
        first = browsing.first_day(connection)
    today = date_of(day_of(visit.now))
    since = today if first is None else date_of(first)
    days = (today + AHEAD - since).days
    at = (date.fromisoformat(asked.day) - since).days
    return Slider(since.isoformat(), days, min(max(at, 0), days))


def _purposes(visit: Visit) -> Mapping[str, str]:
    return names(visit, edition_of(visit))["purpose"]


PAGES = (page("GET", HOME, get_desk), page("GET", f"{HOME}/replay", get_replay))
