"""Stories of permissions after an erasure: what nobody can prove any more allows nothing."""

from __future__ import annotations

import pytest

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
