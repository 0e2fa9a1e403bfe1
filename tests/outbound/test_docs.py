"""The receiver of docs/webhooks.md is run as it stands there."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from ledger.opening import create
from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.outbound.posting import poster
from tests.outbound.room import declare, withdraw

PAGE = Path(__file__).resolve().parents[2] / "docs" / "webhooks.md"
LINES_MAX = 15
PATIENCE_SECONDS = 120


def test_the_receiver_of_the_page_takes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    """Fifteen lines: a message of ours is taken; one signed with another secret is not."""
    [block] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    assert sum(bool(line.strip()) for line in block.splitlines()) <= LINES_MAX
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ledger = create(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "keyring.json")
    declare(ledger)
    made = endpoints.register(ledger, f"http://127.0.0.1:{port}/", "mailer")
    stranger = endpoints.register(ledger, f"http://127.0.0.1:{port}/", "mailer")
    process = subprocess.Popen(
        [sys.executable, "-c", block],
        env={**os.environ, "SECRET": made.secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        _until_it_listens(port)
        withdraw(ledger)
        assert Courier(ledger, poster(private=False)).round() == 1
        [taken] = endpoints.deliveries(ledger, made.endpoint.id, None, 0, 10)
        [refused] = endpoints.deliveries(ledger, stranger.endpoint.id, None, 0, 10)
        assert (taken.state, taken.last_status) == ("delivered", 204)
        assert (refused.state, refused.last_status) == ("pending", 400)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("consent.withdrawn.v1 msg_")
    finally:
        process.kill()
        process.communicate()
        ledger.close()


def _until_it_listens(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS).close()
        except OSError:
            assert time.monotonic() < deadline, "the receiver never listened"
            time.sleep(0.05)
        else:
            return
