"""The HTTP application: the table of `routes/`, what surrounds it, and what becomes of failures.

Each worker opens its own ledger when it starts (an engine must not cross a fork) and closes it when
it stops. The ledger's library knows threads only, so its work runs in them; whatever writes has its
turn in one (`app.state.writer`). Read next:
`routes/__init__.py` (what is offered), `access.py` (to whom), `problems.py` (what goes wrong).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import Response

from api import access, entering, idempotency, problems, schema
from api.console import doors
from api.console import table as pages
from api.console.demo import Demo
from api.console.sessions import Sessions
from api.direct import Direct
from api.guard import Guard
from api.keys import Keys
from api.limits import limits
from api.metrics import Metrics
from api.oidc import Issuer
from api.problems import Problem, language_asked
from api.readiness import Readiness
from api.routes import PUBLIC, Route
from api.routes.table import TABLE
from api.sealed import Seal
from api.signing_on import SignOn
from api.surrounding import Browsers, Compressed
from api.today import Board
from api.verifying import Checker
from api.webhooks import Outbound
from ledger.application import Ledger
from ledger.archiving.asking import Ask
from ledger.choosing.optin import Carry
from ledger.erasing.certificate import Desk
from ledger.errors import ProbantError, Refusal
from ledger.grouping import Writer
from ledger.retention.running import Keeper

# The framework would tell whoever the environment names, paths and all, which name subjects.
SILENT = TelemetryConfig(tracing=False, metrics=False, logs=False)
WRITING_AT_ONCE = 64  # requests whose writes wait for a commit, each in a thread
READING_AT_ONCE = 40  # pages that are being read, each in a thread


def create_app(  # noqa: PLR0913 - all that a server is made of, each by its name
    ledger_factory: Callable[[], Ledger],
    keys: Keys,
    seal: Seal | None = None,
    oidc: Issuer | None = None,
    table: tuple[Route, ...] = TABLE,
    *,
    carry: Carry | None = None,
    journal: Path | None = None,
    desk: Desk | None = None,
    outbound: Outbound | None = None,
    opener: Ask | None = None,
    origins: Collection[str] = (),
    demo: Demo | None = None,
    archive: Path | None = None,
    checked: Path | None = None,
    theme: bytes | None = None,
    sign_on: SignOn | None = None,
) -> FastAPI:
    """The application over the ledger that `ledger_factory` opens, for holders of one of `keys` or
    of a token of `oidc`; `seal` says where the log is sealed, if it is; `carry` takes a message to
    a person's own address (None: the courier does, by the webhook registered for it); `journal` is
    the folder of the erasure journal; `desk` where certificates and results of the controls are
    signed and filed; `outbound` how messages leave; `opener` asks whoever opens the
    archive for what the log proves (None: nobody does); scripts of pages of `origins` may ask what
    one person may, and frame her pages; `demo`: the parts that may be played; `archive` is the file
    of the archive's public key, `checked` that of the note of the last `verify`; `theme`: the style
    sheet of her pages; `sign_on`: how staff sign in with their company's account."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.writing = CapacityLimiter(WRITING_AT_ONCE)
        app.state.readers = ThreadPoolExecutor(READING_AT_ONCE, "pages")
        app.state.running = set()  # fingerprints of the requests being carried out by this worker
        app.state.sweeper = idempotency.Sweeper()
        app.state.ledger = await to_thread.run_sync(ledger_factory)
        app.state.writer = Writer(app.state.ledger)
        app.state.keeper = Keeper(app.state.ledger, journal, archive, desk)
        app.state.checker = Checker(checked)
        yield
        await to_thread.run_sync(app.state.keeper.close)
        await to_thread.run_sync(app.state.checker.close)
        await to_thread.run_sync(app.state.board.counting.close)
        await to_thread.run_sync(app.state.readers.shutdown)
        await to_thread.run_sync(app.state.writer.close)
        if seal is not None and seal.signer is not None:
            await to_thread.run_sync(seal.signer.close)
        await to_thread.run_sync(app.state.ledger.close)

    app = FastAPI(
        title="Probant",
        version=version("probant"),
        description=schema.DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,  # served by the table, like everything
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=SILENT,
    )
    app.state.keys, app.state.oidc, app.state.seal = keys, oidc, seal
    app.state.carry = carry
    app.state.limits = limits()
    app.state.journal, app.state.desk = journal, desk
    app.state.outbound = outbound or Outbound()
    app.state.opener = opener
    app.state.board = Board(journal, checked, app.state.outbound.days)
    app.state.sessions, app.state.origins, app.state.demo = Sessions(), tuple(origins), demo
    app.state.theme, app.state.sign_on = theme, sign_on
    app.state.metrics, app.state.readiness = Metrics(), Readiness(journal)
    app.add_middleware(Compressed)
    app.add_middleware(Browsers, origins=origins, table=table)
    app.add_middleware(Guard, metrics=app.state.metrics)  # the last one added is outermost
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(ProbantError, _on_failure)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for route in access.checked(table):
        app.add_api_route(
            route.path,
            route.endpoint,
            methods=[route.method],
            tags=[route.tag],
            summary=route.summary,
            dependencies=[] if route.roles == PUBLIC else [Depends(entering.only(route.roles))],
            **_described(route),
        )
    direct = [Direct(row, entering.only(row.roles)) for row in table if row.direct]
    sheets = doors.routes(pages.pages_of(is_sandbox=demo is not None and demo.clock is not None))
    app.router.routes[:0] = [*direct, sheets]  # before those of the framework
    schema.complete(app)
    return app


def _described(route: Route) -> dict[str, Any]:
    """What the row says, and in the description who may ask, and whether it is done once."""
    told = schema.once(route.extra) if route.once else route.extra
    extra = told.get("openapi_extra", {})
    return {**told, "openapi_extra": {**extra, "x-roles": sorted(route.roles)}}


# --- what goes wrong ------------------------------------------------------------------------------


def _on_problem(request: Request, error: Any) -> Response:
    """Raised by a door: `error` is a Problem."""
    return problems.response(error.refusal, error.headers, language_asked(request))


def _on_failure(request: Request, error: Any) -> Response:
    """Raised by the ledger: `error` is of one of its three families."""
    return problems.response(problems.refusal_of(error), None, language_asked(request))


def _on_invalid(request: Request, error: Any) -> Response:
    """The framework would repeat what was sent: only the place of the first mistake is said."""
    place = next((str(e["loc"][-1]) for e in error.errors() if len(e["loc"]) > 1), None)
    named = (
        *("as_of", "known_at", "lang", "id", "after", "limit", "purpose", "channel", "at"),
        *("subject", "before", "months", "review_by", "old", "new"),
    )
    known = place if place in named else None
    refusal = Refusal("malformed-question", "a parameter is not valid", field=known)
    return problems.response(refusal, None, language_asked(request))


def _on_http(request: Request, error: Any) -> Response:
    """Raised by the framework: `error` is an HTTPException."""
    if error.status_code == 405:
        refusal = Refusal("method-not-allowed", "this page does not answer to that method")
    elif error.status_code == 404:
        refusal = Refusal("not-found", "there is no such page")
    elif error.status_code < 500:
        refusal = Refusal("malformed-json", "the request cannot be read")
    else:
        refusal = Refusal("broken", "unexpected failure")
    return problems.response(refusal, dict(error.headers or {}), language_asked(request))
