"""Every example of the OpenAPI description is what its schema says, and every schema is used."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.app import create_app
from api.keys import Keys
from api.routes import PUBLIC
from api.routes.table import TABLE
from ledger.opening import create

DESCRIBED = create_app(lambda: create("sqlite://"), Keys(())).openapi()
JSON = ("application/json", "application/problem+json")


def bodies() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every body that is sent or answered: where, its media type, what is said of it."""
    for path, methods in DESCRIBED["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            sent = operation.get("requestBody", {}).get("content", {})
            yield from ((f"{where} sent", media, told) for media, told in sent.items())
            for status, answer in operation["responses"].items():
                for media, told in answer.get("content", {}).items():
                    yield f"{where} {status}", media, told


def examples_of(told: dict[str, Any]) -> list[Any]:
    """The one example of a body, or all that are named."""
    named = [one["value"] for one in told.get("examples", {}).values()]
    return [*named, told["example"]] if "example" in told else named


def validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Of one schema, its references followed, formats and all."""
    whole = {**schema, "components": DESCRIBED["components"]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


@pytest.mark.parametrize(
    ("where", "media", "told"), list(bodies()), ids=lambda one: one if isinstance(one, str) else ""
)
def test_every_example_is_what_its_schema_says(where: str, media: str, told: Any) -> None:
    """Sent and answered; of NDJSON each line, against the schema of a line where one is said."""
    shown = examples_of(told)
    assert shown, f"{where} shows nothing"
    check = validator(told["schema"])
    for one in shown:
        errors = [f"{e.instance_path}: {e.message}" for e in check.iter_errors(one)]
        assert errors == [], where
        if media.endswith("ndjson"):
            assert all(json.loads(line) for line in one.splitlines())


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_says_what_it_answers_when_it_does_not(route: Any) -> None:
    """Problems, of the one shape, whose example has a clause and an article; who may ask."""
    if not route.extra.get("include_in_schema", True):
        return
    told = DESCRIBED["paths"][route.path.replace(":path", "")][route.method.lower()]
    assert told["x-roles"] == sorted(route.roles)
    assert bool(told.get("security")) is (route.roles != PUBLIC)
    wrong = [answer for status, answer in told["responses"].items() if status[0] in "45"]
    assert wrong
    for answer in wrong:
        (media, body) = next(iter(answer["content"].items()))
        assert (media, body["schema"]) == (JSON[1], {"$ref": "#/components/schemas/Problem"})
        assert body["example"].keys() >= {"type", "title", "status", "detail", "clause", "article"}


def test_every_shape_is_said_once_and_used() -> None:
    """A component that nothing leads to describes nothing; a body has a name of its own."""
    text = json.dumps(DESCRIBED)
    names = DESCRIBED["components"]["schemas"].keys()
    assert [name for name in names if f'"#/components/schemas/{name}"' not in text] == []
    for where, media, told in bodies():
        if media in JSON:
            schema = told["schema"]
            assert "$ref" in schema or "oneOf" in schema, f"{where} has a shape without a name"


def test_the_check_itself_finds_what_is_wrong() -> None:
    """A problem without a title, a status that is a text, a member nobody declared."""
    check = validator({"$ref": "#/components/schemas/Problem"})
    good = {"type": "/docs#problem-x", "title": "X", "status": 422, "detail": "x"}
    assert check.is_valid(good)
    assert not check.is_valid({**good, "status": "422"})
    assert not check.is_valid({**good, "more": 1})
    assert not check.is_valid({name: value for name, value in good.items() if name != "title"})
