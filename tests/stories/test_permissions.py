"""Stories of permissions: may we write or call, at that moment, and who says so.

Each story is a history as it was told; the verdict is asked at (t, known at t), as a gate does.
"""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger.calendar import day_of, parse_as_of, parse_moment
from ledger.events import (
    AssessmentRecorded,
    CallPlaced,
    ConsentGiven,
    CustomerRegistered,
    Fact,
    FormPublished,
    ProfileRectified,
    PurposeDeclared,
    Row,
    fact_class,
)
from ledger.policy.book import Book
from ledger.policy.permissions import Asked, Company, Objection, Person, Verdict, explain, verdict
from ledger.policy.softoptin import Offer
from replay.fold import effective, fold_subject
from tests.stories.policy_room import BOOK, FIRST, edition

SHE = UUID(int=1)
LETTER = {"purpose": "newsletter", "channel": "email"}
CALL = {"purpose": "phone_marketing", "channel": "phone"}
TEXTS = "A" * 43, "B" * 43


class Told(NamedTuple):
    """A fact as it was told: its row, and all of it."""

    row: Row
    fact: Fact


def told(kind: str, happened: str, recorded: str | None = None, **said: Any) -> Told:
    """A fact of hers; `said` gives its fields, and the columns of its row of the same name."""
    columns = {name: said.pop(name) for name in ("actor", "thing") if name in said}
    cls = fact_class(kind)
    moment = parse_moment(happened)
    if cls is CustomerRegistered:
        said.setdefault("klass", "contact")
    fact = cls(subject=SHE, occurred=moment, **said)
    typed = {spec.column: getattr(fact, spec.name) for spec in cls.specs if spec.column}
    row = Row(
        position=0,
        stream=UUID(int=columns.get("thing", 1)),
        version=1,
        kind=cls.kind,
        subject=SHE,
        klass=cls.homes[0],
        item=None,
        purpose=typed.get("purpose"),
        channel=typed.get("channel"),
        decision=typed.get("decision"),
        basis=typed.get("basis"),
        grade=typed.get("grade"),
        actor=columns.get("actor", "self"),
        edition=FIRST,
        until_day=typed.get("until_day"),
        ref_position=None,
        amount_minor=None,
        occurred_at=moment.at,
        grain=moment.grain,
        local_day=moment.day,
        recorded_at=parse_as_of(recorded) if recorded else moment.at,
    )
    if cls.aggregate == "contract":
        row = row._replace(item=str(row.stream))
    return Told(row, fact)


class Shop(NamedTuple):
    """What the person did and the company declared, in the order in which it was recorded."""

    history: tuple[Told, ...]
    company: Company
    book: Book

    def may(
        self, purpose: str, channel: str, at: str, offer: Offer | None = None, known: str = ""
    ) -> Verdict:
        """The verdict at that moment, as known then, or at `known`."""
        moment = parse_moment(at)
        as_known = parse_as_of(known or at)
        rows = [t.row._replace(position=p) for p, t in enumerate(self.history, start=10)]
        position = max((r.position for r in rows if r.recorded_at <= as_known), default=9)
        heard = [row for row in rows if row.position <= position]
        facts = {p: t.fact for p, t in enumerate(self.history, start=10)}
        person = Person(fold_subject(heard, moment.at, position), tuple(effective(heard)), facts)
        asked = Asked(person, self.book, purpose, channel, moment, position, self.company, offer)
        found = verdict(asked)
        for lang in ("fr", "en"):
            assert not [line for line in explain(found, lang) if "{" in line or "None" in line]
        assert found.reasons
        assert found.rule
        assert found.clause
        assert found.article
        assert set(found.rests_on) <= {*facts, *(p for p, _ in self.company.facts)}
        return found


def shop(*history: Told, declared: tuple[Fact, ...] = (), book: Book = BOOK) -> Shop:
    """A history in the order of recording; what the company declared has positions 2, 3…"""
    return Shop(history, Company(tuple(enumerate(declared, start=2))), book)


KNOWN = told("customer.registered", "2019-01-01", origin="contact", actor="import")
ACCOUNT = told("customer.account_opened", "2019-03-10")
OFFERED = told("optout.offered", "2019-03-10", **LETTER)
TESTED = AssessmentRecorded(
    occurred=parse_moment("2019-01-02"),
    type="balancing_test",
    outcome="favourable",
    document=TEXTS[0],
    purpose="newsletter",
)


