"""What signer and sealer say to each other: JSON objects behind their length, on a unix socket.

    u32be length || {"ask": "checkpoint", "size": …, "root": base64, "proof": [base64, …], …}
    u32be length || {"ok": …}   or   {"error": code, "sentence": words}

Nothing longer than `MAX_BYTES` is read, and nothing but strings, integers and lists is believed.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from ledger.errors import BadData, Broken

MAX_BYTES = 4 * 1024 * 1024


def send(connection: socket.socket, value: dict[str, Any]) -> None:
    """One message."""
    raw = json.dumps(value, separators=(",", ":")).encode()
    if len(raw) > MAX_BYTES:
        raise BadData("a message to the signer is too long")
    connection.sendall(len(raw).to_bytes(4, "big") + raw)


def receive(connection: socket.socket) -> dict[str, Any] | None:
    """The next message, None at the end. Raises BadData for what is none."""
    head = _exactly(connection, 4)
    if head is None:
        return None
    length = int.from_bytes(head, "big")
    if length > MAX_BYTES:
        raise BadData("a message is too long")
    raw = _exactly(connection, length)
    if raw is None:
        raise Broken("the other side hung up in the middle of a message")
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadData("a message is no JSON") from None
    if not isinstance(value, dict):
        raise BadData("a message is no object")
    return value


def _exactly(connection: socket.socket, count: int) -> bytes | None:
    found = b""
    while len(found) < count:
        block = connection.recv(min(65536, count - len(found)))
        if not block:
            return None
        found += block
    return found
