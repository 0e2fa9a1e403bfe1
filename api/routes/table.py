"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import (
    choices,
    facts,
    joins,
    log,
    own,
    packages,
    permissions,
    queue,
    readings,
    register,
    requests,
    service,
    subjects,
    supposing,
    tokens,
    webhooks,
)

TABLE = (
    *service.ROUTES,
    *facts.ROUTES,
    *subjects.ROUTES,
    *tokens.ROUTES,
    *readings.ROUTES,
    *packages.ROUTES,
    *choices.ROUTES,
    *queue.ROUTES,
    *joins.ROUTES,
    *own.ROUTES,
    *requests.ROUTES,
    *permissions.ROUTES,
    *register.ROUTES,
    *supposing.ROUTES,
    *webhooks.ROUTES,
    *log.ROUTES,
)
