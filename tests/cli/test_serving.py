"""`probant serve`: a real server, started and stopped as people do it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Probant

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds: waited for only where something is wrong


@contextmanager
def serving(probant: Probant) -> Iterator[tuple[dict[str, Any], subprocess.Popen[str]]]:
    """A server on a free port: what it said, and its process."""
    command = [sys.executable, "-m", "api.cli", "--home", str(probant.home)]
    command += ["serve", "--port", "0", "--json"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if line == "}\n":
            break
    try:
        yield json.loads(said), process
    finally:
        process.kill()
        process.communicate()


def fetch(url: str, key: str | None = None, body: Any = None) -> dict[str, Any]:
    """One request."""
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGTERM, -15), (signal.SIGINT, 130)])
def test_a_server_records_answers_and_stops_cleanly(
    probant: Probant, stop: signal.Signals, code: int
) -> None:
    """The key is shown at the first start only; what was acknowledged is there at the next."""
    probant("init")
    item = {"kind": "order.placed", "person": {"kind": "shop", "value": "canary-7"}}
    with serving(probant) as (said, process):
        assert said["url"].startswith("http://127.0.0.1:")
        written = fetch(f"{said['url']}/v1/facts", said["api_key"], item)
        page = fetch(f"{said['url']}/v1/subjects/{written['subject']}", said["api_key"])
        assert page["last_activity"]["position"] == written["position"] == 3
        process.send_signal(stop)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        assert "Traceback" not in out + err
        assert "canary" not in out + err
        assert written["subject"] not in out + err
        assert "POST /v1/facts 201" in err
    with serving(probant) as (said, _):
        assert said["api_key"] is None
        assert fetch(f"{said['url']}/healthz")["position"] == 3


def test_plain_http_is_for_loopback_only(probant: Probant) -> None:
    """Unless somebody insists: the key would travel in clear."""
    probant("init")
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        said = probant("serve", "--host", host)
        assert said.code == 2
        assert "--i-know" in said.err


def test_a_port_that_is_taken_is_said_plainly(probant: Probant) -> None:
    """And no key is made for a server that never began."""
    import socket

    probant("init")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        said = probant("serve", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "port" in said.err
    assert not (probant.home / "api-keys.json").exists()
