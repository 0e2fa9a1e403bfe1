"""Killing the courier in a storm: every message arrives at least once, always under the same id,
and what was recorded is there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.events import RecipientTold
from ledger.opening import create
from ledger.outbound import endpoints
from ledger.outbound.standing import standing
from ledger.store import telling
from tests.contracts.props import assert_whole
from tests.outbound.receiver import Receiver, is_signed
from tests.outbound.room import declare, subject_of, withdraw

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = 120
PATIENCE_SECONDS = 300


@contextmanager
def courier(home: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """`probant webhooks run` in a process of its own, killed without a word at the end."""
    command = [sys.executable, "-m", "api.cli", "--home", str(home), "webhooks", "run"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PROBANT_URL": url},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(receiver: Receiver, count: int) -> None:
    """Until so many messages have arrived."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(receiver.got) < count:
        assert time.monotonic() < deadline, f"only {len(receiver.got)} of {count} arrived"
        time.sleep(0.005)


@pytest.mark.parametrize("kind", ["sqlite-file", "postgres"])
def test_a_killed_courier_loses_nothing(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, receiver: Receiver
) -> None:
    """Killed four times while facts keep coming; the fifth courier completes."""
    url = (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        if kind == "sqlite-file"
        else request.getfixturevalue("postgres_schema_url")
    )
    ledger = create(url, tmp_path / "keyring.json")
    declare(ledger)
    webhook = endpoints.register(ledger, receiver.url, "mailer")
    recorded = {}
    for storm in range(4):
        before = len(receiver.got)
        with courier(tmp_path, url):
            for n in range(PEOPLE // 4):
                done = withdraw(ledger, f"{storm}-{n}")
                recorded[done.position] = subject_of(done)
            wait_for(receiver, before + 7)
    with courier(tmp_path, url):
        _until_nothing_waits(ledger, webhook)
    ids = defaultdict(set)
    for got in receiver.got:
        assert is_signed(got, webhook.secret)
        ids[got.said["data"]["position"]].add(got.id)
    assert ids.keys() == recorded.keys(), "each at least once, and nothing else"
    assert all(len(found) == 1 for found in ids.values()), "always under the same id"
    assert len(set.union(*ids.values())) == len(recorded)
    with ledger.database.read() as connection:
        told = telling.heard(connection, set(recorded.values()))
    assert sorted(one.fact.fact for one in told if isinstance(one.fact, RecipientTold)) == sorted(
        recorded
    ), "told once, however often it was sent"
    for subject in recorded.values():
        [about] = standing(ledger, subject)
        assert [one.state for one in about.recipients] == ["to_tell", "told"]
    assert_whole(ledger.database)
    ledger.close()


def _until_nothing_waits(ledger: Ledger, webhook: endpoints.Registered) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while endpoints.deliveries(ledger, webhook.endpoint.id, "pending", 0, 1):
        assert time.monotonic() < deadline, "the courier does not come to an end"
        time.sleep(0.05)
