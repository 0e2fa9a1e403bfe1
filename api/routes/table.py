"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import (
    cards,
    choices,
    contracts,
    facts,
    holds,
    joins,
    log,
    packages,
    permissions,
    policy,
    queue,
    readings,
    requests,
    retention,
    service,
    subjects,
    today,
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
    *requests.ROUTES,
    *cards.ROUTES,
    *contracts.ROUTES,
    *holds.ROUTES,
    *retention.ROUTES,
    *policy.ROUTES,
    *today.ROUTES,
    *permissions.ROUTES,
    *webhooks.ROUTES,
    *log.ROUTES,
)
