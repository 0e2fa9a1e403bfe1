"""`Idempotency-Key`: what is sent twice is recorded once, and answered twice in the same words."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api import idempotency, keys
from api.app import create_app
from api.routes import facts
from ledger import grouping
from ledger.calendar import HOUR
from ledger.handlers import write
from ledger.opening import open_ledger
from ledger.store import commands, tables
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

KEY = '"8e03978e-40d5-43dd-bc93-6894a57f9324"'
UNDECLARED = {
    "kind": "consent.given",
    "person": {"kind": "email", "value": CANARY},
    "data": {"purpose": "resale", "channel": "email"},
}


def remembered(caller: Caller) -> list[Any]:
    """The rows that are kept."""
    with caller.ledger.database.read() as connection:
        return list(connection.execute(sa.select(tables.commands)))


def assert_replayed(first: Any, again: Any) -> None:
    """The same status, body and headers, and the word that it was not done twice."""
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    for name in ("content-type", "location"):
        assert again.headers.get(name) == first.headers.get(name)


def test_one_fact_sent_twice_is_recorded_once(anywhere: Caller) -> None:
    """The retry gets 201, the same body and the same place; later facts change nothing of it."""
    first = anywhere.post(order(), KEY)
    assert first.status_code == 201
    anywhere.post(order("0043", "B-1"))
    end = anywhere.position()
    again = anywhere.post(order(), KEY)
    assert_replayed(first, again)
    assert anywhere.position() == end


def test_a_batch_with_three_bad_items_is_told_again(anywhere: Caller) -> None:
    """Every outcome in its place: records, implied registrations, problems."""
    items: list[Any] = [order(f"c-{n % 7}", f"A-{n}") for n in range(40)]
    items[3] = {"kind": "order.dreamt", "person": {"kind": "email", "value": CANARY}}
    items[20] = order("c-1", "A-0")  # the order of somebody else
    items[39] = UNDECLARED
    first = anywhere.post(items, KEY)
    said = first.json()
    assert (said["recorded"], said["refused"]) == (37, 3)
    assert {one["registered_at"] for one in said["items"] if one["status"] == 201} > {None}
    end = anywhere.position()
    assert_replayed(first, anywhere.post(items, KEY))
    assert anywhere.position() == end
    (row,) = remembered(anywhere)
    assert (row.first_position, row.n) == (2, 37 + 7)
    assert CANARY.encode() not in bytes(row.outcome)
    for one in said["items"]:
        if one["status"] == 201:
            assert one["subject"].encode() not in bytes(row.outcome)


def test_ndjson_and_json_are_two_forms_of_a_payload(anywhere: Caller) -> None:
    """The same bytes in the other form are another request."""
    line = json.dumps(order()).encode()
    lines = {"media": "application/x-ndjson", "Idempotency-Key": KEY}
    first = anywhere.raw(line, **lines)
    assert_replayed(first, anywhere.raw(line, **lines))
    other = anywhere.raw(line, **{"Idempotency-Key": KEY})
    assert other.status_code == 422


def test_a_refusal_is_remembered_alone(anywhere: Caller) -> None:
    """No fact, one row: the same problem is told again, even when it would pass now."""
    cancelled = {"kind": "order.cancelled", "thing": {"kind": "order_ref", "value": "A-1"}}
    first = anywhere.post(cancelled, KEY)
    assert first.status_code in (404, 409, 422)
    assert anywhere.position() == 1
    (row,) = remembered(anywhere)
    assert (row.first_position, row.n) == (None, 0)
    anywhere.post(order())
    again = anywhere.post(cancelled, KEY)
    assert_replayed(first, again)
    assert again.headers["content-type"] == "application/problem+json"
    assert anywhere.post(cancelled).status_code == 201


def test_another_body_under_the_same_key_is_refused(anywhere: Caller) -> None:
    """422, and neither the key nor a body is repeated."""
    key = f'"{CANARY}"'
    assert anywhere.post(order(), key).status_code == 201
    other = anywhere.post(order(thing=CANARY), key)
    assert other.status_code == 422
    assert other.json()["type"] == "/docs#problem-idempotency-key-reused"
    assert CANARY not in other.text
    (row,) = remembered(anywhere)
    assert CANARY.encode() not in b"".join(v for v in row if isinstance(v, bytes))


@pytest.mark.parametrize(
    "key",
    ["", "bare", '""', '"half', "'k'", '"k";v=1', '"é"', '"\\n"', '"a" "b"', f'"{"k" * 256}"'],
)
def test_a_malformed_key_meets_its_problem(caller: Caller, key: str) -> None:
    """400: it must be a quoted text; nothing is recorded."""
    sent = {**caller.headers, "Idempotency-Key": key.encode("latin-1")}
    answer = caller.client.post("/v1/facts", json=order(), headers=sent)  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert answer.json()["type"] == "/docs#problem-idempotency-key-malformed"
    twice = [*caller.headers.items(), ("Idempotency-Key", KEY), ("Idempotency-Key", KEY)]
    assert caller.client.post("/v1/facts", json=order(), headers=twice).status_code == 400
    assert caller.position() == 1
    assert idempotency.key_of([r' "a \"b\" \\" ']) == r"a \"b\" \\"


def test_what_could_not_be_read_is_not_remembered(caller: Caller) -> None:
    """A body that is no JSON did nothing: the key is free."""
    assert caller.raw(b"{", **{"Idempotency-Key": KEY}).status_code == 400
    assert caller.post(order(), KEY).status_code == 201


def test_keys_belong_to_who_holds_the_api_key(caller: Caller, tmp_path: Path) -> None:
    """Two callers who count from 1 do not meet."""
    first = caller.post(order(), KEY).json()
    other = keys.create(tmp_path / "other.json")
    with TestClient(create_app(lambda: caller.ledger, keys.Keys.load(tmp_path / "other.json"))) as (
        client
    ):
        headers = {"Authorization": f"Bearer {other}", "Idempotency-Key": KEY}
        second = client.post("/v1/facts", json=order(thing="A-2"), headers=headers)
        assert second.status_code == 201
        assert second.json()["position"] > first["position"]


def test_after_72_hours_the_key_is_free_and_nothing_is_left(
    anywhere: Caller, clock: StepClock
) -> None:
    """To the microsecond; the row is deleted when it is met."""
    first = anywhere.post(order(), KEY)
    clock.advance(hours=72, microseconds=-1)
    assert_replayed(first, anywhere.post(order(), KEY))
    clock.advance(microseconds=1)
    fresh = anywhere.post(order(thing="A-2"), KEY)
    assert fresh.status_code == 201
    (row,) = remembered(anywhere)
    assert row.expires_at == clock.now() + 72 * HOUR


def test_expired_rows_are_swept_a_hundred_at_a_write(anywhere: Caller, clock: StepClock) -> None:
    """Whoever writes, with or without a key, takes some away."""
    old = [
        {
            "fingerprint": n.to_bytes(32, "big"),
            "payload_mac": b"m",
            "outcome": b"{}",
            "first_position": None,
            "n": 0,
            "expires_at": clock.now() + (-1 if n else 10 * HOUR),
        }
        for n in range(251)
    ]
    with anywhere.ledger.database.write() as connection:
        connection.execute(sa.insert(tables.commands), old)
    left = []
    for n in range(3):
        anywhere.post(order(thing=f"A-{n}"))
        left.append(len(remembered(anywhere)))
    assert left == [151, 51, 1]
    clock.advance(hours=11)
    anywhere.post(order(thing="A-9"))
    assert remembered(anywhere) == []


def test_the_same_key_twice_at_once_is_carried_out_once(anywhere: Caller) -> None:
    """Two threads: one records; the other is told 409, or what the first recorded."""
    for n in range(5):
        start = Barrier(2)
        item, key = order(thing=f"A-{n}"), f'"key-{n}"'

        def send(item: Any = item, key: str = key, start: Barrier = start) -> Any:
            start.wait()
            return anywhere.post(item, key)

        before = anywhere.position()
        with ThreadPoolExecutor(2) as threads:
            answers = [one.result() for one in [threads.submit(send), threads.submit(send)]]
        recorded = [a for a in answers if "idempotency-replayed" not in a.headers]
        fresh = [a for a in recorded if a.status_code == 201]
        assert len(fresh) == 1
        for other in answers:
            if other is not fresh[0]:
                running = other.status_code == 409
                assert running or other.content == fresh[0].content
        assert anywhere.position() == before + (2 if n == 0 else 1)


def test_while_it_runs_the_key_is_taken(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """409 with its own type; afterwards the retry is told the outcome."""
    entered, leave = Event(), Event()

    def slow(*given: Any, **more: Any) -> Any:
        entered.set()
        assert leave.wait(120)
        return write(*given, **more)

    monkeypatch.setattr(grouping, "write", slow)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(caller.post, order(), KEY)
        assert entered.wait(120)
        taken = caller.post(order(), KEY)
        leave.set()
        assert taken.status_code == 409
        assert taken.json()["type"] == "/docs#problem-idempotency-key-running"
        assert_replayed(first.result(), caller.post(order(), KEY))


def test_of_two_workers_one_records_and_the_other_tells_it(
    anywhere: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other looked before the first committed: its commit collides, and it reads again."""
    first = anywhere.post(order(), KEY)
    found, looks = commands.find, []

    def blind_at_first(*given: Any) -> Any:
        looks.append(given)
        return found(*given) if len(looks) > 1 else None

    monkeypatch.setattr(commands, "find", blind_at_first)
    end = anywhere.position()
    assert_replayed(first, anywhere.post(order(), KEY))
    assert anywhere.position() == end
    assert len(looks) >= 3


