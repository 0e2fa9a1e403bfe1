"""Stories of requests: received on any channel, doubted for a reason, extended in time, answered
once, with the law's own grounds and remedies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from ledger.aggregates import rights_request
from ledger.errors import BadData, Refused
from ledger.events import (
    DOUBTS,
    GROUNDS,
    REMEDIES,
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    RecipientsNotified,
    RecoveredFromQueue,
    RequestAcknowledged,
    RequestClosed,
    RequestExtended,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    build,
)
from ledger.policy.requests import GROUND_ARTICLES
from tests.stories.facts_room import Given, Shop, given, on

QUEUED = UUID("5b1c3a0e-0000-4000-8000-00000000000a")
BOTH: dict[str, Any] = {"remedies": REMEDIES}


def received(day: str = "2026-01-31", right: str = "access", channel: str = "letter") -> Fact:
    return RequestReceived(**on(day), right=right, channel=channel)


def asked(day: str = "2026-02-03") -> Fact:
    return IdentityAsked(**on(day), reason="new_address", asked=("customer_number",))


def confirmed(day: str = "2026-02-10") -> Fact:
    return IdentityConfirmed(**on(day), method="id_document", evidence="destroyed")


def request(*facts: Fact) -> Given:
    return given(rights_request, received(), *facts)


def fulfilled(day: str = "2026-02-20") -> Fact:
    return RequestFulfilled(**on(day), channel="email")


def extended(notified: str, recorded: str | None = None) -> Fact:
    stated = {"reason": "complexity", "notified": notified}
    return build(RequestExtended, on(recorded or notified), stated)


@pytest.mark.clause("SS-CH-2", "SS-CH-3", "SS-DPO-1")
def test_a_request_is_received_once_and_first():
    given(rights_request, received()).when(received()).refused("SS-DSR-10")
    given(rights_request).when(fulfilled()).refused("SS-DSR-10")
    request().when(fulfilled("2026-01-30")).refused("SS-CH-3", "malformed")


@pytest.mark.clause("SS-DSR-1", "SS-DSR-10")
def test_the_whole_way_is_walked_to_its_end():
    given(rights_request).when(received()).accepted().when(
        RequestAcknowledged(**on("2026-02-01"), channel="letter")
    ).accepted().when(
        RequestQualified(**on("2026-02-02"), right="access", classes=("order",))
    ).accepted().when(fulfilled()).accepted().when(RequestClosed(**on("2026-02-21"))).accepted()


# --- identity -------------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-9", "SS-CH-4")
def test_identity_is_asked_only_on_a_doubt_that_is_written_down():
    with pytest.raises(BadData, match="'reason' is required"):
        build(IdentityAsked, on("2026-02-03"), {})
    with pytest.raises(BadData, match="must be one of"):
        build(IdentityAsked, on("2026-02-03"), {"reason": "always"})
    assert "systematic" not in DOUBTS
    request().when(asked()).accepted()


@pytest.mark.clause("SS-DSR-9")
def test_identity_is_not_asked_again_once_it_was_confirmed():
    request(asked()).when(asked("2026-02-05")).refused("SS-DSR-9")
    request(asked(), confirmed()).when(asked("2026-02-12")).refused(
        "SS-DSR-9", "identity-not-justified"
    )
    request().when(confirmed()).refused("SS-DSR-9")


@pytest.mark.clause("SS-DSR-9")
def test_what_she_sent_to_show_who_she_is_was_destroyed_or_was_never_taken():
    for kept in ("kept", "filed", "archived"):
        with pytest.raises(BadData, match="must be one of: destroyed, none_taken"):
            build(IdentityConfirmed, on("2026-02-10"), {"method": "id_document", "evidence": kept})


@pytest.mark.clause("SS-DSR-9")
def test_nothing_is_handed_over_while_we_do_not_know_for_whom():
    request(asked()).when(fulfilled()).refused("SS-DSR-9")
    request(asked(), confirmed()).when(fulfilled()).accepted()


@pytest.mark.clause("SS-DSR-9")
def test_a_refusal_for_want_of_identity_needs_a_question_that_was_asked():
    refusal = RequestRefused(**on("2026-02-20"), grounds=("identity_failure",), **BOTH)
    request().when(refusal).refused("SS-DSR-9", "identity-not-justified")
    request(asked()).when(refusal).accepted()
    request(asked()).when(replace(refusal, grounds=("excessive",))).refused("SS-DSR-9")


# --- the extension --------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-10")
def test_an_extension_is_told_on_the_last_day_of_the_month_and_not_one_day_later():
    """Received on 31 January 2026: the month ends on 28 February, a Saturday, so on Monday 2 March
    (Regulation 1182/71)."""
    request().when(extended("2026-03-02")).accepted()
    request().when(extended("2026-03-03")).refused("SS-DSR-10", "deadline-passed")


@pytest.mark.clause("SS-DSR-10")
def test_a_request_is_extended_once_for_a_reason_of_the_law():
    request(extended("2026-02-20")).when(extended("2026-02-21")).refused("SS-DSR-10")
    with pytest.raises(BadData, match="complexity, number"):
        build(RequestExtended, on("2026-02-20"), {"reason": "holidays", "notified": "2026-02-20"})


@pytest.mark.clause("SS-DSR-10")
def test_an_extension_is_told_before_it_is_recorded_and_after_the_reception():
    request().when(extended("2026-02-21", "2026-02-20")).refused("SS-DSR-10", "malformed")
    request().when(extended("2026-01-30", "2026-02-20")).refused("SS-DSR-10", "malformed")


@pytest.mark.clause("SS-DSR-9", "SS-DSR-10")
def test_an_identity_question_does_not_open_the_month_again():
    """The strict clock never stops, so neither does the time to extend."""
    doubted = request(asked("2026-02-03"), confirmed("2026-02-25"))
    doubted.when(extended("2026-03-20")).refused("SS-DSR-10", "deadline-passed")


# --- the answer -----------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-11")
@pytest.mark.parametrize("answer", [RequestRefused, RequestPartiallyFulfilled])
def test_a_refusal_states_a_ground_of_the_law_and_both_remedies(answer: type[Fact]):
    for missing in ("grounds", "remedies"):
        stated = {"grounds": ["excessive"], "remedies": ["cnil", "court"]}
        del stated[missing]
        with pytest.raises(BadData, match=f"'{missing}' is required"):
            build(answer, on("2026-02-20"), stated)
    made: Any = answer
    good = made(**on("2026-02-20"), grounds=("excessive",), **BOTH)
    request().when(replace(good, grounds=("inconvenient",))).refused("SS-DSR-11", "malformed")
    request().when(replace(good, remedies=("cnil",))).refused("SS-DSR-11", "malformed")
    request().when(good).accepted()


@pytest.mark.clause("SS-DSR-1", "SS-DSR-6")
@pytest.mark.parametrize(("right", "clause"), [("access", "SS-DSR-1"), ("portability", "SS-DSR-6")])
def test_nothing_is_fulfilled_that_was_not_handed_over(right: str, clause: str):
    """Wholly or partly: the answer names what was, by its SHA-256. A refusal hands over nothing;
    and what it is read as under another right counts."""
    state = given(rights_request, received(right=right)).state
    file, more = 64 * "7", {"grounds": ("others_rights",), **BOTH}
    answers: list[Any] = [fulfilled(), RequestPartiallyFulfilled(**on("2026-02-20"), **more)]
    for fact in answers:
        assert rights_request.refuse_unnamed(state, replace(fact, package=file)) is None
        for nothing in (None, "", "by letter", file[1:], file.replace("7", "G")):
            refused = rights_request.refuse_unnamed(state, replace(fact, package=nothing))
            assert refused is not None
            assert (refused.field, refused.clause) == ("package", clause)
    no = RequestRefused(**on("2026-02-20"), **more)
    assert rights_request.refuse_unnamed(state, no) is None
    complaint = given(rights_request, received(right="complaint"))
    assert rights_request.refuse_unnamed(complaint.state, answers[0]) is None
    read = complaint.when(RequestQualified(**on("2026-02-03"), right=right)).accepted()
    assert rights_request.refuse_unnamed(read.state, answers[0]) is not None


@pytest.mark.clause("SS-DSR-11")
def test_each_ground_has_its_article_and_a_complaint_is_never_refused():
    assert set(GROUND_ARTICLES) == set(GROUNDS)
    refusal = RequestRefused(**on("2026-02-20"), grounds=("unfounded",), **BOTH)
    given(rights_request, received(right="complaint")).when(refusal).refused("SS-DSR-11")


@pytest.mark.clause("SS-DSR-10")
def test_a_request_is_answered_once():
    refusal = RequestRefused(**on("2026-02-20"), grounds=("excessive",), **BOTH)
    closed = RequestClosed(**on("2026-02-22"))
    for first in (fulfilled(), refusal, RequestWithdrawn(**on("2026-02-20"), channel="phone")):
        answered = request(first)
        for second in (fulfilled("2026-02-21"), refusal, asked("2026-02-21")):
            answered.when(second).refused("SS-DSR-10")
        answered.when(closed).accepted().when(fulfilled("2026-02-23")).refused("SS-DSR-10")
    request().when(closed).refused("SS-DSR-10")


@pytest.mark.clause("SS-DSR-2", "SS-DSR-3", "SS-DSR-5", "SS-REC-1")
@pytest.mark.parametrize("right", ["rectification", "erasure", "restriction"])
def test_whoever_was_given_the_data_is_told_before_the_request_is_closed(right: str):
    done = given(rights_request, received(right=right), fulfilled())
    closed = RequestClosed(**on("2026-02-22"))
    done.when(closed).refused("SS-DSR-2")
    told = RecipientsNotified(**on("2026-02-21"), outcome="told", recipients=("mailer",))
    done.when(replace(told, recipients=None)).refused("SS-REC-1", "malformed")
    done.when(replace(told, outcome="nobody")).refused("SS-REC-1", "malformed")
    done.when(told).accepted().when(closed).accepted()
    done.when(replace(told, outcome="nobody", recipients=None)).accepted().when(closed).accepted()


@pytest.mark.clause("SS-DSR-2")
def test_nobody_is_told_of_what_was_not_done():
    told = RecipientsNotified(**on("2026-02-21"), outcome="nobody")
    request().when(told).refused("SS-DSR-10")
    withdrawn = RequestWithdrawn(**on("2026-02-20"), channel="phone")
    request(withdrawn).when(told).refused("SS-DSR-10")


# --- in a whole ledger ----------------------------------------------------------------------------


@pytest.mark.clause("SS-CH-3", "SS-DSR-10", "SS-DSR-8")
def test_each_request_dies_on_a_clock_of_its_own(shop: Shop):
    for day, name in (("2025-01-10", "R1"), ("2025-11-20", "R2")):
        shop.told(received(day, channel="email"), "42", name)
    shop.told(fulfilled("2025-02-03"), "42", "R1")
    found = shop.deadlines("42", "request", "2026-01-05")
    assert sorted(d.operational_until or 0 for d in found) == [20300203, 20301120]


@pytest.mark.clause("SS-CH-5")
def test_a_near_miss_that_a_person_recovered_keeps_the_day_on_which_it_arrived(shop: Shop):
    shop.told(received("2025-12-01", right="complaint", channel="email"), "42", "R1")
    recovered = RecoveredFromQueue(
        **on("2025-12-04"), right="objection", purpose="newsletter", from_queue=QUEUED
    )
    shop.told(recovered, "42", "R1")
    state = shop.ledger.state(shop.told(fulfilled("2025-12-05"), "42", "R1").stream)
    assert (state.received, state.right) == (20251201, "objection")


@pytest.mark.clause("SS-CTL-2")
def test_a_request_names_only_purposes_and_classes_that_the_policy_has(shop: Shop):
    wrong: Any = RequestReceived(
        **on("2025-12-01"), right="objection", channel="page", purpose="horoscope"
    )
    with pytest.raises(Refused) as caught:
        shop.told(wrong, "42", "R1")
    assert caught.value.refusal.problem == "purpose-undeclared"
    with pytest.raises(Refused) as caught:
        shop.told(replace(wrong, purpose=None, classes=("horoscope",)), "42", "R1")
    assert caught.value.refusal.problem == "class-undeclared"
