"""What protects a person under one reference protects her under all (decision 0047): given these
facts, when she is erased or a run is made, then these; on every kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.answers import Times
from api.cards import cards_answer
from api.controlling import history
from api.retention import due_page
from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.calendar import moment_of_instant, parse_moment
from ledger.choosing import joining
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prunable, prune
from ledger.erasing.request import erase_everywhere, planned, planned_everywhere
from ledger.events import (
    CardKept,
    ClassErased,
    ConsentGiven,
    ContactedUs,
    Fact,
    HoldLifted,
    HoldPlaced,
    LoggedIn,
    MinorSignalled,
    ObjectionRaised,
    Restricted,
    RestrictionLifted,
)
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record
from ledger.opening import create
from ledger.permitting.gate import Gate, Question
from ledger.retention import run as retention
from ledger.retention.run import Ran, due
from ledger.store import erasure, rebuild, states, tables, verify
from ledger.store.recipient import ArchiveRecipient
from ledger.store.vault import Scope
from replay.controls.model import Finding
from replay.controls.run import run as controls
from replay.fold import fold_subject
from tests.clock import StepClock

ARTICLE = "C. civ. art. 2224"
SHOP, CRM, NOW = "0042", "crm-7", Times()


class Two:
    """One person twice, both long silent: the shop's customer, who is kept, and the CRM's contact.
    Whatever is past its end would be erased tonight."""

    def __init__(self, ledger: Ledger, clock: StepClock, folder: Path) -> None:
        self.ledger, self.clock, self.journal = ledger, clock, folder / "journal"
        wrote = ContactedUs(**on("2015-01-10"), channel="form", text="Bonjour")
        self.wrote = {who: self.accepted(wrote, who) for who in (SHOP, CRM)}
        self.told(LoggedIn(**on("2025-06-01")), SHOP)
        self.kept, self.other = (self.wrote[who].subject or UUID(int=0) for who in (SHOP, CRM))

    def accepted(self, fact: Fact, who: str, thing: str | None = None) -> Accepted:
        reference = Reference("ref", thing) if thing else None
        return record(self.ledger, Record(fact, Reference("shop", who), thing=reference))

    def told(self, fact: Fact, who: str, thing: str | None = None) -> int:
        return self.accepted(fact, who, thing).position

    def now(self) -> dict[str, Any]:
        self.clock.advance(minutes=1)
        return {"occurred": moment_of_instant(self.clock.now())}

    def joined(self) -> int:
        self.clock.advance(minutes=1)
        written = joining.join(self.ledger, self.kept, self.other, "same_address")
        return written.position  # type: ignore[union-attr]

    def undone(self) -> None:
        self.clock.advance(minutes=1)
        joining.undo(self.ledger, self.kept, self.other, "wrong_person")

    def held(self, who: str) -> int:
        """A claim in court, under one reference: nothing of the class `contact` is destroyed."""
        hold = HoldPlaced(**self.now(), article=ARTICLE, review=20270101, classes=("contact",))
        return self.told(hold, who, f"litige-{who}")

    def lifted(self, who: str) -> None:
        self.told(HoldLifted(**self.now()), who, f"litige-{who}")

    def fates(self) -> dict[UUID, set[str]]:
        """What the run of tonight would do with the class `contact`, under each reference."""
        found: dict[UUID, set[str]] = {self.kept: set(), self.other: set()}
        for one in due(self.ledger):
            if one.scope.data_class == "contact":
                found[one.scope.subject].add(one.what)
        return found

    def kept_by(self, who: UUID, reason: str = "request") -> list[tuple[bool, str]]:
        """What an erasure would do with it under one reference, and why."""
        found = planned(self.ledger, who, reason, "contact")
        return [(one.is_kept, one.why) for one in found]

    def runs(self, recipient: ArchiveRecipient | None = None) -> Ran:
        return retention.run(self.ledger, recipient, self.journal)

    def reads(self, who: str) -> Any:
        with self.ledger.database.read() as connection:
            return self.ledger.vault.open(connection, self.wrote[who].position)

    def may(self, who: str | UUID, purpose: str = "newsletter", known: int | None = None) -> str:
        gate = Gate(self.ledger, fold_subject)
        her = who if isinstance(who, UUID) else gate.blinded(Reference("shop", who))
        (found,) = gate.ask([Question(her, purpose, "email", known_at=known)])
        return found.verdict.reasons[0]

    def finds(self, *wanted: str, times: Times = NOW) -> list[tuple[str, str, str]]:
        """What the controls find: (control, why, weight)."""
        return [(f.control, f.why, f.weight) for f in self.found(*wanted, times=times)]

    def found(self, *wanted: str, times: Times = NOW) -> list[Finding]:
        """The same, whole."""
        with history(self.ledger, times, self.journal, check=True) as told:
            outcomes = controls(told, wanted).outcomes
        return [finding for outcome in outcomes for finding in outcome.findings]


def on(day: str) -> dict[str, Any]:
    return {"occurred": parse_moment(day)}


@pytest.fixture
def two(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Two]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    ledger = create(ledger_url, keyring, clock=clock)
    yield Two(ledger, clock, tmp_path)
    assert verify.verify(ledger.database).counts == {}
    assert list(rebuild.differences(ledger.database)) == []  # what is live is what is derived
    ledger.close()


@pytest.fixture(scope="module")
def recipient() -> ArchiveRecipient:
    return ArchiveKey.generate().recipient


BOTH = pytest.mark.parametrize("under", [SHOP, CRM])


@BOTH
@pytest.mark.clause("SS-RET-2", "SS-DSR-8")
def test_a_hold_under_either_reference_stops_every_erasure(two: Two, under: str) -> None:
    """Placed before they were found to be one, on the one that is kept or on the other."""
    two.held(under)
    free = two.other if under == SHOP else two.kept
    assert two.kept_by(free) == [(False, "nothing")]
    assert two.fates()[free] == {"erase"}
    two.joined()
    for who in (two.kept, two.other):
        for reason in ("request", "order", "unlawful", "minor"):
            assert two.kept_by(who, reason) == [(True, "hold")]
    assert two.fates() == {two.kept: {"held"}, two.other: {"held"}}
    erase_everywhere(
        two.ledger,
        planned_everywhere(two.ledger, two.other, "request"),
        journal=two.journal,
        reason="request",
    )
    made = two.runs()
    assert (made.erased, made.held_by) == (0, ((ARTICLE, 2),))
    assert isinstance(two.reads(SHOP), dict)
    assert isinstance(two.reads(CRM), dict)
    page = due_page(two.ledger, "contact", None, None, 10)
    assert [(i["what"], i["held_by"]) for i in page["items"]] == [("held", [ARTICLE])] * 2


@BOTH
def test_lifting_it_frees_both(two: Two, under: str) -> None:
    two.held(under)
    two.joined()
    two.lifted(under)
    assert two.fates() == {two.kept: {"erase"}, two.other: {"erase"}}
    assert two.runs().erased == 2
    assert two.reads(SHOP) is two.reads(CRM) is Unreadable.ERASED
    assert two.finds("C03", "C08") == []


@BOTH
@pytest.mark.clause("SS-DSR-8")
def test_once_a_wrong_join_is_undone_a_hold_protects_whom_it_was_placed_on(
    two: Two, under: str
) -> None:
    two.held(under)
    two.joined()
    assert two.runs().erased == 0
    two.undone()
    held, free = (two.kept, two.other) if under == SHOP else (two.other, two.kept)
    assert two.fates() == {held: {"held"}, free: {"erase"}}
    assert two.kept_by(free) == [(False, "nothing")]
    assert two.runs().erased == 1
    assert isinstance(two.reads(under), dict)
    assert two.finds("C08") == []


def test_a_hold_placed_while_they_were_one_stays_on_the_one_kept(two: Two) -> None:
    """Whichever reference was named: it was recorded of her."""
    two.joined()
    two.held(CRM)
    assert two.fates() == {two.kept: {"held"}, two.other: {"held"}}
    two.undone()
    assert two.fates() == {two.kept: {"held"}, two.other: {"erase"}}


@pytest.mark.clause("SS-DSR-5", "SS-DSR-8")
@BOTH
def test_a_restriction_under_either_stops_use_and_the_end_of_a_term(two: Two, under: str) -> None:
    """GDPR art. 18(1)(c), 18(2): no message, and nothing erased, under either reference."""
    two.told(Restricted(**two.now(), ground="claims"), under)
    before = two.clock.now()
    free = CRM if under == SHOP else SHOP
    assert two.may(free) != "restricted"
    two.joined()
    for who in (SHOP, CRM, two.kept, two.other):
        assert two.may(who) == "restricted"
    assert two.may(free if under == CRM else two.other, known=before) != "restricted"
    assert two.fates() == {two.kept: {"held"}, two.other: {"held"}}
    assert two.runs().held_by == (("GDPR art. 18(1)(c)", 2),)
    assert two.finds("C03") == [("C03", "kept_for_her", "exception")] * 2
    assert {kept for kept, _ in two.kept_by(two.kept)} == {False}  # if she asks for it after all
    # Said as the one person she is, whichever reference is named: free under both.
    lifted = RestrictionLifted(**two.now(), ground="claims", informed=20260105)
    two.told(lifted, under)
    assert two.may(SHOP) != "restricted"
    assert two.fates() == {two.kept: {"erase"}, two.other: {"erase"}}


def test_what_one_of_two_lifted_before_the_join_lifts_nothing_of_the_other(two: Two) -> None:
    """The most protective answer: we may be joining two people. And what the one person lifted is
    not lifted of the other once they are two again."""
    two.told(Restricted(**two.now(), ground="claims"), CRM)
    two.told(Restricted(**two.now(), ground="claims"), SHOP)
    two.told(RestrictionLifted(**two.now(), ground="claims", informed=20260105), SHOP)
    assert two.fates() == {two.kept: {"erase"}, two.other: {"held"}}
    two.joined()
    assert two.may(SHOP) == two.may(CRM) == "restricted"
    assert two.fates() == {two.kept: {"held"}, two.other: {"held"}}
    two.told(RestrictionLifted(**two.now(), ground="claims", informed=20260105), SHOP)
    assert two.may(SHOP) != "restricted"
    assert two.fates() == {two.kept: {"erase"}, two.other: {"erase"}}
    two.undone()
    assert (two.may(SHOP) == "restricted", two.may(CRM)) == (False, "restricted")
    assert two.fates() == {two.kept: {"erase"}, two.other: {"held"}}


def test_a_card_under_the_other_reference_is_held_too(two: Two) -> None:
    digits: dict[str, Any] = {"psp_id": "pm_1Nx", "bin6": "497010", "last4": "1234"}
    two.told(CardKept(**on("2020-01-05"), ground="proof", **digits), CRM, "c1")
    hold = HoldPlaced(**two.now(), article=ARTICLE, review=20270101, classes=("card",))
    two.told(hold, SHOP, "litige")
    two.joined()
    (card,) = cards_answer(two.ledger, two.other, Times(), "fr")["items"]
    assert len(card["held_by"]) == 1
    before = cards_answer(two.ledger, two.other, Times(None, None), "fr")
    assert before["items"][0]["status"] == "to_be_removed"
    assert [one.what for one in due(two.ledger) if one.scope.data_class == "card"] == ["held"]


def ordered(two: Two, who: UUID, reason: str) -> None:
    """An erasure by who asks nobody: what the control is for."""
    two.clock.advance(minutes=1)
    scope = Scope(who, "contact", "")
    erase_scopes(two.ledger, [scope], journal=two.journal, reason=reason)


def test_c08_catches_an_erasure_despite_a_hold_on_her_other_reference(two: Two) -> None:
    two.held(CRM)
    two.joined()
    assert two.finds("C08") == []
    ordered(two, two.kept, "request")
    assert two.finds("C08") == [("C08", "destroyed", "violation")]
    two.undone()  # wrong as it was, the join was believed when she was erased
    assert two.finds("C08") == [("C08", "destroyed", "violation")]


def test_c08_a_join_found_afterwards_accuses_nobody(two: Two) -> None:
    two.held(CRM)
    ordered(two, two.kept, "request")
    two.clock.advance(minutes=1)
    before = two.clock.now()
    assert two.finds("C08") == []
    two.joined()
    assert two.finds("C08") == [("C08", "destroyed_known_since", "differs")]
    assert two.finds("C08", times=Times(None, before)) == []
    two.undone()
    assert two.finds("C08") == []


def test_c08_a_term_that_ended_what_she_had_asked_to_keep_under_the_other(two: Two) -> None:
    two.told(Restricted(**two.now(), ground="unlawful"), SHOP)
    two.joined()
    ordered(two, two.other, "request")  # she asked after all
    assert two.finds("C08") == []
    ordered(two, two.kept, "term")
    assert two.finds("C08") == [("C08", "destroyed", "violation")]


def test_c03_what_is_held_under_the_other_reference_is_an_exception(two: Two) -> None:
    """And the hold that nobody reviewed is told once, where it was placed."""
    two.held(SHOP)
    assert sorted(two.finds("C03")) == [
        ("C03", "held", "exception"),
        ("C03", "past_erase", "violation"),
    ]
    two.joined()
    assert two.finds("C03") == [("C03", "held", "exception")] * 2
    two.clock.set("2027-02-01T09:00:00Z")
    assert two.finds("C16") == [("C16", "hold_unreviewed", "violation")]


def test_c12_under_15_under_one_reference_is_so_under_both(two: Two) -> None:
    """SS-MIN-1: her message under one; under the other a message, a login and the join itself."""
    assert [one for one in two.finds("C12") if one[1] == "minor_kept"] == []
    two.told(MinorSignalled(**two.now(), age="under_15", source="parent"), CRM)
    alone = len([one for one in two.finds("C12") if one[1] == "minor_kept"])
    two.joined()
    both = len([one for one in two.finds("C12") if one[1] == "minor_kept"])
    assert (alone, both) == (1, 3)


def test_a_join_is_not_pruned_while_something_is_left_under_the_other(
    two: Two, recipient: ArchiveRecipient
) -> None:
    """The kept one is gone and her entries are bare; the hold on her still holds the other's."""
    hold = HoldPlaced(**two.now(), article=ARTICLE, review=20270101, classes=("order",))
    two.told(hold, SHOP, "litige")
    at = two.joined()
    with two.ledger.database.read() as connection:
        mine = {row.klass for row in states.rows_of(connection, two.kept)}
    ending = [Scope(two.kept, klass or "", "") for klass in mine - {"hold"}]
    erase_scopes(two.ledger, ending, journal=two.journal, reason="request")
    with two.ledger.database.read() as connection:
        assert erasure.closed_subjects(connection, {two.kept}) == {two.kept}
    assert at not in prunable(two.ledger, two.kept)
    prune(two.ledger, two.journal)
    assert two.kept in two.ledger.joins(two.ledger.epoch()).family(two.other)
    ending = [Scope(two.other, klass, "") for klass in ("contact", "account", "rights")]
    erase_scopes(two.ledger, ending, journal=two.journal, reason="request")
    prune(two.ledger, two.journal)
    assert two.runs(recipient).held == 0