def test_a_lost_answer_is_given_to_the_retry(
    anywhere: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails after the commit: the facts are there, and so is their outcome."""

    def fail(*_: object) -> None:
        raise RuntimeError(CANARY)

    items = [order(), UNDECLARED]
    with monkeypatch.context() as patch:
        patch.setattr(facts, "_answered", fail)
        assert anywhere.post(items, KEY).status_code == 500
    end = anywhere.position()
    again = anywhere.post(items, KEY)
    assert again.headers["idempotency-replayed"] == "true"
    assert [one["status"] for one in again.json()["items"]] == [201, 422]
    assert again.json()["items"][0]["position"] == end == anywhere.position()


KILLED = """
import os, sys
from pathlib import Path
from fastapi.testclient import TestClient
from api import app, keys
from api.routes import facts
from ledger.opening import open_ledger

url, keyring, key_file, key, idempotency_key, body = sys.argv[1:]
facts._answered = lambda *_: os._exit(9)
made = app.create_app(lambda: open_ledger(url, Path(keyring)), keys.Keys.load(Path(key_file)))
headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key,
           "Content-Type": "application/json"}
with TestClient(made) as client:
    client.post("/v1/facts", content=body, headers=headers)
"""


@pytest.mark.parametrize("ledger_url", ["sqlite-file", "postgres"], indirect=True)
def test_killed_between_commit_and_answer(
    anywhere: Caller, ledger_url: str, tmp_path: Path
) -> None:
    """A server process dies after its commit; another one tells the retry what was recorded."""
    body = json.dumps(order(occurred="2026-01-02"))
    keyring = str(tmp_path / "keys" / "keyring.json")
    key_file = str(tmp_path / "api-keys.json")
    arguments = (ledger_url, keyring, key_file, anywhere.key, KEY, body)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", KILLED, *arguments]
    assert subprocess.run(command, cwd=root, check=False).returncode == 9
    ledger = open_ledger(ledger_url, Path(keyring))
    made = create_app(lambda: ledger, keys.Keys.load(Path(key_file)))
    end = anywhere.position()
    with TestClient(made, headers={**anywhere.headers, "Idempotency-Key": KEY}) as client:
        media = {"Content-Type": "application/json"}
        again = client.post("/v1/facts", content=body, headers=media)
        assert again.status_code == 201
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json()["position"] == end == client.get("/healthz").json()["position"]


def test_one_destroyed_key_refuses_one_item_and_all_is_one_transaction(anywhere: Caller) -> None:
    """410 for the item that needs the key; the others are recorded and remembered together."""
    contact = {
        "kind": "customer.contacted_us",
        "person": {"kind": "email", "value": CANARY},
        "data": {"channel": "form", "text": "hello"},
    }
    assert anywhere.post(contact).status_code == 201
    with anywhere.ledger.database.write() as connection:
        connection.execute(sa.update(tables.keys).values(wrapped=None, state="destroyed"))
        connection.execute(sa.update(tables.head).values(epoch=tables.head.c.epoch + 1))
    anywhere.ledger.forget()
    first = anywhere.post([order(), contact, order(thing="A-2")], KEY)
    assert [one["status"] for one in first.json()["items"]] == [201, 410, 201]
    assert_replayed(first, anywhere.post([order(), contact, order(thing="A-2")], KEY))
    (row,) = remembered(anywhere)
    assert row.n == 3
