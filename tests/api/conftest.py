"""The HTTP interface over a fresh ledger of each kind, called in the test's own process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import keys
from api.access import HELD
from api.app import create_app
from ledger.application import Ledger
from ledger.choosing.optin import Confirmation
from ledger.erasing.certificate import Desk
from ledger.opening import create
from tests.clock import StepClock

CANARY = "zoe.canari@example.org"
PATIENCE_SECONDS = 180


class Caller:
    """Somebody with a key. `ledger` is what the server works on; `carried` are the messages that
    went to people's own addresses."""

    carried: list[Confirmation]

    def __init__(self, client: TestClient, ledger: Ledger, key: str) -> None:
        self.client, self.ledger, self.key = client, ledger, key
        self.headers = {"Authorization": f"Bearer {key}"}

    def post(self, item: Any, key: str | None = None) -> Any:
        """`POST /v1/facts` with a JSON body, perhaps under an Idempotency-Key."""
        more = {} if key is None else {"Idempotency-Key": key}
        return self.client.post("/v1/facts", json=item, headers={**self.headers, **more})

    def lookup(self, item: Any) -> Any:
        """`POST /v1/subjects/lookup` with a JSON body."""
        return self.client.post("/v1/subjects/lookup", json=item, headers=self.headers)

    def raw(self, body: bytes, media: str = "application/json", **headers: str) -> Any:
        """`POST /v1/facts` with any bytes."""
        all_headers = {**self.headers, "Content-Type": media, **headers}
        return self.client.post("/v1/facts", content=body, headers=all_headers)

    def say(self, method: str, path: str, item: Any = None, **headers: str) -> Any:
        """Any other request with a JSON body, with the key."""
        return self.client.request(method, path, json=item, headers={**self.headers, **headers})

    def get(self, path: str, **parameters: str) -> Any:
        """A page, with the key."""
        return self.client.get(path, params=parameters, headers=self.headers)

    def position(self) -> int:
        """Where the log ends."""
        found: int = self.client.get("/healthz").json()["position"]
        return found


Opened = Callable[[str], Caller]


@pytest.fixture
def open_caller(tmp_path: Path, clock: StepClock) -> Iterator[Opened]:
    """Makes a caller over a new ledger at a URL."""
    clients = []

    def opened(url: str) -> Caller:
        keyring = None if url == "sqlite://" else tmp_path / "keys" / "keyring.json"
        ledger = create(url, keyring, clock=clock)
        path = tmp_path / "api-keys.json"
        key = keys.create(path, HELD)
        carried: list[Confirmation] = []
        app = create_app(
            lambda: ledger,
            keys.Keys.load(path),
            carry=carried.append,
            journal=tmp_path / "journal",
            desk=Desk(tmp_path / "certificates", 35),
            archive=tmp_path / "archive.pub",
            checked=tmp_path / "verified.json",
        )
        client = TestClient(app)
        client.__enter__()
        clients.append(client)
        caller = Caller(client, ledger, key)
        caller.carried = carried
        return caller

    yield opened
    for client in clients:
        client.__exit__(None, None, None)


@pytest.fixture
def caller(open_caller: Opened) -> Caller:
    """Over a ledger in memory."""
    return open_caller("sqlite://")


@pytest.fixture
def anywhere(open_caller: Opened, ledger_url: str) -> Caller:
    """Over each kind of database in turn."""
    return open_caller(ledger_url)


def finished(caller: Caller, run: str) -> dict[str, Any]:
    """The retention run of this id, once it is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found: dict[str, Any] = caller.get(f"/v1/retention/runs/{run}").json()
        if found["state"] in ("done", "failed"):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.01)


def order(customer: str = "0042", thing: str = "A-1", **more: Any) -> dict[str, Any]:
    """An item that records a purchase."""
    return {
        "kind": "order.placed",
        "person": {"kind": "shop", "value": customer},
        "thing": {"kind": "order_ref", "value": thing},
        "data": {"amount": {"minor": 4990, "currency": "EUR"}},
        **more,
    }