def test_her_no_outlives_her_under_every_reference(two: Two) -> None:
    """GDPR art. 21(3): forgotten under both, she is opposed under both, whichever she said it
    under; and what she had said under neither opposes nobody."""
    two.told(ObjectionRaised(**two.now(), purpose="reco_purchase", channel="email"), SHOP)
    two.joined()
    erase_everywhere(
        two.ledger,
        planned_everywhere(two.ledger, two.kept, "request"),
        journal=two.journal,
        reason="request",
    )
    for who in (SHOP, CRM):
        assert two.may(who, "reco_purchase") == "objected"
        assert two.may(who, "newsletter") == "erased"


def forgotten(two: Two, who: UUID) -> None:
    """All of one reference is erased and pruned, and nothing of the other."""
    two.clock.advance(minutes=1)
    with two.ledger.database.read() as connection:
        mine = {row.klass or "" for row in states.rows_of(connection, who)}
    ending = [Scope(who, klass, "") for klass in mine]
    erase_scopes(two.ledger, ending, journal=two.journal, reason="request")
    prune(two.ledger, two.journal)


def remembered(two: Two, who: str) -> int:
    """The last day on which the list remembers her no under this reference."""
    t = tables.suppressions.c
    blind = two.ledger.keyring.blind("person/shop", who)
    query = sa.select(t.until_day).where(t.reason == "objected", t.blind == blind)
    with two.ledger.database.read() as connection:
        return int(connection.scalar(query) or 0)


