"""Where messages may go, and what an attempt answers: no network but loopback is needed."""

from __future__ import annotations

import base64
import socket
import time
from contextlib import suppress
from threading import Thread

import pytest

from ledger.errors import Misuse
from ledger.outbound import posting, signing
from ledger.outbound.addresses import Forbidden, allowed, may_call, target_of
from ledger.outbound.posting import poster, retry_after
from tests.outbound.receiver import Receiver

DRIBBLES = 400


@pytest.mark.parametrize(
    "url",
    [
        *("http://example.org/hook", "ftp://example.org", "https://", "example.org"),
        *("https://user:secret@example.org/", "https://user@example.org/"),
        *("https://example.org/#part", "https://example.org/ a", "https://exa\nmple.org/"),
        *("https://example.org:99999/", "https://example.org/" + "a" * 2000, "https://é.example"),
        *("http://127.0.0.2/hook", "http://localhost.example.org/"),
    ],
)
def test_a_url_that_cannot_be(url: str) -> None:
    """https only, but for loopback by its own names; nothing secret in it; never repeated."""
    with pytest.raises(Misuse) as refused:
        target_of(url)
    assert "example" not in str(refused.value)


def test_a_url_that_can_be() -> None:
    """Its parts, the defaults filled in."""
    assert target_of("https://example.org/h?x=1") == (True, "example.org", 443, "/h?x=1")
    assert target_of("http://[::1]:8080") == (False, "::1", 8080, "/")


@pytest.mark.parametrize(
    ("host", "address", "private", "may"),
    [
        ("example.org", "93.184.215.14", False, True),
        ("example.org", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", False, True),
        ("example.org", "127.0.0.1", True, False),
        ("example.org", "::1", True, False),
        ("example.org", "::ffff:127.0.0.1", True, False),
        ("example.org", "169.254.169.254", True, False),  # where clouds keep their secrets
        ("example.org", "fe80::1%eth0", True, False),
        ("example.org", "0.0.0.0", True, False),
        ("example.org", "224.0.0.1", True, False),
        ("example.org", "10.0.0.7", False, False),
        ("example.org", "::ffff:10.0.0.7", False, False),
        ("example.org", "64:ff9b::a00:7", False, False),  # 10.0.0.7, through NAT64
        ("example.org", "64:ff9b::7f00:1", True, False),
        ("example.org", "64:ff9b::a9fe:a9fe", True, False),
        ("example.org", "64:ff9b::808:808", False, True),
        ("example.org", "2002:a00:7::1", False, False),  # 10.0.0.7, through 6to4
        ("example.org", "192.168.1.1", False, False),
        ("example.org", "fd00::1", False, False),
        ("example.org", "100.64.0.1", False, False),
        ("example.org", "10.0.0.7", True, True),
        ("example.org", "fd00::1", True, True),
        ("localhost", "127.0.0.1", False, True),
        ("127.0.0.1", "127.0.0.1", False, True),
    ],
)
def test_which_addresses_may_be_called(host: str, address: str, private: bool, may: bool) -> None:
    """Judged after the name was resolved; a public name that means loopback is a trick."""
    assert may_call(host, address, private=private) is may


def test_a_name_that_resolves_inside_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked for once; only what was judged is connected to."""
    inside = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 443))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [inside])
    with pytest.raises(Forbidden):
        allowed(target_of("https://rebound.example.org/"), private=False)
    answer = poster(private=False)("https://rebound.example.org/", b"{}", {})
    assert answer == (None, "forbidden_address", None)


def test_what_an_attempt_answers(receiver: Receiver) -> None:
    """A status is passed on; a port where nobody listens is said to be silent."""
    post = poster(private=False)
    receiver.answer(429, Retry_After="17")
    assert post(receiver.url, b"{}", {"A": "b"}) == (429, None, 17)
    assert receiver.got[0].headers["host"] in receiver.url
    assert receiver.got[0].headers["user-agent"] == posting.AGENT
    assert post("http://127.0.0.1:1/", b"{}", {}).error == "no_answer"
    assert post(receiver.url.replace("http:", "https:"), b"{}", {}).error == "tls"


def test_a_receiver_that_never_finishes_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then, each in time, does not hold the courier for longer than its patience."""
    monkeypatch.setattr(posting, "PATIENCE_SECONDS", 0.3)
    dribbled: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dribble() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                for n in range(DRIBBLES):
                    connection.sendall(b"HTTP/1.1 200 OK\r\nX: "[n : n + 1] or b"x")
                    dribbled.append(n)
                    time.sleep(0.02)

        thread = Thread(target=dribble)
        thread.start()
        answer = poster(private=False)(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {})
        thread.join()
    assert answer == (None, "timeout", None)
    assert len(dribbled) < DRIBBLES, "it was heard to the end"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, None),
        ("120", 120),
        ("999999999999", 86400),
        ("soon", None),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 60),
        ("Thu, 01 Jan 1970 00:00:30 GMT", 0),
    ],
)
def test_retry_after(said: str | None, seconds: int | None) -> None:
    """Seconds or a date, a day at most; what cannot be read asks for nothing."""
    assert retry_after(said, now=60) == seconds


def test_the_signature_is_the_one_of_the_scheme() -> None:
    """A vector made with `openssl dgst -sha256 -mac HMAC`, over the scheme's own example."""
    secret = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = signing.headers(secret, "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert made["webhook-signature"] == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