def given(happened: str, recorded: str | None = None, **said: Any) -> Told:
    return told("consent.given", happened, recorded, **({"grade": "proved", **LETTER} | said))


# --- service and choices ------------------------------------------------------------------------


@pytest.mark.clause("SS-COM-1", "SS-LB-1", "SS-LB-2", "SS-DSR-4")
def test_after_a_withdrawal_the_newsletter_is_refused_and_the_service_email_is_not():
    withdrawn = told("consent.withdrawn", "2019-05-01", **LETTER)
    her = shop(ACCOUNT, given("2019-03-10"), withdrawn)
    before = her.may("newsletter", "email", "2019-04-30")
    assert (before.allowed, before.basis, before.state) == (True, "consent", "ConsentGiven")
    after = her.may("newsletter", "email", "2019-05-01")
    assert (after.allowed, after.clause, after.article) == (False, "SS-LB-2", "GDPR art. 7(3)")
    assert (after.state, after.rests_on) == ("ConsentWithdrawn", (12,))
    service = her.may("service_message", "email", "2019-05-02")
    assert (service.allowed, service.basis, service.clause) == (True, "contract", "SS-COM-1")


@pytest.mark.clause("SS-COM-1")
def test_a_service_message_serves_something_the_person_asked_for():
    found = shop(KNOWN).may("service_message", "email", "2020-01-01")
    assert (found.allowed, found.reasons) == (False, ("no_relation",))
    asked = told("customer.contacted_us", "2019-02-01", channel="form")
    assert shop(KNOWN, asked).may("service_message", "sms", "2020-01-01").rests_on == (11,)


@pytest.mark.clause("SS-LB-3", "SS-DSR-4")
def test_an_objection_to_marketing_is_absolute_whatever_we_weighed():
    objected = told("objection.raised", "2019-06-01", **LETTER)
    weighed = told("objection.assessed", "2019-06-02", decision="overridden", **LETTER)
    offered = OFFERED, told("order.placed", "2019-03-10", thing=7)
    her = shop(ACCOUNT, *offered, objected, weighed, declared=(TESTED,))
    assert her.may("newsletter", "email", "2019-05-31").basis == "soft_opt_in"
    for day in ("2019-06-01", "2019-06-03", "2029-01-01"):
        found = her.may("newsletter", "email", day)
        assert (found.allowed, found.rule, found.clause) == (False, "PERM-objected", "SS-LB-3")
        assert found.flips_at is None
    assert her.may("newsletter", "sms", "2019-07-01").reasons[0] == "no_consent"  # other channel


@pytest.mark.clause("SS-LB-3", "SS-PERS-1")
def test_an_objection_outside_marketing_may_be_weighed():
    choice = {"purpose": "personalisation"}
    objected = told("objection.raised", "2019-06-01", **choice)
    weighed = told("objection.assessed", "2019-07-01", decision="overridden", **choice)
    her = shop(ACCOUNT, objected, weighed)
    answers = [her.may("personalisation", "", d).allowed for d in ("2019-05-01", "2019-06-01")]
    assert answers == [True, False]
    assert her.may("personalisation", "", "2019-07-02").basis == "legitimate_interest"


@pytest.mark.clause("SS-CH-1")
def test_an_objection_that_names_no_channel_covers_them_all_and_a_later_yes_over_one_counts():
    no = told("objection.raised", "2019-06-01", purpose="newsletter")
    her = shop(ACCOUNT, given("2019-03-10"), no, given("2019-08-01"))
    refused = her.may("newsletter", "email", "2019-06-02")
    assert (refused.allowed, refused.rests_on) == (False, (12,))
    assert her.may("newsletter", "email", "2019-08-02").basis == "consent"
    assert not her.may("newsletter", "sms", "2019-08-02").allowed
    vague = shop(ACCOUNT, given("2019-03-10", channel=None)).may("newsletter", "sms", "2019-04-01")
    assert (vague.allowed, vague.state) == (False, "ConsentUnknown")


@pytest.mark.clause("SS-LB-2")
def test_a_grant_dated_back_after_a_withdrawal_allows_nothing():
    withdrawn = told("consent.withdrawn", "2019-05-01", **LETTER)
    her = shop(ACCOUNT, withdrawn, given("2019-06-01", recorded="2019-06-09"))
    found = her.may("newsletter", "email", "2019-06-10")
    assert (found.allowed, found.state) == (False, "ConsentWithdrawn")


