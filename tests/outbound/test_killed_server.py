"""Killing `probant serve` itself in a storm of facts that webhooks are sent, single and in batches.

What was acknowledged is there; what was not is there whole or not at all, and sent again under its
key it is carried out once; every delivery arrives at least once, always under the same id.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa

from api import keys
from ledger.application import Ledger
from ledger.opening import create
from ledger.outbound import endpoints
from ledger.store import tables
from tests.contracts.props import assert_whole
from tests.outbound.receiver import Receiver, is_signed
from tests.outbound.room import declare

ROOT = Path(__file__).resolve().parents[2]
STORMS, CALLERS, BEFORE_DEATH, BATCH = 2, 4, 24, 5
PATIENCE_SECONDS = 300


class Sent(NamedTuple):
    """One request: its key, its facts, and what was answered before the server died."""

    key: str
    people: tuple[str, ...]
    answer: dict[str, Any] | None


class Home(NamedTuple):
    """Where a ledger lives, and the key that its servers accept."""

    folder: Path
    url: str
    key: str


@pytest.fixture(params=["sqlite-file", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Home, Ledger]]:
    """A ledger with its recipients declared."""
    url = (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        if request.param == "sqlite-file"
        else request.getfixturevalue("postgres_schema_url")
    )
    ledger = create(url, tmp_path / "keyring.json")
    declare(ledger)
    yield Home(tmp_path, url, keys.create(tmp_path / "api-keys.json")), ledger
    ledger.close()


@contextmanager
def served(home: Home) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """`probant serve` on a free port, its courier beside it; killed at the end."""
    command = [sys.executable, "-m", "api.cli", "--home", str(home.folder)]
    process = subprocess.Popen(
        [*command, "serve", "--port", "0", "--json"],
        cwd=ROOT,
        env={**os.environ, "PROBANT_URL": home.url, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line == "}\n":
            break
    try:
        yield int(json.loads(said)["url"].rpartition(":")[2]), process
    finally:
        process.kill()
        process.communicate()


def body_of(people: tuple[str, ...]) -> bytes:
    """Withdrawals: one alone, or a batch."""
    data = {"purpose": "newsletter", "channel": "email"}
    items = [
        {"kind": "consent.withdrawn", "person": {"kind": "shop", "value": who}, "data": data}
        for who in people
    ]
    return json.dumps(items[0] if len(items) == 1 else items).encode()


def send(port: int, home: Home, key: str, people: tuple[str, ...]) -> dict[str, Any]:
    """One request, and its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    headers = {"Authorization": f"Bearer {home.key}", "Content-Type": "application/json"}
    headers["Idempotency-Key"] = f'"{key}"'
    try:
        connection.request("POST", "/v1/facts", body_of(people), headers)
        answer = connection.getresponse()
        said: dict[str, Any] = json.loads(answer.read())
        assert answer.status in (200, 201), said
        return said
    finally:
        connection.close()


def items_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """What was recorded: of one fact, or of each of a batch. Its receipt is signed anew each time,
    if the signer answers."""
    found: list[dict[str, Any]] = answer.get("items", [answer])
    return [{name: value for name, value in one.items() if name != "receipt"} for one in found]


def until_it_dies(home: Home, storm: int, receiver: Receiver) -> list[Sent]:
    """Callers that keep telling, one by one and in batches, until the server is killed while
    messages are on their way."""
    sent: list[Sent] = []
    enough = threading.Event()

    def keep_on(port: int, caller: int) -> None:
        for number in range(10_000):
            count = BATCH if number % 2 else 1
            people = tuple(f"{storm}-{caller}-{number}-{n}" for n in range(count))
            key = f"{storm}/{caller}/{number}"
            try:
                answer = send(port, home, key, people)
            except (OSError, http.client.HTTPException, ValueError):
                sent.append(Sent(key, people, None))
                return
            sent.append(Sent(key, people, answer))
            if len(sent) >= BEFORE_DEATH and receiver.got:
                enough.set()

    with served(home) as (port, process):
        callers = [
            threading.Thread(target=keep_on, args=(port, n), daemon=True) for n in range(CALLERS)
        ]
        for one in callers:
            one.start()
        assert enough.wait(PATIENCE_SECONDS)
        process.send_signal(signal.SIGKILL)
        for one in callers:
            one.join(PATIENCE_SECONDS)
    return sent


def withdrawals(ledger: Ledger) -> dict[int, str]:
    """The leaf of every withdrawal in the log, by its position."""
    events = tables.events.c
    query = sa.select(events.position, events.leaf).where(events.kind == "consent.withdrawn.v1")
    with ledger.database.read() as connection:
        return {row.position: bytes(row.leaf).hex() for row in connection.execute(query)}


def test_a_server_killed_in_a_storm_loses_and_invents_nothing(
    home: tuple[Home, Ledger], receiver: Receiver
) -> None:
    """Killed twice; the third one is sent again what nobody answered, and delivers the rest."""
    place, ledger = home
    webhook = endpoints.register(ledger, receiver.url, "mailer")
    sent: list[Sent] = []
    for storm in range(STORMS):
        sent += until_it_dies(place, storm, receiver)
        there = withdrawals(ledger)
        told = [one for one in sent if one.answer is not None]
        for one in told:
            assert one.answer is not None
            for item in items_of(one.answer):
                assert there[item["position"]] == item["leaf"]
    unsure = [one for one in sent if one.answer is None]
    assert unsure  # somebody was under way
    with served(place) as (port, _):
        positions: dict[int, str] = {}
        for one in sent:
            answer = send(port, place, one.key, one.people)
            assert len(items_of(answer)) == len(one.people)
            positions |= {item["position"]: item["leaf"] for item in items_of(answer)}
            if one.answer is not None:
                assert items_of(answer) == items_of(one.answer)
        assert positions == withdrawals(ledger), "each is carried out once, whole"
        _until_all_arrived(receiver, positions.keys())
    ids = defaultdict(set)
    for got in receiver.got:
        assert is_signed(got, webhook.secret)
        ids[got.said["data"]["position"]].add(got.id)
    assert ids.keys() == positions.keys(), "each at least once, and nothing that is not in the log"
    assert all(len(found) == 1 for found in ids.values()), "always under the same id"
    assert_whole(ledger.database)


def _until_all_arrived(receiver: Receiver, positions: Any) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not positions <= {got.said["data"]["position"] for got in list(receiver.got)}:
        assert time.monotonic() < deadline, "not every message arrives"
        time.sleep(0.05)
