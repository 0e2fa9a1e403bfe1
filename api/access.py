"""What the table must say before it is served, and what is known of whoever asks.

A caller has an id, roles, and, if she is one person with a token of her own, that person. Nothing
here reads a request: see `entering.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from api.routes import PUBLIC, ROLES, SUBJECT, Route
from ledger.errors import Broken

HELD = frozenset(ROLES) - {SUBJECT}  # what keys and staff may be given: a person has a token
OWN = "/v1/subjects/{id}"  # what is about one person lies here or below
RETURN = "/console/sign-in/return"  # where the identity provider leads back to

HERSELF = "self"  # how the ids of tokens of a person begin


class Who(NamedTuple):
    """The one who asks. `id` is no secret and names nobody; `subject` is set for `subject` only;
    `recipient` is the declared recipient whose key it is, and for whom it may acknowledge."""

    id: str
    roles: frozenset[str]
    subject: UUID | None = None
    recipient: str | None = None

    @property
    def holder(self) -> str:
        """Who repeats a request: a person, whichever of her tokens she shows; else the key."""
        return HERSELF if self.subject is not None else self.id


class Client(NamedTuple):
    """What the identity provider knows this server as, so that staff may sign in there: the id and
    the secret it gave us (None: none, PKCE alone), the one address it leads back to, what is asked
    for (RFC 6749 section 3.3)."""

    id: str
    secret: str | None
    redirect: str
    scope: str = "openid"


class Trusted(NamedTuple):
    """An identity provider, and which of its tokens are accepted. `roles`: what a value of the
    claim `claim` means here; without a mapping the values are our own names of roles. `client`:
    how staff sign in there from our pages, if they may."""

    issuer: str
    audience: str
    claim: str = "roles"
    roles: Mapping[str, str] | None = None
    client: Client | None = None


def checked(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    """The table, if it can be served. Raises Broken at a row that forgets to say who may ask, names
    a role that does not exist, offers the same twice, or opens to `subject` what is not her own."""
    seen = set()
    for route in routes:
        where = f"{route.method} {route.path}"
        if not route.roles:
            raise Broken(f"{where} does not say who may ask: name roles, or PUBLIC")
        if route.roles != PUBLIC and not route.roles <= set(ROLES):
            raise Broken(f"{where} names a role that does not exist")
        if SUBJECT in route.roles and not f"{route.path}/".startswith(f"{OWN}/"):
            raise Broken(f"{where} is not below {OWN}: it cannot be opened to {SUBJECT}")
        if where in seen:
            raise Broken(f"{where} is in the table twice")
        seen.add(where)
    return routes


def markdown(routes: tuple[Route, ...]) -> str:
    """The table for people: a row for each route, a column for each role."""
    head = f"| route | {' | '.join(ROLES)} |"
    rule = f"|---|{':-:|' * len(ROLES)}"
    rows = [
        f"| `{route.method} {route.path}` | {' | '.join(_cells(route.roles))} |" for route in routes
    ]
    return "\n".join([head, rule, *rows]) + "\n"


def _cells(roles: frozenset[str]) -> list[str]:
    if roles == PUBLIC:
        return ["all"] * len(ROLES)
    let_in = {role: "own" if role == SUBJECT else "yes" for role in roles}
    return [let_in.get(role, "–") for role in ROLES]
