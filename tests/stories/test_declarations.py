"""Stories about nobody: what the company declares, hands over and counts; what a device chose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.aggregates import audience, policy_book, register
from ledger.commands import Record
from ledger.entry import to_base64
from ledger.errors import Refusal, Refused
from ledger.events import (
    AssessmentRecorded,
    AudienceMeasured,
    ConsentGiven,
    ControllerDeclared,
    DataDisclosed,
    DpoAppointed,
    Fact,
    FieldDeclared,
    FormPublished,
    IncidentDetected,
    IncidentNotified,
    NoticePublished,
    ObligationDeclared,
    ProfileRectified,
    PurposeDeclared,
    RecipientDeclared,
    RetentionRan,
    TrackerGiven,
    TrackerWithdrawn,
)
from ledger.handlers import Accepted, record
from tests.stories.facts_room import ONCE, Shop, given

SHA = to_base64(bytes(32))
PURPOSE = PurposeDeclared(
    **ONCE,
    purpose="loyalty",
    basis="consent",
    article="GDPR art. 6(1)(a)",
    marketing=True,
    channels=("email",),
)
RECIPIENT = RecipientDeclared(**ONCE, recipient="payline", type="psp", attested_until=20261231)
DISCLOSED = DataDisclosed(
    **ONCE, recipient="payline", purpose="payment", classes=("order",), people=12
)
FIELD = FieldDeclared(**ONCE, name="birth_month", classes=("account",), source="provided")
FORM = FormPublished(**ONCE, form="join-3", fields=("birth_month",), document=SHA)
DETECTED = IncidentDetected(**ONCE, nature="confidentiality", classes=("contact",), people=40)


def refused(shop: Shop, fact: Fact) -> Refusal:
    with pytest.raises(Refused) as caught:
        shop.told(fact)
    return caught.value.refusal


@pytest.mark.clause("SS-CTL-2")
def test_a_purpose_is_usable_once_it_is_declared_and_declared_once(shop: Shop):
    choice = ConsentGiven(**ONCE, purpose="loyalty", channel="email")
    with pytest.raises(Refused) as caught:
        shop.told(choice, "42")
    assert caught.value.refusal.clause == "SS-CTL-2"
    shop.told(PURPOSE)
    shop.told(choice, "42")
    with pytest.raises(Refused, match="this purpose"):
        shop.told(replace(choice, channel="sms"), "42")
    assert refused(shop, PURPOSE).clause == "SS-CTL-2"
    assert refused(shop, replace(PURPOSE, purpose="newsletter")).problem == "conflict"


@pytest.mark.clause("SS-CTL-2")
def test_in_a_batch_a_purpose_is_usable_from_the_next_wish_on(shop: Shop):
    choice = shop.wish(ConsentGiven(**ONCE, purpose="loyalty", channel="email"), "42")
    outcomes = shop.batch(choice, Record(PURPOSE), choice, Record(PURPOSE))
    assert [isinstance(one, Accepted) for one in outcomes] == [False, True, True, False]


@pytest.mark.clause("SS-CTL-2")
@pytest.mark.parametrize(
    "changed",
    [{"channels": ("pigeon",)}, {"validity_months": 0}, {"classes": ("horoscope",)}],
)
def test_a_purpose_keeps_to_channels_months_and_classes_that_exist(
    shop: Shop, changed: dict[str, Any]
):
    assert refused(shop, replace(PURPOSE, **changed)).problem in ("malformed", "class-undeclared")


@pytest.mark.clause("SS-REC-1", "SS-PAY-2")
def test_data_goes_to_declared_recipients_only(shop: Shop):
    first = refused(shop, DISCLOSED)
    assert (first.problem, first.clause) == ("recipient-undeclared", "SS-REC-1")
    outcomes = shop.batch(Record(RECIPIENT), Record(DISCLOSED))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert shop.told(DISCLOSED).subject is None
    assert refused(shop, replace(DISCLOSED, purpose="astrology")).clause == "SS-CTL-2"
    assert refused(shop, replace(DISCLOSED, classes=("horoscope",))).clause == "SS-RET-3"


@pytest.mark.clause("SS-SOC-1")
def test_a_social_network_is_never_a_recipient(shop: Shop):
    found = refused(shop, replace(RECIPIENT, recipient="agora", type="social"))
    assert (found.problem, found.clause) == ("social-network", "SS-SOC-1")
    assert refused(shop, replace(DISCLOSED, recipient="agora")).clause == "SS-REC-1"


@pytest.mark.clause("SS-GEO-1")
@pytest.mark.parametrize(
    "name", ["latitude", "home_longitude", "geolocation", "last.gps", "geo_ip"]
)
def test_no_field_says_where_somebody_is(shop: Shop, name: str):
    assert refused(shop, replace(FIELD, name=name)).clause == "SS-GEO-1"
    assert refused(shop, replace(FORM, fields=(name,))).clause == "SS-GEO-1"
    with pytest.raises(Refused, match="where somebody is"):
        shop.told(ProfileRectified(**ONCE, changed=(name,)), "42")


@pytest.mark.clause("SS-GEO-1")
@pytest.mark.parametrize("name", ["salon", "plate", "longer_name", "flat", "logo"])
def test_a_name_that_only_looks_like_a_place_is_no_place(shop: Shop, name: str):
    shop.told(replace(FIELD, name=name))


@pytest.mark.clause("SS-DATA-1", "SS-DATA-2", "SS-DATA-3")
def test_a_form_shows_declared_fields_and_its_asterisks_are_among_them(shop: Shop):
    assert refused(shop, FORM).clause == "SS-DATA-1"
    shop.told(FIELD)
    shop.told(FORM)
    shop.told(replace(FORM, mandatory=("birth_month",)))
    assert refused(shop, replace(FORM, mandatory=("email",))).clause == "SS-DATA-2"


@pytest.mark.clause("SS-CTL-1", "SS-DPO-1", "SS-LB-3", "SS-LB-4", "SS-COL-1")
def test_what_the_company_declares_stands_on_the_policy_book_and_concerns_nobody(shop: Shop):
    declared: list[Fact] = [
        ControllerDeclared(**ONCE, controller="softsystem", registration="rcs-843877531"),
        DpoAppointed(**ONCE, dpo="staff-9", external=True),
        ObligationDeclared(
            **ONCE, obligation="accounts", article="C. com. art. L123-22", classes=("invoice",)
        ),
        AssessmentRecorded(
            **ONCE, type="balancing_test", outcome="favourable", document=SHA, purpose="security"
        ),
        NoticePublished(**ONCE, notice="account-2", document=SHA, language="fr"),
    ]
    book = shop.ledger.book_stream(shop.ledger.epoch())
    for fact in declared:
        done = shop.told(fact)
        assert (done.stream, done.subject) == (book, None)
        with pytest.raises(Refused, match="about nobody"):
            shop.told(fact, "42")
    with pytest.raises(Refused, match="not the policy book"):
        record(shop.ledger, Record(declared[0], stream=uuid4()))


@pytest.mark.clause("SS-CTL-2")
def test_a_declaration_makes_whoever_decided_before_it_decide_again(shop: Shop):
    before = shop.ledger.epoch()
    shop.told(NoticePublished(**ONCE, notice="account-2", document=SHA))
    assert shop.ledger.epoch() == before
    for fact in (PURPOSE, RECIPIENT, FIELD):
        shop.told(fact)
    assert shop.ledger.epoch() == before + 3


@pytest.mark.clause("SS-CTL-2")
def test_the_book_remembers_what_was_declared():
    held = given(policy_book, PURPOSE, RECIPIENT, FIELD, FORM).state
    assert [p.id for p in held.purposes] == ["loyalty"]
    assert (held.recipients, held.fields, held.forms) == ({"payline"}, {"birth_month"}, {"join-3"})
    given(policy_book, PURPOSE).when(PURPOSE).refused("SS-CTL-2")


def test_an_incident_is_notified_after_it_was_detected_and_each_line_is_written_once(shop: Shop):
    """RGPD art. 33, 34"""
    notified = IncidentNotified(**ONCE, to="authority")
    given(register).when(notified).refused(None)
    detected = given(register).when(DETECTED).accepted()
    detected.when(DETECTED).refused(None)
    detected.when(notified).accepted().when(replace(notified, to="people")).accepted()
    stream = shop.told(DETECTED).stream
    record(shop.ledger, Record(notified, stream=stream))
    assert "say which" in refused(shop, notified).detail


@pytest.mark.clause("SS-RET-3")
def test_a_rehearsal_erases_nothing():
    run = RetentionRan(**ONCE, rehearsal=True, due=7)
    given(register).when(run).accepted().when(run).refused(None)
    given(register).when(replace(run, erased=1)).refused("SS-RET-3", "malformed")
    given(register).when(replace(run, rehearsal=False, erased=7)).accepted()


@pytest.mark.clause("SS-AUD-1")
def test_an_audience_is_a_count_of_a_period():
    counted = AudienceMeasured(
        **ONCE, since=20250501, until=20250531, pages=900, visits=300, returning=40
    )
    given(audience).when(counted).accepted().when(counted).refused("SS-AUD-1")
    given(audience).when(replace(counted, until=20250430)).refused("SS-AUD-1", "malformed")
    given(audience).when(replace(counted, returning=301)).refused(None, "malformed")


@pytest.mark.clause("SS-CH-7")
def test_a_device_chooses_on_a_stream_of_its_own_and_names_nobody(shop: Shop):
    device: UUID = uuid4()
    yes = TrackerGiven(**ONCE, purpose="reco_browsing", act="click", grade="proved")
    no = TrackerWithdrawn(**ONCE, purpose="reco_browsing")
    for fact in (yes, no, yes):
        done = record(shop.ledger, Record(fact, stream=device))
        assert (done.stream, done.subject) == (device, None)
    with pytest.raises(Refused, match="about nobody"):
        shop.told(yes, "42")
    with pytest.raises(Refused) as caught:
        record(shop.ledger, Record(replace(yes, purpose="astrology"), stream=device))
    assert caught.value.refusal.clause == "SS-CTL-2"
