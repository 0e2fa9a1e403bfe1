"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import (
    archive,
    choices,
    controls,
    facts,
    inspecting,
    joins,
    log,
    own,
    packages,
    permissions,
    queue,
    readings,
    register,
    reporting,
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
    *archive.ROUTES,
    *choices.ROUTES,
    *queue.ROUTES,
    *joins.ROUTES,
    *own.ROUTES,
    *requests.ROUTES,
    *permissions.ROUTES,
    *register.ROUTES,
    *reporting.ROUTES,
    *supposing.ROUTES,
    *controls.ROUTES,
    *inspecting.ROUTES,
    *webhooks.ROUTES,
    *log.ROUTES,
)
