"""One fact a request over HTTP, sixteen callers, beside a bare FastAPI hello.

The same server, settings and load as for `check` (`permissions.py`): one worker, loopback, each
connection asks again as soon as it is answered. Every 201 is a commit, synced, of a fact about one
of a thousand known people, named by the shop's reference. Five ways, in turns: as bare as it can
be; each request under an Idempotency-Key of its own, remembered for three days; with a text that is
sealed under a key of hers; with a receipt that a signer in a process of its own has signed; and all
of that. Run alone: `python -m tests.bench.posting`.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from api import keys
from api.routes.facts import FACTS
from ledger.opening import create
from ledger.sealing.signer import Signer
from tests.bench import permissions
from tests.postgres import fresh_schema, running_postgres

PEOPLE = 1000
PATIENCE_SECONDS = 10


class Way(NamedTuple):
    """How a fact is recorded."""

    name: str
    has_key: bool = False
    is_sealed: bool = False
    is_signed: bool = False


WAYS = (
    Way("an order, bare"),
    Way("an order, Idempotency-Key", has_key=True),
    Way("a contact, sealed", is_sealed=True),
    Way("an order, signed receipt", is_signed=True),
    Way("a contact, sealed, key, receipt", has_key=True, is_sealed=True, is_signed=True),
)


def posts(key: str, way: Way) -> list[bytes]:
    """A fact about each of a thousand people."""
    more = f'Idempotency-Key: "{permissions.STAMP.decode()}"\r\n' if way.has_key else ""
    return [permissions.request(FACTS, _fact(n, way), key, more) for n in range(PEOPLE)]


def _fact(n: int, way: Way) -> dict[str, Any]:
    person = {"kind": "shop", "value": str(n)}
    if way.is_sealed:
        data: dict[str, Any] = {"channel": "form", "text": "Bonjour, où est ma commande ?"}
        return {"kind": "customer.contacted_us", "person": person, "data": data}
    data = {"amount": {"minor": 1999, "currency": "EUR"}}
    return {"kind": "order.placed", "person": person, "data": data}


def main() -> None:
    """Print one line for each way and round, and the medians of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    options = parser.parse_args()
    with (
        running_postgres() as server,
        fresh_schema(server.url, "posting") as url,
        tempfile.TemporaryDirectory(prefix="probant-bench-") as folder,
    ):
        measure(url, Path(folder), options.rounds, options.seconds)


def measure(url: str, home: Path, rounds: int, seconds: float) -> None:
    """Every server in turns, in one run."""
    keyring, accepted = home / "posting.json", home / "posting-keys.json"
    ledger = create(url, keyring)
    key = keys.create(accepted)
    permissions.populate(ledger, PEOPLE)
    origin = ledger.keyring.origin
    ledger.close()
    hello = [permissions.request("/hello", {}, key)]
    ratios: dict[Way, list[float]] = {way: [] for way in WAYS}
    with (
        signing(home, origin) as signer,
        permissions.serving("", keyring, accepted) as bare,
        permissions.serving(url, keyring, accepted) as unsigned,
        permissions.serving(url, keyring, accepted, signer) as signed,
    ):
        assert answered(signed, posts(key, WAYS[-1])[0])["receipt"], "nothing was signed"
        for _ in range(rounds):
            peer, _ = permissions.rate_of(bare, hello, seconds)
            for way, found in ratios.items():
                port = signed if way.is_signed else unsigned
                rate, p99 = permissions.rate_of(port, posts(key, way), seconds)
                found.append(rate / peer)
                print(
                    f"{way.name}: {rate:,.0f}/s (p99 {p99 * 1000:.0f} ms), hello {peer:,.0f}/s,"
                    f" ratio {rate / peer:.2f}"
                )
    for way, found in ratios.items():
        median, low, high = statistics.median(found), min(found), max(found)
        beside = f"beside hello, c={permissions.CONNECTIONS}"
        print(f"{way.name}, {beside}: {median:.2f} ({low:.2f}-{high:.2f})")


def answered(port: int, request: bytes) -> Any:
    """The JSON that one request is answered with."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        told = b"".join(iter(partial(connection.recv, 65536), b""))
    return json.loads(told.partition(b"\r\n\r\n")[2])


@contextmanager
def signing(home: Path, origin: str) -> Iterator[Path]:
    """The socket of a signer in a process of its own."""
    folder, path = home / "signer", home / "signer.socket"
    Signer.create(folder, origin)
    command = [sys.executable, "-m", "ledger.sealing.signer", str(folder), str(path)]
    running = subprocess.Popen(command, stdin=subprocess.PIPE)
    assert running.stdin is not None
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not path.exists():
            assert time.monotonic() < deadline, "the signer did not start"
            time.sleep(0.02)
        yield path
    finally:
        running.stdin.close()  # it ends with us
        running.wait()


if __name__ == "__main__":
    main()