@pytest.mark.clause("SS-LB-3", "SS-DSR-8")
@BOTH
def test_her_no_under_a_forgotten_reference_holds_under_the_one_that_is_left(
    two: Two, under: str
) -> None:
    """Only the list remembers it, as keyed hashes; it holds under the reference that is left, when
    that one is forgotten in its turn, and when she comes back under it. Her yes takes it back."""
    no = ObjectionRaised(**two.now(), purpose="newsletter", channel="email")
    two.told(no, under)
    gone, left = (two.kept, CRM) if under == SHOP else (two.other, SHOP)
    two.joined()
    forgotten(two, gone)
    assert two.may(left) == "objected"
    assert two.may(left, "service_message") == "service", "she is known by it as before"
    ends = remembered(two, left)
    two.clock.advance(days=40)
    forgotten(two, two.other if gone == two.kept else two.kept)
    assert remembered(two, left) > ends, "from then on, for as long again"
    for who in (SHOP, CRM):
        assert two.may(who, "newsletter") == "objected"
    two.told(ContactedUs(**two.now(), channel="form", text="Bonjour"), left)
    assert two.may(left, "newsletter") == "objected"
    yes: dict[str, Any] = {"purpose": "newsletter", "channel": "email", "grade": "proved"}
    two.told(ConsentGiven(**two.now(), **yes), left)
    assert two.may(left, "newsletter") == "consent"


