"""Personal parts: one key per person, class and scope; nothing moved, nothing brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger import entry
from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.errors import Broken, Refused, Tampered
from ledger.events import (
    ContactedUs,
    CustomerRegistered,
    LoggedIn,
    OrderCancelled,
    OrderPaid,
    OrderPlaced,
    ProfileRectified,
)
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record, record_many
from ledger.opening import create
from ledger.store import tables
from ledger.store.keyring import FileKeyring
from ledger.store.vault import Vault
from tests.clock import StepClock
from tests.contracts.props import assert_whole, now, owner, position, somebody

keys, sealed, e = tables.keys, tables.sealed, tables.events.c


def opened(ledger: Ledger, at: int) -> Any:
    with ledger.database.read() as connection:
        return ledger.vault.open(connection, at)


def scopes(ledger: Ledger) -> list[tuple[UUID, str, str]]:
    query = sa.select(keys.c.subject, keys.c.data_class, keys.c.scope)
    with ledger.database.read() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(keys.c.created_position))]


def wrote(ledger: Ledger, subject: UUID, text: str = "good morning") -> int:
    fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=text)
    return record(ledger, Record(fact)).position


def test_a_sealed_text_reads_back_and_only_what_was_said_is_there(ledger: Ledger):
    subject = somebody(ledger)
    fact = ContactedUs(
        occurred=now(ledger), subject=subject, channel="email", name="Élise", text="😀 “Bonjour”"
    )
    at = record(ledger, Record(fact)).position
    assert opened(ledger, at) == {"name": "Élise", "text": "😀 “Bonjour”"}
    assert opened(ledger, 1) == {}  # no personal part there


def test_a_key_is_made_once_per_person_class_and_scope(ledger: Ledger, clock: StepClock):
    one, other = somebody(ledger, "one", "hello"), somebody(ledger, "other", "hello")
    for subject in (one, other):
        for _ in range(3):
            wrote(ledger, subject)
    rectified = ProfileRectified(occurred=now(ledger), subject=one, changed=("name",), name="Zoé")
    record(ledger, Record(rectified))
    record(ledger, Record(rectified))
    assert scopes(ledger) == [(one, "contact", ""), (other, "contact", ""), (one, "account", "")]
    batch = [
        Record(LoggedIn(occurred=now(ledger), subject=one, ip="192.0.2.7", user_agent="x"))
    ] * 2
    record_many(ledger, batch)
    clock.advance(days=1)
    record_many(ledger, [*batch, Record(LoggedIn(occurred=now(ledger), subject=one, ip="::1"))])
    days = [scope for _, data_class, scope in scopes(ledger) if data_class == "security_log"]
    assert days == ["20260105", "20260106"]


def test_each_payment_has_a_key_of_its_own(ledger: Ledger):
    subject = somebody(ledger)
    order = Reference("shop", "A1")
    placed = OrderPlaced(occurred=now(ledger), subject=subject)
    record(ledger, Record(placed, thing=order))
    paid = OrderPaid(occurred=now(ledger), subject=subject, bin6="497010", last4="1234")
    for _ in range(3):
        record(ledger, Record(paid, thing=order))
    proofs = [scope for _, data_class, scope in scopes(ledger) if data_class == "card_proof"]
    assert len(set(proofs)) == 3
    assert_whole(ledger.database)


def test_a_batch_makes_one_key_for_all_its_facts_of_one_scope(ledger: Ledger):
    person = Reference("shop", "new")
    fact = ContactedUs(occurred=now(ledger), channel="form", text="hello")
    record_many(ledger, [Record(fact, person=person)] * 5)
    assert len(scopes(ledger)) == 1
    assert [opened(ledger, at) for at in range(3, 8)] == [{"text": "hello"}] * 5


def test_an_envelope_moved_to_another_fact_is_refused(ledger: Ledger, ledger_url: str):
    subject = somebody(ledger)
    one, other = wrote(ledger, subject, "one"), wrote(ledger, subject, "other")
    with owner(ledger, ledger_url) as connection:
        (envelope,) = connection.execute(
            sa.select(sealed.c.envelope).where(sealed.c.position == one)
        ).one()
        connection.execute(
            sealed.update().where(sealed.c.position == other).values(envelope=envelope)
        )
    with pytest.raises(Tampered):
        opened(ledger, other)


def test_an_envelope_is_bound_to_its_fact_and_its_part_even_where_the_hash_agrees(ledger: Ledger):
    subject = somebody(ledger)
    one, other = wrote(ledger, subject, "one"), wrote(ledger, subject, "other")
    with ledger.database.read() as connection:
        said = [
            entry.read(connection.execute(sa.select(e.entry).where(e.position == n)).scalar_one())
            for n in (one, other)
        ]
        row = connection.execute(
            sa.select(keys, sealed.c.envelope)
            .join(sealed, sealed.c.key_id == keys.c.key_id)
            .where(sealed.c.position == one)
        ).one()
    (described,) = said[0]["parts"]
    read = ledger.vault._open_part
    opened = read(said[0]["id"], described, row)
    assert entry.read(opened.plaintext) == {"text": "one"}
    with pytest.raises(Tampered):
        read(said[1]["id"], described, row)
    with pytest.raises(Tampered):
        read(said[0]["id"], described | {"n": "account"}, row)
    with pytest.raises(Tampered):  # another text was committed to
        read(said[0]["id"], described | {"cm": said[1]["parts"][0]["cm"]}, row)


def destroy(connection: sa.Connection, subject: UUID) -> None:
    """What an erasure does to the keys of a person."""
    at = connection.scalar(sa.select(tables.head.c.position))
    values = {"wrapped": None, "state": "destroyed", "destroyed_position": at}
    connection.execute(keys.update().where(keys.c.subject == subject).values(values))
    connection.execute(tables.head.update().values(epoch=tables.head.c.epoch + 1))


def test_a_destroyed_key_reads_as_erased_and_is_never_made_again(ledger: Ledger, ledger_url: str):
    subject, other = somebody(ledger, "one", "hello"), somebody(ledger, "other", "hello")
    at = wrote(ledger, subject)  # the key is in the vault's cache
    with owner(ledger, ledger_url) as connection:
        destroy(connection, subject)
    assert opened(ledger, at) is Unreadable.ERASED
    before, known = position(ledger), scopes(ledger)
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            wrote(ledger, subject)
        assert caught.value.refusal.problem == "erased"
    assert (position(ledger), scopes(ledger)) == (before, known)
    assert wrote(ledger, other) == before + 1


def test_in_a_batch_only_the_facts_of_the_erased_person_are_refused(
    ledger: Ledger, ledger_url: str
):
    erased, other = somebody(ledger, "erased", "hello"), somebody(ledger, "other", "hello")
    with owner(ledger, ledger_url) as connection:
        destroy(connection, erased)
    facts = [
        ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=f"text {n}")
        for n, subject in enumerate((other, erased, other))
    ]
    outcomes = record_many(ledger, [Record(fact) for fact in facts])
    accepted = [isinstance(outcome, Accepted) for outcome in outcomes]
    assert accepted == [True, False, True]
    assert opened(ledger, position(ledger)) == {"text": "text 2"}
    assert_whole(ledger.database)


def test_what_needs_no_key_of_the_erased_person_is_still_heard(ledger: Ledger, ledger_url: str):
    subject = somebody(ledger, "one", "hello")
    with owner(ledger, ledger_url) as connection:
        destroy(connection, subject)
    fact = ContactedUs(occurred=now(ledger), subject=subject, channel="phone")
    assert record(ledger, Record(fact)).position == position(ledger)


def test_a_missing_envelope_under_a_living_key_reads_as_lost(ledger: Ledger, ledger_url: str):
    subject = somebody(ledger)
    at = wrote(ledger, subject)
    with owner(ledger, ledger_url) as connection:
        connection.execute(sealed.delete())
    assert opened(ledger, at) is Unreadable.LOST
    with owner(ledger, ledger_url) as connection:
        connection.execute(keys.delete())
    assert opened(ledger, at) is Unreadable.LOST


def test_an_archived_part_is_not_opened_here(ledger: Ledger, ledger_url: str):
    at = wrote(ledger, somebody(ledger))
    with owner(ledger, ledger_url) as connection:
        connection.execute(keys.update().values(tier="archive"))
    assert opened(ledger, at) is Unreadable.ARCHIVED


def test_another_keyring_opens_nothing(ledger: Ledger):
    at = wrote(ledger, somebody(ledger))
    with ledger.database.read() as connection, pytest.raises(Broken):
        Vault(FileKeyring.generate("example.org/other")).open(connection, at)


def test_an_altered_envelope_is_refused(ledger: Ledger, ledger_url: str):
    at = wrote(ledger, somebody(ledger))
    with owner(ledger, ledger_url) as connection:
        envelope = connection.scalar(sa.select(sealed.c.envelope).where(sealed.c.position == at))
        assert envelope is not None
        altered = envelope[:-1] + bytes([envelope[-1] ^ 1])
        connection.execute(sealed.update().values(envelope=altered))
    with pytest.raises(Tampered):
        opened(ledger, at)


def test_a_key_wrapped_for_one_scope_does_not_unwrap_for_another(ledger: Ledger, ledger_url: str):
    one, other = somebody(ledger, "one"), somebody(ledger, "other")
    at = wrote(ledger, one)
    with owner(ledger, ledger_url) as connection:
        connection.execute(keys.update().values(subject=other))
    with pytest.raises(Broken):
        opened(ledger, at)


def test_a_ledger_reads_itself_back_after_it_was_closed(tmp_path: Path, clock: StepClock):
    url, path = f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "keyring.json"
    ledger = create(url, path, clock=clock)
    subject = somebody(ledger)
    at = wrote(ledger, subject)
    ledger.close()
    again = create(url, path, clock=clock)
    assert opened(again, at) == {"text": "good morning"}
    assert wrote(again, subject) == at + 1
    assert len(scopes(again)) == 1
    again.close()


def test_the_librarys_repository_folds_our_aggregates(ledger: Ledger):
    subject = somebody(ledger)
    order = Reference("shop", "A1")
    placed = OrderPlaced(occurred=now(ledger), subject=subject)
    stream = record(ledger, Record(placed, thing=order)).stream
    assert ledger.state(stream) == (True, False)
    cancelled = OrderCancelled(occurred=now(ledger), subject=subject)
    record(ledger, Record(cancelled, thing=order))
    assert ledger.state(stream) == (True, True)
    assert ledger.state(subject).registered
    registered = CustomerRegistered(
        occurred=now(ledger), subject=subject, klass="contact", origin="contact"
    )
    with pytest.raises(Refused):
        record(ledger, Record(registered))
