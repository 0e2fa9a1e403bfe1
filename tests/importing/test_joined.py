"""An import that names somebody who was joined to another records of the person kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.application import Ledger
from ledger.choosing import joining
from ledger.choosing.choose import find
from ledger.commands import Reference
from ledger.importing import import_file, load_map
from ledger.opening import create
from ledger.store import rebuild, states
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
