"""`/v1/contracts…` and `/v1/subjects/{id}/contracts`: begun, told of, renewed, amended, ended.

Read next: `contracts.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import contracts as telling
from api import things
from api import things_schema as schema
from api.answers import Times
from api.routes import AGENT, AUDITOR, DPO, RECORDER, SUBJECT, Route
from api.routes.stepping import begun, stepped
from api.routes.subjects import Asked, asked_of
from api.routes.taking import instant_of, ledger_of
from ledger.events import ContractStarted

CONTRACTS = "/v1/contracts"
HANDLING = frozenset({AGENT, DPO})
TELLING = HANDLING | {RECORDER}

AsOf = Annotated[str | None, Query(description=schema.AS_OF)]
KnownAt = Annotated[str | None, Query(description=schema.KNOWN_AT)]


async def post_contract(request: Request) -> Response:
    """A contract, maintenance, subscription or warranty began: while it runs, the clocks of some
    classes stand still. Name it by an `id` or a `thing` of yours: told twice, it is refused."""
    return await begun(request, ContractStarted, CONTRACTS)


async def post_step(request: Request, id: str, step: str) -> Response:
    """Record a step: `notify-renewal` (she was told before a tacit renewal), `renew`, `amend`,
    `end`."""
    return await stepped(request, telling.STEPS.get(step), id, "contract", telling.STEPS)


def get_contracts(
    request: Request,
    subject: Annotated[str, Query(description="Whose contracts.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Response:
    """The contracts of one person, and which of her clocks each stops."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    whose = things.uuid_of(subject, "subject")
    return JSONResponse(telling.contracts_answer(ledger_of(request), whose, times))


def get_own_contracts(request: Request, asked: Annotated[Asked, Depends(asked_of)]) -> Response:
    """The same, for the person herself too."""
    return JSONResponse(telling.contracts_answer(ledger_of(request), *asked))


def get_contract(
    request: Request, id: str, as_of: AsOf = None, known_at: KnownAt = None
) -> Response:
    """One contract at two times."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    contract = things.uuid_of(id, "contract")
    return JSONResponse(telling.contract_answer(ledger_of(request), contract, times))


ROUTES = (
    Route(
        *("POST", CONTRACTS, post_contract, "contracts"),
        "A contract began",
        TELLING,
        schema.POST_CONTRACT,
        once=True,
    ),
    Route(
        *("GET", CONTRACTS, get_contracts, "contracts"),
        "One person's contracts",
        HANDLING | {AUDITOR},
        schema.GET_CONTRACTS,
    ),
    Route(
        *("GET", f"{CONTRACTS}/{{id}}", get_contract, "contracts"),
        "One contract",
        HANDLING | {AUDITOR},
        schema.GET_CONTRACT,
    ),
    Route(
        *("POST", f"{CONTRACTS}/{{id}}/{{step}}", post_step, "contracts"),
        "Told of a renewal, renewed, amended, ended",
        TELLING,
        schema.POST_CONTRACT_STEP,
        once=True,
    ),
    Route(
        *("GET", "/v1/subjects/{id}/contracts", get_own_contracts, "contracts"),
        "One person's contracts",
        HANDLING | {AUDITOR, SUBJECT},
        schema.GET_CONTRACTS,
    ),
)
