"""Stories of one person under two references: what is said of her ends what stands under either,
and of two answers the one that protects her more is given (decision 0047)."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from api.answers import Times, subject_answer
from api.own import directive_of
from ledger.calendar import moment_of_instant, parse_as_of
from ledger.choosing import joining
from ledger.choosing.joining import Undone
from ledger.errors import Refusal
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ConsentGiven,
    ContactedUs,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    Fact,
    HeirRequested,
    MinorSignalled,
    ObjectionAssessed,
    ObjectionLifted,
    ObjectionRaised,
    Restricted,
    RestrictionLifted,
    Row,
)
from ledger.permitting.gate import Gate, Question
from ledger.permitting.joined import as_one
from ledger.policy.permissions import Asked, Objection, Person, verdict
from ledger.projections.joins import Join, Joins, last_words
from ledger.requests import heirs
from ledger.store import states
from ledger.store.mapper import Draft
from ledger.store.mapper import row_of as columns
from replay.fold import fold_subject
from tests.stories.facts_room import Shop, on

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
BY_LETTER: dict[str, Any] = {"act": "letter", "grade": "proved"}


def row_of(fact: Fact, position: int) -> Row:
    """The columns of a fact, had it been recorded at this position when it happened."""
    stream = fact.subject or uuid4()
    row = columns(Draft(stream, position, fact, uuid4(), 20181120, ""))
    return row._replace(position=position, recorded_at=fact.occurred.at)


class Two:
    """One person twice: 0042, who is kept, and crm-7."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        for who in ("0042", "crm-7"):
            shop.told(ContactedUs(**on("2024-01-05"), channel="form"), who)
        self.kept, self.other = shop.person("0042"), shop.person("crm-7")

    def joined(self) -> None:
        self.shop.clock.advance(hours=1)
        assert not isinstance(joining.join(self.shop.ledger, self.kept, self.other), Refusal)
        self.shop.clock.advance(hours=1)

    def undone(self) -> Undone:
        return joining.undo(self.shop.ledger, self.kept, self.other)

    def now(self) -> dict[str, Any]:
        self.shop.clock.advance(minutes=1)
        return {"occurred": moment_of_instant(self.shop.clock.now())}

    def tries(self, fact: Fact) -> Refusal | None:
        """Why this is refused, said of the other reference; None if it is taken."""
        (outcome,) = self.shop.batch(self.shop.wish(fact, "crm-7"))
        return outcome if isinstance(outcome, Refusal) else None

    def may(self, who: UUID, purpose: str = "newsletter") -> str:
        gate = Gate(self.shop.ledger, fold_subject)
        (found,) = gate.ask([Question(who, purpose, "email")])
        return found.verdict.reasons[0]

    def kinds(self, who: UUID) -> list[str]:
        with self.shop.ledger.database.read() as connection:
            return [row.kind for row in states.rows_of(connection, who)]


@pytest.fixture
def two(shop: Shop) -> Two:
    return Two(shop)


# --- what ends something finds it under either ----------------------------------------------------


@pytest.mark.clause("SS-DSR-5", "SS-DSR-8")
def test_a_restriction_is_lifted_under_whichever_reference_it_stands(two: Two) -> None:
    two.shop.told(Restricted(**two.now(), ground="accuracy"), "crm-7")
    lifted = RestrictionLifted(**on("2026-01-05T12:00:00Z"), ground="accuracy", informed=20260105)
    two.joined()
    two.shop.clock.advance(hours=6)
    early = RestrictionLifted(**on("2026-01-05T12:00:00Z"), ground="accuracy", informed=20260106)
    refused = two.tries(early)
    assert refused is not None
    assert (refused.problem, refused.field) == ("malformed", "informed")
    assert two.tries(lifted) is None
    assert two.may(two.kept) != "restricted"
    none = two.tries(RestrictionLifted(**two.now(), ground="claims", informed=20260105))
    assert none is not None
    assert none.problem == "conflict"


