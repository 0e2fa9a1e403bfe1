"""A verdict in words, and the verdict on somebody of whom only a list is left."""

from __future__ import annotations

import pytest

from ledger.calendar import parse_moment
from ledger.policy.explain import Language, words
from ledger.policy.permissions import Asked, Objection, Person, explain, on_list, verdict
from replay.fold import fold_subject
from tests.stories.policy_room import BOOK
from tests.stories.test_permissions import ACCOUNT, TEXTS, form, given, shop


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_stale_consent_is_explained_as_one(lang: Language) -> None:
    forms = form("2019-01-01", TEXTS[0]), form("2020-01-01", TEXTS[1])
    her = shop(ACCOUNT, given("2019-03-10", form="footer"), declared=forms)
    before, after = (her.may("newsletter", "email", day) for day in ("2019-12-31", "2020-01-01"))
    stale = words(lang)["stale"]["form_changed"]
    assert stale not in explain(before, lang)
    assert stale in explain(after, lang)


def test_of_whom_only_a_list_is_left_the_list_says_why() -> None:
    """A no that outlived her is taken back by her alone; whoever was erased can become known."""
    about = "newsletter", "email", parse_moment("2026-06-01")
    opposed, erased = on_list("objected", *about), on_list("erased", *about)
    assert (opposed.reasons, opposed.state, opposed.clause) == (
        *(("objected",), "ConsentRefused", "SS-LB-3"),
    )
    assert (erased.reasons, erased.state, erased.clause) == (
        *(("erased",), "ConsentUnknown", "SS-DSR-3"),
    )
    assert opposed.would_change == ("objection.lifted.v1",)
    assert erased.would_change == ("customer.registered.v1",)
    for found in (opposed, erased):
        assert (found.allowed, found.basis, found.flips_at, found.flips_on) == (False, *(None,) * 3)
    french, english = "\n".join(explain(erased, "fr")), "\n".join(explain(erased, "en"))
    assert "RGPD art. 17" in french
    assert "GDPR" not in french
    assert "GDPR art. 17" in english


HER_NO = parse_moment("2020-02-10T10:00:00Z").at


def agreed(*left: Objection) -> Person:
    """She said yes to the newsletter by e-mail; this is left of what was erased of her."""
    her = given("2020-01-10")
    row = her.row._replace(position=10)
    return Person(fold_subject([row]), (row,), {10: her.fact}, frozenset(left))


@pytest.mark.parametrize(
    ("at", "known", "allowed"),
    [
        ("2020-02-10T10:00:00Z", 12, False),  # the very instant of her no, and its very position
        ("2020-02-10T09:59:59.999999Z", 12, True),
        ("2020-02-10T10:00:00Z", 11, True),
    ],
)
def test_a_no_that_is_left_of_what_was_erased_is_heard_from_then_on(
    at: str, known: int, *, allowed: bool
) -> None:
    """From when she said it, to whoever knows it."""
    person = agreed(Objection("newsletter", "email", HER_NO, 12))
    found = verdict(Asked(person, BOOK, "newsletter", "email", parse_moment(at), known))
    assert (found.allowed, found.reasons[0]) == (allowed, "consent" if allowed else "objected")


@pytest.mark.parametrize(
    ("purpose", "channel", "allowed"),
    [
        ("newsletter", "email", False),
        ("newsletter", "", False),  # over all of them
        ("newsletter", "sms", True),
        ("surveys", "email", True),
    ],
)
def test_it_is_a_no_to_that_purpose_over_that_channel(
    purpose: str, channel: str, *, allowed: bool
) -> None:
    person = agreed(Objection(purpose, channel, HER_NO, 12))
    moment = parse_moment("2020-03-01")
    assert verdict(Asked(person, BOOK, "newsletter", "email", moment)).allowed is allowed
