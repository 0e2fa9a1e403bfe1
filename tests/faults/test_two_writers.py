"""Processes that write at once: nothing lost, no gap, no deadlock, whatever they write to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.opening import create
from ledger.store import rebuild, tables, verify
from tests.contracts.props import assert_whole

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 300  # seconds: a deadlock would take longer


@pytest.fixture(params=["sqlite-file", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Ledger, str, Path]]:
    """A ledger that several processes can open: itself, its URL and its keyring."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_schema_url")
    keyring = tmp_path / "keyring.json"
    ledger = create(url, keyring)
    yield ledger, url, keyring
    ledger.close()


def write_at_once(
    shared: tuple[Ledger, str, Path],
    mode: str,
    count: int,
    meanwhile: Callable[[], object] | None = None,
    processes: int = 2,
) -> list[dict[str, Any]]:
    """Start the writers, let them go at the same moment, and hear what each says it wrote."""
    _, url, keyring = shared
    go = keyring.with_name("go")
    command = [sys.executable, "-W", "error", "-m", "tests.faults.writer", url, str(keyring), mode]
    writers = [
        subprocess.Popen(
            [*command, str(me), str(count), str(go)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for me in range(processes)
    ]
    try:
        while not all(go.with_name(f"go.{me}").exists() for me in range(processes)):
            assert all(writer.poll() is None for writer in writers), writers[0].communicate()
            time.sleep(0.01)
        go.touch()
        while meanwhile is not None:  # once at least, though they may be quicker than we are
            meanwhile()
            if all(writer.poll() is not None for writer in writers):
                break
        heard = [writer.communicate(timeout=PATIENCE) for writer in writers]
    finally:
        for writer in writers:
            writer.kill()
            writer.communicate()
    for writer, (_, complaint) in zip(writers, heard, strict=True):
        assert writer.returncode == 0, complaint.decode()
    return [json.loads(said) for said, _ in heard]


def assert_nothing_lost(ledger: Ledger, reports: list[dict[str, Any]]) -> None:
    """What the writers were told is exactly what the log holds, besides its first event."""
    assert [report["errors"] for report in reports] == [[] for _ in reports]
    told = {position: leaf for report in reports for position, leaf in report["written"]}
    assert len(told) == sum(len(report["written"]) for report in reports)
    e = tables.events.c
    with ledger.database.read() as connection:
        found = connection.execute(sa.select(e.position, e.leaf).where(e.position > 1))
        assert {row.position: row.leaf.hex() for row in found} == told
    assert_whole(ledger.database)
    assert verify.verify(ledger.database).to_json()["findings"] == []


def test_two_writers_of_different_people_lose_nothing(shared: tuple[Ledger, str, Path]):
    reports = write_at_once(shared, "apart", 60)
    assert all(len(report["written"]) > 50 for report in reports)
    assert_nothing_lost(shared[0], reports)


def test_two_writers_of_the_same_people_lose_nothing(shared: tuple[Ledger, str, Path]):
    """They register the same people, begin the same orders and make the same keys."""
    reports = write_at_once(shared, "together", 60)
    assert_nothing_lost(shared[0], reports)
    lookups, keys = tables.lookups.c, tables.keys.c
    with shared[0].database.read() as connection:
        people = connection.scalars(sa.select(lookups.subject).where(lookups.kind == "person/shop"))
        assert len(set(people.all())) == 5
        scopes = connection.execute(sa.select(keys.subject, keys.data_class, keys.scope)).all()
        assert len(set(scopes)) == len(scopes) >= 5


def test_a_storm_over_one_persons_choices_loses_none(shared: tuple[Ledger, str, Path]):
    reports = write_at_once(shared, "storm", 80)
    assert [report["refused"] for report in reports] == [[], []]
    assert_nothing_lost(shared[0], reports)
    e = tables.events.c
    with shared[0].database.read() as connection:
        counted = sa.select(sa.func.count(), sa.func.max(e.version), sa.func.min(e.version))
        found = connection.execute(counted.where(e.kind.like("consent.%"))).one()
    assert tuple(found) == (160, 160, 1)


def test_writers_verifiers_and_a_rebuild_do_not_stop_one_another(
    shared: tuple[Ledger, str, Path],
):
    ledger = shared[0]

    def meanwhile() -> None:
        rebuild.rebuild(ledger.database)
        assert verify.verify(ledger.database).ok
        time.sleep(0.05)

    reports = write_at_once(shared, "together", 30, meanwhile, processes=3)
    assert_nothing_lost(ledger, reports)
