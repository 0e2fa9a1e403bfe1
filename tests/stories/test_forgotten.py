"""Stories of permissions after an erasure: what nobody can prove any more allows nothing."""

from __future__ import annotations

import pytest

from ledger.calendar import parse_as_of
from ledger.policy.choosing import kind_of
from ledger.policy.consents import choice_of, choices
from replay.fold import fold_subject
from tests.stories.policy_room import BOOK
from tests.stories.test_permissions import ACCOUNT, KNOWN, OFFERED, TESTED, Told, given, shop, told


@pytest.mark.clause("SS-DSR-3", "SS-LB-2")
def test_a_yes_whose_proof_was_erased_allows_nothing_until_she_says_it_again():
    def erased(reason: str, of: str = "consent") -> Told:
        return told("customer.class_erased", "2020-01-01", of=of, reason=reason)

    yes, again = given("2019-03-11"), given("2020-02-01")
    for reason in ("request", "term", "minor"):
        found = shop(KNOWN, yes, erased(reason)).may("newsletter", "email", "2020-01-02")
        assert (found.allowed, found.reasons, found.rests_on) == (False, ("proof_erased",), (12,))
        assert shop(KNOWN, yes, erased(reason)).may("newsletter", "email", "2019-12-31").allowed
    assert (
        shop(KNOWN, yes, erased("request", "order"))
        .may("newsletter", "email", "2020-01-02")
        .allowed
    )
    assert (
        shop(KNOWN, yes, erased("request"), again).may("newsletter", "email", "2020-02-02").allowed
    )
    bought = ACCOUNT, OFFERED
    asked, over = (
        shop(*bought, erased(reason), declared=(TESTED,)) for reason in ("request", "term")
    )
    assert asked.may("newsletter", "email", "2020-02-02").reasons == ("proof_erased",)
    assert over.may("newsletter", "email", "2020-02-02").basis == "soft_opt_in"
    assert asked.may("service_message", "email", "2020-02-02").basis == "contract"


@pytest.mark.clause("SS-DSR-3")
def test_what_she_had_chosen_is_told_with_what_became_of_its_proof():
    erased = told("customer.class_erased", "2020-01-01", of="consent", reason="request")
    rows = [t.row._replace(position=n) for n, t in enumerate((KNOWN, given("2019-03-11"), erased))]
    for day, state, reason in (
        ("2019-12-31", "ConsentGiven", None),
        ("2020-01-02", "ConsentUnknown", "proof_erased"),
    ):
        as_of = parse_as_of(day)
        (said,) = choices(fold_subject(rows, as_of), BOOK, as_of)
        assert (said.state, said.reason, said.kind) == (state, reason, "consent.given.v1")


@pytest.mark.clause("SS-DSR-3")
def test_a_yes_said_again_after_its_proof_was_erased_is_a_new_one():
    """Not the renewal of one that nobody can show."""
    as_of = parse_as_of("2020-01-02")
    for unproved, kind in ((False, "consent.renewed.v1"), (True, "consent.given.v1")):
        of = 20190311, BOOK, as_of, None, "newsletter", "email"
        stands = choice_of("consent.given.v1", *of, unproved=unproved)
        assert kind_of("yes", None, stands, 20181120, "proved") == kind