@pytest.mark.clause("SS-LB-2")
def test_a_gate_judges_by_what_was_known_and_a_report_by_what_is_known_now():
    late = told("consent.withdrawn", "2019-05-01", recorded="2019-05-20", **LETTER)
    her = shop(ACCOUNT, given("2019-03-10"), late)
    assert her.may("newsletter", "email", "2019-05-10").allowed
    assert not her.may("newsletter", "email", "2019-05-10", known="2019-06-01").allowed


def test_a_guess_is_no_consent():
    found = shop(ACCOUNT, given("2019-03-10", grade="inferred")).may(
        "newsletter", "email", "2019-04-01"
    )
    assert (found.allowed, found.basis) == (False, None)


@pytest.mark.clause("SS-CTL-2", "SS-CH-4")
def test_whoever_nobody_knows_gets_a_verdict():
    for purpose, channel in (("newsletter", "email"), ("service_message", "email")):
        found = verdict(Asked(None, BOOK, purpose, channel, parse_moment("2026-01-05")))
        assert (found.allowed, found.reasons) == (False, ("unknown_person",))
        assert (found.state, found.rests_on) == ("ConsentUnknown", ())


@pytest.mark.clause("SS-CTL-2")
def test_what_the_policy_does_not_declare_is_refused_until_it_is_declared():
    assert shop(ACCOUNT).may("astrology", "email", "2020-01-01").rule == "PERM-undeclared"
    assert shop(ACCOUNT).may("newsletter", "post", "2020-01-01").rule == "PERM-channel"
    purpose = PurposeDeclared(
        occurred=parse_moment("2020-02-01"),
        purpose="astrology",
        basis="consent",
        article="GDPR art. 6(1)(a)",
        marketing=True,
        channels=("email",),
        validity_months=6,
    )
    her = shop(ACCOUNT, given("2020-02-02", purpose="astrology"), declared=(purpose,))
    assert her.may("astrology", "email", "2020-01-31").rule == "PERM-undeclared"
    allowed = her.may("astrology", "email", "2020-03-01")
    assert (allowed.allowed, allowed.flips_on) == (True, 20200803)
    assert her.may("astrology", "email", "2020-08-03").reasons == ("consent_expired",)


@pytest.mark.clause("SS-DSR-5", "SS-DSR-7", "SS-MIN-1", "SS-CRM-3")
def test_the_dead_the_very_young_and_the_restricted_are_left_alone():
    died = told("customer.died", "2020-01-01", source="notary")
    young = told("customer.minor_signalled", "2020-01-01", age="under_15", source="parent")
    older = told("customer.minor_signalled", "2020-01-01", age="under_18", source="parent")
    held = told("customer.restricted", "2020-01-01", ground="accuracy")
    free = told("customer.restriction_lifted", "2020-03-01", ground="accuracy", informed=20200220)
    yes = ACCOUNT, given("2019-03-10")
    for fact, clause in ((died, "SS-DSR-7"), (young, "SS-MIN-1"), (held, "SS-DSR-5")):
        found = shop(*yes, fact).may("newsletter", "email", "2020-02-01")
        assert (found.allowed, found.clause, found.rests_on) == (False, clause, (12,))
        assert not shop(*yes, fact).may("studies", "", "2020-02-01").allowed
    assert shop(*yes, older).may("newsletter", "email", "2020-02-01").allowed
    assert shop(*yes, died).may("accounting", "", "2020-02-01").basis == "legal_obligation"
    assert shop(*yes, held, free).may("newsletter", "email", "2020-03-02").allowed


@pytest.mark.clause("SS-AUD-2")
def test_knowing_the_customers_is_a_purpose_that_she_may_object_to():
    objection = told("objection.raised", "2020-01-01", purpose="customer_knowledge", channel="")
    found = shop(ACCOUNT).may("customer_knowledge", "", "2020-02-01")
    assert (found.allowed, found.basis, found.clause) == (True, "legitimate_interest", "SS-AUD-2")
    assert not shop(ACCOUNT, objection).may("customer_knowledge", "", "2020-02-01").allowed
    assert shop(ACCOUNT, objection).may("audience", "", "2020-02-01").allowed


