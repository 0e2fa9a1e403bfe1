"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import (
    archive,
    choices,
    facts,
    joins,
    log,
    packages,
    permissions,
    queue,
    readings,
    requests,
    service,
    subjects,
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
    *archive.ROUTES,
    *choices.ROUTES,
    *queue.ROUTES,
    *joins.ROUTES,
    *requests.ROUTES,
    *permissions.ROUTES,
    *webhooks.ROUTES,
    *log.ROUTES,
)
