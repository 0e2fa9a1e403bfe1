"""One fact a request over HTTP, sixteen callers, beside a bare FastAPI hello.

The same server, settings and load as for `check` (`permissions.py`): one worker, loopback, each
connection asks again as soon as it is answered. Every 201 is a commit, synced, of an order of one
of a thousand known people, named by the shop's reference; no signer runs, so there is no receipt.
Run alone: `python -m tests.bench.posting`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from typing import Any

from api import keys
from api.routes.facts import FACTS
from ledger.opening import create
from tests.bench import permissions
from tests.postgres import fresh_schema, running_postgres

PEOPLE = 1000


def posts(key: str) -> list[bytes]:
    """An order of each of a thousand people."""
    amount = {"minor": 1999, "currency": "EUR"}
    return [permissions.request(FACTS, _order(n, amount), key) for n in range(PEOPLE)]


def _order(n: int, amount: dict[str, Any]) -> dict[str, Any]:
    person = {"kind": "shop", "value": str(n)}
    return {"kind": "order.placed", "person": person, "data": {"amount": amount}}


def main() -> None:
    """Print one line for each round, and the median of the ratios."""
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
    """Both servers in turns, in one run."""
    keyring, accepted = home / "posting.json", home / "posting-keys.json"
    ledger = create(url, keyring)
    key = keys.create(accepted)
    permissions.populate(ledger, PEOPLE)
    ledger.close()
    hello, ratios = [permissions.request("/hello", {}, key)], list[float]()
    with (
        permissions.serving("", keyring, accepted) as bare,
        permissions.serving(url, keyring, accepted) as ours,
    ):
        for _ in range(rounds):
            peer, _ = permissions.rate_of(bare, hello, seconds)
            rate, p99 = permissions.rate_of(ours, posts(key), seconds)
            ratios.append(rate / peer)
            print(
                f"post: {rate:,.0f}/s (p99 {p99 * 1000:.0f} ms), hello {peer:,.0f}/s,"
                f" ratio {rate / peer:.2f}"
            )
    print(f"post beside hello, c={permissions.CONNECTIONS}: {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
