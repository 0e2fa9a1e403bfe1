"""Every message and call with the verdict of its own moment: the stories behind C01 and C02."""

from __future__ import annotations

from ledger.calendar import Instant, parse_as_of
from ledger.policy.permissions import Person
from ledger.policy.sends import Send, sends
from replay.fold import effective, fold_subject
from tests.stories.policy_room import BOOK
from tests.stories.test_permissions import KNOWN, LETTER, Told, given, told

NEWS = {**LETTER, "content": "promotional"}
SERVICE = {"purpose": "service_message", "channel": "email", "content": "service"}


def judged(*history: Told) -> list[Send]:
    """The sends of a person, from her history in the order in which it was recorded."""
    rows = [t.row._replace(position=p) for p, t in enumerate(history, start=10)]
    facts = {p: t.fact for p, t in enumerate(history, start=10)}

    def known_at(at: Instant) -> int:
        return max((row.position for row in rows if row.recorded_at <= at), default=9)

    def person_at(at: Instant, known: int | None) -> Person:
        heard = [row for row in rows if known is None or row.position <= known]
        return Person(fold_subject(heard, at, known), tuple(effective(heard)), facts)

    return sends(effective(rows), BOOK, person_at, known_at)


def sent(happened: str, **said: str) -> Told:
    return told("message.sent", happened, **(said or NEWS))


def test_a_newsletter_after_a_withdrawal_is_found_and_a_service_message_is_not() -> None:
    no = told("consent.withdrawn", "2020-03-01T10:00:00Z", **LETTER)
    order = told("order.placed", "2019-12-01")
    before, after, service = judged(
        KNOWN,
        order,
        given("2020-01-01"),
        sent("2020-02-01T10:00:00Z"),
        no,
        sent("2020-03-02T10:00:00Z"),
        sent("2020-03-03T10:00:00Z", **SERVICE),
    )
    assert (before.allowed, before.then.basis) == (True, "consent")
    assert (after.allowed, after.then.clause) == (False, "SS-LB-2")
    assert (service.allowed, service.then.clause) == (True, "SS-COM-1")
    assert (before.now, after.now, service.now) == (None, None, None)


def test_a_withdrawal_that_reached_us_late_makes_no_culprit_of_the_gate() -> None:
    letter = told("consent.withdrawn", "2020-01-20T10:00:00Z", "2020-02-10T10:00:00Z", **LETTER)
    (one,) = judged(KNOWN, given("2020-01-01"), sent("2020-02-01T10:00:00Z"), letter)
    assert one.allowed
    assert one.now is not None
    assert (one.now.allowed, one.now.clause) == (False, "SS-LB-2")


def test_a_consent_recorded_afterwards_makes_no_innocent() -> None:
    late = given("2020-01-01", "2020-06-01T10:00:00Z")
    (one,) = judged(KNOWN, sent("2020-02-01T10:00:00Z"), late)
    assert not one.allowed
    assert one.now is not None
    assert one.now.allowed


def test_a_call_is_judged_by_the_law_of_its_day() -> None:
    call = {"purpose": "phone_marketing", "channel": "phone"}
    at = ("2026-08-10T10:30:00+02:00", "2026-08-11T10:30:00+02:00")
    before, after = judged(KNOWN, *(told("call.placed", day, **call) for day in at))
    assert before.allowed
    assert (after.allowed, after.then.clause) == (False, "SS-COM-5")
    assert before.at.at < parse_as_of("2026-08-10")


def test_whoever_was_unknown_at_that_moment_could_not_have_allowed_anything() -> None:
    known_later = told("customer.registered", "2019-01-01", "2021-01-01T00:00:00Z", origin="import")
    (one,) = judged(sent("2020-02-01T10:00:00Z"), known_later)
    assert (one.allowed, one.then.reasons[0]) == (False, "unknown_person")