@pytest.mark.clause("SS-LB-3")
def test_what_the_list_holds_of_her_is_no_value(two: Two) -> None:
    """Keyed hashes, a purpose, a channel: neither the references nor a canary of hers, nor in the
    journal."""
    letter = ContactedUs(**two.now(), channel="form", text="Canari Zoé, zoe@example.org")
    two.told(letter, CRM)
    two.told(ObjectionRaised(**two.now(), purpose="newsletter", channel="email"), CRM)
    two.joined()
    forgotten(two, two.other)
    with two.ledger.database.read() as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(tables.suppressions))]
    assert len([row for row in rows if "objected" in row]) == 2
    kept = b"".join(path.read_bytes() for path in two.journal.rglob("*") if path.is_file())
    for canary in ("Canari", "zoe@example.org", CRM, SHOP):
        assert canary.encode() not in kept
        assert canary not in str(rows)


@pytest.mark.clause("SS-LB-3")
def test_a_no_that_she_took_back_as_one_person_is_not_remembered(two: Two) -> None:
    two.told(ObjectionRaised(**two.now(), purpose="newsletter", channel="email"), CRM)
    two.joined()
    yes: dict[str, Any] = {"purpose": "newsletter", "channel": "email", "grade": "proved"}
    two.told(ConsentGiven(**two.now(), **yes), SHOP)
    forgotten(two, two.other)
    assert two.may(SHOP, "newsletter") == "consent"


def test_a_finding_that_rests_on_the_other_reference_cites_the_join(two: Two) -> None:
    """C03, C08, C12: what is cited of somebody else's stream is hers by a join, which is cited
    too, also after it was undone."""
    hold = two.held(CRM)
    at = two.joined()
    (mine,) = (f for f in two.found("C03") if f.subject == two.kept)
    assert mine.positions[-2:] == (hold, at)
    (other,) = (f for f in two.found("C03") if f.subject == two.other)
    assert at not in other.positions, "it was placed on her"
    ordered(two, two.kept, "request")
    two.undone()
    (found,) = two.found("C08")
    assert found.positions[1:] == (hold, at)


def test_nothing_here_is_about_somebody_else(two: Two) -> None:
    """A third person is erased as before."""
    two.held(SHOP)
    two.joined()
    two.told(ContactedUs(**on("2015-01-10"), channel="form", text="Bonjour"), "third")
    assert two.runs().erased == 1
    facts = [one for one in due(two.ledger) if one.scope.data_class == "contact"]
    assert {one.scope.subject for one in facts} == {two.kept, two.other}
    assert ClassErased.kind == "customer.class_erased.v1"
