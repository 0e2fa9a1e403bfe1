"""Everything that goes wrong over HTTP: problem+json, the right status, nothing that was sent."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from api.problems import KINDS, Problem, body
from api.routes import taking
from ledger import grouping
from ledger.errors import Away, Refusal, Stale
from tests.api.conftest import CANARY, Caller, order

ROOT = Path(__file__).resolve().parents[2]
DEEP = b'{"a":' * 5000 + b"1" + b"}" * 5000
HALF = json.dumps(order(CANARY)).replace(CANARY, "\\ud800").encode()

BODIES: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "half an object": (b'{"kind": "order.placed", "person": "' + CANARY.encode(), 400),
    "a text": (json.dumps(CANARY).encode(), 422),
    "null": (b"null", 422),
    "not UTF-8": (b'{"kind": "\xff\xfe"}', 400),
    "UTF-16": (json.dumps(order()).encode("utf-16"), 400),
    "NaN": (b'{"kind": NaN}', 400),
    "two values": (b"{} {}", 400),
    "bottomless": (DEEP, 400),
    "a huge number": (b'{"kind": ' + b"9" * 5000 + b"}", 400),
    "half a surrogate": (HALF, 400),
    "a key twice": (b'{"kind": "order.placed", "kind": "order.placed"}', 400),
    "a key twice within": (b'{"kind": "order.placed", "data": {"a": 1, "a": 2}}', 400),
    "no kind": (b"{}", 422),
    "unknown kind": (json.dumps({"kind": CANARY}).encode(), 422),
    "unknown key": (json.dumps({**order(), CANARY: 1}).encode(), 422),
    "unknown field": (json.dumps(order(data={CANARY: 1})).encode(), 422),
    "kind of correction": (b'{"kind": "fact.corrected", "data": {"ref": 1}}', 422),
    "an edition": (b'{"kind": "policy.published", "data": {}}', 422),
    "nobody": (json.dumps({"kind": "order.placed"}).encode(), 422),
    "subject": (json.dumps({"kind": "order.placed", "subject": CANARY}).encode(), 422),
    "unknown subject": (
        b'{"kind": "order.placed", "subject": "00000000-0000-4000-8000-000000000000"}',
        404,
    ),
    "stream": (json.dumps(order(stream=CANARY)).encode(), 422),
    "person": (json.dumps(order(person=CANARY)).encode(), 422),
    "kind of person": (json.dumps(order(person={"kind": CANARY, "value": "1"})).encode(), 422),
    "empty person": (json.dumps(order(" ")).encode(), 422),
    "occurred": (json.dumps(order(occurred=CANARY)).encode(), 422),
    "occurred number": (json.dumps(order(occurred=20260101)).encode(), 422),
    "actor": (json.dumps(order(actor=CANARY)).encode(), 422),
    "actor import": (json.dumps(order(actor="import")).encode(), 422),
    "actor list": (json.dumps(order(actor=[])).encode(), 422),
    "data": (json.dumps(order(data=[CANARY])).encode(), 422),
    "amount": (json.dumps(order(data={"amount": 1.5})).encode(), 422),
    "quantity": (json.dumps(order(data={"quantity": 2**60})).encode(), 422),
    "correct nothing": (b'{"correct": {}}', 422),
    "correct and more": (b'{"correct": {"position": 1}, "kind": "x"}', 422),
    "correct the book": (b'{"correct": {"position": 1}}', 404),
    "reason": (json.dumps({"void": {"position": 1, "reason": CANARY}}).encode(), 422),
}


@pytest.mark.parametrize(("sent", "status"), BODIES.values(), ids=BODIES)
def test_a_bad_body_meets_its_problem(caller: Caller, sent: bytes, status: int) -> None:
    """The right status, a sentence, and not a word of what was sent; nothing is written."""
    answer = caller.raw(sent)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail"} <= set(problem)
    assert problem["status"] == status
    assert CANARY not in answer.text
    assert caller.position() == 1


def test_too_much_is_refused_before_it_is_read(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By items and by bytes, said or not said in advance."""
    assert caller.post([order()] * 1001).status_code == 413
    lines = b"\n".join([json.dumps(order()).encode()] * 1001)
    assert caller.raw(lines, "application/x-ndjson").status_code == 413
    monkeypatch.setattr(taking, "MAX_BODY", 1000)
    assert caller.raw(b" " * 1001).status_code == 413
    chunks = (b" " * 100 for _ in range(20))
    streamed = caller.client.post(
        "/v1/facts", content=chunks, headers={**caller.headers, "Content-Type": "application/json"}
    )
    assert streamed.status_code == 413
    assert caller.position() == 1


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/x-www-form-urlencoded", "application/json;charset=l1"]
)
def test_another_media_type_is_not_guessed(caller: Caller, media: str) -> None:
    """415, naming what is accepted."""
    answer = caller.raw(json.dumps(order()).encode(), media)
    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


def test_a_compressed_body_is_not_unpacked(caller: Caller) -> None:
    """415: eight million bytes may become eight thousand million."""
    packed = {"Content-Encoding": "gzip"}
    answer = caller.raw(b"x", "application/json", **packed)
    assert answer.status_code == 415


