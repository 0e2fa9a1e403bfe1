"""The whole table: everything that is offered over HTTP, in the order in which paths are tried."""

from __future__ import annotations

from api.routes import facts, log, service, subjects, webhooks

TABLE = (*service.ROUTES, *facts.ROUTES, *subjects.ROUTES, *webhooks.ROUTES, *log.ROUTES)
