"""Every route of the real application × every role and nobody: let in by the table, or refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.access import Who, checked, markdown
from api.app import create_app
from api.console.doors import Sheets
from api.console.table import PAGES
from api.direct import Direct
from api.keys import Keys
from api.routes import DPO, PUBLIC, ROLES, SUBJECT, Route
from api.routes.table import TABLE
from ledger.errors import Broken
from ledger.opening import create

OWN = uuid4()
ROOT = Path(__file__).resolve().parents[2]


class Roles(Keys):
    """Keys whose token is the name of the one role that it has."""

    def who(self, token: str, now: int) -> Who | None:
        """A holder of exactly this role."""
        found = frozenset({token}) & set(ROLES)
        return Who(token, found, OWN if token == SUBJECT else None) if found else None


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """The real application."""
    made = create_app(lambda: create("sqlite://"), Roles(()))
    with TestClient(made, raise_server_exceptions=False) as client:
        yield client


def ask(client: TestClient, route: Route, token: str | None, subject: Any = OWN) -> Any:
    """The answer to a request with an empty body, which no endpoint takes for more than a bad
    question: getting that far is being let in."""
    path = route.path.replace("{id}", str(subject))
    path = re.sub(r"\{[a-z_]+(:path)?\}", "1", path)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return client.request(route.method, path, headers=headers)


def test_the_application_offers_the_table_and_nothing_else(client: TestClient) -> None:
    """None is forgotten: what the application answers to is walked, and compared with the table."""
    offered, direct, pages = set(), set(), set()
    for route in client.app.routes:  # type: ignore[attr-defined]
        if isinstance(route, Direct):
            direct.add((route.method, route.path))
            continue
        if isinstance(route, Sheets):
            for sheet in route.sheets:
                pages |= {(method, sheet.path) for method in (sheet.methods or set()) - {"HEAD"}}
            continue
        assert isinstance(route, APIRoute), f"{route} is served outside of the table"
        offered |= {(method, route.path) for method in route.methods or ()}
    assert offered == {(route.method, route.path) for route in TABLE}
    assert direct == {(route.method, route.path) for route in TABLE if route.direct}
    assert pages == {(page.method, page.path) for page in PAGES}


def test_a_direct_route_answers_its_own_method_only(client: TestClient) -> None:
    """Reached past the framework: another method is refused as everywhere, by the row behind it."""
    for route in TABLE:
        if route.direct:
            answer = client.get(route.path, headers={"Authorization": "Bearer dpo"})
            assert answer.status_code == 405
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("role", [*ROLES, None, "nonsense"], ids=str)
def test_every_role_meets_every_route(client: TestClient, route: Route, role: str | None) -> None:
    """Let in by the table; else 401 to somebody unknown and 403 to somebody known, as a problem."""
    answer = ask(client, route, role)
    if route.roles == PUBLIC or role in route.roles:
        assert answer.status_code not in (401, 403)
        return
    assert answer.status_code == (403 if role in ROLES else 401)
    assert answer.headers["content-type"] == "application/problem+json"
    slug = "forbidden" if role in ROLES else "unauthorized"
    assert answer.json()["type"] == f"/docs#problem-{slug}"


@pytest.mark.parametrize(
    "route",
    [route for route in TABLE if SUBJECT in route.roles],
    ids=lambda route: f"{route.method} {route.path}",
)
@pytest.mark.parametrize("other", [uuid4(), "nobody"])
def test_one_person_is_told_nothing_of_another(
    client: TestClient, route: Route, other: Any
) -> None:
    """403 for every other id, known or not: her token does not find out who is a customer."""
    assert ask(client, route, SUBJECT, other).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"roles": frozenset()}, "does not say who may ask"),
        ({"roles": frozenset({"admin"})}, "does not exist"),
        ({"roles": PUBLIC | {DPO}}, "does not exist"),
        ({"roles": frozenset({SUBJECT}), "path": "/v1/subjects/{id}s"}, "cannot be opened"),
        ({"roles": frozenset({SUBJECT}), "path": "/v1/requests/{id}"}, "cannot be opened"),
        ({"path": "/healthz"}, "twice"),
    ],
)
def test_a_careless_row_is_refused_when_the_application_is_built(
    wrong: dict[str, Any], said: str
) -> None:
    """Default deny: a route nobody thought about is not served."""
    row = Route("GET", "/v1/new", lambda: None, "new", "New", frozenset({DPO}), {})
    assert checked((*TABLE, row))
    with pytest.raises(Broken, match=said):
        create_app(lambda: create("sqlite://"), Keys(()), table=(*TABLE, row._replace(**wrong)))


def test_the_page_shows_the_table_as_it_is() -> None:
    """`docs/access.md` holds what `probant access roles` prints."""
    page = (ROOT / "docs" / "access.md").read_text("utf-8")
    assert markdown(TABLE) in page, "paste what `probant access roles` prints into docs/access.md"


def test_the_description_says_who_may_ask(client: TestClient) -> None:
    """Each operation names its roles; all but those open to everybody need a key or token."""
    paths = client.get("/openapi.json").json()["paths"]
    shown = [route for route in TABLE if route.extra.get("include_in_schema", True)]
    for route in shown:
        path = route.path.replace(":path}", "}")
        operation = paths[path][route.method.lower()]
        assert operation["x-roles"] == sorted(route.roles)
        assert ("security" in operation) == (route.roles != PUBLIC)
