"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import facts, log, packages, readings, service, subjects, tokens

TABLE = (
    *service.ROUTES,
    *facts.ROUTES,
    *subjects.ROUTES,
    *tokens.ROUTES,
    *readings.ROUTES,
    *packages.ROUTES,
    *log.ROUTES,
)