@pytest.mark.clause("SS-DSR-7")
def test_heirs_who_object_stop_what_serves_the_dead_too():
    died = told("customer.died", "2020-01-01", source="notary")
    closing = told("customer.heir_requested", "2020-01-10", wish="closing")
    objects = told("customer.heir_requested", "2020-01-10", wish="objection")
    serves = ACCOUNT, told("order.placed", "2019-12-01"), died
    assert shop(*serves, closing).may("service_message", "email", "2020-02-01").allowed
    stopped = shop(*serves, objects).may("service_message", "email", "2020-02-01")
    assert (stopped.allowed, stopped.reasons) == (False, ("heirs_objected",))
    assert (stopped.clause, stopped.article) == ("SS-DSR-7", "LIL art. 85")
    assert shop(*serves, objects).may("accounting", "", "2020-02-01").allowed


# --- the soft opt-in ----------------------------------------------------------------------------


@pytest.mark.clause("SS-COM-2", "SS-COM-3")
def test_five_facts_together_allow_an_offer_without_consent():
    found = shop(ACCOUNT, OFFERED, declared=(TESTED,)).may("newsletter", "email", "2019-04-01")
    assert (found.allowed, found.basis, found.clause) == (True, "soft_opt_in", "SS-COM-2")
    assert (found.article, found.state) == ("CPCE art. L34-5", "ConsentUnknown")
    assert found.rests_on == (2, 10, 11)
    wrote = told("customer.contacted_us", "2019-02-01", channel="form")
    known_later = shop(wrote, ACCOUNT, OFFERED).may(
        "newsletter", "email", "2019-03-09", "analogous", known="2019-06-01"
    )
    assert known_later.reasons[1:] == ("missing_at_a_sale", "missing_optout_offered")
    every = told("optout.offered", "2019-03-10", purpose="newsletter")
    text = shop(ACCOUNT, every).may("newsletter", "sms", "2019-04-01", "analogous")
    assert (text.basis, text.clause) == ("soft_opt_in", "SS-COM-3")


IMPORTED = told("order.placed", "2019-03-10", actor="import")
WROTE = told("customer.contacted_us", "2019-03-10", channel="form")
NO = told("objection.raised", "2019-03-11", **LETTER)


@pytest.mark.clause("SS-COM-2")
@pytest.mark.parametrize(
    ("missing", "history", "offer"),
    [
        ("from_herself", (IMPORTED, OFFERED), "analogous"),
        ("at_a_sale", (WROTE, OFFERED), "analogous"),
        ("own_analogous", (ACCOUNT, OFFERED), None),
        ("own_analogous", (ACCOUNT, OFFERED), "other"),
        ("optout_offered", (ACCOUNT,), "analogous"),
    ],
)
def test_each_of_the_five_facts_is_needed_and_named(missing, history, offer):
    found = shop(*history).may("newsletter", "email", "2019-04-01", offer)
    assert (found.allowed, found.rule) == (False, "PERM-soft-optin")
    assert found.reasons == ("no_consent", f"missing_{missing}")
    assert "consent.given.v1" in found.would_change


@pytest.mark.clause("SS-COM-2", "SS-LB-3")
def test_the_fifth_fact_is_that_nobody_objected_since():
    found = shop(ACCOUNT, OFFERED, NO).may("newsletter", "email", "2019-04-01", "analogous")
    assert found.reasons == ("objected", "missing_no_objection")
    assert (found.allowed, found.rests_on) == (False, (12,))


@pytest.mark.clause("SS-COM-2")
def test_a_way_out_offered_on_another_day_or_at_a_cancelled_order_is_not_at_collection():
    late = told("optout.offered", "2019-03-11", **LETTER)
    found = shop(ACCOUNT, late).may("newsletter", "email", "2019-04-01", "analogous")
    assert found.reasons == ("no_consent", "missing_optout_offered")
    order = told("order.placed", "2019-03-10", thing=7)
    cancelled = told("order.cancelled", "2019-03-12", thing=7)
    found = shop(order, OFFERED, cancelled).may("newsletter", "email", "2019-04-01", "analogous")
    assert found.reasons == ("no_consent", "missing_at_a_sale")


@pytest.mark.clause("SS-COM-2")
def test_an_imported_buyer_becomes_writable_once_she_gives_her_address_herself():
    changed = ProfileRectified(occurred=parse_moment("2020-01-01"), changed=("email",))
    herself = told("customer.profile_rectified", "2020-01-01", changed=changed.changed)
    found = shop(IMPORTED, OFFERED, herself)
    assert not found.may("newsletter", "email", "2019-12-31", "analogous").allowed
    assert found.may("newsletter", "email", "2020-01-01", "analogous").allowed


