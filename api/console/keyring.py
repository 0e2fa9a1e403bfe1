"""Who may do what here: the keys, the roles, and what each role opens.

Keys are shown and revoked, never made: whoever got hold of a session could otherwise give herself a
key with every role, and keep it when the session is gone (decision 0039). Read next: `api/keys.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import Response

from api import keys
from api.console import Page
from api.console.visiting import Visit
from api.routes import DPO, OPERATOR, PUBLIC, ROLES, SUBJECT
from api.routes.table import TABLE
from ledger.errors import NotFound

ACCESS = "/console/access"
KEEPING = frozenset({DPO, OPERATOR})


class Line(NamedTuple):
    """A key of the file, and whether it opens anything now."""

    key: keys.Key
    state: str  # live | expired | revoked
    is_mine: bool


def get_access(visit: Visit) -> Response:
    """The keys of the file, newest first; and the table of routes by role."""
    path = visit.request.app.state.keys.path
    found = [] if path is None else keys.read(path)
    lines = [Line(one, _state(visit, one), one.id == visit.asker.id) for one in reversed(found)]
    roles = [role for role in ROLES if role != SUBJECT]
    opened = [(f"{r.method} {r.path}", [role in r.roles for role in roles]) for r in TABLE]
    public = [f"{r.method} {r.path}" for r in TABLE if r.roles == PUBLIC]
    opened = [(name, marks) for name, marks in opened if any(marks)]
    return visit.render("access.html", lines=lines, roles=roles, opened=opened, public=public)


def post_revoke(visit: Visit) -> Response:
    """This key opens nothing from the next request on, whoever holds it."""
    path = visit.request.app.state.keys.path
    if path is None:
        raise NotFound("there is no file of keys here")
    keys.revoke(path, visit.path["id"], visit.now)
    return visit.go(ACCESS, "access.revoked_now")


def _state(visit: Visit, key: keys.Key) -> str:
    if key.revoked is not None:
        return "revoked"
    return "live" if key.is_live(visit.now) else "expired"


PAGES = (
    Page("GET", ACCESS, get_access, KEEPING),
    Page("POST", f"{ACCESS}/{{id}}/revoke", post_revoke, KEEPING),
)
