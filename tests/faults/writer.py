"""One of several processes that write to the same ledger: `python -m tests.faults.writer …`.

Waits for a file to appear, writes, and prints what it believes it wrote as one JSON line.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Command, Record, Reference
from ledger.errors import Refusal
from ledger.events import (
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ContractEnded,
    ContractStarted,
    LoggedIn,
    OrderCancelled,
    OrderPlaced,
)
from ledger.handlers import record_many
from ledger.opening import open_ledger

WAIT_SECONDS = 300


def wishes(ledger: Ledger, mode: str, me: int, count: int) -> Iterator[list[Command]]:
    """Batches of wishes: each writer's own people ("apart"), people all share ("together"), or one
    person's choices ("storm")."""
    chance = random.Random(me)
    for n in range(count):
        who = {"apart": f"{me}-{n % 5}", "together": f"{n % 5}", "storm": "one"}[mode]
        if mode == "storm":
            yield [_choice(ledger, who, n)]
        else:
            yield [_wish(ledger, chance, who, n) for _ in range(chance.choice((1, 1, 1, 4)))]


def _choice(ledger: Ledger, who: str, n: int) -> Command:
    cls = ConsentWithdrawn if n % 3 else ConsentGiven
    fact = cls(
        occurred=moment_of_instant(ledger.clock.now()), purpose="newsletter", channel="email"
    )
    return Record(fact, person=Reference("shop", who))


def _wish(ledger: Ledger, chance: random.Random, who: str, n: int) -> Command:
    now = moment_of_instant(ledger.clock.now())
    order, contract = Reference("ref", f"{who}-{n // 10}"), Reference("ref", f"{who}-{n // 20}")
    person = Reference("shop", who)
    makers: list[Callable[[], Command]] = [
        lambda: Record(ContactedUs(occurred=now, channel="form", text=f"text {n}"), person),
        lambda: Record(LoggedIn(occurred=now, ip="192.0.2.7"), person),
        lambda: Record(OrderPlaced(occurred=now), person, thing=order),
        lambda: Record(OrderCancelled(occurred=now), person, thing=order),
        lambda: Record(ContractStarted(occurred=now, type="service"), person, thing=contract),
        lambda: Record(ContractEnded(occurred=now), person, thing=contract),
        lambda: _choice(ledger, who, n),
    ]
    return chance.choice(makers)()


def main(url: str, keyring: str, mode: str, me: str, count: str, go: str) -> None:
    """Wait for the signal, write, report."""
    ledger = open_ledger(url, Path(keyring))
    deadline = time.monotonic() + WAIT_SECONDS
    Path(f"{go}.{me}").touch()  # here
    while not Path(go).exists():
        assert time.monotonic() < deadline, "nobody said go"
        time.sleep(0.002)
    written: list[tuple[int, str]] = []
    refused: list[str] = []
    errors: list[str] = []
    for batch in wishes(ledger, mode, int(me), int(count)):
        try:
            outcomes: list[Any] = record_many(ledger, batch)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                refused.append(outcome.problem)
            else:
                written += [(one.position, one.leaf.hex()) for one in outcome.written]
    ledger.close()
    sys.stdout.write(json.dumps({"written": written, "refused": refused, "errors": errors}))


if __name__ == "__main__":
    main(*sys.argv[1:])
