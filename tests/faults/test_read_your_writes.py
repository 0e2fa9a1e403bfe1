"""What one worker acknowledged, the next question to any other worker is answered by.

Two real servers on one PostgreSQL, while others keep asking both; a withdrawal acknowledged by one
is asked about at the other at once, by `check` and by `filter`, and the other way round.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import keys
from ledger.opening import create

ROOT = Path(__file__).resolve().parents[2]
TURNS = 12
LETTER = {"purpose": "newsletter", "channel": "email"}


class Worker:
    """A connection to one worker, kept open."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
        self._key = key

    def post(self, path: str, body: bytes, media: str = "application/json") -> tuple[int, bytes]:
        """The status and the body of the answer."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": media}
        self._connection.request("POST", path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def tell(self, kind: str, person: str) -> None:
        """Record a choice, acknowledged when this returns."""
        who = {"kind": "shop", "value": person}
        item = {"kind": kind, "person": who, "data": LETTER}
        status, answer = self.post("/v1/facts", json.dumps(item).encode())
        assert status == 201, answer

    def may(self, person: str) -> bool:
        """What `check` says."""
        question = {"person": {"kind": "shop", "value": person}, **LETTER}
        status, answer = self.post("/v1/permissions/check", json.dumps(question).encode())
        assert status == 200, answer
        allowed: bool = json.loads(answer)["allowed"]
        return allowed

    def may_all(self, person: str) -> bool:
        """What `filter` says of her, among others."""
        lines = [{"person": {"kind": "shop", "value": name}} for name in ("load", person, "none")]
        path = "/v1/permissions/filter?purpose=newsletter&channel=email"
        raw = b"\n".join(json.dumps(line).encode() for line in lines)
        status, answer = self.post(path, raw, "application/x-ndjson")
        assert status == 200, answer
        told: list[dict[str, Any]] = [json.loads(line) for line in answer.splitlines()]
        assert told[-1]["summary"]["lines"] == 3
        allowed: bool = told[1]["allowed"]
        return allowed


@pytest.fixture
def ports(postgres_schema_url: str, tmp_path: Path) -> Iterator[tuple[list[int], str]]:
    """Two workers on one ledger, each on its port, and the key that both accept."""
    keyring, accepted = tmp_path / "keyring.json", tmp_path / "api-keys.json"
    create(postgres_schema_url, keyring).close()
    key = keys.create(accepted)
    command = [sys.executable, "-m", "tests.faults.worker", postgres_schema_url]
    command += [str(keyring), str(accepted)]
    workers = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    try:
        yield [int(w.stdout.readline()) for w in workers if w.stdout is not None], key
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_an_acknowledged_withdrawal_is_seen_by_every_worker(
    ports: tuple[list[int], str],
) -> None:
    """Each turn: agreed at one, asked at the other; withdrawn at one, asked at the other."""
    where, key = ports
    done, failures = threading.Event(), []

    def keep_asking(port: int) -> None:
        worker = Worker(port, key)
        try:
            while not done.is_set():
                worker.may("load")
        except Exception as error:
            failures.append(error)
        finally:
            worker.close()

    load = [threading.Thread(target=keep_asking, args=(port,)) for port in where * 3]
    one, other = (Worker(port, key) for port in where)
    one.tell("consent.given", "load")
    for thread in load:
        thread.start()
    try:
        for turn in range(TURNS):
            one, other = other, one
            person = f"she-{turn}"
            one.tell("consent.given", person)
            assert other.may(person)
            assert other.may_all(person)
            one.tell("consent.withdrawn", person)
            assert not other.may(person), turn
            assert not other.may_all(person), turn
            assert not one.may(person), turn
    finally:
        done.set()
        for thread in load:
            thread.join()
        one.close()
        other.close()
    assert failures == []
