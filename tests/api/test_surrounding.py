"""What surrounds every route: browsers, gzip, limits, headers, log lines, readiness, numbers."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient

from api import keys, logs
from api.access import HELD
from api.app import create_app
from api.guard import AT_ONCE, Guard, trace_of
from api.metrics import Metrics
from api.problems import Problem, body
from api.routes import SUBJECT, taking
from api.routes.table import TABLE
from api.settings import settle
from ledger.errors import Misuse
from ledger.opening import create
from tests.api.conftest import CANARY, Caller, Opened, order
from tests.clock import StepClock

CENTRE = "https://choices.example.org"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


# --- browsers -------------------------------------------------------------------------------------


@pytest.fixture
def centre(tmp_path: Path, clock: StepClock) -> Iterator[Caller]:
    """A server that knows one preference centre."""
    ledger = create("sqlite://", clock=clock)
    key = keys.create(tmp_path / "keys.json", HELD)
    made = create_app(lambda: ledger, keys.Keys.load(tmp_path / "keys.json"), origins=[CENTRE])
    with TestClient(made) as client:
        yield Caller(client, ledger, key)


def preflight(caller: Caller, path: str, origin: str, method: str = "GET") -> Any:
    """What a browser asks before its script may."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    more = {"Access-Control-Request-Headers": "authorization, if-none-match"}
    return caller.client.options(path, headers=asked | more)


@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_the_preference_centre_may_ask_what_one_person_may(centre: Caller, route: Any) -> None:
    """Every path of the table: open to the page's origin if open to `subject`, else silent."""
    path = re.sub(r"\{[a-z_]+(:path)?\}", "1", route.path)
    answer = preflight(centre, path, CENTRE, route.method)
    is_own = any(SUBJECT in r.roles and r.path == route.path for r in TABLE)
    assert answer.headers.get("access-control-allow-origin") == (CENTRE if is_own else None)
    assert "access-control-allow-credentials" not in answer.headers


def test_no_other_page_may(centre: Caller, caller: Caller) -> None:
    """Neither another origin, nor any where the setting is missing."""
    subject = centre.post(order()).json()["subject"]
    path = f"/v1/subjects/{subject}"
    for origin in ("https://evil.example", "http://choices.example.org", "null"):
        assert "access-control-allow-origin" not in preflight(centre, path, origin).headers
        asked = centre.client.get(path, headers={**centre.headers, "Origin": origin})
        assert (asked.status_code, asked.headers.get("access-control-allow-origin")) == (200, None)
    told = centre.client.get(path, headers={**centre.headers, "Origin": CENTRE})
    assert told.headers["access-control-allow-origin"] == CENTRE
    assert "ETag" in told.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in preflight(caller, path, CENTRE).headers


@pytest.mark.parametrize(
    "said", ["*", "https://a.example/", "https://A.example", "a.example", "null", "https://a b"]
)
def test_an_origin_that_is_none_is_refused_at_the_start(said: str) -> None:
    """Above all `*`: a preference centre has an address."""
    with pytest.raises(Misuse, match="PROBANT_CORS_ORIGINS"):
        settle({"PROBANT_CORS_ORIGINS": f"{CENTRE}, {said}"})
    good = settle({"PROBANT_CORS_ORIGINS": f"{CENTRE}, http://[::1]:8080,"})
    assert good.origins == (CENTRE, "http://[::1]:8080")
    with pytest.raises(Misuse, match="PROBANT_LOG_FORMAT"):
        settle({"PROBANT_LOG_FORMAT": "xml"})


# --- gzip -----------------------------------------------------------------------------------------


def test_large_answers_are_compressed_and_a_token_never_is(caller: Caller) -> None:
    """Whoever accepts gzip gets it; the tag of the answer stays the same."""
    subject = caller.post([order(thing=f"A-{n}") for n in range(20)]).json()["items"][0]["subject"]
    sent = {**caller.headers, "Accept-Encoding": "gzip"}
    zipped = caller.client.get(f"/v1/subjects/{subject}/timeline", headers=sent)
    plain = caller.client.get(
        f"/v1/subjects/{subject}/timeline", headers={**sent, "Accept-Encoding": "identity"}
    )
    assert zipped.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert zipped.json() == plain.json()
    assert zipped.headers["etag"] == plain.headers["etag"]
    assert "Accept-Encoding" in zipped.headers["vary"]
    token = caller.client.post(f"/v1/subjects/{subject}/token", headers=sent)
    assert token.status_code == 201
    assert "content-encoding" not in token.headers


