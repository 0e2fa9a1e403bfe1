"""*Supprimer mon espace client*: what would go, what the law keeps and until when, then the request
(SS-CH-6, SS-DSR-3; GDPR art. 17). The agreed phrase does the same from a letter or an e-mail."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api import own
from api.console.my import herself, page
from api.console.naming import class_labels
from api.console.visiting import Visit
from api.problems import Problem
from ledger.erasing.certificate import outcome_json
from ledger.erasing.request import everybody, planned_everywhere
from ledger.policy.requests import Request
from ledger.requests.reading import owed_to
from ledger.store import dashboard, erasure, states

HOME = "/my/account"
CLASSES = ["account"]  # closing the account is not all of art. 17: that is asked for beside it
REASON = "request"
LEAVING = (states.LIVE, states.KEPT, erasure.KEYS, dashboard.OWED_TO_HER)


def get_account(visit: Visit) -> Response:
    """The fate of each class, were it asked for today; and the request that is open, if one is."""
    subject = herself(visit)
    with visit.ledger.database.read() as connection:
        states.look_at(connection, subject, *LEAVING)
    plan = planned_everywhere(visit.ledger, subject, REASON)
    fates = [outcome_json(one) for outcomes in plan.values() for one in outcomes]
    return visit.render(
        "my/account.html", fates=_by_class(fates), labels=class_labels(visit), open=_open(visit)
    )


def post_account(visit: Visit) -> Response:
    """Asked, if she ticked that she means it: the account alone, or everything that may go."""
    if visit.field("sure") != "yes" or visit.field("what") not in ("account", "all"):
        raise Problem("malformed", "say what is to go, and tick that you mean it")
    data: dict[str, Any] = {"right": "erasure"}
    if visit.field("what") == "account":
        data["classes"] = CLASSES
    made = own.asked(visit.ledger, herself(visit), {"data": data}, visit.lang)
    day = visit.say.day(made["request"]["due"])
    return visit.go("/my/requests", "my_account.asked", day=day)


def _open(visit: Visit) -> Request | None:
    """The last request of hers for an erasure that waits for an answer."""
    waiting = owed_to(visit.ledger, everybody(visit.ledger, herself(visit)))
    hers = [one for one in waiting if one.right == "erasure" and one.state != "closed"]
    return hers[-1] if hers else None


def _by_class(fates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One line for each class and fate: how many things, and the last day of what is kept."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in fates:
        key = one["class"], one["outcome"], one["why"]
        line = found.setdefault(key, {**one, "things": 0})
        line["things"] += 1
        line["until"] = max(filter(None, (line["until"], one["until"])), default=None)
    return sorted(found.values(), key=lambda one: (one["outcome"], one["class"]))


PAGES = (page("GET", HOME, get_account), page("POST", HOME, post_account))