def test_without_the_key_nothing_is_said(caller: Caller) -> None:
    """401 with the way to do it; health and documentation are open."""
    for given in ({}, {"Authorization": f"Bearer {caller.key}x"}, {"Authorization": caller.key}):
        for ask in (
            caller.client.post("/v1/facts", content=b"{", headers=given),
            caller.client.get("/v1/subjects/x?as_of=never", headers=given),
        ):
            assert ask.status_code == 401
            assert ask.headers["www-authenticate"].startswith("Bearer")
            assert ask.json()["type"] == "/docs#problem-unauthorized"
    assert {caller.client.get(path).status_code for path in ("/healthz", "/docs")} == {200}


def test_what_does_not_exist_is_a_problem_too(caller: Caller) -> None:
    """404 for a page and for a person, 405 with what is allowed."""
    assert caller.get(f"/{CANARY}").json()["type"] == "/docs#problem-not-found"
    for unknown in ("00000000-0000-4000-8000-000000000000", CANARY):
        answer = caller.get(f"/v1/subjects/{unknown}")
        assert answer.status_code == 404
        assert CANARY not in answer.text
    deleted = caller.client.delete("/v1/facts", headers=caller.headers)
    assert (deleted.status_code, deleted.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("name", ["as_of", "known_at", "lang"])
def test_a_question_that_cannot_be_read_names_its_parameter(caller: Caller, name: str) -> None:
    """400, and never what was asked."""
    subject = caller.post(order()).json()["subject"]
    answer = caller.get(f"/v1/subjects/{subject}", **{name: CANARY})
    assert (answer.status_code, answer.json()["field"]) == (400, name)
    assert CANARY not in answer.text


def test_a_day_of_a_year_beyond_reckoning_is_told_so(caller: Caller) -> None:
    """9999-12-31 is a day, and is not told to be none."""
    far, said = "9999-12-31", "dates of the years 1912 to 8999"
    subject = caller.post(order()).json()["subject"]
    for asked in (
        caller.get(f"/v1/subjects/{subject}", as_of=far, lang="en"),
        caller.get("/v1/holds", review_by=far),
        caller.post(order(occurred=far)),
    ):
        assert asked.status_code in (400, 422)
        assert said in asked.json()["detail"], asked.json()


def test_when_we_fail_nothing_leaks(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """500 with an empty apology; the log holds the name of the class."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(grouping, "write", fail)
    with caplog.at_level(logging.INFO):
        answer = caller.post(order(CANARY))
    assert answer.status_code == 500
    assert answer.json()["type"] == "/docs#problem-broken"
    assert CANARY not in answer.text + caplog.text
    assert "POST /v1/facts 500" in caplog.text
    assert "RuntimeError" in caplog.text


def test_busy_says_when_to_come_back(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After: nothing was written."""

    def fail(*_: object, **__: object) -> None:
        raise Stale("others keep writing")

    for way in ("write", "record_groups"):
        monkeypatch.setattr(grouping, way, fail)
    answer = caller.post(order())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_a_database_that_is_away_is_not_our_failure(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After, for a balancer to go elsewhere; and nothing was acknowledged."""

    def away(*_: object, **__: object) -> None:
        raise Away("the database does not answer (OperationalError)")

    monkeypatch.setattr(grouping, "write", away)
    answer = caller.post(order())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "/docs#problem-away"


def test_the_log_names_routes_and_never_people(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """Method, template, status, time, by whose key."""
    with caplog.at_level(logging.INFO):
        subject = caller.post(order(CANARY)).json()["subject"]
        caller.get(f"/v1/subjects/{subject}", as_of="2026-01-01")
        caller.get(f"/v1/{CANARY}")
    ours = [record.getMessage() for record in caplog.records if record.name == "probant.access"]
    shapes = [re.sub(r"by=key:[0-9a-f]+", "K", re.sub(r"[0-9.]+ ms", "T", line)) for line in ours]
    assert shapes == [
        "POST /v1/facts 201 T K",
        "GET /v1/subjects/{id} 200 T K",
        "GET (no route) 404 T",
    ]


def test_every_refusal_of_the_ledger_has_its_problem_type() -> None:
    """A slug nobody listed would be answered as plain `refused`."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "ledger").rglob("*.py"))
    slugs = set(re.findall(r'Refusal\(\s*"([a-z-]+)"', source))
    assert len(slugs) > 5
    assert slugs <= set(KINDS)
    assert body(Refusal("unheard-of", "x"))["type"] == "/docs#problem-refused"
    assert Problem("erased", "x").refusal.problem == "erased"


def test_whatever_is_sent_answers_are_json(caller: Caller) -> None:
    """Values of every type in every place: a problem or a record, never a crash."""
    odd: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], [[]], {}, {"kind": None}, 10**30]
    for key in ("kind", "subject", "person", "stream", "thing", "occurred", "actor", "data"):
        for value in odd:
            answer = caller.post({**order(), key: value})
            assert answer.status_code in (201, 404, 409, 422), (key, value, answer.text)
    for key in ("correct", "void"):
        for value in odd:
            assert caller.post({key: value}).status_code in (404, 422)


def test_every_problem_type_is_in_the_documents() -> None:
    """Whoever meets one finds it on the page of the interface, or on the page of what it is of."""
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert [slug for slug in KINDS if f"`{slug}`" not in pages] == []
