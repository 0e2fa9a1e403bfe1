"""A server that is started right after another was killed finds the other's signer still there,
borrows it, and is left alone a moment later: it goes on sealing by itself, under the same key."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.cli.conftest import Probant, probant, speaks_english
from tests.cli.test_serving import PATIENCE, fetch, serving

__all__ = ["probant", "speaks_english"]


def until(found: Callable[[], Any], what: str) -> Any:
    """What is found, once it is."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := found():
            return value
        time.sleep(0.05)
    raise AssertionError(what)


def child_of(parent: int, word: str) -> int | None:
    """The process that this one began, with this word on its command line."""
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            line = (entry / "cmdline").read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        if int(fields[1]) == parent and word in line:
            return int(entry.name)
    return None


def sealed(probant: Probant) -> int:
    """How far the log in its folder reaches."""
    checkpoint = probant.home / "log" / "checkpoint"
    return int(checkpoint.read_text().split("\n")[1]) if checkpoint.exists() else 0


def test_a_server_started_at_once_after_a_kill_seals_by_itself(probant: Probant) -> None:
    """The dying one's sealer is held up in the middle of its round, as on a machine that does much
    else; the next server comes up meanwhile; and the signer that it borrowed ends."""
    probant("init")
    item = {"kind": "order.placed", "person": {"kind": "shop", "value": "canary-7"}}
    with ExitStack() as stack:
        said, first = stack.enter_context(serving(probant))
        fetch(f"{said['url']}/v1/facts", said["api_key"], item)
        until(lambda: sealed(probant) >= 3, "the first server seals")
        sealer = until(lambda: child_of(first.pid, "seal"), "it has a sealer")
        signer = until(lambda: child_of(sealer, "ledger.sealing.signer"), "which has a signer")
        os.kill(sealer, signal.SIGSTOP)
        first.kill()
        again, second = stack.enter_context(serving(probant))
        until(lambda: child_of(second.pid, "seal"), "the second has a sealer of its own")
        before = sealed(probant)
        fetch(f"{again['url']}/v1/facts", said["api_key"], item)
        until(lambda: sealed(probant) > before, "it borrows the signer")
        os.kill(sealer, signal.SIGCONT)
        until(lambda: not Path(f"/proc/{signer}").exists(), "the borrowed signer ends")
        before = sealed(probant)
        told = fetch(f"{again['url']}/v1/facts", said["api_key"], item)
        assert told["status"] == 201
        until(lambda: sealed(probant) > before, "it goes on sealing")
        receipt = fetch(f"{again['url']}/v1/facts", said["api_key"], item)
        assert "receipt" in receipt
    vkeys = (probant.home / "log" / "keys" / "log.vkey").read_text().split()
    assert len(vkeys) == 1, "under the key that there was"
