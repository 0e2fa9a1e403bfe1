"""What leaves: webhooks and their deliveries, as `/v1/webhooks` tells them.

The secret of a new one is on the page that answers its form, and on no other. Read next:
`api/webhooks.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from starlette.responses import Response

from api import webhooks
from api.console import Page
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import DPO, OPERATOR
from ledger.errors import ProbantError
from ledger.outbound import endpoints
from ledger.policy.telling import CONCERNING

WEBHOOKS = "/console/webhooks"
KEEPING = frozenset({DPO, OPERATOR})
LIMIT = 100


def get_webhooks(visit: Visit) -> Response:
    """Every webhook, with how many of its deliveries wait, were taken, or were given up."""
    return visit.render("webhooks.html", **_told(visit))


def post_webhook(visit: Visit) -> Response:
    """Register one. Its secret is shown this once."""
    value: dict[str, Any] = {name: visit.field(name) for name in ("url", "recipient")}
    if kinds := visit.fields("kinds"):
        value["kinds"] = kinds
    try:
        made = webhooks.registered(visit.ledger, value)
    except (Problem, ProbantError) as error:
        refusal = visit.refusal_of(error)
        return visit.render("webhooks.html", 422, **_told(visit) | {"refusal": refusal})
    return visit.render("webhooks.html", 201, **_told(visit) | {"made": made})


def get_webhook(visit: Visit) -> Response:
    """The delivery log of one: how each went, never what it said."""
    query, id = visit.request.query_params, _id(visit)
    state = query.get("state", "")
    after = query.get("after", "")
    position = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
    asked = state if state in endpoints.STATES else None
    found = webhooks.deliveries(visit.ledger, id, asked, position, LIMIT)
    one = endpoints.find(visit.ledger, id)
    return visit.render(
        "webhook.html",
        one=webhooks.endpoint_json(one),
        deliveries=found["items"],
        next=found["next"],
        state=asked or "",
        states=endpoints.STATES,
    )


def post_ping(visit: Visit) -> Response:
    """Send a message that says nothing, and say what it was answered."""
    answer = webhooks.pinged(visit.ledger, _id(visit), visit.request.app.state.outbound.post)
    where = f"{WEBHOOKS}/{visit.path['id']}"
    if answer["delivered"]:
        return visit.go(where, "webhooks.taken", status=answer["status"])
    return visit.go(where, "webhooks.not_taken", why=answer["error"] or answer["status"])


def post_redeliver(visit: Visit) -> Response:
    """Have everything that was given up sent again, under the ids it had; or one of them."""
    value: dict[str, Any] = {"webhook": str(_id(visit))}
    if position := visit.field("position"):
        value["positions"] = [int(position)] if position.isdigit() else []
    answer = webhooks.redelivered(visit.ledger, value)
    number = visit.say.number(answer["waiting"])
    return visit.go(f"{WEBHOOKS}/{visit.path['id']}", "webhooks.again", n=number)


def post_remove(visit: Visit) -> Response:
    """Send nothing there any more."""
    endpoints.remove(visit.ledger, _id(visit))
    return visit.go(WEBHOOKS, "webhooks.removed")


def _told(visit: Visit) -> dict[str, Any]:
    declared = visit.ledger.declared(visit.ledger.epoch()).recipients
    return {
        "items": webhooks.listed(visit.ledger)["items"],
        "recipients": sorted(declared),
        "kinds": CONCERNING,
        "made": None,
        "refusal": None,
    }


def _id(visit: Visit) -> UUID:
    return visit.id(visit.path["id"], "there is no such webhook")


PAGES = (
    Page("GET", WEBHOOKS, get_webhooks, KEEPING),
    Page("POST", WEBHOOKS, post_webhook, KEEPING),
    Page("GET", f"{WEBHOOKS}/{{id}}", get_webhook, KEEPING),
    Page("POST", f"{WEBHOOKS}/{{id}}/ping", post_ping, KEEPING),
    Page("POST", f"{WEBHOOKS}/{{id}}/redeliver", post_redeliver, KEEPING),
    Page("POST", f"{WEBHOOKS}/{{id}}/remove", post_remove, KEEPING),
)
