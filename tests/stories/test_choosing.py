"""Stories of the one write path: yes or no, by any door, whatever was said before."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.calendar import moment_of_instant, parse_moment
from ledger.choosing.choose import Chosen, Expressed, Unchanged, Wanted, choose, find
from ledger.commands import Reference
from ledger.errors import Refusal
from ledger.events import ConsentGiven, ConsentWithdrawn, ContactedUs, Died, ObjectionRaised
from ledger.handlers import Accepted
from tests.stories.facts_room import TODAY, Shop, on

HERS = Reference("shop", "0042")
NOW = parse_moment(TODAY)
PAGE = Expressed("page", NOW, form="account-2025")


def said(
    shop: Shop, purpose: str, channel: str | None, says: str, how: Expressed | None = None
) -> Chosen:
    """One choice of customer 0042, a minute after what she said before."""
    shop.clock.advance(minutes=1)
    how = how or PAGE._replace(occurred=moment_of_instant(shop.clock.now()))
    (found,) = choose(shop.ledger, HERS, [Wanted(purpose, channel, says)], how)  # type: ignore[arg-type]
    return found


def kind(chosen: Chosen) -> str | None:
    """The fact it became, None when it changed nothing."""
    assert isinstance(chosen.outcome, Accepted | Unchanged), chosen.outcome
    return chosen.kind


@pytest.mark.clause("SS-CH-1")
def test_a_yes_needs_to_know_nothing_and_is_recorded_once(shop: Shop) -> None:
    """Nobody knew her: she is registered. Said again, nothing is written."""
    assert kind(said(shop, "newsletter", "email", "yes")) == "consent.given.v1"
    end = shop.ledger.recorder.head().position
    again = said(shop, "newsletter", "email", "yes")
    assert again.outcome == Unchanged(end)
    assert shop.ledger.recorder.head().position == end


@pytest.mark.clause("SS-CH-1", "SS-LB-2", "SS-LB-3")
def test_a_no_takes_back_refuses_or_objects(shop: Shop) -> None:
    """By consent: taken back if it stood, else refused; by legitimate interest: an objection, which
    is absolute for marketing (SS-LB-2, SS-LB-3)."""
    assert kind(said(shop, "email_open_tracking", "email", "no")) == "consent.refused.v1"
    assert kind(said(shop, "email_open_tracking", "email", "no")) is None
    assert kind(said(shop, "email_open_tracking", "email", "yes")) == "consent.given.v1"
    assert kind(said(shop, "email_open_tracking", "email", "no")) == "consent.withdrawn.v1"
    assert kind(said(shop, "newsletter", "email", "no")) == "objection.raised.v1"
    assert kind(said(shop, "newsletter", "email", "no")) is None


def test_a_yes_after_an_objection(shop: Shop) -> None:
    """To marketing it is a new consent; elsewhere the objection is lifted, and no more is said."""
    said(shop, "newsletter", "email", "no")
    assert kind(said(shop, "newsletter", "email", "yes")) == "consent.given.v1"
    said(shop, "personalisation", None, "no")
    assert kind(said(shop, "personalisation", None, "yes")) == "objection.lifted.v1"
    assert kind(said(shop, "personalisation", None, "yes")) is None


def test_better_evidence_renews(shop: Shop) -> None:
    """What an agent reported, she says herself on a form: the proof is worth keeping, once."""
    told = Expressed("agent", NOW, "agent")
    assert kind(said(shop, "phone_marketing", "phone", "yes", told)) == "consent.given.v1"
    assert kind(said(shop, "phone_marketing", "phone", "yes", told)) is None
    assert kind(said(shop, "phone_marketing", "phone", "yes")) == "consent.renewed.v1"
    assert kind(said(shop, "phone_marketing", "phone", "yes")) is None
    fact = shop.state("0042").consents
    assert {said.grade for said in fact.values()} == {"proved"}


def test_a_no_that_names_no_channel_is_for_all_of_them(shop: Shop) -> None:
    """A yes is never widened (GDPR art. 4(11))."""
    found = choose(shop.ledger, HERS, [Wanted("newsletter", None, "no")], PAGE)
    assert [one.wanted.channel for one in found] == ["email", "sms"]
    assert all(kind(one) == "objection.raised.v1" for one in found)
    refused = said(shop, "newsletter", None, "yes").outcome
    assert isinstance(refused, Refusal)
    assert refused.problem == "channel-required"


@pytest.mark.clause("SS-LB-1", "SS-CTL-2")
@pytest.mark.parametrize(
    ("purpose", "channel", "problem", "clause"),
    [
        ("horoscopes", "email", "purpose-undeclared", "SS-CTL-2"),
        ("newsletter", "phone", "channel-undeclared", "SS-COM-2"),
        ("personalisation", "email", "channel-undeclared", "SS-PERS-1"),
        ("service_message", "email", "not-a-choice", "SS-LB-1"),
        ("accounting", None, "not-a-choice", "SS-LB-1"),
    ],
)
@pytest.mark.parametrize("says", ["yes", "no"])
def test_each_refusal_says_its_clause_and_spoils_no_other(
    shop: Shop, purpose: str, channel: str | None, problem: str, clause: str, says: str
) -> None:
    """One outcome for each choice, in the order given."""
    wanted = [Wanted(purpose, channel, says), Wanted("newsletter", "email", "no")]  # type: ignore[arg-type]
    refused, other = choose(shop.ledger, HERS, wanted, PAGE)
    assert isinstance(refused.outcome, Refusal)
    assert (refused.outcome.problem, refused.outcome.clause) == (problem, clause)
    assert refused.outcome.article
    assert isinstance(other.outcome, Accepted)


def test_one_choice_is_not_said_twice_in_one_breath(shop: Shop) -> None:
    """Yes and no at once is neither: the first is taken, the second refused."""
    wanted = [Wanted("newsletter", "email", "no"), Wanted("newsletter", "email", "yes")]
    first, second = choose(shop.ledger, HERS, wanted, PAGE)
    assert isinstance(first.outcome, Accepted)
    assert isinstance(second.outcome, Refusal)


def test_nobody_clicks_in_her_place(shop: Shop) -> None:
    """A page is hers; what an agent hears he tells as an agent."""
    for actor in ("agent", "system"):
        refused = said(shop, "newsletter", "email", "yes", Expressed("page", NOW, actor))
        assert isinstance(refused.outcome, Refusal)
        assert refused.outcome.article == "RGPD art. 4(11)"
    assert find(shop.ledger, HERS) is None


@pytest.mark.clause("SS-CH-2", "SS-CH-3")
def test_a_letter_of_last_month_says_since_when(shop: Shop) -> None:
    """A no that stands already, said earlier than we knew, is recorded with its own date; the same
    letter read twice is not."""
    said(shop, "newsletter", "email", "no")
    letter = Expressed("letter", parse_moment("2025-12-02"), "agent")
    assert kind(said(shop, "newsletter", "email", "no", letter)) == "objection.raised.v1"
    assert kind(said(shop, "newsletter", "email", "no", letter)) is None


def test_a_yes_dated_back_revives_nothing(shop: Shop) -> None:
    """It is heard, and what stood goes on standing (decision 0007)."""
    said(shop, "newsletter", "email", "no")
    shop.clock.advance(hours=1)
    early = Expressed("letter", parse_moment("2025-12-02"), "agent")
    said(shop, "newsletter", "email", "yes", early)
    (stands,) = shop.state("0042").consents.values()
    assert stands.kind == "objection.raised.v1"


def test_the_dead_say_no_more_yes(shop: Shop) -> None:
    """SS-DSR-7; a no is always heard."""
    shop.told(ContactedUs(**on("2025-11-01"), channel="letter"), "0042")
    shop.told(Died(**on("2025-12-01"), source="notary"), "0042")
    refused = said(shop, "newsletter", "email", "yes").outcome
    assert isinstance(refused, Refusal)
    assert refused.clause == "SS-DSR-7"
    assert kind(said(shop, "newsletter", "email", "no")) == "objection.raised.v1"


def test_what_was_imported_counts_as_said(shop: Shop) -> None:
    """The path looks at facts, whoever recorded them."""
    news: dict[str, Any] = {
        "purpose": "newsletter",
        "channel": "email",
        "actor": "import",
        "grade": "asserted",
    }
    shop.told(ConsentGiven(**on("2024-01-02"), **news), "0042")
    assert kind(said(shop, "newsletter", "email", "yes")) == "consent.renewed.v1"
    shop.clock.advance(minutes=5)
    late = on("2026-01-05T09:06:00Z")
    shop.told(ConsentWithdrawn(**late, purpose="newsletter", channel="email"), "0042")
    assert kind(said(shop, "newsletter", "email", "no")) is None
    shop.told(ObjectionRaised(**on("2026-01-05"), purpose="surveys", channel="phone"), "0042")
    assert kind(said(shop, "surveys", "phone", "no")) is None
