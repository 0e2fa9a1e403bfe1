"""`POST /v1/subjects/lookup`: from a reference to an id, or an explicit "not known"."""

from __future__ import annotations

import json
import logging

import pytest

from tests.api.conftest import CANARY, Caller, order


def test_a_person_is_found_and_nobody_is_said_to_be_nobody(anywhere: Caller) -> None:
    """200 in both cases: not knowing somebody is an answer."""
    subject = anywhere.post(order()).json()["subject"]
    found = anywhere.lookup({"person": {"kind": "shop", "value": " 0042 "}})
    assert (found.status_code, found.json()) == (200, {"known": True, "subject": subject})
    for person in ({"kind": "shop", "value": CANARY}, {"kind": "email", "value": "0042"}):
        nobody = anywhere.lookup({"person": person})
        assert (nobody.status_code, nobody.json()) == (200, {"known": False})


def test_many_are_answered_in_the_order_asked(anywhere: Caller) -> None:
    """A thousand at most; a question that cannot be read is the business of its own item."""
    said = anywhere.post([order(f"c-{n}", f"A-{n}") for n in range(5)]).json()["items"]
    people = [{"person": {"kind": "shop", "value": f"c-{n % 10}"}} for n in range(1000)]
    people[7] = {"person": {"kind": CANARY, "value": "x"}}
    answer = anywhere.lookup(people)
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [items[n]["subject"] for n in range(5)] == [one["subject"] for one in said]
    assert items[7]["status"] == 422
    counts = {name: answer.json()[name] for name in ("known", "unknown", "refused")}
    assert counts == {"known": 500, "unknown": 499, "refused": 1}
    assert CANARY not in answer.text
    assert anywhere.lookup(people + people[:1]).status_code == 413
    lines = "\n".join(json.dumps(one) for one in people[:3]).encode()
    media = {**anywhere.headers, "Content-Type": "application/x-ndjson"}
    read = anywhere.client.post("/v1/subjects/lookup", content=lines, headers=media)
    assert read.json()["items"] == items[:3]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 422),
        ({"person": None}, 422),
        ({"person": CANARY}, 422),
        ({"person": {"kind": "shop"}}, 422),
        ({"person": {"kind": "shop", "value": " "}}, 422),
        ({"person": {"kind": "shop", "value": "1"}, CANARY: 1}, 422),
        (CANARY, 422),
        ([[]], 200),
    ],
)
def test_a_question_that_cannot_be_read(caller: Caller, asked: object, status: int) -> None:
    """A problem that repeats nothing."""
    answer = caller.lookup(asked)
    assert answer.status_code == status
    media = "application/problem+json" if status == 422 else "application/json"
    assert answer.headers["content-type"] == media
    assert CANARY not in answer.text


def test_no_reference_rests_in_a_log(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    """The body is the only place where it was; nothing is written about the question."""
    with caplog.at_level(logging.INFO):
        caller.lookup({"person": {"kind": "email", "value": CANARY}})
    ours = [record.getMessage() for record in caplog.records if record.name == "probant.access"]
    assert ours[0].startswith("POST /v1/subjects/lookup 200")
    assert CANARY not in caplog.text
    assert caller.position() == 1
    assert caller.client.get("/v1/subjects/lookup", headers=caller.headers).status_code in (
        404,
        405,
    )
    assert caller.client.post("/v1/subjects/lookup", json={}).status_code == 401
