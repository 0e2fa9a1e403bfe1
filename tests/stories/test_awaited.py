"""Stories of somebody who is awaited, to confirm from her own address, under one of two references
that turn out to be hers (decision 0052)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.answers import Times, subject_answer
from ledger.aggregates.consent import ONLY_SHE
from ledger.calendar import moment_of_instant
from ledger.choosing import optin
from ledger.choosing.choose import Expressed, Wanted, choose
from ledger.commands import Correct
from ledger.errors import Refusal
from ledger.events import ConsentGiven, ConsentRequested, Died, MinorSignalled, ObjectionRaised
from ledger.handlers import Accepted
from ledger.permitting.filtering import Campaign
from ledger.permitting.gate import Gate, Question
from replay.fold import fold_subject
from tests.stories.facts_room import Shop, on
from tests.stories.test_signals_and_devices import asked
from tests.stories.test_together import BY_LETTER, NEWS, Two

YES = [Wanted("newsletter", "email", "yes")]


@pytest.fixture
def two(shop: Shop) -> Two:
    return Two(shop)


def says_yes(two: Two, who: str = "0042") -> None:
    """By letter: asserted by whoever opened it."""
    two.shop.told(ConsentGiven(**two.now(), **NEWS, **BY_LETTER), who)


def by_agent(two: Two, **more: Any) -> Expressed:
    return Expressed("agent", two.now()["occurred"], "agent", **more)


def told(two: Two, who: UUID) -> tuple[str, str | None]:
    """The state of her choice as she and the console are told it, and why."""
    answer = subject_answer(two.shop.ledger, who, Times(), "en")
    (one,) = (c for c in answer["consents"] if c["channel"] == "email")
    return one["state"], one["reason"]


@pytest.mark.clause("SS-LB-2")
@pytest.mark.parametrize("first", ["asked", "yes"])
def test_a_yes_waits_for_her_confirmation_under_the_other_reference(two: Two, first: str) -> None:
    """Whichever came first: the address typed in for crm-7 is nobody's proven address yet. What
    the gate says, a campaign says, and so do the pages; and the question lapses."""
    if first == "yes":
        says_yes(two)
    asked(two.shop, two.other)
    if first == "asked":
        says_yes(two)
    assert (two.may(two.kept), two.may(two.other)) == ("consent", "no_consent")
    two.joined()
    gate = Gate(two.shop.ledger, fold_subject)
    question = Question(two.other, "newsletter", "email")
    (found,) = gate.ask([question])
    assert (found.verdict.reasons[0], found.verdict.state) == ("awaited", "ConsentRequested")
    assert len(found.verdict.rests_on) == 3, "the yes, the question, her letter"
    campaign = Campaign(gate, question)
    for who in (two.kept, two.other):
        assert two.may(who) == "awaited"
        assert [one.reason for one in campaign.judge([who])] == ["awaited"]
        assert told(two, who) == ("ConsentRequested", "awaited")
    lapses = found.verdict.flips_at
    assert lapses is not None
    two.shop.clock.advance(hours=72)
    assert two.shop.clock.now() > lapses
    assert two.may(two.other) == "consent", "who did not answer in time was not asked"
    assert told(two, two.kept)[0] == "ConsentGiven"


@pytest.mark.clause("SS-LB-2")
def test_at_the_very_instant_at_which_it_lapses(two: Two) -> None:
    asked(two.shop, two.other)
    says_yes(two)
    two.joined()
    gate = Gate(two.shop.ledger, fold_subject)
    question = Question(two.kept, "newsletter", "email")
    (found,) = gate.ask([question])
    assert found.verdict.flips_at is not None
    for at, reason in ((-1, "awaited"), (0, "consent")):
        moment = moment_of_instant(found.verdict.flips_at + at)
        (then,) = gate.ask([question._replace(at=moment)])
        assert then.verdict.reasons[0] == reason


@pytest.mark.clause("SS-LB-2")
def test_her_token_confirms_and_serves_once(two: Two) -> None:
    """Recorded of the reference that is kept, it ends the waiting under the other; used again after
    she took it back, it is nothing."""
    token = asked(two.shop, two.other)
    says_yes(two)
    two.joined()
    assert isinstance(optin.complete(two.shop.ledger, token), Accepted)
    assert (two.may(two.kept), told(two, two.other)) == ("consent", ("ConsentGiven", None))
    two.shop.clock.advance(minutes=1)
    no = choose(two.shop.ledger, two.kept, [YES[0]._replace(says="no")], by_agent(two))
    assert isinstance(no[0].outcome, Accepted)
    assert optin.complete(two.shop.ledger, token) == optin.VOID_TOKEN
    assert two.may(two.other) == "objected"


@pytest.mark.clause("SS-LB-2")
def test_nobody_elses_yes_is_taken_while_she_is_awaited_under_either(two: Two) -> None:
    """By whichever door, and of whichever reference; her no is, and ends it; so does time."""
    token = asked(two.shop, two.other)
    two.joined()
    for who in (two.kept, two.other):
        (refused,) = choose(two.shop.ledger, who, YES, by_agent(two))
        assert refused.outcome == ONLY_SHE
    assert two.tries(ConsentGiven(**two.now(), **NEWS, **BY_LETTER)) == ONLY_SHE
    (no,) = choose(two.shop.ledger, two.other, [YES[0]._replace(says="no")], by_agent(two))
    assert isinstance(no.outcome, Accepted)
    assert optin.complete(two.shop.ledger, token) == optin.VOID_TOKEN
    assert two.tries(ConsentGiven(**two.now(), **NEWS, **BY_LETTER)) is None
    assert two.may(two.kept) == "consent"


@pytest.mark.clause("SS-LB-2")
def test_who_is_awaited_for_too_long_is_awaited_no_more(two: Two) -> None:
    asked(two.shop, two.other)
    two.joined()
    meanwhile = two.now()
    two.shop.clock.advance(hours=72)
    assert two.tries(ConsentGiven(**meanwhile, **NEWS, **BY_LETTER)) == ONLY_SHE
    assert two.tries(ConsentGiven(**two.now(), **NEWS, **BY_LETTER)) is None


@pytest.mark.clause("SS-LB-2")
def test_her_own_confirmation_under_the_other_reference_is_not_held_back(two: Two) -> None:
    """She proved an address of hers; what she proved counts."""
    token = asked(two.shop, two.kept)
    asked(two.shop, two.other)
    assert isinstance(optin.complete(two.shop.ledger, token), Accepted)
    two.joined()
    assert two.may(two.other) == "consent"


@pytest.mark.clause("SS-LB-2")
def test_being_asked_again_as_one_person_takes_nothing_back(two: Two) -> None:
    """As under one reference: a question weighs nothing beside an answer."""
    says_yes(two, "crm-7")
    two.joined()
    asked(two.shop, two.kept)
    assert two.may(two.other) == "consent"


@pytest.mark.clause("SS-LB-3")
def test_being_asked_does_not_outweigh_her_no_under_the_other_reference(two: Two) -> None:
    """Asked after the join, of the reference that is kept, she has said nothing yet."""
    two.shop.told(ObjectionRaised(**two.now(), **NEWS), "crm-7")
    two.joined()
    two.shop.told(ConsentRequested(**two.now(), **NEWS), "0042")
    assert (two.may(two.kept), two.may(two.other)) == ("objected", "objected")


@pytest.mark.clause("SS-DSR-8")
def test_a_join_that_is_undone_leaves_each_with_her_own(two: Two) -> None:
    token = asked(two.shop, two.other)
    says_yes(two)
    two.joined()
    two.undone()
    assert (two.may(two.kept), two.may(two.other)) == ("consent", "no_consent")
    assert isinstance(optin.complete(two.shop.ledger, token), Accepted)
    assert two.may(two.other) == "consent"


# --- a correction is asked what it would read as -------------------------------------------------

POST: dict[str, Any] = {"purpose": "newsletter", "channel": "sms"}


@pytest.mark.clause("SS-LB-2", "SS-DSR-8")
@pytest.mark.parametrize("when", ["before the join", "after it"])
def test_a_yes_is_not_corrected_into_the_one_that_is_awaited_elsewhere(two: Two, when: str) -> None:
    """Said of another channel under one reference, before the join or since; while she is awaited
    under the other, a correction makes no more of it than a fact would. Once she answered, it does,
    and so it does when they are two people after all."""
    token = asked(two.shop, two.other)
    if when == "after it":
        two.joined()
    said = two.shop.told(ConsentGiven(**two.now(), **POST, **BY_LETTER), "0042").position
    if when != "after it":
        two.joined()
    wish = Correct(said, {"channel": "email"}, reason="typo")
    (refused,) = two.shop.batch(wish)
    assert refused == ONLY_SHE
    (fine,) = two.shop.batch(Correct(said, {"grade": "asserted"}))
    assert isinstance(fine, Accepted), "it reads as nothing that is awaited"
    assert isinstance(optin.complete(two.shop.ledger, token), Accepted)
    (taken,) = two.shop.batch(wish)
    assert isinstance(taken, Accepted)


@pytest.mark.clause("SS-LB-2", "SS-DSR-8")
def test_a_yes_under_the_other_reference_is_not_corrected_into_the_one_that_is_awaited(
    two: Two,
) -> None:
    """Whichever of the two the fact stands on; undone, each waits for her own; and it lapses."""
    asked(two.shop, two.kept)
    said = two.shop.told(ConsentGiven(**two.now(), **POST, **BY_LETTER), "crm-7").position
    two.joined()
    wish = Correct(said, {"channel": "email"})
    assert two.shop.batch(wish) == [ONLY_SHE]
    two.undone()
    (taken,) = two.shop.batch(wish)
    assert isinstance(taken, Accepted)


@pytest.mark.clause("SS-DSR-7", "SS-MIN-1")
@pytest.mark.parametrize("who", ["0042", "crm-7"])
def test_a_yes_is_not_corrected_into_one_of_the_dead_or_of_a_child(two: Two, who: str) -> None:
    """Her death under either reference: what she said while she lived may be put right, and no
    more; the consent of somebody under 15 allows nothing."""
    said = two.shop.told(ConsentGiven(**on("2025-03-01"), **POST, **BY_LETTER), "0042").position
    two.joined()
    two.shop.told(Died(**on("2025-12-20"), source="notary"), who)
    (refused,) = two.shop.batch(Correct(said, occurred=on("2025-12-24")["occurred"]))
    assert isinstance(refused, Refusal)
    assert refused.problem == "deceased"
    (taken,) = two.shop.batch(Correct(said, occurred=on("2025-03-02")["occurred"]))
    assert isinstance(taken, Accepted)
    two.shop.told(MinorSignalled(**two.now(), age="under_15", source="parent"), who)
    (refused,) = two.shop.batch(Correct(said, {"channel": "email"}))
    assert isinstance(refused, Refusal)
    assert refused.problem == "minor"
