"""What the service and the opener say to each other: one request, one answer, over a unix socket.

A message is its length (u32, big-endian) and a JSON object. Bytes are base64url. An error is
{"error": {"code", "problem", "detail"}}: the code is a family of `ledger/errors.py`, the problem,
of a refusal, its slug. What this file never does: believe what it parses.
"""

from __future__ import annotations

import json
import socket
from typing import Any, NamedTuple
from uuid import UUID

from ledger.entry import from_base64, to_base64
from ledger.errors import BadData

MAX_BYTES = 64 * 2**20


class Key(NamedTuple):
    """A wrapped key, and what its context needs beside the person and the class."""

    kid: UUID
    scope: str
    generation: int
    wrapped: bytes


class Part(NamedTuple):
    """An entry, the name of one of its parts, and the envelope of that."""

    position: int
    part: str
    entry: bytes
    envelope: bytes


class Request(NamedTuple):
    """Everything the opener needs in order to believe nobody. Proofs are `.tlog-proof` files."""

    consultation: bytes
    consultation_proof: bytes
    grant: bytes
    grant_proof: bytes
    keys: tuple[Key, ...]
    parts: tuple[Part, ...]

    def to_json(self) -> dict[str, Any]:
        """The message."""
        said: dict[str, Any] = {name: to_base64(getattr(self, name)) for name in self._fields[:4]}
        said["keys"] = [
            [str(k.kid), k.scope, k.generation, to_base64(k.wrapped)] for k in self.keys
        ]
        said["parts"] = [
            [p.position, p.part, to_base64(p.entry), to_base64(p.envelope)] for p in self.parts
        ]
        return said

    @classmethod
    def parse(cls, said: dict[str, Any]) -> Request:
        """Inverse of `to_json`. Raises BadData."""
        try:
            keys = [Key(UUID(k), str(s), int(g), from_base64(w)) for k, s, g, w in said["keys"]]
            parts = [
                Part(int(at), str(name), from_base64(entry), from_base64(envelope))
                for at, name, entry, envelope in said["parts"]
            ]
            one, two, three, four = (from_base64(said[name]) for name in cls._fields[:4])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadData("a request to the opener cannot be read") from error
        return cls(one, two, three, four, tuple(keys), tuple(parts))


def send(connection: socket.socket, message: dict[str, Any]) -> None:
    """Send one message."""
    raw = json.dumps(message, ensure_ascii=False).encode("utf-8")
    if len(raw) > MAX_BYTES:
        raise BadData("this is more than the opener opens at a time; consult one scope of it")
    connection.sendall(len(raw).to_bytes(4, "big") + raw)


def receive(connection: socket.socket) -> dict[str, Any]:
    """Receive one message. Raises BadData for anything else, or too much of it."""
    length = int.from_bytes(_exactly(connection, 4), "big")
    if length > MAX_BYTES:
        raise BadData("a message of the opener's socket is too long")
    try:
        said = json.loads(_exactly(connection, length))
    except (ValueError, RecursionError) as error:
        raise BadData("a message of the opener's socket cannot be read") from error
    if not isinstance(said, dict):
        raise BadData("a message of the opener's socket cannot be read")
    return said


def _exactly(connection: socket.socket, length: int) -> bytes:
    received = bytearray()
    while len(received) < length:
        more = connection.recv(min(length - len(received), 2**20))
        if not more:
            raise BadData("a message of the opener's socket is cut off")
        received += more
    return bytes(received)
