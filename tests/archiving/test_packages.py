"""Access includes the archive, in two steps: missing first, then completed by the opener."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api import keys
from api.access import Who
from api.app import create_app
from api.packages import Package, Wanted, package_of
from api.sealed import Seal
from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.archiving import asking
from ledger.commands import Record
from ledger.errors import Refused
from ledger.events import ContactedUs
from ledger.handlers import record
from ledger.opening import open_ledger
from ledger.packages.archived import Opened, opened
from tests.archiving.room import CASE, TEXT, Room, archive
from tests.archiving.test_archive_commands import PASSPHRASE, serving
from tests.cli.conftest import Probant, anywhere, speaks_english
from tests.contracts.props import now, somebody
from tests.evidence.test_export import sealed

__all__ = ["anywhere", "speaks_english"]
DPO = Who("key:1", frozenset({"dpo"}))


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short: a unix socket's path has about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield Path(folder) / "home"


def package(room: Room, archived: Opened) -> Package:
    return package_of(room.ledger, DPO, room.subject, Wanted(form="json"), "en", archived)


def ask(room: Room, *positions: int) -> Opened:
    """What an opener of this room opens of these consultations."""
    opener = room.opener()
    return opened(
        room.ledger,
        room.folder / "log",
        (room.subject,),
        positions,
        lambda request: {"opened": opener.open(request)},
    )


def test_what_is_archived_is_listed_then_consulted_then_there(room: Room) -> None:
    """Never silently absent (CNIL SAN-2021-021): archived until a day, being opened, opened."""
    first = package(room, {})
    (missing,) = first.missing
    assert (missing["class"], missing["state"], missing["consulted"]) == (
        "contact",
        "archived",
        False,
    )
    assert missing["until"] is None or missing["until"] > "2026"
    assert TEXT.encode() not in first.content
    position = room.consult(room.grant(), motive="rights_request")
    assert package(room, {}).missing[0]["consulted"] is True
    room.seal()
    whole = package(room, ask(room, position))
    assert whole.missing == []
    assert TEXT in whole.content.decode()
    told = json.loads(whole.content)["consultations"]
    assert ("rights_request", True) in {(one["reason"], one["archive"]) for one in told}
    assert '"reader"' not in json.dumps([f["data"] for f in json.loads(whole.content)["facts"]])


def test_only_her_own_archive_is_opened_and_only_for_her_request(one: Room) -> None:
    """A consultation for litigation, or of somebody else, makes no package."""
    grant = one.grant()
    litigation = one.consult(grant)
    other = somebody(one.ledger, "other", text="une autre lettre")
    archive(one.ledger, one.key, other)
    theirs = one.consult(grant, motive="rights_request", subject=other)
    one.seal()
    for position in (litigation, theirs, 1):
        with pytest.raises(Refused) as caught:
            ask(one, position)
        assert caught.value.refusal.problem == "archived-motive-required"


def exported(home: Path, opening: Callable[[], Ledger], subject: UUID) -> Callable[[int], Any]:
    """`POST …/export` to a server that knows this opener, with one consultation."""

    def ask(position: int) -> Any:
        secret = keys.create(home / "api-keys.json", keys.FIRST)
        seal, opener = Seal(home / "log", None), partial(asking.ask, home / "opener" / "socket")
        made = create_app(opening, keys.Keys.load(home / "api-keys.json"), seal, opener=opener)
        with TestClient(made) as client:
            return client.post(
                f"/v1/subjects/{subject}/export?format=json",
                json={"consultations": [position]},
                headers={"Authorization": f"Bearer {secret}"},
            )

    return ask


def test_from_the_request_to_its_answer(
    anywhere: Probant, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`probant package`: not answered while the archive is missing, then answered by its digest."""
    anywhere.home = home = short
    monkeypatch.setenv("PROBANT_PASSPHRASE", PASSPHRASE)
    assert anywhere("init").code == 0
    url = anywhere.url or f"sqlite:///{home / 'ledger.sqlite'}"
    ledger = open_ledger(url, home / "keyring.json")
    try:
        vkey = sealed(ledger, home / "log").vkey
        assert anywhere("archive", "init", "--log-key", vkey).code == 0
        subject = somebody(ledger)
        fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=TEXT)
        record(ledger, Record(fact))
        archive(ledger, ArchiveKey.load(home / "opener" / "archive.key", PASSPHRASE), subject)
        received = ("requests", "receive", "--right", "access", "--channel", "letter")
        request = anywhere.json(*received, "--subject", str(subject))["request"]["id"]
        asked = ("package", "--request", request, "--reader", "s1", "--answer", "letter")
        part = anywhere.json(*asked, "--out", str(home / "one"))
        assert part["answered"] is None
        assert part["missing"][0]["state"] == "archived"
        assert anywhere(*asked, "--out", str(home / "one")).code == 2  # never replaced
        given = ("--holder", "s1", "--classes", "contact", "--approver", "dpo")
        grant = anywhere.json("archive", "grant", *given, "--until", "2099-01-01")["grant"]
        wish = ("--class", "contact", "--reader", "s1", "--grant", grant, "--case", CASE)
        motive = ("--motive", "rights_request", "--subject", str(subject))
        position = anywhere.json("archive", "consult", *wish, *motive)["position"]
        sealed(ledger, home / "log")
        with serving(home):
            opening = ("--consultation", str(position), "--out", str(home / "two"))
            said = anywhere(*asked, *opening)
            over_http = exported(home, lambda: open_ledger(url, home / "keyring.json"), subject)
            refused, served = over_http(position - 1), over_http(position)
    finally:
        ledger.close()
    assert (refused.status_code, served.status_code) == (422, 200)
    assert TEXT in served.text
    assert said.code == 0, said
    assert "The request is answered by it" in said.out
    assert TEXT not in said.out
    file = home / "two" / "access.zip"
    assert file.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(file) as packed:
        assert TEXT in packed.read("package.json").decode()
    assert anywhere.json("requests", "show", request)["state"] == "fulfilled"
