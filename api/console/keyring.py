"""Who may do what here: the keys, the roles, and what each role opens.

Keys are shown and revoked, never made: whoever got hold of a session could otherwise give herself a
key with every role, and keep it when the session is gone (decision 0039). Read next: `api/keys.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from api import keys
from api.console import Page, rendering
from api.console.texts import speech
from api.console.visiting import Visit
from api.routes import DPO, OPERATOR, ROLES, SUBJECT
from api.routes.table import TABLE
from api.settings import Language
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
    return visit.render("access.html", lines=lines, table=_table(visit.lang))


@lru_cache(maxsize=2)
def _table(lang: Language) -> Markup:
    """Which role opens which route: drawn once, for it is of the program."""
    roles = [role for role in ROLES if role != SUBJECT]
    opened = [(f"{r.method} {r.path}", [role in r.roles for role in roles]) for r in TABLE]
    opened = [(name, marks) for name, marks in opened if any(marks)]
    values = {"t": speech(lang), "lang": lang, "roles": roles, "opened": opened}
    return rendering.piece("roles.html", values)


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