@pytest.mark.clause("SS-COM-2", "SS-LB-3")
def test_an_unfavourable_balancing_test_takes_the_soft_opt_in_away():
    worse = AssessmentRecorded(
        occurred=parse_moment("2020-01-01"),
        type="balancing_test",
        outcome="unfavourable",
        document=TEXTS[1],
        purpose="newsletter",
    )
    her = shop(ACCOUNT, OFFERED, declared=(TESTED, worse))
    assert her.may("newsletter", "email", "2019-12-31").allowed
    assert not her.may("newsletter", "email", "2020-01-01").allowed


# --- calls --------------------------------------------------------------------------------------

CONSUMER = told("customer.registered", "2019-01-01", origin="order", person="consumer")
FIRM = told("customer.registered", "2019-01-01", origin="order", person="professional")
MONDAY, TUESDAY = "2026-08-10T10:30:00+02:00", "2026-08-11T10:30:00+02:00"


def may_call(her: Shop, at: str, offer: Offer | None = None) -> Verdict:
    return her.may("phone_marketing", "phone", at, offer)


@pytest.mark.clause("SS-COM-5")
def test_a_consumer_could_be_called_on_10_august_2026_and_not_the_day_after():
    her = shop(CONSUMER)
    monday = may_call(her, MONDAY)
    assert (monday.allowed, monday.basis, monday.rule) == (
        *(True, "legitimate_interest"),
        "PERM-phone-optout",
    )
    tuesday = may_call(her, TUESDAY)
    assert (tuesday.allowed, tuesday.rule) == (False, "PERM-phone-optin")
    assert (tuesday.clause, tuesday.article) == ("SS-COM-5", "C. conso. art. L223-1 (loi 2025-594)")
    assert (tuesday.flips_at, tuesday.would_change) == (None, ("consent.given.v1",))


@pytest.mark.clause("SS-COM-5")
def test_whoever_nobody_called_a_professional_is_a_consumer():
    assert not may_call(shop(ACCOUNT), TUESDAY).allowed


@pytest.mark.clause("SS-COM-5")
def test_since_then_a_consumer_is_called_with_proved_consent_or_about_a_contract_that_runs():
    agreed = shop(CONSUMER, given("2026-01-02", **CALL))
    assert (may_call(agreed, TUESDAY).basis, may_call(agreed, TUESDAY).rests_on) == (
        *("consent", (11,)),
    )
    said = shop(CONSUMER, given("2026-01-02", grade="asserted", **CALL))
    assert may_call(said, TUESDAY).reasons == ("consent_not_proved",)
    contract = told(
        "contract.started", "2026-01-02", type="maintenance", until=20261231, tacit=False
    )
    client = shop(CONSUMER, contract._replace(row=contract.row._replace(decision="express")))
    related = may_call(client, TUESDAY, "contract")
    assert (related.allowed, related.basis, related.rests_on) == (True, "contract", (11,))
    assert may_call(client, TUESDAY).reasons == ("no_consent", "offer_unrelated")
    assert not may_call(client, TUESDAY, "analogous").allowed
    assert not may_call(client, "2027-01-04T10:30:00+01:00", "contract").allowed


@pytest.mark.clause("SS-COM-5", "SS-LB-3")
def test_a_professional_is_called_until_he_objects():
    no = told("objection.raised", "2026-09-01", **CALL)
    saturday = "2026-08-29T21:00:00+02:00"
    assert may_call(shop(FIRM), saturday).reasons == ("professional",)
    assert may_call(shop(FIRM, no), "2026-09-02T10:30:00+02:00").clause == "SS-LB-3"


@pytest.mark.clause("SS-COM-5")
@pytest.mark.parametrize(
    ("at", "reason", "opens"),
    [
        ("2026-09-01T09:59:59+02:00", "closing_hours", "2026-09-01T10:00:00+02:00"),
        ("2026-09-01T10:00:00+02:00", None, "2026-09-01T13:00:00+02:00"),
        ("2026-09-01T13:00:00+02:00", "closing_hours", "2026-09-01T14:00:00+02:00"),
        ("2026-09-01T19:59:59+02:00", None, "2026-09-01T20:00:00+02:00"),
        ("2026-09-04T20:00:00+02:00", "closing_hours", "2026-09-07T10:00:00+02:00"),
        ("2026-09-05T11:00:00+02:00", "weekend", "2026-09-07T10:00:00+02:00"),
        ("2026-11-11T11:00:00+01:00", "public_holiday", "2026-11-12T10:00:00+01:00"),
        ("2026-09-01", None, None),  # a day without its hour
        ("2026-09-05", "weekend", None),
    ],
)
def test_consumers_are_called_on_working_days_within_hours(at, reason, opens):
    found = may_call(shop(CONSUMER, given("2026-01-02", **CALL)), at)
    assert (found.allowed, found.reasons) == (reason is None, (reason or "consent",))
    if opens is not None:
        assert found.flips_at == parse_as_of(opens)
    if reason is not None:
        assert (found.rule, found.article) == ("PERM-phone-hours", "D. 2022-1313")


