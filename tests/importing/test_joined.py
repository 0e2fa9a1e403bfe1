"""An import that names somebody who was joined to another records of the person kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.calendar import moment_of_day, moment_of_instant, parse_day
from ledger.choosing import joining
from ledger.choosing.choose import find
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.events import LoggedIn, OrderPlaced
from ledger.handlers import record, record_many
from ledger.importing import import_file, load_map
from ledger.opening import create
from ledger.store import rebuild, states
from ledger.store.vault import Scope
from tests.importing.shop import write


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path) -> Iterator[Ledger]:
    """An empty ledger on each database."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    opened = create(ledger_url, keyring)
    yield opened
    opened.close()


def test_a_later_file_follows_the_join(ledger: Ledger, tmp_path: Path) -> None:
    """Lines of before stay where they are; those of after are the kept one's, as if typed in."""
    first = write(tmp_path, ["A,1997-01-02,1,5.00", "B,1997-01-03,1,5.00"])
    import_file(ledger, first.file, load_map(first.mapping))
    kept, other = (find(ledger, Reference("shop", name)) for name in "AB")
    assert kept is not None
    assert other is not None
    joining.join(ledger, kept, other)
    later = write(tmp_path, ["B,1998-01-03,2,6.00", "A,1998-01-04,2,6.00"], name="later.csv")
    report = import_file(ledger, later.file, load_map(later.mapping))
    assert (report.read, report.rejected) == (2, 0)
    with ledger.database.read() as connection:
        orders = [
            sum(row.kind == "order.placed.v1" for row in states.rows_of(connection, one))
            for one in (kept, other)
        ]
    assert orders == [3, 1]
    assert list(rebuild.differences(ledger.database)) == []


def test_what_ended_under_a_reference_does_not_come_back_under_the_one_it_was_joined_to(
    ledger: Ledger, tmp_path: Path
) -> None:
    """Given that B's orders were erased, and A, who is the same person, still has hers: the file is
    refused line by line where it names B, in bulk as one by one, whether she is named by her
    reference or by her id. What A did then, and what B has done since, is recorded of A."""
    first = write(tmp_path, ["A,1997-01-02,1,5.00", "B,1997-01-03,1,5.00"])
    import_file(ledger, first.file, load_map(first.mapping))
    kept, other = (find(ledger, Reference("shop", name)) for name in "AB")
    assert kept is not None
    assert other is not None
    since = moment_of_instant(ledger.clock.now())
    record(ledger, Record(LoggedIn(occurred=since), Reference("shop", "B")))  # so she is named
    scopes = [Scope(other, "order", "")]
    erase_scopes(ledger, scopes, journal=tmp_path / "journal", reason="request")
    joining.join(ledger, kept, other)
    lines = ["B,1997-01-03,1,5.00", "A,1997-01-04,1,5.00"]
    again = write(tmp_path, lines, name="again.csv")
    rejects = tmp_path / "rejects.ndjson"
    report = import_file(ledger, again.file, load_map(again.mapping), rejects=rejects)
    assert (report.recorded, report.rejected) == ({"order.placed.v1": 1}, 1)
    assert json.loads(rejects.read_text())["problem"] == "erased"
    old, now = moment_of_day(parse_day("1997-01-03")), moment_of_instant(ledger.clock.now())
    named = [
        (OrderPlaced(occurred=at, actor="import", subject=one), reference)
        for at in (old, now)
        for one, reference in (
            *((None, Reference("shop", "B")), (other, None)),
            *((None, Reference("shop", "A")), (kept, None)),
        )
    ]
    said = [record_many(ledger, [Record(fact, reference)])[0] for fact, reference in named]
    assert [getattr(one, "problem", None) for one in said] == ["erased"] * 2 + [None] * 6
    assert {getattr(one, "subject", None) for one in said[2:]} == {kept}
    assert list(rebuild.differences(ledger.database)) == []
