"""One attempt to hand over one message: HTTP by the standard library, as narrow as can be.

What must hold: the connection goes to an address that was judged (`addresses.py`), under TLS with
the name of the URL; no redirect is followed, no proxy asked, no body read; everything together
takes at most `PATIENCE_SECONDS`. A failure is an answer too, and says of which sort it was.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Event, Timer
from typing import NamedTuple

from ledger.errors import Misuse
from ledger.outbound.addresses import Forbidden, Target, allowed, target_of

TIMEOUT_SECONDS = 10.0  # of each step
PATIENCE_SECONDS = 20.0  # of all of them
LONGEST_WAIT_SECONDS = 24 * 3600  # that a receiver may ask for
AGENT = "probant-webhooks/1"
GONE = 410


class Answer(NamedTuple):
    """What came of one attempt: an HTTP status, or what went wrong; when to come again."""

    status: int | None
    error: str | None = None
    retry_after: int | None = None  # seconds

    @property
    def is_taken(self) -> bool:
        """Whether the message was taken: any 2xx, and nothing else."""
        return self.status is not None and 200 <= self.status < 300


Post = Callable[[str, bytes, dict[str, str]], Answer]
"""Hands a body over to a URL under these headers."""


def poster(*, private: bool) -> Post:
    """What posts; `private` allows private networks."""

    def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
        try:
            target = target_of(url)
            return _posted(target, _connected(target, private), body, headers)
        except (Forbidden, Misuse):
            return Answer(None, "forbidden_address")
        except TimeoutError:
            return Answer(None, "timeout")
        except ssl.SSLError:
            return Answer(None, "tls")
        except (OSError, http.client.HTTPException, ValueError):
            return Answer(None, "no_answer")

    return post


def _connected(target: Target, private: bool) -> socket.socket:
    """A connection to the first allowed address that answers. Raises OSError, Forbidden."""
    failure: OSError | None = None
    for _, address in allowed(target, private=private):
        try:
            raw = socket.create_connection((address, target.port), TIMEOUT_SECONDS)
        except OSError as error:
            failure = error
            continue
        if not target.is_tls:
            return raw
        try:
            return _trusted().wrap_socket(raw, server_hostname=target.host)
        except BaseException:
            raw.close()
            raise
    assert failure is not None
    raise failure


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


def _posted(target: Target, sock: socket.socket, body: bytes, headers: dict[str, str]) -> Answer:
    connection = http.client.HTTPConnection(target.host, target.port, timeout=TIMEOUT_SECONDS)
    connection.sock = sock
    # A receiver that dribbles one byte at a time must not hold the courier.
    late = Event()
    alarm = Timer(PATIENCE_SECONDS, _cut, (sock, late))
    alarm.daemon = True
    alarm.start()
    try:
        named = {"Host": _host(target), "User-Agent": AGENT, "Connection": "close"}
        more = {**named, **headers}
        connection.request("POST", target.path, body, more)
        answer = connection.getresponse()
        if late.is_set():
            raise TimeoutError  # cut off amid its headers: what came of it is half an answer
        return Answer(answer.status, None, retry_after(answer.getheader("Retry-After")))
    except (OSError, http.client.HTTPException, ValueError):
        if late.is_set():
            raise TimeoutError from None  # what it stumbled over is our cut
        raise
    finally:
        alarm.cancel()
        connection.close()
        sock.close()


def retry_after(said: str | None, now: float | None = None) -> int | None:
    """The seconds that a Retry-After header asks for (RFC 9110, section 10.2.3), a day at most."""
    if said is None:
        return None
    if said.isascii() and said.strip().isdigit():
        return min(int(said.strip()[:9]), LONGEST_WAIT_SECONDS)
    with suppress(ValueError, TypeError, OverflowError):
        wait = parsedate_to_datetime(said).timestamp() - (time.time() if now is None else now)
        return max(0, min(int(wait), LONGEST_WAIT_SECONDS))
    return None


def _cut(sock: socket.socket, late: Event) -> None:
    late.set()  # before the cut: whoever the cut wakes must already be able to tell why
    with suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == (443 if target.is_tls else 80) else f"{host}:{target.port}"