@pytest.mark.clause("SS-COM-5")
def test_before_the_decree_there_were_no_hours():
    assert may_call(shop(CONSUMER), "2023-02-25T11:00:00+01:00").allowed  # a Saturday
    assert not may_call(shop(CONSUMER), "2023-03-04T11:00:00+01:00").allowed


def called(day: str, **said: Any) -> Told:
    return told("call.placed", day, **(CALL | said))


@pytest.mark.clause("SS-COM-5")
def test_a_fifth_call_within_thirty_days_waits_for_the_first_to_grow_old():
    days = ("2026-09-01", "2026-09-02", "2026-09-03", "2026-09-04")
    her = shop(CONSUMER, given("2026-01-02", **CALL), *(called(day) for day in days))
    assert may_call(her, "2026-09-03T11:00:00+02:00").allowed
    found = may_call(her, "2026-09-30T11:00:00+02:00")
    assert (found.reasons, found.rests_on) == (("too_many_calls",), (12, 13, 14, 15))
    assert found.flips_at == parse_as_of("2026-10-01T10:00:00+02:00")
    assert may_call(her, "2026-10-01T11:00:00+02:00").allowed
    service = {"purpose": "customer_relation"}
    helped = shop(CONSUMER, given("2026-01-02", **CALL), *(called(day, **service) for day in days))
    assert may_call(helped, "2026-09-30T11:00:00+02:00").allowed  # help is not an offer


@pytest.mark.clause("SS-COM-5")
def test_sixty_days_of_silence_follow_a_declined_call():
    declined = called("2026-09-03", outcome="declined")
    assert isinstance(declined.fact, CallPlaced)
    her = shop(CONSUMER, given("2026-01-02", **CALL), declined)
    found = may_call(her, "2026-11-02T19:59:00+01:00")  # the sixtieth day
    assert (found.reasons, found.rests_on) == (("silence_after_refusal",), (12,))
    assert found.flips_at == parse_as_of("2026-11-03T10:00:00+01:00")
    assert may_call(her, "2026-11-03T10:00:00+01:00").allowed


@pytest.mark.clause("SS-COM-6")
def test_a_machine_calls_only_with_express_proved_agreement():
    machine = "automated_call", "automated_call", TUESDAY
    other = shop(CONSUMER, given("2026-01-02", **CALL), given("2026-01-02"))
    refused = other.may(*machine, "contract")
    assert (refused.allowed, refused.clause) == (False, "SS-COM-6")
    express = {"purpose": "automated_call", "channel": "automated_call"}
    assert shop(CONSUMER, given("2026-01-02", **express)).may(*machine).basis == "consent"
    for weak in ("asserted", None):
        doubt = shop(FIRM, given("2026-01-02", **(express | {"grade": weak}))).may(*machine)
        assert doubt.reasons == ("consent_not_proved",)
    late = "2026-08-11T21:00:00+02:00"
    found = shop(CONSUMER, given("2026-01-02", **express)).may(*machine[:2], late)
    assert found.reasons == ("closing_hours",)


@pytest.mark.clause("SS-COM-4")
def test_measuring_openings_needs_a_consent_of_its_own():
    opens = "email_open_tracking", "email"
    her = shop(ACCOUNT, given("2019-03-10"))
    early, now = her.may(*opens, "2020-01-01"), her.may(*opens, "2026-05-01")
    assert (early.allowed, now.allowed, now.clause) == (False, False, "SS-COM-4")
    assert early.article == "LIL art. 82"
    assert now.article == "LIL art. 82; CNIL délib. 2026-042"
    own = shop(ACCOUNT, given("2019-03-10", purpose="email_open_tracking"))
    assert own.may(*opens, "2026-05-01").basis == "consent"


