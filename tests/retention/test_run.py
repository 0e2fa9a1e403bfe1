"""What is past its end is archived, erased, or held, on its own day; twice is once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.calendar import parse_as_of, parse_moment
from ledger.commands import Record, Reference
from ledger.erasing.request import planned
from ledger.errors import Misuse
from ledger.events import (
    CardKept,
    ContactedUs,
    CustomerRegistered,
    Fact,
    HoldLifted,
    HoldPlaced,
    OrderInvoiced,
    OrderPlaced,
    Restricted,
    RestrictionLifted,
    RetentionRan,
)
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record
from ledger.opening import create
from ledger.retention import run as retention
from ledger.retention.run import Ran, counted, due
from ledger.store import erasure, rebuild, verify
from ledger.store.recipient import ArchiveRecipient
from tests.clock import StepClock

TODAY = "2026-01-05T09:00:00Z"


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def recipient() -> ArchiveRecipient:
    return ArchiveKey.generate().recipient


def told(ledger: Ledger, fact: Fact, who: str, thing: str | None = None) -> Accepted:
    reference = Reference("ref", thing) if thing else None
    return record(ledger, Record(fact, Reference("shop", who), thing=reference))


def on(day: str) -> dict[str, Any]:
    return {"occurred": parse_moment(day)}


def old_customer(ledger: Ledger, who: str, day: str = "2015-01-10") -> Accepted:
    """Bought once, gave her name with the order, wrote to us once."""
    told(
        ledger,
        CustomerRegistered(**on(day), klass="order", origin="order", name=f"Dame {who}"),
        who,
    )
    told(ledger, OrderPlaced(**on(day)), who, f"o-{who}")
    return told(ledger, ContactedUs(**on(day), channel="form", text=f"Bonjour de {who}"), who)


def opened(ledger: Ledger, position: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, position)


def whole(ledger: Ledger) -> None:
    """Nothing is out of order: the log, the live tables, what is derived."""
    assert verify.verify(ledger.database).counts == {}
    assert list(rebuild.differences(ledger.database)) == []


def test_each_class_is_archived_or_erased_on_its_own_day_and_twice_is_once(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path, clock: StepClock
) -> None:
    """Orders: five years in use, then five archived; a prospect's message: three years, erased."""
    written = old_customer(ledger, "A", "2020-12-01")
    registered = written.position - 2
    made, by_class = counted(due(ledger))
    assert made == Ran(1, 1, 1, 0)
    assert by_class == {("contact", "erase"): 1, ("order", "archive"): 1}
    done = retention.run(ledger, recipient, tmp_path / "journal")
    assert done == Ran(1, 1, 1, 0)
    assert opened(ledger, written.position) is Unreadable.ERASED
    assert opened(ledger, registered) is Unreadable.ARCHIVED
    assert retention.run(ledger, recipient, tmp_path / "journal") == Ran(0, 0, 0, 0)
    whole(ledger)
    clock.set("2030-12-01T09:00:00Z")
    assert counted(due(ledger))[1].get(("order", "erase")) is None
    clock.set("2030-12-02T09:00:00Z")
    assert counted(due(ledger))[1][("order", "erase")] == 1
    retention.run(ledger, recipient, tmp_path / "journal")
    assert opened(ledger, registered) is Unreadable.ERASED
    whole(ledger)


def test_a_hold_stops_erasure_visibly_never_the_archive_and_only_while_it_stands(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path
) -> None:
    written = old_customer(ledger, "A", "2020-12-01")
    hold = HoldPlaced(
        **on("2026-01-01"), article="C. civ. art. 2224", review=20270101, classes=("contact",)
    )
    told(ledger, hold, "A", "litige")
    assert counted(due(ledger))[1] == {("contact", "held"): 1, ("order", "archive"): 1}
    kept = (("C. civ. art. 2224", 1),)
    assert retention.run(ledger, recipient, tmp_path / "journal") == Ran(1, 1, 0, 1, kept)
    assert isinstance(opened(ledger, written.position), dict)
    told(ledger, HoldLifted(**on("2026-01-02")), "A", "litige")
    assert retention.run(ledger, recipient, tmp_path / "journal") == Ran(1, 0, 1, 0)
    assert opened(ledger, written.position) is Unreadable.ERASED
    whole(ledger)


