"""`GET /v1/population`: everybody counted at two times, as `probant replay` and the desk count.

Read next: `answers.py` in the room above; `replay/fold.py` defines each number.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from starlette.responses import JSONResponse, Response

from api import population_schema, schema
from api.answers import Times, population_answer
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import instant_of, ledger_of


def get_population(
    request: Request,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
    ages: Annotated[
        bool, Query(description="Also by whole years since what counted last.")
    ] = False,
) -> Response:
    """How many people, facts and choices, by class and by where they stand in their term. Counted
    by the database, from the live tables where these can answer for the times asked: numbers only,
    nobody's id."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    return JSONResponse(population_answer(ledger_of(request), times, with_ages=ages))


ROUTES = (
    Route(
        *("GET", "/v1/population", get_population, "controls"),
        "Everybody, counted at any two times",
        frozenset({DPO, AUDITOR}),
        population_schema.GET_POPULATION,
    ),
)
