"""`/v1/policy/…`: the editions, one of them, its lint, what one changes in another, its clauses.

Read next: `policies.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import choices as saying
from api import policies as telling
from api import policy_schema as schema
from api.once import once
from api.routes import AGENT, AUDITOR, DPO, READER, Route
from api.routes.taking import body_of, day_named, language_headers, language_of, ledger_of
from ledger.calendar import Day, day_of, parse_day
from ledger.errors import BadData, NotFound
from ledger.handlers import publish

EDITIONS = "/v1/policy/editions"
READING = frozenset({READER, AGENT, DPO, AUDITOR})
CURRENT = "current"

Lang = Annotated[str | None, Query(description="fr (default) or en.")]
DayAsked = Annotated[str | None, Query(description="The edition in force on that day; today's.")]


def get_editions(request: Request) -> Response:
    """Every edition published so far, and which one is in force."""
    return JSONResponse(telling.editions_answer(ledger_of(request)))


async def post_edition(request: Request) -> Response:
    """Publish the next edition (`toml`, the text of its file): a fact like any other. One that
    keeps something longer takes effect on a later day, unless people were told (`notified`)."""
    item = saying.body_object(await body_of(request), ("toml", "notified"))
    toml, notified = item.get("toml"), item.get("notified", False)
    if not isinstance(toml, str):
        raise BadData("field 'toml' must be a text: the edition's file")
    if not isinstance(notified, bool):
        raise BadData("field 'notified' must be true or false")
    ledger = ledger_of(request)

    def work() -> Response:
        written = publish(ledger, toml.encode(), notified=notified)
        entries = ledger.book(ledger.epoch()).entries
        made = next(one for one in entries if one.position == written.position)
        return JSONResponse(telling.edition_json(made), 201)

    return await once(request, work)


def get_edition(request: Request, day: str) -> Response:
    """The edition in force on a day (or `current`): classes with their terms, purposes."""
    return JSONResponse(telling.edition_json(telling.in_force(ledger_of(request), _named(day))))


def get_lint(request: Request, day: str, law_of: DayAsked = None, lang: Lang = None) -> Response:
    """Where this edition is looser than the law of a day (today's by default), or against it."""
    ledger, spoken = ledger_of(request), language_of(request, lang)
    edition = telling.in_force(ledger, _named(day)).edition
    at = day_of(ledger.clock.now()) if law_of is None else day_named("law_of", law_of)
    return JSONResponse(telling.lint_answer(edition, at, spoken), headers=language_headers(spoken))


def get_clauses(request: Request, day: str, lang: Lang = None) -> Response:
    """The clauses of this edition, retold, each with its article of the law."""
    spoken = language_of(request, lang)
    edition = telling.in_force(ledger_of(request), _named(day)).edition
    return JSONResponse(telling.clauses_answer(edition, spoken), headers=language_headers(spoken))


def get_diff(
    request: Request,
    old: Annotated[str, Query(description="The edition in force on that day.")],
    new: Annotated[str, Query(description="The same.")],
) -> Response:
    """What one edition changes in another: what is kept shorter or longer, what comes and goes."""
    editions = [
        telling.in_force(ledger_of(request), day_named(name, text)).edition
        for name, text in (("old", old), ("new", new))
    ]
    return JSONResponse(telling.diff_answer(*editions))


def _named(text: str) -> Day | None:
    """The day of a path; None for the edition in force now. Raises NotFound."""
    if text == CURRENT:
        return None
    try:
        return parse_day(text)
    except ValueError:
        raise NotFound("an edition is named by a day (YYYY-MM-DD), or 'current'") from None


ROUTES = (
    Route(
        *("GET", EDITIONS, get_editions, "policy"),
        "Every edition of the policy",
        READING,
        schema.GET_EDITIONS,
    ),
    Route(
        *("POST", EDITIONS, post_edition, "policy"),
        "Publish the next edition",
        frozenset({DPO}),
        schema.POST_EDITION,
        once=True,
    ),
    Route(
        *("GET", f"{EDITIONS}/{{day}}", get_edition, "policy"),
        "The edition in force on a day",
        READING,
        schema.GET_EDITION,
    ),
    Route(
        *("GET", f"{EDITIONS}/{{day}}/lint", get_lint, "policy"),
        "Where an edition is looser than the law",
        frozenset({DPO, AUDITOR}),
        schema.GET_LINT,
    ),
    Route(
        *("GET", f"{EDITIONS}/{{day}}/clauses", get_clauses, "policy"),
        "The clauses of an edition",
        READING,
        schema.GET_CLAUSES,
    ),
    Route(
        *("GET", "/v1/policy/diff", get_diff, "policy"),
        "What one edition changes in another",
        frozenset({DPO, AUDITOR}),
        schema.GET_DIFF,
    ),
)
