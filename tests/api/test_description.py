"""The OpenAPI description is whole, and its examples are what happens."""

from __future__ import annotations

import json
from typing import Any

import pytest

from api import examples
from tests.api.conftest import Caller


def operations(made: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every (path, method, operation)."""
    return [(p, m, o) for p, methods in made["paths"].items() for m, o in methods.items()]


def test_every_operation_shows_what_is_sent_and_answered(caller: Caller) -> None:
    """An example for each body that carries one; a problem for what goes wrong."""
    for path, method, operation in operations(caller.client.get("/openapi.json").json()):
        where = f"{method} {path}"
        assert operation["summary"], where
        if path.startswith("/v1/"):
            assert operation["responses"].keys() >= {"4XX", "5XX"}, where
        bodies = [*operation["responses"].values(), operation.get("requestBody", {})]
        for body in bodies:
            for media in body.get("content", {}).values():
                assert "example" in media or "examples" in media, where
        for parameter in operation.get("parameters", ()):
            assert parameter["in"] == "path" or parameter["description"], where


def test_what_is_shown_as_sent_is_accepted_and_answered_as_shown(caller: Caller) -> None:
    """Each example in turn; answers have the members shown, and tell of the same kinds."""
    made = caller.client.get("/openapi.json").json()
    sent = made["paths"]["/v1/facts"]["post"]["requestBody"]["content"]
    shown = sent["application/json"]["examples"]
    one = caller.post(shown["one"]["value"], examples.KEY)
    assert (one.status_code, one.json().keys()) == (201, examples.RECORDED.keys())
    many = caller.post(shown["many"]["value"]).json()
    assert [item.keys() for item in many["items"]] == [
        item.keys() for item in examples.OUTCOMES["items"]
    ]
    assert many["items"][1] == examples.PROBLEM
    lines = sent["application/x-ndjson"]["example"].encode()
    assert caller.raw(lines, "application/x-ndjson").status_code == 200
    assert caller.post(shown["correction"]["value"]).status_code == 201
    lookups = made["paths"]["/v1/subjects/lookup"]["post"]["requestBody"]["content"]
    asked = lookups["application/json"]["examples"]
    found = caller.lookup(asked["one"]["value"]).json()
    assert found.keys() == examples.FOUND.keys()
    assert caller.lookup(asked["many"]["value"]).json()["items"] == [found, examples.UNKNOWN]


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("", examples.WHOLE),
        ("/timeline", examples.TIMELINE),
        ("/deadlines", examples.DEADLINES),
        ("/consents", examples.CONSENTS),
    ],
)
def test_what_is_shown_of_a_person_is_answered(
    caller: Caller, path: str, shown: dict[str, Any]
) -> None:
    """Nothing is shown that is not answered, nor left out of the description."""
    subject = caller.post([examples.ORDER, examples.CONSENT]).json()["items"][0]["subject"]
    said = caller.get(f"/v1/subjects/{subject}{path}", lang="en").json()
    assert said.keys() == shown.keys()
    for name in ("deadlines", "consents", "items"):
        if name in shown:
            members = set().union(*(item.keys() for item in said[name]))
            assert shown[name][0].keys() <= members, name
    schemas = caller.client.get("/openapi.json").json()["components"]["schemas"]
    names = {"": "Subject", "/timeline": "Timeline", "/deadlines": "Deadlines"}
    described = schemas[names.get(path, "Choices")]
    assert described["properties"].keys() == said.keys()
    told = schemas["Told"]["properties"].keys()
    if path == "/timeline":
        assert all(item.keys() <= told for item in said["items"])
    json.dumps(described)