@pytest.mark.clause("SS-LB-3", "SS-DSR-8")
def test_an_objection_is_lifted_or_weighed_under_whichever_reference_it_stands(two: Two) -> None:
    two.shop.told(ObjectionRaised(**two.now(), purpose="customer_knowledge"), "crm-7")
    two.shop.told(ObjectionRaised(**two.now(), **NEWS), "crm-7")
    refused = two.shop.batch(two.shop.wish(ObjectionLifted(**two.now(), **NEWS), "0042"))
    assert isinstance(refused[0], Refusal)
    two.joined()
    assert two.may(two.kept) == "objected"
    weighed = ObjectionAssessed(**two.now(), purpose="customer_knowledge", decision="upheld")
    assert two.tries(weighed) is None
    assert two.tries(ObjectionLifted(**two.now(), **NEWS)) is None
    assert two.may(two.kept) == two.may(two.other) != "objected"
    two.undone()
    assert two.may(two.other) == "objected", "she who said it never took it back"


@pytest.mark.clause("SS-CH-6", "SS-DSR-8")
def test_closing_her_account_closes_it_where_it_is(two: Two) -> None:
    """And undoing the join names what was closed under the other reference."""
    two.shop.told(AccountOpened(**two.now()), "crm-7")
    two.joined()
    closed = two.shop.told(AccountClosed(**two.now()), "0042")
    assert AccountClosed.kind not in two.kinds(two.kept)
    assert two.kinds(two.other)[-1] == AccountClosed.kind
    again = two.tries(AccountClosed(**two.now()))
    assert again is not None
    assert again.problem == "conflict"
    assert two.undone().meanwhile == (closed.position,)


def test_two_accounts_are_closed_at_once(two: Two) -> None:
    for who in ("0042", "crm-7"):
        two.shop.told(AccountOpened(**two.now()), who)
    two.joined()
    closed = two.shop.told(AccountClosed(**two.now()), "crm-7")
    assert len(closed.written) == 2
    assert two.kinds(two.kept)[-1] == two.kinds(two.other)[-1] == AccountClosed.kind


@pytest.mark.clause("SS-DSR-7", "SS-DSR-8")
def test_heirs_of_whoever_died_under_one_reference_may_ask_under_the_other(two: Two) -> None:
    """And nothing that only the living do is done in her name."""
    two.shop.told(Died(**on("2025-12-01"), source="notary"), "crm-7")
    two.joined()
    assert two.tries(HeirRequested(**two.now(), wish="access", name="Canari")) is None
    for fact in (AccountOpened(**two.now()), DirectiveSet(**two.now(), wish="keep")):
        refused = two.tries(fact)
        assert refused is not None
        assert refused.clause == "SS-DSR-7"


# --- the answer that protects her more ------------------------------------------------------------


def test_a_directive_is_revoked_under_whichever_reference_it_stands(two: Two) -> None:
    two.shop.told(DirectiveSet(**two.now(), wish="transmit"), "crm-7")
    two.joined()
    assert two.tries(DirectiveRevoked(**two.now())) is None
    assert directive_of(two.shop.ledger, two.other)["directive"] is None
    two.undone()
    assert directive_of(two.shop.ledger, two.other)["directive"]["wish"] == "transmit"


@pytest.mark.clause("SS-DSR-7", "SS-DSR-8")
def test_of_two_directives_the_one_that_hands_over_less_counts(two: Two) -> None:
    """However old it is; one that she sets as the one person she is takes the place of both."""
    two.shop.told(DirectiveSet(**two.now(), wish="erase"), "crm-7")
    two.shop.told(DirectiveSet(**two.now(), wish="transmit"), "0042")
    two.joined()
    assert directive_of(two.shop.ledger, two.kept)["directive"]["wish"] == "erase"
    two.shop.told(DirectiveSet(**two.now(), wish="keep"), "0042")
    assert directive_of(two.shop.ledger, two.other)["directive"]["wish"] == "keep"


