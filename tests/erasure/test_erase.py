"""Erasing a class, an item, a person: what is destroyed, what is not, what cannot come back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger import entry
from ledger.application import Ledger
from ledger.calendar import MINUTE, moment_of_instant
from ledger.commands import Record, Reference, Void
from ledger.erasing import erase
from ledger.erasing.certificate import certificate, certify, write
from ledger.erasing.erase import erase_scopes
from ledger.erasing.journal import NAME, Journal
from ledger.errors import Broken, Misuse, Refused
from ledger.events import ContactedUs, ContractStarted, LoggedIn, OrderPlaced
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.opening import create, open_ledger
from ledger.seal import note
from ledger.store import erasure, tables, verify
from ledger.store.vault import Scope
from tests.clock import StepClock
from tests.contracts.props import assert_whole, now
from tests.rotation import told

ANNA = Reference("shop", "anna")


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield made
    made.close()


def erased(ledger: Ledger, tmp_path: Path, *scopes: Scope, **more: Any) -> list[erase.Erased]:
    return erase_scopes(ledger, scopes, journal=tmp_path / "journal", reason="request", **more)


def opened(ledger: Ledger, position: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, position)


def rows(ledger: Ledger, table: sa.Table, *where: Any) -> list[Any]:
    with ledger.database.read() as connection:
        return list(connection.execute(sa.select(table).where(*where)))


def contact(subject: UUID) -> Scope:
    return Scope(subject, "contact", "")


def test_what_was_sealed_is_gone_and_history_says_why(ledger: Ledger, tmp_path: Path):
    hers, anna = told(ledger, "anna", "mine")
    other, _ = told(ledger, "bert", "his")
    [one] = erased(ledger, tmp_path, contact(anna), article="GDPR art. 17(1)(b)")
    assert (one.scope, len(one.keys), one.envelopes) == (contact(anna), 1, 1)
    assert opened(ledger, hers) is Unreadable.ERASED
    assert opened(ledger, other) == {"text": "his"}
    [key] = rows(ledger, tables.keys, tables.keys.c.subject == anna)
    assert (key.wrapped, key.state, key.destroyed_position) == (None, "destroyed", one.position)
    e = tables.events.c
    said = [
        entry.read(row.entry) for row in rows(ledger, tables.events, e.position >= one.position)
    ]
    assert [fact["type"] for fact in said] == [
        "customer.class_erased.v1",
        "ledger.key_destroyed.v1",
    ]
    assert said[0]["id"] == str(one.event) == said[1]["meta"]["authority"]
    named = entry.read(rows(ledger, tables.events, e.position == hers)[0].entry)["parts"][0]
    assert said[1]["meta"]["keys"] == [{"kid": named["kid"], "kc": named["kc"]}]
    assert verify.verify(ledger.database).ok
    assert_whole(ledger.database)


def test_erasing_twice_is_erasing_once(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    erased(ledger, tmp_path, contact(anna), contact(anna))
    before = ledger.recorder.head()
    assert erased(ledger, tmp_path, contact(anna)) == []
    assert ledger.recorder.head() == before


def test_nobody_can_name_her_and_her_past_cannot_come_back(
    ledger: Ledger, tmp_path: Path, clock: StepClock
):
    hers, anna = told(ledger, "anna", "mine")
    clock.advance(days=1)
    erased(ledger, tmp_path, contact(anna))
    assert rows(ledger, tables.lookups) == []
    [kept] = rows(ledger, tables.suppressions)
    assert (kept.reason, kept.cutoff, kept.until_day) == ("erased", clock.now(), 20310106)
    past = moment_of_instant(clock.now() - MINUTE)
    for wish in (
        Record(ContactedUs(occurred=past, channel="form", text="old", actor="import"), ANNA),
        Record(ContactedUs(occurred=now(ledger), channel="form", subject=anna)),
        Record(LoggedIn(occurred=now(ledger), subject=anna)),
        Record(LoggedIn(occurred=now(ledger), subject=anna), Reference("shop", "new name")),
        Void(hers, "system", "error"),
    ):
        with pytest.raises(Refused) as caught:
            record(ledger, wish)
        assert caught.value.refusal.problem == "erased"
    clock.advance(minutes=1)
    _, again = told(ledger, "anna", "new")
    assert again != anna


def test_a_class_that_never_sealed_anything_is_closed_too(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    record(ledger, Record(LoggedIn(occurred=now(ledger)), ANNA))
    [one] = erased(ledger, tmp_path, Scope(anna, "account", ""))
    assert one.keys == ()
    assert rows(ledger, tables.lookups)  # the class `contact` still names her
    assert erased(ledger, tmp_path, Scope(anna, "account", "")) == []
    assert verify.verify(ledger.database).ok


def test_each_erasure_is_told_by_its_own_fact_also_where_nothing_was_sealed(
    ledger: Ledger, tmp_path: Path, clock: StepClock
):
    """She came back in between: what the journal intended twice, history says twice."""
    _, anna = told(ledger, "anna", "mine")
    done: list[erase.Erased] = []
    for _ in range(2):
        record(ledger, Record(LoggedIn(occurred=now(ledger)), ANNA))
        clock.advance(days=1)
        done += erased(ledger, tmp_path, Scope(anna, "account", ""))
        clock.advance(days=1)
    done += erased(ledger, tmp_path, contact(anna))
    book = Journal(tmp_path / "journal", ledger.keyring.origin)
    said = [one._replace(envelopes=0) for one in done]
    assert erase.history(ledger, book, anna) == said
    assert [len(one.keys) for one in said] == [0, 0, 1]
    assert len({one.position for one in said}) == len({one.event for one in said}) == 3


def test_a_thing_goes_with_its_own_scope(ledger: Ledger, tmp_path: Path, clock: StepClock):
    at: dict[str, Any] = {"occurred": now(ledger)}
    order, deal = Reference("shop", "order 1"), Reference("shop", "deal 1")
    anna = record(ledger, Record(OrderPlaced(**at), ANNA, thing=order)).subject
    assert anna is not None
    start = ContractStarted(**at, type="service")
    stream = record(ledger, Record(start, ANNA, thing=deal)).stream
    erased(ledger, tmp_path, Scope(anna, "contract", str(stream)))
    assert {row.kind for row in rows(ledger, tables.lookups)} == {"person/shop", "order/shop"}
    with pytest.raises(Refused) as caught:
        record(ledger, Record(start, ANNA, thing=deal))
    assert caught.value.refusal.problem == "erased"
    clock.advance(days=1)
    erased(ledger, tmp_path, Scope(anna, "order", ""))
    assert rows(ledger, tables.lookups) == []


def test_more_keys_than_a_fact_may_name_are_split(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(erase, "MAX_KEYS", 1)
    _, anna = told(ledger, "anna", "mine")
    with ledger.database.write() as connection:
        connection.execute(sa.update(tables.keys).values(tier="archive"))
        connection.execute(sa.update(tables.head).values(epoch=tables.head.c.epoch + 1))
    ledger.forget()
    told(ledger, "anna", "more")
    [one] = erased(ledger, tmp_path, contact(anna))
    assert (len(one.keys), one.envelopes) == (2, 2)
    assert verify.verify(ledger.database).ok


# --- crashes and restores ------------------------------------------------------------------------


class Crash(Exception):
    """The process ends here."""


STEPS = [
    (Journal, "intend"),
    (erase, "act"),
    (erasure, "destroy"),
    (Journal, "finish"),
    (erasure, "tidy"),
]


@pytest.mark.parametrize("when", ["not done", "done but reported failed"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
def test_a_crash_at_any_step_converges(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Any, when: str
):
    hers, anna = told(ledger, "anna", "mine")
    other, _ = told(ledger, "bert", "his")
    real = getattr(*step)

    def fails(*args: Any, **kwargs: Any) -> None:
        if when != "not done":
            real(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(step[0], step[1], fails)
        with pytest.raises(Crash):
            erased(ledger, tmp_path, contact(anna))
    ledger.forget()
    book = Journal(tmp_path / "journal", ledger.keyring.origin)
    intended = step[1] != "intend" or when != "not done"
    erase.settle(ledger, book)
    assert len(book.intents()) == intended
    assert book.done() == {one.id for one in book.intents()}
    assert (opened(ledger, hers) is Unreadable.ERASED) is intended
    erased(ledger, tmp_path, contact(anna))
    assert opened(ledger, hers) is Unreadable.ERASED
    assert opened(ledger, other) == {"text": "his"}
    e = tables.events.c
    for kind in ("customer.class_erased.v1", "ledger.key_destroyed.v1"):
        assert len(rows(ledger, tables.events, e.kind == kind)) == 1
    assert verify.verify(ledger.database).ok
    assert_whole(ledger.database)


def test_a_line_cut_by_a_crash_never_happened(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    erased(ledger, tmp_path, contact(anna))
    path = tmp_path / "journal" / NAME
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"intent","id":')
    book = Journal(tmp_path / "journal", ledger.keyring.origin)
    assert erase.settle(ledger, book) == 0
    _, bert = told(ledger, "bert", "his")
    erased(ledger, tmp_path, contact(bert))
    assert path.read_bytes().startswith(whole)
    assert len(book.intents()) == len(book.done()) == 2


def test_a_journal_that_lost_intents_or_is_another_ledgers_is_refused(
    ledger: Ledger, tmp_path: Path
):
    _, anna = told(ledger, "anna", "mine")
    erased(ledger, tmp_path, contact(anna))
    with pytest.raises(Broken):
        erase.settle(ledger, Journal(tmp_path / "elsewhere", ledger.keyring.origin))
    with pytest.raises(Misuse):
        Journal(tmp_path / "journal", "another/ledger").intents()


def test_a_restored_database_erases_again_before_it_is_served(tmp_path: Path, clock: StepClock):
    file, keyring = tmp_path / "ledger.sqlite", tmp_path / "keyring.json"
    url = f"sqlite:///{file}"
    ledger = create(url, keyring, clock=clock)
    hers, anna = told(ledger, "anna", "mine")
    ledger.close()
    shutil.copy(file, tmp_path / "backup")
    ledger = open_ledger(url, keyring, clock=clock, journal=tmp_path / "journal")
    clock.advance(days=1)
    erased(ledger, tmp_path, contact(anna))
    facts = rows(ledger, tables.events)
    ledger.close()

    for path in tmp_path.glob("ledger.sqlite*"):
        path.unlink()
    shutil.copy(tmp_path / "backup", file)
    ledger = open_ledger(url, keyring, clock=clock)
    assert opened(ledger, hers) == {"text": "mine"}  # what a careless restore would serve
    ledger.close()
    ledger = open_ledger(url, keyring, clock=clock, journal=tmp_path / "journal")
    assert opened(ledger, hers) is Unreadable.ERASED
    assert len(rows(ledger, tables.suppressions)) == 1
    assert verify.verify(ledger.database).ok
    ledger.close()

    # The same, but the facts came back from the exported log: none is recorded twice.
    file.unlink()
    shutil.copy(tmp_path / "backup", file)
    ledger = open_ledger(url, keyring, clock=clock)
    with ledger.database.write() as connection:
        back = [row._asdict() for row in facts[ledger.recorder.head().position :]]
        connection.execute(sa.insert(tables.events), back)
        last = {"position": back[-1]["position"], "last_at": back[-1]["recorded_at"]}
        connection.execute(sa.update(tables.head).values(last))
    ledger.close()
    ledger = open_ledger(url, keyring, clock=clock, journal=tmp_path / "journal")
    assert ledger.recorder.head().position == facts[-1].position
    assert opened(ledger, hers) is Unreadable.ERASED
    ledger.close()


# --- the certificate -----------------------------------------------------------------------------


def test_a_certificate_is_signed_later_over_the_same_bytes(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    done = erased(ledger, tmp_path, contact(anna))
    made = certificate(ledger, anna, done, {}, reason="request", horizon=35)
    folder = tmp_path / "certificates"
    unsigned = write(folder, made)
    text = unsigned.read_text()
    key = note.SigningKey.generate(f"{ledger.keyring.origin}/certificate")
    [signed] = certify(folder, lambda raw: note.sign(raw.decode(), key))
    assert list(folder.iterdir()) == [signed]
    verifier = note.VerifyKey.parse(key.vkey)
    assert note.open_note(signed.read_bytes(), [verifier]).text == text
    assert certify(folder, lambda raw: note.sign(raw.decode(), key)) == []
    assert made["backups"] == {
        "dead_on": "2026-02-09",
        "horizon_days": 35,
        "certain": False,
        "rests_on": ["in-use"],
    }
    at_once = write(folder, made | {"id": "other"}, lambda raw: note.sign(raw.decode(), key))
    assert at_once.name == "other.certificate"


def test_a_check_that_fails_is_said(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    done = erased(ledger, tmp_path, contact(anna))
    with ledger.database.write() as connection:  # a key that came back behind our back
        connection.execute(sa.update(tables.keys).values(wrapped=b"back", state="live"))
        values = {"position": 2, "part": "contact", "key_id": done[0].keys[0], "envelope": b"x"}
        connection.execute(sa.insert(tables.sealed).values(values))
    checks = certificate(ledger, anna, done, {}, reason="request", horizon=35)["checks"]
    assert checks["keys_destroyed"] is checks["envelopes_deleted"] is False