@pytest.mark.clause("SS-DSR-5")
@pytest.mark.parametrize(("ground", "letter"), [("unlawful", "b"), ("claims", "c")])
def test_what_she_asked_to_keep_is_kept_and_the_run_says_by_which_article(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path, ground: str, letter: str
) -> None:
    """GDPR art. 18(1)(b), (c): restricted instead of erased, until the restriction is lifted."""
    written = old_customer(ledger, "A", "2020-12-01")
    old_customer(ledger, "B", "2020-12-01")
    told(ledger, Restricted(**on("2023-11-01"), ground=ground), "A")
    done = retention.run(ledger, recipient, tmp_path / "journal")
    assert done == Ran(2, 2, 1, 1, ((f"GDPR art. 18(1)({letter})", 1),))
    assert isinstance(opened(ledger, written.position), dict)
    (held,) = [one for one in due(ledger) if one.what == "held"]
    assert held.why == (f"GDPR art. 18(1)({letter})",)
    assert written.subject is not None
    assert [o.is_kept for o in planned(ledger, written.subject, "request", "contact")] == [False]
    lifted = RestrictionLifted(**on("2026-01-02"), ground=ground, informed=20260102)
    told(ledger, lifted, "A")
    assert retention.run(ledger, recipient, tmp_path / "journal") == Ran(1, 0, 1, 0)
    assert opened(ledger, written.position) is Unreadable.ERASED
    whole(ledger)


def test_a_card_goes_by_its_own_end_and_not_by_the_term_of_its_class(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path
) -> None:
    digits: dict[str, Any] = {"psp_id": "pm_1Nx", "bin6": "497010", "last4": "1234"}
    told(ledger, OrderPlaced(**on("2025-12-01")), "A", "o")
    over = told(ledger, CardKept(**on("2024-01-05"), ground="proof", **digits), "A", "c1")
    kept = told(ledger, CardKept(**on("2025-12-01"), ground="proof", **digits), "A", "c2")
    assert [(one.scope.data_class, one.what) for one in due(ledger)] == [("card", "erase")]
    retention.run(ledger, recipient, tmp_path / "journal")
    assert opened(ledger, over.position) is Unreadable.ERASED
    assert opened(ledger, kept.position) == digits


def test_a_rehearsal_changes_nothing_and_a_run_is_on_record(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path
) -> None:
    old_customer(ledger, "A", "2020-12-01")
    before = ledger.recorder.head()
    made, _ = counted(due(ledger))
    assert ledger.recorder.head() == before
    retention.record_run(ledger, made, rehearsal=True)
    retention.run(ledger, recipient, tmp_path / "journal")
    topics = [one.topic for one in ledger.recorder.select_notifications(1, 1000)]
    assert topics.count(RetentionRan.kind) == 2


def test_nothing_is_archived_for_nobody(ledger: Ledger, tmp_path: Path) -> None:
    old_customer(ledger, "A", "2020-12-01")
    with pytest.raises(Misuse, match="archive init"):
        retention.run(ledger, None, tmp_path / "journal")


def test_an_invoice_is_kept_ten_years_whoever_else_goes(
    ledger: Ledger, recipient: ArchiveRecipient, tmp_path: Path
) -> None:
    old_customer(ledger, "A", "2017-01-10")
    told(ledger, OrderInvoiced(**on("2017-01-11")), "A", "o-A")
    retention.run(ledger, recipient, tmp_path / "journal")
    early = parse_as_of("2027-01-11")
    assert ("invoice", "erase") not in counted(due(ledger, early))[1]
    assert counted(due(ledger, parse_as_of("2027-01-12")))[1][("invoice", "erase")] == 1


class Cut(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("step", ["archive", "erase", "settle"])
def test_a_run_cut_at_any_step_is_completed_by_the_next(
    step: str,
    done: bool,
    ledger: Ledger,
    recipient: ArchiveRecipient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not done; or done and reported as failed."""
    for who in ("A", "B"):
        old_customer(ledger, who, "2020-12-01")
    name = {"archive": "archiving", "erase": "erase_scopes", "settle": "settle"}[step]
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    real = getattr(retention, name)

    def cut(*given: Any, **named: Any) -> Any:
        if done:
            real(*given, **named)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(retention, name, cut)
        with pytest.raises(Cut):
            retention.run(ledger, recipient, tmp_path / "journal")
    ledger.forget()
    retention.run(ledger, recipient, tmp_path / "journal")
    assert list(due(ledger)) == []
    with ledger.database.read() as connection:
        assert erasure.carried_out(connection) == 2
    whole(ledger)
