"""A receiver of webhooks: a real HTTP server that keeps what it is sent and answers as it is told.

It knows the scheme from its specification alone: nothing of ours is imported here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple


class Got(NamedTuple):
    """One message as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """What arrived, in order; what to answer next (then 200 for ever)."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.always: tuple[int, dict[str, str]] = (200, {})
        self.url = ""

    def answer(self, status: int, **headers: str) -> None:
        """What the next message is answered, after those already planned."""
        self.answers.append((status, {k.replace("_", "-"): v for k, v in headers.items()}))

    @property
    def positions(self) -> list[int]:
        return [got.said["data"]["position"] for got in self.got]


def is_signed(got: Got, secret: str) -> bool:
    """Whether the message was signed with this secret (Standard Webhooks, section "Signature")."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join(
        (got.headers["webhook-id"].encode(), got.headers["webhook-timestamp"].encode(), got.body)
    )
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in got.headers["webhook-signature"].split(" ")]
    return any(hmac.compare_digest(one, expected) for one in given)


@contextmanager
def listening() -> Iterator[Receiver]:
    """A receiver on a free port of loopback."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                self.close_connection = True
                return  # the sender died amid its message: nothing arrived
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Got(self.path, headers, body))
            status, more = receiver.answers.pop(0) if receiver.answers else receiver.always
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hooks"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
