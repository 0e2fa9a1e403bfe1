"""`probant serve` asks the opener at its own socket: three processes, one record of the archive."""

from __future__ import annotations

import json
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from api import keys
from ledger.archive_key import ArchiveKey
from ledger.archiving.granting import grant
from ledger.calendar import SystemClock
from ledger.commands import Record
from ledger.events import ContactedUs
from ledger.handlers import record
from ledger.opening import open_ledger
from tests.archiving.room import CASE, TEXT, archive
from tests.archiving.test_archive_commands import PASSPHRASE, serving
from tests.cli import test_serving as server
from tests.cli.conftest import Probant, probant, speaks_english
from tests.contracts.props import now, somebody
from tests.evidence.test_export import sealed

__all__ = ["probant", "speaks_english"]
PATH = "/v1/archive/consultations"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short: a unix socket's path has about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield Path(folder) / "home"


def asked(url: str, key: str, item: Any = None) -> tuple[int, dict[str, Any]]:
    """Status and body of one request."""
    body = None if item is None else json.dumps(item).encode()
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=server.PATIENCE) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.clause("SS-RET-2")
def test_from_the_server_to_the_opener_and_back(
    probant: Probant, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nobody opens, the server says so; then the record is told, and is in no file."""
    probant.home = home = short
    monkeypatch.setenv("PROBANT_PASSPHRASE", PASSPHRASE)
    assert probant("init").code == 0
    key, secret = keys.add(
        home / "api-keys.json", "anne", frozenset({"auditor"}), SystemClock().now()
    )
    ledger = open_ledger(f"sqlite:///{home / 'ledger.sqlite'}", home / "keyring.json")
    try:
        vkey = sealed(ledger, home / "log").vkey
        assert probant("archive", "init", "--log-key", vkey).code == 0
        subject = somebody(ledger)
        fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=TEXT)
        record(ledger, Record(fact))
        archive(ledger, ArchiveKey.load(home / "opener" / "archive.key", PASSPHRASE), subject)
        given, _ = grant(ledger, key.id, ("contact",), 20990101, "dpo")
        with server.serving(probant) as (said, _):
            url = said["url"] + PATH
            wish = {"subject": str(subject), "class": "contact", "grant": str(given)}
            wish |= {"motive": "authority", "case": CASE}
            status, consulted = asked(url, secret, wish)
            assert (status, consulted["reader"]) == (202, key.id)
            where = f"{url}/{consulted['id']}"
            assert asked(where, secret)[0] == 202
            sealed(ledger, home / "log")
            status, problem = asked(where, secret)
            assert (status, problem["type"]) == (503, "/docs#problem-no-opener")
            with serving(home):
                status, answer = asked(where, secret)
            assert status == 200, answer
            assert [part["fields"] for part in answer["opened"]] == [{"text": TEXT}]
    finally:
        ledger.close()
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    for forgotten in (TEXT, CASE, PASSPHRASE):
        assert forgotten.encode() not in everything