# --- stale consents -----------------------------------------------------------------------------


def form(day: str, text: str, material: bool | None = None) -> FormPublished:
    moment, fields = parse_moment(day), ("email",)
    return FormPublished(
        occurred=moment, form="footer", fields=fields, document=text, material=material
    )


@pytest.mark.clause("SS-DATA-2", "SS-POL-2")
def test_a_consent_is_stale_once_its_form_says_something_else():
    forms = (form("2019-01-01", TEXTS[0]), form("2020-01-01", TEXTS[1]))
    agreed = given("2019-03-10", form="footer")
    assert isinstance(agreed.fact, ConsentGiven)
    her = shop(ACCOUNT, agreed, declared=forms)
    assert her.may("newsletter", "email", "2019-12-31").stale is None
    stale = her.may("newsletter", "email", "2020-01-01")
    assert (stale.allowed, stale.stale) == (True, "form_changed")
    again = shop(ACCOUNT, agreed, declared=(*forms, form("2020-02-01", TEXTS[0])))
    assert again.may("newsletter", "email", "2020-03-01").stale is None


@pytest.mark.clause("SS-DATA-2")
def test_an_editorial_change_of_a_form_makes_no_consent_stale_and_hides_no_other():
    agreed = given("2019-03-10", form="footer")
    first, commas = form("2019-01-01", TEXTS[0]), form("2020-01-01", TEXTS[1], False)
    rewritten = form("2020-02-01", "C" * 43, True)
    one = shop(ACCOUNT, agreed, declared=(first, commas))
    assert one.may("newsletter", "email", "2020-06-01").stale is None
    both = shop(ACCOUNT, agreed, declared=(first, rewritten, form("2020-03-01", TEXTS[1], False)))
    assert both.may("newsletter", "email", "2020-06-01").stale == "form_changed"


@pytest.mark.clause("SS-POL-2")
def test_a_consent_is_stale_once_the_policy_says_something_else_of_its_purpose():
    changed = {"lettres d'information et offres": "lettres, offres et partenaires"}
    her = shop(ACCOUNT, given("2019-03-10"))
    same = BOOK.with_edition(edition("2020-01-01"), 3)
    other = BOOK.with_edition(edition("2020-01-01", replace=changed), 3)
    assert her._replace(book=same).may("newsletter", "email", "2020-01-02").stale is None
    stale = her._replace(book=other).may("newsletter", "email", "2020-01-02")
    assert (stale.allowed, stale.stale) == (True, "changed")
    assert day_of(stale.at.at) == 20200102


def returning(*said: Told) -> Person:
    """Somebody new under a reference whose former bearer was erased, and had objected to letters
    over any channel and to calls."""
    history = (ACCOUNT, *said)
    rows = [t.row._replace(position=p) for p, t in enumerate(history, start=10)]
    facts = {p: t.fact for p, t in enumerate(history, start=10)}
    erased_at = parse_moment("2026-03-01").at
    opposed = frozenset(
        Objection(purpose, channel, erased_at, 9)
        for purpose, channel in (("newsletter", ""), ("phone_marketing", "phone"), ("orders", ""))
    )
    at = parse_moment("2026-06-01").at
    return Person(fold_subject(rows, at, None), tuple(effective(rows)), facts, opposed)


@pytest.mark.parametrize(
    ("said", "allowed", "reason"),
    [
        ((), False, "objected"),
        ((told("consent.requested", "2026-05-01", **LETTER),), False, "objected"),
        ((given("2026-05-01"),), True, "consent"),
        ((given("2026-02-01"),), False, "objected"),  # older than the erasure
    ],
)
def test_an_erased_objector_who_comes_back_has_objected_still(
    said: tuple[Told, ...], allowed: bool, reason: str
) -> None:
    """Until she says yes herself; being asked again is no yes (GDPR art. 21(3))."""
    moment = parse_moment("2026-06-01")
    found = verdict(Asked(returning(*said), BOOK, "newsletter", "email", moment))
    assert (found.allowed, found.reasons[0]) == (allowed, reason)
    assert (found.state == "ConsentRefused") is not allowed
    assert set(found.rests_on) <= {10, 11}


def test_what_she_asks_of_us_does_not_stop_with_an_objection_of_before() -> None:
    served = verdict(
        Asked(returning(), BOOK, "customer_relation", "email", parse_moment("2026-06-01"))
    )
    assert served.allowed
