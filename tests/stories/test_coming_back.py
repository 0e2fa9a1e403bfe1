"""She comes back (decision 0059): given that one class of what is known of her ended while she can
still be named, when she writes, buys or chooses again, then it is held anew, and what was erased
stays erased. On every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.answers import Times
from api.controls import asked_of
from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.calendar import MINUTE, moment_of_instant, parse_moment
from ledger.commands import Record, Reference
from ledger.erasing.certificate import Desk, document_of
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.errors import Refusal, Refused
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ClassErased,
    ConsentGiven,
    ContactedUs,
    Died,
    Fact,
    LoggedIn,
    MessageSent,
    ObjectionRaised,
    OrderPaid,
    OrderPlaced,
)
from ledger.evidence.export import Wanted, export
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record, record_many
from ledger.opening import create
from ledger.permitting.gate import Gate, Question
from ledger.policy.evaluate import deadlines
from ledger.requests import heirs
from ledger.retention import run as retention
from ledger.store import erasure, rebuild, states, tables, verify
from ledger.store.vault import Scope
from replay.fold import fold_subject
from tests.clock import StepClock
from tests.evidence.test_export import accepted, sealed

KEY = ArchiveKey.generate()
ANNA = Reference("shop", "anna")
NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}


class House:
    """A shop's ledger. Anna wrote to it long ago and is a customer still: her message was erased by
    its term, her orders are kept."""

    def __init__(self, ledger: Ledger, clock: StepClock, folder: Path) -> None:
        self.ledger, self.clock, self.journal = ledger, clock, folder / "journal"
        self.desk = Desk(folder / "certificates", 35)
        self.wrote = self.told(ContactedUs(**on("2019-03-10"), channel="form", text="Bonjour"))
        self.anna = self.wrote.subject or UUID(int=0)
        self.bought = self.told(OrderPlaced(**on("2025-06-10")), "o-1")
        self.told(LoggedIn(**on("2025-06-11")))
        self.term()

    def now(self, **said: Any) -> dict[str, Any]:
        self.clock.advance(minutes=1)
        return {"occurred": moment_of_instant(self.clock.now()), **said}

    def told(self, fact: Fact, thing: str | None = None) -> Accepted:
        return record(self.ledger, self.wish(fact, thing))

    def wish(self, fact: Fact, thing: str | None = None) -> Record:
        return Record(fact, ANNA, thing=Reference("ref", thing) if thing else None)

    def writes(self, text: str = "Me revoilà") -> Accepted:
        return self.told(ContactedUs(**self.now(), channel="form", text=text))

    def refused(self, fact: Fact) -> Refusal:
        with pytest.raises(Refused) as caught:
            self.told(fact)
        return caught.value.refusal

    def term(self) -> None:
        """The retention run of this night."""
        self.clock.advance(minutes=1)
        retention.run(self.ledger, KEY.recipient, self.journal, desk=self.desk)

    def ends(self, *classes: str, reason: str = "request") -> None:
        """These classes of hers are erased."""
        self.clock.advance(minutes=1)
        scopes = [Scope(self.anna, one, "") for one in classes]
        erase_scopes(self.ledger, scopes, journal=self.journal, reason=reason)

    def reads(self, accepted: Accepted) -> Any:
        with self.ledger.database.read() as connection:
            return self.ledger.vault.open(connection, accepted.position)

    def tier(self, klass: str) -> str:
        """Where a class of hers stands today."""
        with self.ledger.database.read() as connection:
            state = states.live_state(connection, self.anna)
        book = self.ledger.book(self.ledger.epoch())
        (found,) = [d for d in deadlines(state, book, self.clock.now()) if d.klass == klass]
        return found.tier_now

    def may(self) -> str:
        """Whether the newsletter may be sent to her, in one word."""
        gate = Gate(self.ledger, fold_subject)
        (found,) = gate.ask([Question(gate.blinded(ANNA), "newsletter", "email")])
        return found.verdict.reasons[0]

    def rows(self, table: sa.Table, *where: Any) -> list[Any]:
        with self.ledger.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*where)))

    def ended(self, klass: str) -> list[int]:
        """Where it is on record that a class of hers ended."""
        e = tables.events.c
        where = e.kind == ClassErased.kind, e.subject == self.anna, e.decision == klass
        return [row.position for row in self.rows(tables.events, *where)]

    def shown(self, folder: Path) -> None:
        """An auditor finds nothing amiss in the evidence, offline."""
        key = sealed(self.ledger, folder / "log")
        export(self.ledger, folder / "log", folder / "bundle", Wanted("whole"))
        accepted(folder / "bundle", key, folder)

    def whole(self) -> None:
        """The log and the keys agree, the live tables are the replay, every control is content."""
        assert verify.verify(self.ledger.database).counts == {}
        assert list(rebuild.differences(self.ledger.database)) == []
        names = ("C03", "C04", "C06", "C08", "C14", "C16", "C17")
        run = asked_of(self.ledger, Times(), names, journal=self.journal, open_parts=True)
        assert [(o.control, f.why) for o in run.outcomes for f in o.findings] == []


def on(day: str) -> dict[str, Any]:
    return {"occurred": parse_moment(day)}


@pytest.fixture
def house(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[House]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield House(made, clock, tmp_path)
    made.close()


@pytest.mark.clause("SS-DSR-3", "SS-RET-4")
def test_she_writes_again_and_is_read_under_the_reference_that_names_her(house: House) -> None:
    """One person with one current history; what was erased is as gone as before."""
    assert house.tier("contact") == "erased"
    again = house.writes()
    assert again.subject == house.anna == house.bought.subject
    assert house.reads(again) == {"text": "Me revoilà"}
    assert house.reads(house.wrote) is Unreadable.ERASED
    assert house.tier("contact") == "operational"
    keys = house.rows(tables.keys, tables.keys.c.data_class == "contact")
    told = sorted((key.generation, key.state, key.wrapped is None) for key in keys)
    assert told == [(1, "destroyed", True), (2, "live", False)]
    house.writes("encore")
    assert len(house.rows(tables.keys, tables.keys.c.data_class == "contact")) == 2
    house.whole()


@pytest.mark.clause("SS-DSR-3")
def test_what_happened_before_the_end_does_not_come_back(house: House) -> None:
    """Neither before she came back nor after, told by whomever; beside it, what happened since."""
    old = ContactedUs(**on("2019-03-10"), channel="form", text="Bonjour")
    just_before = ContactedUs(
        occurred=moment_of_instant(house.clock.now() - MINUTE), channel="form", text="Vite"
    )
    for _ in range(2):
        for past in (old, just_before):
            assert house.refused(past).problem == "erased"
        new = ContactedUs(**house.now(), channel="form", text="Me revoilà")
        told = record_many(house.ledger, [house.wish(one) for one in (old, new, just_before, new)])
        assert [isinstance(one, Refusal) for one in told] == [True, False, True, False]
    house.whole()


@pytest.mark.clause("SS-DSR-3")
def test_nothing_of_an_ended_class_comes_back_by_import_but_her_no(house: House) -> None:
    """Sealed or not; told live, a fact that seals nothing is recorded, and ends with the next run.
    What happened since is imported."""
    house.told(ConsentGiven(**on("2019-04-01"), **NEWS, grade="proved"))
    house.told(MessageSent(**on("2019-04-02"), **NEWS))
    house.term()
    assert {house.tier(one) for one in ("consent", "message")} == {"erased"}
    for past in (
        ContactedUs(**on("2019-03-10"), actor="import", channel="form", text="Bonjour"),
        ContactedUs(**on("2019-03-10"), actor="import", channel="form"),
        ConsentGiven(**on("2019-04-01"), actor="import", **NEWS, grade="asserted"),
        MessageSent(**on("2019-04-02"), actor="import", **NEWS),
    ):
        assert house.refused(past).problem == "erased", past.kind
    house.told(ConsentGiven(**house.now(), **NEWS, grade="proved"))
    assert house.may() == "consent"
    house.told(ObjectionRaised(**on("2019-05-01"), actor="import", **NEWS))
    house.told(LoggedIn(**on("2019-03-10"), actor="import"))  # of what never ended
    house.told(
        MessageSent(**house.now(), actor="import", purpose="service_message", channel="email")
    )
    house.told(ContactedUs(**on("2019-03-12"), channel="phone"))
    assert house.tier("contact") == "past_operational"
    house.term()
    assert house.tier("contact") == "erased"
    house.whole()


@pytest.mark.clause("SS-LB-3", "SS-DSR-3")
def test_her_no_still_holds(house: House) -> None:
    """Whatever ended meanwhile, the proof of it included, until she says yes herself."""
    house.told(ObjectionRaised(**house.now(), **NEWS))
    house.ends("consent", "contact")
    house.writes()
    assert house.may() == "objected"
    house.told(ConsentGiven(**house.now(), **NEWS, grade="proved"))
    assert house.may() == "consent"
    house.whole()


@pytest.mark.clause("SS-RET-4", "SS-RET-3")
def test_what_is_held_anew_ends_anew_and_is_certified(house: House, tmp_path: Path) -> None:
    """Thirty-six months later: its own order, its own keys, its own certificate."""
    house.writes()
    again = house.writes("encore")
    house.clock.advance(days=3 * 366)
    house.told(LoggedIn(**house.now()))
    house.term()
    assert house.reads(again) is Unreadable.ERASED
    assert house.tier("contact") == "erased"
    assert len(house.ended("contact")) == 2
    made = [document_of(path.read_bytes()) for path in house.desk.folder.iterdir()]
    lines = [one for each in made for one in each["erased"] if one["class"] == "contact"]
    assert sorted(one["position"] for one in lines) == house.ended("contact")
    kids = {kid for one in lines for kid in one["keys"]}
    assert kids == {str(key.key_id) for key in house.rows(tables.keys) if "contact" in key}
    assert all(each["checks"]["keys_destroyed"] for each in made)
    house.whole()
    assert house.reads(house.writes("une fois de plus")) == {"text": "une fois de plus"}
    house.whole()
    house.shown(tmp_path)


@pytest.mark.clause("SS-RET-3")
def test_what_seals_nothing_is_held_anew_and_ends_anew_too(house: House) -> None:
    """Orders, choices, surveys: their entries are neither pruned while they are kept, nor kept for
    ever because they had ended before."""
    house.ends("order", "consent")
    kept = [
        house.told(OrderPlaced(**house.now()), "o-2"),
        house.told(ConsentGiven(**house.now(), **NEWS, grade="proved")),
    ]
    assert {house.tier(one) for one in ("order", "consent")} == {"operational"}
    prune(house.ledger, house.journal)
    left = {row.position for row in house.rows(tables.events, tables.events.c.kind.is_not(None))}
    assert {one.position for one in kept} <= left
    house.whole()
    house.clock.advance(days=11 * 366)
    house.told(LoggedIn(**house.now()))
    house.term()
    assert len(house.ended("consent")) == 2
    assert house.tier("consent") == "erased"
    house.whole()


@pytest.mark.clause("SS-DSR-3")
def test_an_account_that_was_erased_is_opened_again_beside_the_orders_that_were_kept(
    house: House,
) -> None:
    """She asked for her account to be erased; what she opens years later is hers, and new."""
    first = house.told(AccountOpened(**house.now(), name="Anna", email="anna@exemple.fr"))
    house.ends("account")
    assert house.reads(first) is Unreadable.ERASED
    house.clock.advance(days=700)
    assert house.refused(AccountOpened(**on("2026-01-04"), name="Anna")).problem == "erased"
    house.told(OrderPlaced(**house.now()), "o-3")
    paid = house.told(OrderPaid(**house.now(), psp_id="psp_1", last4="0001"), "o-3")
    opened = house.told(AccountOpened(**house.now(), name="Anna B"))
    assert {one.subject for one in (opened, paid)} == {house.anna}
    assert house.reads(opened) == {"name": "Anna B"}
    assert house.reads(first) is Unreadable.ERASED
    house.whole()
    house.clock.advance(days=5 * 366)
    house.term()
    assert (house.tier("account"), house.reads(opened)) == ("archived", Unreadable.ARCHIVED)
    house.whole()
    house.clock.advance(days=5 * 366)
    house.term()
    assert (house.tier("account"), house.reads(opened)) == ("erased", Unreadable.ERASED)
    house.whole()


@pytest.mark.clause("SS-DSR-7", "SS-DSR-3")
def test_an_account_that_was_erased_is_closed_for_her_heirs_too(house: House) -> None:
    """Nothing asks for it to be closed once more, nor can it be."""
    house.told(AccountOpened(**house.now(), name="Anna"))
    house.ends("account")
    house.told(Died(**house.now(), source="notary"))
    found = heirs.of_now(house.ledger, house.anna)
    assert found is not None
    assert (found.account, found.close_by) == ("closed", None)
    assert house.refused(AccountClosed(**house.now())).problem == "conflict"
    house.whole()


@pytest.mark.clause("SS-DSR-3")
def test_whoever_is_erased_wholly_is_never_keyed_again(house: House) -> None:
    """Once she could be named by what she wrote after she came back alone; then by nothing."""
    house.writes()
    house.ends("order", "account")
    with house.ledger.database.read() as connection:
        assert erasure.closed_subjects(connection, {house.anna}) == set()
    assert house.writes("encore").subject == house.anna
    house.ends("contact")
    with house.ledger.database.read() as connection:
        assert erasure.closed_subjects(connection, {house.anna}) == {house.anna}
    by_id = ContactedUs(**house.now(), subject=house.anna, channel="form", text="Moi")
    with pytest.raises(Refused) as caught:
        record(house.ledger, Record(by_id))
    assert caught.value.refusal.problem == "erased"
    assert house.writes().subject != house.anna
    house.whole()
