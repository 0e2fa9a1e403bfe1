"""Stories of the two clocks of a request: the law's month, the decree's pause, the promise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from ledger import calendar as cal
from ledger.events import (
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    RequestExtended,
    RequestFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    build,
)
from ledger.policy.book import Book, shipped
from ledger.policy.explain import Language, words
from ledger.policy.model import Edition, Statement
from ledger.policy.requests import (
    RIGHTS_OF,
    STATES,
    STATUSES,
    Request,
    Told,
    explain,
    judged,
    promise_of,
)
from tests.stories.facts_room import on

LANGUAGES: tuple[Language, ...] = ("fr", "en")
SHIPPED = Book().with_edition(shipped(), 1)
STREAM = UUID("5b1c3a0e-0000-4000-8000-000000000002")


def received(day: str, right: str = "access", channel: str = "letter") -> Fact:
    return RequestReceived(**on(day), right=right, channel=channel)


def stands(as_of: str, *facts: Fact, recorded: str | None = None) -> Request:
    """Where the request stands at the end of that day; facts are recorded as they happen, unless
    the last one was `recorded` later."""
    told = [Told(n, fact.occurred.at, fact) for n, fact in enumerate(facts, start=11)]
    if recorded is not None:
        told[-1] = told[-1]._replace(recorded_at=cal.parse_as_of(recorded))
    found = judged(STREAM, None, told, cal.parse_as_of(as_of), promise_of(SHIPPED, None))
    assert found is not None
    return found


def extended(notified: str) -> Fact:
    return build(RequestExtended, on(notified), {"reason": "number", "notified": notified})


def asked(day: str) -> Fact:
    return IdentityAsked(**on(day), reason="details_differ")


def confirmed(day: str) -> Fact:
    return IdentityConfirmed(**on(day), method="known_address", evidence="none_taken")


# --- the law's month ------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-10", "SS-CH-3")
def test_a_letter_of_31_january_is_answered_by_the_first_working_day_after_february():
    """The month ends on 28 February 2026, a Saturday: Monday 2 March (Regulation 1182/71)."""
    found = stands("2026-02-10", received("2026-01-31"))
    assert (found.due, found.due_suspended, found.promised) == (20260302, 20260302, 20260331)
    leap = stands("2028-02-10", received("2028-01-31"))
    assert leap.due == 20280229  # a Tuesday


def edition(day: int, months: int | None) -> Edition:
    """An edition of that day, and what it promises."""
    said = (Statement("answer_months", months, "", "SS-DSR-10"),) if months is not None else ()
    return replace(shipped(), id=f"e-{day}", effective_from=day, statements=said)


@pytest.mark.clause("SS-DSR-10")
def test_the_promise_is_that_of_the_edition_in_force_when_she_asked():
    """A later edition promises to whoever asks later; one that says nothing promises nothing."""
    book = Book().with_edition(edition(20181120, 2), 1).with_edition(edition(20220301, 1), 5)
    book = book.with_edition(edition(20240301, None), 8).with_edition(edition(20250301, 0), 9)
    promise = promise_of(book, None)
    assert promise(20181119) is None  # none was in force
    assert [promise(day) for day in (20181120, 20220228)] == [(2, "SS-DSR-10")] * 2
    assert [promise(day) for day in (20220301, 20240229)] == [(1, "SS-DSR-10")] * 2
    assert [promise(day) for day in (20240301, 20250301)] == [None, None]
    assert promise_of(book, 7)(20250301) == (1, "SS-DSR-10")  # as known then
    told = [Told(11, 0, received("2024-06-03"))]
    found = judged(STREAM, None, told, cal.parse_as_of("2024-06-05"), promise)
    assert found is not None
    assert (found.promise, found.promised, found.due) == (None, None, 20240703)
    for lang in LANGUAGES:
        assert not [line for line in explain(found, lang) if "promi" in line or "None" in line]


@pytest.mark.clause("SS-DSR-10")
@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-04-03", 20260504),  # Good Friday: the 3rd of May is a Sunday
        ("2026-05-22", 20260622),  # before Whit Monday: nothing moves it
        ("2026-04-24", 20260526),  # ends on Sunday, then Whit Monday, so on Tuesday
        ("2026-04-08", 20260511),  # ends on Friday 8 May, a holiday before a weekend
        ("2026-03-05", 20260407),  # ends on Easter Sunday, then Easter Monday
        ("2026-08-31", 20260930),
    ],
)
def test_a_friday_before_a_long_weekend_counts_and_the_end_waits_for_a_working_day(
    day: str, due: int
):
    assert stands(day, received(day)).due == due


@pytest.mark.clause("SS-CH-3")
def test_the_clock_starts_when_the_letter_arrived_and_not_when_it_was_written_down():
    """It lay on a desk from Friday until the Tuesday after Easter."""
    found = stands("2026-04-07", received("2026-04-03"), recorded="2026-04-07")
    assert (found.received, found.due) == (20260403, 20260504)


@pytest.mark.clause("SS-DSR-10")
def test_reminders_stand_seven_and_two_days_before_the_end():
    letter = received("2026-01-31")
    assert stands("2026-02-10", letter).reminders == (20260223, 20260228)
    for day, status, flips_on in (
        ("2026-02-22", "on_track", 20260223),
        ("2026-02-23", "due_soon", 20260228),
        ("2026-02-28", "due_soon", 20260303),
        ("2026-03-02", "due_soon", 20260303),
        ("2026-03-03", "overdue", None),
    ):
        found = stands(day, letter)
        assert (found.status, found.flips_on) == (status, flips_on), day


@pytest.mark.clause("SS-DSR-10")
def test_an_answer_is_late_from_the_day_after():
    for day, status in (("2026-03-02", "answered_in_time"), ("2026-03-03", "answered_late")):
        found = stands("2026-04-01", received("2026-01-31"), RequestFulfilled(**on(day)))
        assert (found.status, found.is_open, found.flips_on) == (status, False, None)
    taken_back = RequestWithdrawn(**on("2026-06-01"), channel="phone")
    assert stands("2026-07-01", received("2026-01-31"), taken_back).status == "withdrawn"


# --- the extension --------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-10")
def test_extended_on_the_last_day_of_the_month_it_ends_three_months_after_reception():
    found = stands("2026-03-02", received("2026-01-31"), extended("2026-03-02"))
    assert (found.due, found.extended, found.status) == (20260430, True, "on_track")
    assert found.rests_on == (11, 12)
    assert found.flags == ()
    assert found.state == "extended"


@pytest.mark.clause("SS-DSR-10")
def test_an_extension_is_offered_while_the_month_runs_and_never_twice():
    letter = received("2026-01-31")
    kind = "request.extended.v1"
    assert kind in stands("2026-03-02", letter).would_change
    assert kind not in stands("2026-03-03", letter).would_change
    assert kind not in stands("2026-02-20", letter, extended("2026-02-20")).would_change


@pytest.mark.clause("SS-DSR-11")
@pytest.mark.parametrize("doubt", [(), (asked("2026-02-03"),)])
def test_a_complaint_is_not_said_to_wait_for_a_refusal(doubt: tuple[Fact, ...]):
    """Nor would one be recorded (`ledger/aggregates/rights_request.py`)."""
    refusals = {"request.refused.v1", "request.partially_fulfilled.v1"}
    complaint = received("2026-01-31", right="complaint")
    assert not refusals & set(stands("2026-02-10", complaint, *doubt).would_change)
    assert refusals & set(stands("2026-02-10", received("2026-01-31"), *doubt).would_change)


@pytest.mark.clause("SS-DSR-10")
def test_an_extension_written_down_after_the_month_is_told_to_be_weak():
    found = stands(
        "2026-03-10", received("2026-01-31"), extended("2026-02-27"), recorded="2026-03-09"
    )
    assert found.flags == ("extension_recorded_late",)
    assert any("preuve est faible" in line for line in explain(found))


# --- the decree's pause ---------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-9", "SS-DSR-10")
def test_an_identity_doubt_stops_one_clock_and_never_the_other():
    letter = received("2026-01-31")
    while_asked = stands("2026-02-08", letter, asked("2026-02-03"))
    assert (while_asked.due, while_asked.due_suspended) == (20260302, None)
    assert while_asked.state == "identity_asked"
    assert while_asked.would_change[0] == "request.identity_confirmed.v1"
    settled = stands("2026-02-12", letter, asked("2026-02-03"), confirmed("2026-02-10"))
    # Seven days more than 28 February: 7 March is a Saturday, so Monday the 9th.
    assert (settled.due, settled.due_suspended) == (20260302, 20260309)
    assert settled.rests_on == (11, 12, 13)
    late = stands("2026-03-05", letter, asked("2026-02-03"), confirmed("2026-02-10"))
    assert late.status == "overdue"


@pytest.mark.clause("SS-DSR-9", "SS-DSR-10")
def test_the_pause_lengthens_the_extended_clock_too():
    found = stands(
        "2026-03-01",
        received("2026-01-31"),
        asked("2026-02-03"),
        confirmed("2026-02-10"),
        extended("2026-02-20"),
    )
    assert (found.due, found.due_suspended) == (20260430, 20260507)


# --- two times, words -----------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-10")
def test_before_it_was_received_there_is_no_request():
    told = [Told(11, received("2026-01-31").occurred.at, received("2026-01-31"))]
    promise = promise_of(SHIPPED, None)
    assert judged(STREAM, None, told, cal.parse_as_of("2026-01-30"), promise) is None
    answered = received("2026-01-31"), RequestFulfilled(**on("2026-02-20"))
    assert stands("2026-02-19", *answered).status == "on_track"


@pytest.mark.clause("SS-CH-6")
def test_what_somebody_read_in_it_wins_over_what_it_was_received_as():
    read = RequestQualified(**on("2026-02-02"), right="erasure", classes=("account",))
    found = stands("2026-02-03", received("2026-01-31", right="access"), read)
    assert (found.right, found.state, found.clause) == ("erasure", "qualified", "SS-DSR-3")


@pytest.mark.clause("SS-DSR-10", "SS-DSR-11")
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_is_said_in_words_with_both_clocks_and_the_promise(lang: Any):
    refusal = RequestRefused(
        **on("2026-02-20"), grounds=("legal_claims",), remedies=("cnil", "court")
    )
    letter, doubt = received("2026-01-31"), asked("2026-02-03")
    settled = confirmed("2026-02-10")
    for facts in ((letter,), (letter, doubt), (letter, doubt, settled, refusal)):
        said = " ".join(explain(stands("2026-02-25", *facts), lang))
        assert "{" not in said
        assert "SS-DSR-10" in said
        assert ("RGPD" in said) == (lang == "fr")
    lines = explain(stands("2026-02-25", letter, doubt, settled, refusal), lang)
    assert any("17(3)(e)" in line for line in lines)
    if lang == "fr":
        assert lines[0].startswith("Demande (accès) : répondue le 20 février 2026")


def test_every_state_status_and_right_has_its_words():
    for lang in LANGUAGES:
        vocabulary = words(lang)
        assert set(vocabulary["request_state"]) == set(STATES)
        assert set(vocabulary["request_status"]) == set(STATUSES)
        assert set(vocabulary["right"]) == set(RIGHTS_OF)
