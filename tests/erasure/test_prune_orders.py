"""What ordered a destruction, and the destruction: bare leaves together, or not at all.

Erase, prune, export, verify. Who was erased in every class has no entry left that must stay, so
the orders of her erasures may go, and with them what they ordered; a bundle of that ledger verifies
(one in which either went alone does not: `tests/evidence/test_cited.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.commands import Record
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.events import HoldPlaced
from ledger.evidence.export import Wanted, export
from ledger.handlers import record
from ledger.opening import create
from ledger.store import tables
from ledger.store import verify as store
from ledger.store.vault import Scope
from replay import verify
from tests.clock import StepClock
from tests.contracts.props import now
from tests.evidence.test_export import sealed
from tests.rotation import told

ORDER, DESTRUCTION = "customer.class_erased.v1", "ledger.key_destroyed.v1"


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock, origin="example.org/orders")
    yield made
    made.close()


def judged(ledger: Ledger, folder: Path) -> verify.Report:
    """What a stranger's verifier says of the whole of it."""
    key = sealed(ledger, folder / "log")
    export(ledger, folder / "log", folder / "bundle", Wanted("whole"))
    trust = folder / "anchors.toml"
    trust.write_text(f'origin = "{key.name}"\nlog = ["{key.vkey}"]\n')
    return verify.verify(folder / "bundle", verify.Trust.load(trust))


def kinds(ledger: Ledger) -> list[str]:
    with ledger.database.read() as connection:
        return list(connection.scalars(sa.select(tables.events.c.kind)))


def erased(ledger: Ledger, folder: Path, *scopes: Scope) -> None:
    erase_scopes(ledger, scopes, journal=folder / "journal", reason="request")


def sound(ledger: Ledger, folder: Path) -> None:
    assert store.verify(ledger.database).ok
    report = judged(ledger, folder)
    assert report.ok, "\n".join(report.lines())


def test_who_was_erased_in_every_class(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    told(ledger, "bert", "his")
    erased(ledger, tmp_path, Scope(anna, "contact", ""))
    erased(ledger, tmp_path, Scope(anna, "rights", ""))
    assert kinds(ledger).count(ORDER) == 2
    prune(ledger, tmp_path / "journal")
    assert ORDER not in kinds(ledger)
    assert DESTRUCTION not in kinds(ledger)
    sound(ledger, tmp_path)


def test_an_order_waits_for_every_entry_that_names_its_key(ledger: Ledger, tmp_path: Path):
    """Her hold stands, so its entry stays, and its key is named there: what ordered that key's
    destruction stays with what says so, and so does what follows it in her stream."""
    _, anna = told(ledger, "anna", "mine")
    about: dict[str, Any] = {"occurred": now(ledger), "subject": anna, "article": "GDPR art. 17(3)"}
    hold = HoldPlaced(**about, classes=("invoice",), review=20270101, author="the DPO")
    record(ledger, Record(hold))
    with ledger.database.read() as connection:
        query = sa.select(tables.keys.c.scope).where(tables.keys.c.data_class == "hold")
        item = connection.scalars(query).one()
    for klass, scope in (("contact", ""), ("hold", item), ("rights", "")):
        erased(ledger, tmp_path, Scope(anna, klass, scope))
    prune(ledger, tmp_path / "journal")
    left = kinds(ledger)
    assert "hold.placed.v1" in left
    assert "customer.contacted_us.v1" not in left
    assert (left.count(ORDER), left.count(DESTRUCTION)) == (2, 1)
    sound(ledger, tmp_path)


def test_nothing_is_left_for_the_next_run_of_another_person(ledger: Ledger, tmp_path: Path):
    """Two people whose orders and destructions alternate: hers go, his stay."""
    _, anna = told(ledger, "anna", "mine")
    _, bert = told(ledger, "bert", "his")
    for who in (anna, bert):
        erased(ledger, tmp_path, Scope(who, "contact", ""))
    erased(ledger, tmp_path, Scope(anna, "rights", ""))
    prune(ledger, tmp_path / "journal")
    left = kinds(ledger)
    assert (left.count(ORDER), left.count(DESTRUCTION)) == (1, 1)
    assert prune(ledger, tmp_path / "journal").entries == 0
    sound(ledger, tmp_path)
