"""Who objected to marketing, was erased, and comes back: her no outlives her, and her name does
not (SS-LB-3, SS-DSR-3; GDPR art. 21(3))."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.choosing import joining
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.erasing.journal import Journal
from ledger.events import (
    ConsentGiven,
    ContactedUs,
    Fact,
    ObjectionLifted,
    ObjectionRaised,
    OrderPlaced,
)
from ledger.handlers import record
from ledger.opening import create
from ledger.policy.permissions import Asked, verdict
from ledger.policy.permitting import Person
from ledger.projections.live import standing
from ledger.store import reader, states, suppressions, tables
from ledger.store.vault import Scope
from tests.clock import StepClock
from tests.contracts.props import now

ANNA = Reference("shop", "anna")
LETTERS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield made
    made.close()


def said(ledger: Ledger, fact: type[Fact], **fields: Any) -> UUID:
    found = record(ledger, Record(fact(occurred=now(ledger), **fields), person=ANNA)).subject
    assert found is not None
    return found


def wrote(ledger: Ledger) -> UUID:
    return said(ledger, ContactedUs, channel="form", text="Bonjour")


def erased(ledger: Ledger, subject: UUID, journal: Path) -> None:
    scopes = [Scope(subject, klass, "") for klass in ("contact", "consent")]
    erase_scopes(ledger, scopes, journal=journal, reason="request")


def opposed(ledger: Ledger) -> set[tuple[str, str]]:
    """What is remembered under her reference."""
    blind = "person/shop", ledger.keyring.blind("person/shop", "anna")
    with ledger.database.read() as connection:
        said = suppressions.opposed(connection, [blind]).get(blind, frozenset())
    return {(no.purpose, no.channel) for no in said}


def may_write(ledger: Ledger, subject: UUID) -> Any:
    with ledger.database.read() as connection:
        rows = states.rows_of(connection, subject)
        state = states.live_state(connection, subject)
        events = [reader.event_at(connection, row.position) for row in rows]
        no = suppressions.opposed_of(connection, [subject]).get(subject, frozenset())
    facts = {event.position: event.fact for event in events if event}
    person = Person(state, tuple(standing(rows)), facts, no)
    asked = Asked(person, ledger.book(ledger.epoch()), "newsletter", "email", now(ledger))
    return verdict(asked)


def test_the_no_of_an_erased_objector_meets_her_when_she_comes_back(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    first = wrote(ledger)
    said(ledger, ObjectionRaised, **LETTERS)
    assert opposed(ledger) == set(), "while she is known, her own facts say it"
    erased(ledger, first, tmp_path)
    assert opposed(ledger) == {("newsletter", "email")}
    clock.advance(days=400)
    again = wrote(ledger)
    assert again != first
    found = may_write(ledger, again)
    assert (found.allowed, found.reasons[0]) == (False, "objected")
    said(ledger, ConsentGiven, **LETTERS, grade="proved")
    assert may_write(ledger, again).reasons == ("consent",)


@pytest.mark.parametrize("change", [ObjectionLifted, ConsentGiven])
def test_who_took_her_no_back_leaves_none(
    ledger: Ledger, tmp_path: Path, clock: StepClock, change: type[Fact]
) -> None:
    subject = wrote(ledger)
    said(ledger, ObjectionRaised, **LETTERS)
    clock.advance(days=1)
    grade = {"grade": "proved"} if change is ConsentGiven else {}
    said(ledger, change, **LETTERS, **grade)
    erased(ledger, subject, tmp_path)
    assert opposed(ledger) == set()


def test_a_restored_database_learns_her_no_from_the_journal(ledger: Ledger, tmp_path: Path) -> None:
    subject = wrote(ledger)
    said(ledger, ObjectionRaised, **LETTERS)
    erased(ledger, subject, tmp_path)
    (intent,) = Journal(tmp_path, ledger.keyring.origin).intents()
    assert {(one.reason, one.purpose, one.channel) for one in intent.suppressed} == {
        ("erased", "", ""),
        ("objected", "newsletter", "email"),
    }


def test_her_no_is_kept_under_what_means_her_and_not_under_an_order(
    ledger: Ledger, tmp_path: Path
) -> None:
    order = OrderPlaced(occurred=now(ledger))
    subject = record(ledger, Record(order, ANNA, thing=Reference("shop", "order 1"))).subject
    assert subject is not None
    said(ledger, ObjectionRaised, **LETTERS)
    scopes = [Scope(subject, klass, "") for klass in ("order", "consent")]
    erase_scopes(ledger, scopes, journal=tmp_path, reason="request")
    with ledger.database.read() as connection:
        kept = {
            (one.kind, one.reason) for one in connection.execute(sa.select(tables.suppressions))
        }
    erased = {("person/shop", "erased"), ("order/shop", "erased")}
    assert kept == {*erased, ("person/shop", "objected")}


def test_a_reference_of_hers_that_stays_goes_on_meaning_her(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    """One of two that are known to be hers is forgotten: the other one keeps her no, and her."""
    first, later = wrote(ledger), ContactedUs(occurred=now(ledger), channel="form", text="Encore")
    said(ledger, ObjectionRaised, **LETTERS)
    other = record(ledger, Record(later, Reference("shop", "anna-2"))).subject
    assert other is not None
    clock.advance(minutes=1)
    joining.join(ledger, first, other, "same_address")
    clock.advance(minutes=1)
    scopes = [Scope(first, klass, "") for klass in ("account", "contact", "consent")]
    erase_scopes(ledger, scopes, journal=tmp_path, reason="request")
    blind = ledger.keyring.blind("person/shop", "anna-2")
    with ledger.database.read() as connection:
        assert [one.subject for one in connection.execute(sa.select(tables.lookups))] == [other]
        kept = connection.execute(sa.select(tables.suppressions)).all()
    assert [one.reason for one in kept if bytes(one.blind) == blind] == ["objected"]


def test_her_no_is_kept_as_long_as_its_proof_and_no_longer(
    ledger: Ledger, tmp_path: Path, clock: StepClock
) -> None:
    subject = wrote(ledger)
    said(ledger, ObjectionRaised, **LETTERS)
    erased(ledger, subject, tmp_path)
    kept = sa.select(tables.suppressions.c.until_day)
    with ledger.database.write() as connection:
        (until,) = set(connection.scalars(kept))
        suppressions.expire(connection, until)
        assert list(connection.scalars(kept)) == [until] * 2
        suppressions.expire(connection, until + 1)
        assert list(connection.scalars(kept)) == []