def test_a_secret_is_not_compressed_however_long() -> None:
    """By its path, not by its length."""
    from api.surrounding import Compressed

    async def long(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a" * 100_000})

    def headers_at(path: str) -> Any:
        sent = []
        scope = {"type": "http", "path": path, "headers": [(b"accept-encoding", b"gzip")]}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(Compressed(long)(scope, None, send))  # type: ignore[arg-type]
        return dict(sent[0]["headers"])

    assert headers_at("/v1/subjects/x")[b"content-encoding"] == b"gzip"
    assert b"content-encoding" not in headers_at("/v1/subjects/x/token")


# --- limits ---------------------------------------------------------------------------------------


def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """408: whoever sends half a body and waits holds nothing open."""
    monkeypatch.setattr(taking, "BODY_SECONDS", 0.01)
    sent = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Any:
        return sent.pop() if sent else await asyncio.Event().wait()

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    with pytest.raises(Problem) as raised:
        asyncio.run(taking.body_of(Request(scope, receive)))
    assert body(raised.value.refusal)["status"] == 408


def test_one_request_too_many_is_told_to_come_back() -> None:
    """Whatever is under way goes on; the next one is refused at once, unread."""

    async def scene() -> tuple[list[int], dict[bytes, bytes]]:
        opened, statuses = asyncio.Event(), []
        last: dict[bytes, bytes] = {}

        async def app(_scope: Any, _receive: Any, send: Any) -> None:
            await opened.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body"})

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
                last.update(message["headers"])

        guard = Guard(app, Metrics(), at_once=2)
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        first = [asyncio.ensure_future(guard(scope, None, send)) for _ in range(2)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await guard(scope, None, send)  # type: ignore[arg-type]
        refused = dict(last)
        opened.set()
        await asyncio.gather(*first)
        await guard(scope, None, send)  # type: ignore[arg-type]
        return statuses, refused

    statuses, refused = asyncio.run(scene())
    assert statuses == [503, 200, 200, 200]
    assert refused[b"retry-after"] == b"1"
    assert AT_ONCE > 64  # writers wait in 64 threads: there is room for those who read


# --- headers and log lines ------------------------------------------------------------------------


def test_every_answer_carries_the_safe_headers(caller: Caller) -> None:
    """Each of them once; a page that needs another policy says its own."""
    for path in ("/healthz", "/v1/nothing", "/docs", "/openapi.json"):
        headers = caller.client.get(path).headers
        for name in ("x-content-type-options", "x-frame-options", "referrer-policy"):
            assert len(headers.get_list(name)) == 1, (path, name)
        assert headers["cache-control"] == "no-store"
        assert len(headers.get_list("content-security-policy")) == 1
        assert "strict-transport-security" not in headers
    assert "default-src 'none'" in caller.client.get("/healthz").headers["content-security-policy"]


@pytest.mark.parametrize(
    ("sent", "is_valid"),
    [
        (TRACEPARENT, True),
        (f"01-{TRACE}-00f067aa0ba902b7-01-more", True),
        (f"00-{TRACE}-00f067aa0ba902b7-01-more", False),
        (f"ff-{TRACE}-00f067aa0ba902b7-01", False),
        (f"00-{'0' * 32}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (TRACEPARENT.upper(), False),
        (f"{TRACEPARENT}{CANARY}", False),
        (CANARY, False),
        ("", False),
    ],
)
def test_only_a_valid_trace_is_logged(sent: str, is_valid: bool) -> None:
    """W3C Trace Context; anything else might be anything, and stays out of the log."""
    scope = {"headers": [(b"traceparent", sent.encode())]}
    assert (trace_of(scope) is not None) is is_valid
    twice = {"headers": [(b"traceparent", TRACEPARENT.encode())] * 2}
    assert trace_of(twice) is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_line_names_a_route_a_trace_and_nobody(caller: Caller, form: str) -> None:
    """Both forms say the same; in JSON every line is an object."""
    written = io.StringIO()
    loggers = [logging.getLogger(name) for name in ("probant", "uvicorn")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    try:
        logs.log_to(written, form)
        headers = {**caller.headers, "traceparent": TRACEPARENT}
        body = order(CANARY)
        answer = caller.client.post("/v1/facts", json=body, headers=headers)
        caller.client.get(f"/v1/subjects/{answer.json()['subject']}", headers=caller.headers)
        caller.client.get(f"/v1/{CANARY}", headers={"traceparent": CANARY})
    finally:
        for one, (handlers, level, propagate) in zip(loggers, before, strict=True):
            one.handlers[:], one.propagate = handlers, propagate
            one.setLevel(level)
    said = written.getvalue()
    assert CANARY not in said
    assert answer.json()["subject"] not in said
    if form == "text":
        assert "POST /v1/facts 201" in said
        assert f"trace={TRACE}" in said
        return
    lines = [json.loads(line) for line in said.splitlines()]
    shown = [(line["method"], line["route"], line["status"]) for line in lines]
    assert shown == [
        ("POST", "/v1/facts", 201),
        ("GET", "/v1/subjects/{id}", 200),
        ("GET", "(no route)", 404),
    ]
    assert [line.get("trace_id") for line in lines] == [TRACE, None, None]
    assert all(line["logger"] == "probant.access" and line["ms"] >= 0 for line in lines)


def test_an_exception_is_logged_by_the_name_of_its_class() -> None:
    """Its message may hold what somebody sent."""
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        known = type(error), error, error.__traceback__
    record = logging.LogRecord("probant", logging.ERROR, "x.py", 1, "failed", (), known)
    line = json.loads(logs.JsonLines().format(record))
    assert (line["error"], line["message"]) == ("ValueError", "failed")
    assert CANARY not in json.dumps(line)


# --- readiness and numbers ------------------------------------------------------------------------


def test_a_worker_says_when_it_is_ready(anywhere: Caller) -> None:
    """And how far the log reaches; nothing is sealed here, and there is no signer."""
    anywhere.post(order())
    answer = anywhere.client.get("/readyz")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["position"], told["sealed"]) == ("ready", 3, 0)
    assert (told["signer"], told["lag"]) == (None, 0)


def test_a_worker_that_is_not_right_says_what_and_nothing_more(
    tmp_path: Path, clock: StepClock
) -> None:
    """A journal that this database does not know (a backup was restored under us), a keyring that
    is gone, a database that is gone: 503, without a path."""
    url, ring = f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "keys" / "keyring.json"
    ledger, journal = create(url, ring, clock=clock), tmp_path / "journal"
    with TestClient(create_app(lambda: ledger, keys.Keys(()), journal=journal)) as client:
        assert client.get("/readyz").status_code == 200
        journal.mkdir()
        first = json.dumps({"type": "journal", "format": 1, "origin": ledger.keyring.origin})
        intent = '{"at":1,"type":"intent"}\n'
        (journal / "erasures.ndjson").write_text(f"{first}\n{intent}")
        assert client.get("/readyz").status_code == 200  # one may be under way
        (journal / "erasures.ndjson").write_text(f"{first}\n{intent}{intent}")
        assert not_right(client) == "not right: journal"
        (journal / "erasures.ndjson").write_text("nonsense\n")
        assert not_right(client) == "not right: journal"
        (journal / "erasures.ndjson").unlink()
        ring.rename(ring.with_suffix(".away"))
        assert not_right(client) == "not right: keyring"
        ring.with_suffix(".away").rename(ring)
        assert client.get("/readyz").status_code == 200


def not_right(client: TestClient) -> str:
    """What is not right, of a worker that is not ready."""
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/docs#problem-not-ready"
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_a_database_that_is_gone_is_not_ready(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, it is told as not ready, and not repeated."""

    def gone(*_: object) -> None:
        raise OSError(CANARY)

    monkeypatch.setattr("ledger.store.log.head_position", gone)
    assert not_right(caller.client) == "not right: database"


def test_the_numbers_name_routes_and_nobody(open_caller: Opened, clock: StepClock) -> None:
    """For the operator; the age of what waits for its seal is told in seconds."""
    caller = open_caller("sqlite://")
    subject = caller.post(order(CANARY)).json()["subject"]
    caller.get(f"/v1/subjects/{subject}")
    caller.client.request("BREW", f"/v1/{CANARY}")
    clock.advance(seconds=90)
    text = caller.client.get("/metrics", headers=caller.headers).text
    counted = 'probant_http_requests_total{method="GET",route="/v1/subjects/{id}",status="200"} 1.0'
    assert counted in text
    assert 'probant_http_requests_total{method="other",route="(no route)",status="404"}' in text
    assert "probant_log_position 3.0" in text
    assert re.search(r"probant_seal_lag_seconds 9\d\.", text)
    assert 'probant_http_request_seconds_bucket{le="0.1",method="POST"' in text
    assert CANARY not in text
    assert subject not in text
