"""The policy: its editions, their classes and clauses, and what a lint finds in one, with the
article, the severity and a wording that would do.

Read next: `api/policies.py`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api import policies as telling
from api.console import Page
from api.console.naming import capital
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO
from ledger.calendar import Day, day_of, format_day, parse_day
from ledger.errors import NotFound

POLICY = "/console/policy"
READING = frozenset({AGENT, DPO, AUDITOR})
LINTING = frozenset({DPO, AUDITOR})
SEVERITIES = ("error", "warning", "note")


def get_policy(visit: Visit) -> Response:
    """The edition in force today, or on the day that is asked for."""
    query = visit.request.query_params
    day = _day(query.get("day", ""))
    published = telling.in_force(visit.ledger, day)
    edition = telling.edition_json(published)
    may_lint = bool(visit.asker.roles & LINTING)
    law_of = _day(query.get("law_of", "")) or day_of(visit.now)
    lint = telling.lint_answer(published.edition, law_of, visit.lang) if may_lint else None
    return visit.render(
        "policy.html",
        edition=edition,
        editions=telling.editions_answer(visit.ledger)["items"],
        clauses=telling.clauses_answer(published.edition, visit.lang)["items"],
        classes=_classes(visit, edition),
        lint=lint,
        law_of=format_day(law_of),
        day=query.get("day", ""),
    )


def get_change(visit: Visit) -> Response:
    """What one edition changes in another."""
    query = visit.request.query_params
    old, new = (_day(query.get(name, "")) for name in ("old", "new"))
    if old is None or new is None:
        raise NotFound("name two days")
    editions = [telling.in_force(visit.ledger, day).edition for day in (old, new)]
    return visit.render("policy_change.html", diff=telling.diff_answer(*editions))


def _classes(visit: Visit, edition: dict[str, Any]) -> list[dict[str, Any]]:
    label, why = f"label_{visit.lang}", f"why_{visit.lang}"
    return [
        {**one, "name": name, "label": capital(one[label]), "why": one[why]}
        for name, one in edition["classes"].items()
    ]


def _day(text: str) -> Day | None:
    try:
        return parse_day(text) if text else None
    except ValueError:
        raise Problem("malformed-question", "a day is written YYYY-MM-DD") from None


PAGES = (
    Page("GET", POLICY, get_policy, READING),
    Page("GET", f"{POLICY}/change", get_change, READING),
)
