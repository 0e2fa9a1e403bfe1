"""Packages of somebody of whom much is held: made as they leave, in memory that does not grow."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from api import packages
from api.access import Who
from api.packages import Wanted, package_of
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.events import ContactedUs, LoggedIn, OrderPlaced
from ledger.handlers import record, record_many
from tests.api.conftest import CANARY, Caller

STAFF = Who("key:staff", frozenset())
FEW, MANY = 600, 4_200


def known(caller: Caller, logins: int) -> UUID:
    """Somebody who bought once, wrote once, and logged in very often."""
    now = moment_of_instant(caller.ledger.clock.now())
    zoe = Reference("shop", "0042")
    bought = OrderPlaced(occurred=now)
    subject = record(caller.ledger, Record(bought, zoe, thing=Reference("ref", "A"))).subject
    assert subject is not None
    said = ContactedUs(subject=subject, occurred=now, channel="form", text=CANARY)
    record(caller.ledger, Record(said))
    logs_in(caller, subject, logins)
    return subject


def logs_in(caller: Caller, subject: UUID, logins: int) -> None:
    now = moment_of_instant(caller.ledger.clock.now())
    login = Record(LoggedIn(subject=subject, occurred=now))
    for start in range(0, logins, 1000):
        record_many(caller.ledger, [login] * min(1000, logins - start))


def peak(caller: Caller, subject: UUID, form: Any) -> tuple[int, int, int]:
    """The most memory that making a package took (bytes), its size, the number of pieces."""
    tracemalloc.start()
    try:
        made = package_of(caller.ledger, STAFF, subject, Wanted(form=form), "fr", {})
        size = pieces = 0
        for chunk in made.chunks:
            size, pieces = size + len(chunk), pieces + 1
        return tracemalloc.get_traced_memory()[1], size, pieces
    finally:
        tracemalloc.stop()


@pytest.mark.clause("SS-DSR-1")
@pytest.mark.parametrize("form", ["zip", "json"])
def test_seven_times_the_facts_take_no_more_memory(caller: Caller, form: str) -> None:
    subject = known(caller, FEW)
    least, small, _ = peak(caller, subject, form)
    logs_in(caller, subject, MANY - FEW)
    most, large, pieces = peak(caller, subject, form)
    assert large > 3 * small
    assert pieces > 1
    assert most < 1.5 * least, (least, most)


@pytest.mark.parametrize("scope", ["access", "portability"])
def test_what_is_sent_while_it_is_made_is_what_is_made_before(
    anywhere: Caller, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    """Byte for byte of each file, but for the moment and the read that each package is."""
    subject = known(anywhere, 450)  # three pages
    whole = told(anywhere, subject, scope)
    assert sha256(whole.content).hexdigest() == whole.headers["Package-SHA256"]
    monkeypatch.setattr(packages, "IN_MEMORY", 3)
    streamed = told(anywhere, subject, scope)
    assert "Package-SHA256" not in streamed.headers
    one, other = unpacked(whole.content), unpacked(streamed.content)
    assert one.keys() == other.keys() == {"SHA256SUMS", *listed(other)}
    for name, digest in listed(other).items():
        assert sha256(other[name]).hexdigest() == digest
    facts = [json.loads(files["package.json"])["facts"] for files in (one, other)]
    assert len(facts[0]) > 450
    assert without_reads(facts[0]) == without_reads(facts[1])
    assert CANARY in other["package.json"].decode()


def told(caller: Caller, subject: UUID, scope: str) -> Any:
    answer = caller.say("POST", f"/v1/subjects/{subject}/export?scope={scope}", {})
    assert answer.status_code == 200, answer.text
    return answer


def unpacked(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def listed(files: dict[str, bytes]) -> dict[str, str]:
    lines = (line.split("  ") for line in files["SHA256SUMS"].decode().splitlines())
    return {name: digest for digest, name in lines}


def without_reads(facts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [fact for fact in facts if fact["kind"] != "data.read.v1"]
