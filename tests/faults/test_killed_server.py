"""A real server that dies, or is told to stop, while requests are under way.

Killed (SIGKILL): what was acknowledged is there; what was not is there whole or not at all, and the
same request sent again to the next server tells which and is carried out once. Stopped (SIGTERM):
what is under way is finished and answered, nothing new is taken.
"""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from api import keys
from ledger.application import Ledger
from ledger.opening import create, open_ledger
from ledger.store import tables
from tests.contracts.props import assert_whole

ROOT = Path(__file__).resolve().parents[2]
CALLERS, BEFORE_DEATH, BATCH = 8, 40, 3
PATIENCE = 180  # seconds for a process to do what it was told


class Place(NamedTuple):
    """Where a ledger is, and the key that its servers accept."""

    url: str
    keyring: Path
    accepted: Path
    key: str

    def ledger(self) -> Ledger:
        """The ledger, seen by another process than the server's."""
        return open_ledger(self.url, self.keyring)


class Sent(NamedTuple):
    """One request: its Idempotency-Key, its body, and what was answered before the server died."""

    key: str
    body: bytes
    answer: dict[str, Any] | None


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A fresh ledger in each kind of database that outlives a process."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_schema_url")
    keyring, accepted = tmp_path / "keyring.json", tmp_path / "api-keys.json"
    create(url, keyring).close()
    return Place(url, keyring, accepted, keys.create(accepted))


@contextmanager
def server(place: Place) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server of its own process: its port, and the process. Dead at the end."""
    command = [sys.executable, "-m", "tests.faults.worker", place.url]
    command += [str(place.keyring), str(place.accepted)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline()), process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def batch(caller: str, number: int) -> bytes:
    """Orders that nobody else places: a second one of the same reference would be refused."""
    return json.dumps(
        [
            {
                "kind": "order.placed",
                "person": {"kind": "shop", "value": f"{caller}-{number % 4}"},
                "thing": {"kind": "order_ref", "value": f"{caller}-{number}-{n}"},
            }
            for n in range(BATCH)
        ]
    ).encode()


def send(port: int, place: Place, key: str, body: bytes) -> tuple[dict[str, Any], bool]:
    """One request: its answer, and whether it was told again."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {
        "Authorization": f"Bearer {place.key}",
        "Content-Type": "application/json",
        "Idempotency-Key": f'"{key}"',
    }
    try:
        connection.request("POST", "/v1/facts", body, headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status == 200, said
        return said, answer.getheader("Idempotency-Replayed") == "true"
    finally:
        connection.close()


def until_it_dies(place: Place) -> list[Sent]:
    """Callers that keep recording until the server is killed in the middle of it."""
    sent: list[Sent] = []
    enough = threading.Event()

    def keep_on(port: int, caller: str) -> None:
        for number in range(10_000):
            key, body = f"{caller}/{number}", batch(caller, number)
            try:
                answer, _ = send(port, place, key, body)
            except (OSError, http.client.HTTPException):
                sent.append(Sent(key, body, None))
                return
            sent.append(Sent(key, body, answer))
            if len(sent) >= BEFORE_DEATH:
                enough.set()

    with server(place) as (port, process):
        callers = [
            threading.Thread(target=keep_on, args=(port, f"c{n}"), daemon=True)
            for n in range(CALLERS)
        ]
        for one in callers:
            one.start()
        assert enough.wait(PATIENCE)
        process.send_signal(signal.SIGKILL)
        for one in callers:
            one.join(PATIENCE)
    return sent


def orders(ledger: Ledger) -> dict[int, bytes]:
    """The leaf of every order in the log, by its position."""
    events = tables.events.c
    query = sa.select(events.position, events.leaf).where(events.kind == "order.placed.v1")
    with ledger.database.read() as connection:
        return {row.position: bytes(row.leaf) for row in connection.execute(query)}


def test_a_killed_server_has_what_it_acknowledged_and_nothing_by_halves(place: Place) -> None:
    """And the same requests, sent again to the next one, are each carried out once."""
    sent = until_it_dies(place)
    acknowledged = [one for one in sent if one.answer is not None]
    unsure = [one for one in sent if one.answer is None]
    assert len(acknowledged) >= BEFORE_DEATH
    assert unsure  # somebody was under way
    ledger = place.ledger()
    there, last = orders(ledger), ledger.recorder.head().position
    for one in acknowledged:
        assert one.answer is not None
        for item in one.answer["items"]:
            assert there[item["position"]].hex() == item["leaf"]
    extra = len(there) - BATCH * len(acknowledged)
    assert extra % BATCH == 0  # whole requests only
    with server(place) as (port, _):
        for one in acknowledged:
            assert one.answer is not None
            assert send(port, place, one.key, one.body) == (one.answer, True)
        replayed = 0
        for one in unsure:
            answer, was_there = send(port, place, one.key, one.body)
            assert answer["recorded"] == BATCH
            assert all((item["position"] <= last) is was_there for item in answer["items"])
            replayed += was_there
        assert replayed * BATCH == extra
        assert len(orders(ledger)) == BATCH * len(sent)
    assert_whole(ledger.database)
    ledger.close()


def test_a_server_told_to_stop_finishes_what_is_under_way(place: Place) -> None:
    """Half a request is in when SIGTERM comes: nobody new is let in, the rest of it is read,
    recorded, and answered."""
    body = batch("slow", 0)
    head = (
        f"POST /v1/facts HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer {place.key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with server(place) as (port, process), socket.create_connection(("127.0.0.1", port)) as line:
        line.settimeout(PATIENCE)
        line.sendall(head + body[:20])
        send(port, place, "before", batch("before", 0))  # so what was sent first has been seen
        process.send_signal(signal.SIGTERM)
        until_refused(port)
        line.sendall(body[20:])
        answer = http.client.HTTPResponse(line)
        answer.begin()
        said = json.loads(answer.read())
        assert (answer.status, said["recorded"]) == (200, BATCH)
        assert process.wait(PATIENCE) == -signal.SIGTERM
    ledger = place.ledger()
    assert {item["position"] for item in said["items"]} <= orders(ledger).keys()
    assert_whole(ledger.database)
    ledger.close()


def until_refused(port: int) -> None:
    """Wait until nobody listens there any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
        except ConnectionRefusedError:
            return
        except ConnectionResetError:
            pass  # it stopped listening while we were in its queue
    pytest.fail("it still listens")
