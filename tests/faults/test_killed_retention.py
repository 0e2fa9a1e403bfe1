"""A server that is killed in the middle of a retention run: the next one does the rest."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ledger.archive_key import ArchiveKey
from ledger.calendar import MINUTE, SystemClock, parse_moment
from ledger.commands import Record, Reference
from ledger.erasing.certificate import Desk, document_of
from ledger.errors import Refused
from ledger.events import ContactedUs, OrderPlaced
from ledger.handlers import record
from ledger.opening import create, open_ledger
from ledger.retention.run import due
from ledger.retention.running import Keeper, find
from ledger.store import listed, runs
from tests.clock import StepClock
from tests.contracts.props import assert_whole

ROOT = Path(__file__).resolve().parents[2]
PEOPLE, PATIENCE_SECONDS = 12, 180


@pytest.mark.clause("SS-RET-3")
@pytest.mark.parametrize("kind", ["sqlite-file", "postgres"])
def test_a_killed_run_is_completed_by_the_next_server(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Each batch whole or not at all; nothing is due afterwards, and it is on record once."""
    url = (
        f"sqlite:///{tmp_path / 'ledger.sqlite'}"
        if kind == "sqlite-file"
        else request.getfixturevalue("postgres_schema_url")
    )
    ledger = create(url, tmp_path / "keyring.json")
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    for number in range(PEOPLE):
        who, day = Reference("shop", f"k{number}"), parse_moment("2015-03-01")
        record(ledger, Record(OrderPlaced(occurred=day), who))
        record(ledger, Record(ContactedUs(occurred=day, channel="form", text="Bonjour"), who))
    planned = len(list(due(ledger)))
    command = [sys.executable, "-m", "tests.faults.retainer", url]
    command += [str(tmp_path / "keyring.json"), str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(2):
        assert process.stdout.readline() == b"batch\n"
    process.kill()
    process.communicate(timeout=PATIENCE_SECONDS)
    with ledger.database.read() as connection:
        left = runs.under_way(connection)
    assert left is not None
    assert 0 < left.archived + left.erased < planned
    later = StepClock(SystemClock().now() + 2 * MINUTE)
    following = open_ledger(
        url, tmp_path / "keyring.json", clock=later, journal=tmp_path / "journal"
    )
    certificates = tmp_path / "certificates"
    assert not list(certificates.glob("*"))  # it was killed before it came to them
    desk = Desk(certificates, 35)
    keeper = Keeper(following, tmp_path / "journal", tmp_path / "archive.pub", desk)
    with pytest.raises(Refused):
        keeper.ask("key:other", rehearsal=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (done := find(following, left.id)).state == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    keeper.close()
    assert done.state == "done"
    assert planned - 2 * PEOPLE <= done.archived + done.erased <= planned
    assert [one for one in due(following) if one.what != "held"] == []
    with following.database.read() as connection:
        (ran,) = listed.ran(connection, 2**53, 10)
    assert ran.position == done.position
    made = [document_of(path.read_bytes()) for path in certificates.iterdir()]
    assert done.certified == len({one["subject"] for one in made}) == len(made) == PEOPLE
    assert sum(len(one["erased"]) for one in made) == planned == 2 * PEOPLE
    assert_whole(following.database)
    following.close()
    ledger.close()