def test_an_account_open_under_either_is_to_be_closed_after_her_death(two: Two) -> None:
    two.shop.told(AccountOpened(**on("2025-01-05")), "0042")
    two.shop.told(AccountOpened(**on("2025-02-05")), "crm-7")
    two.shop.told(AccountClosed(**on("2025-03-05")), "crm-7")
    two.joined()
    died = Died(**on("2025-12-20"), source="notary", actor="import")  # it closes nothing itself
    two.shop.told(died, "crm-7")
    ledger = two.shop.ledger
    joins = ledger.joins(ledger.epoch())
    with ledger.database.read() as connection:
        found = heirs.of_person(connection, joins, two.other, parse_as_of("2026-01-06"))
    assert found is not None
    assert found.account == "to_close"


def test_under_15_under_one_reference_is_not_outgrown_by_the_other(two: Two) -> None:
    two.shop.told(MinorSignalled(**two.now(), age="under_15", source="parent"), "crm-7")
    two.shop.told(MinorSignalled(**two.now(), age="under_18", source="self"), "0042")
    two.joined()
    assert two.may(two.kept) == two.may(two.other) == "under_15"
    two.shop.told(MinorSignalled(**two.now(), age="under_18", source="self"), "0042")
    assert two.may(two.kept) != "under_15"


def test_her_choices_under_a_reference_that_is_not_kept_are_what_counts_for_her(two: Two) -> None:
    two.shop.told(ConsentGiven(**two.now(), **NEWS, **BY_LETTER), "crm-7")
    two.shop.told(ObjectionRaised(**two.now(), **NEWS), "0042")
    two.joined()
    for who in (two.kept, two.other):
        (choice,) = subject_answer(two.shop.ledger, who, Times(), "fr")["consents"]
        assert choice["state"] == "ConsentRefused"


def test_a_no_that_outlived_an_erasure_is_not_lifted_by_a_yes_before_the_join() -> None:
    """GDPR art. 21(3): under the reference that it was said under, or as one person, or not."""
    book = Shop().ledger
    edition = book.book(book.epoch())
    kept, other = uuid4(), uuid4()
    no = Objection("newsletter", "", parse_as_of("2025-01-01"), 3)
    joins = Joins([Join(20, kept, other)])

    def said(who: UUID, position: int, day: str) -> Row:
        given = ConsentGiven(subject=who, **on(day), **NEWS, **BY_LETTER)
        return row_of(given, position)

    def person(rows: list[Row], *opposed: Objection) -> Person:
        return Person(fold_subject(rows), tuple(rows), {}, frozenset(opposed))

    def reason(own: Person, theirs: Person) -> str:
        one = as_one(own, [(20, theirs)], joins)
        at = on("2026-01-05")["occurred"]
        return verdict(Asked(one, edition, "newsletter", "email", at)).reasons[0]

    empty = said(kept, 1, "2024-01-01")
    for before, after in ((10, "objected"), (21, "consent")):
        yes = said(kept, before, "2025-06-01")
        assert reason(person([yes]), person([empty], no)) == after
    yes = said(other, 10, "2025-06-01")
    assert reason(person([empty], no), person([yes])) == "objected"
    assert reason(person([empty]), person([yes], no)) == "consent"  # she took it back herself


# --- whose word is whose --------------------------------------------------------------------------


def test_of_joins_in_a_row_the_last_says_since_when() -> None:
    """What C said before A was joined to her is not said of B, who was joined to A long before."""
    a, b, c = uuid4(), uuid4(), uuid4()
    joins = Joins([Join(10, a, b), Join(20, c, a)])
    assert {(one.position, one.other) for one in joins.others(c)} == {(20, a), (20, b)}
    assert joins.others(a) == (Join(10, a, b),)
    assert [joins.family(who) for who in (a, b, c)] == [joins.everybody(c)] * 3

    def told(who: UUID, position: int) -> Row:
        return row_of(Restricted(subject=who, **on("2025-01-05"), ground="claims"), position)

    hers = told(b, 5)
    for who, position, replaces in (
        *((c, 15, False), (c, 21, True), (a, 9, False), (a, 15, True)),
        *((b, 6, True), (uuid4(), 30, False)),
    ):
        word = told(who, position)
        assert (last_words([word, hers], joins) == [word]) is replaces, (position, replaces)
