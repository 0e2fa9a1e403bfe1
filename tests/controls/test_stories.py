"""Every control has a history that violates it and is caught; none flags a clean company.

Each run is asked of the same history in files too (`room.py`): what is caught is caught there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from ledger.calendar import parse_as_of
from ledger.fields import KeyProof
from ledger.policy.notices import COLLECTED
from ledger.policy.permissions import Objection
from ledger.projections.joins import Join
from replay.controls.model import Joining, Named
from replay.controls.words import explanation
from tests.controls.room import DIGEST, FORM, LETTER, OTHER, SHE, Company, key
from tests.stories.policy_room import edition

YES: dict[str, Any] = {**LETTER, **FORM}
ARTICLE = "C. civ. art. 2224"
CONTACT = Named("contact", "échanges avec un prospect", "exchanges with a prospect")


pytestmark = pytest.mark.usefixtures("files")


def asked(shop: Company, right: str = "access", received: str = "2025-03-03", **said: Any) -> Any:
    """She asks for something: the stream of her request."""
    stream = uuid4()
    shop.she("request.received", received, stream=stream, right=right, channel="email", **said)
    return stream


def erased(
    shop: Company, when: str, of: str = "contact", *, destroyed: bool = True, why: str = "request"
) -> int:
    """A class of hers is erased, and its key destroyed on that order."""
    kid = key()
    position = shop.she(
        "customer.class_erased", when, of=of, keys=(kid,), reason=why, actor="system"
    )
    if destroyed:
        told = {"keys": (KeyProof(kid, DIGEST),), "reason": why}
        shop.tells("ledger.key_destroyed", when, authority=shop.id_of(position), **told)
    return position


# --- sending --------------------------------------------------------------------------------------


def test_c01_a_newsletter_without_consent(shop: Company) -> None:
    at = shop.she("message.sent", "2025-01-07T10:00:00Z", **LETTER)
    (found,) = shop.finds("C01")
    assert (found.why, found.positions[0], found.subject) == ("sent", at, SHE)
    assert (found.clause, found.article) == ("SS-COM-2", "CPCE art. L34-5")


def test_c01_a_survey_is_a_message_too(shop: Company) -> None:
    shop.she("objection.raised", "2025-01-06T10:00:00Z", purpose="surveys", channel="email")
    shop.she("survey.sent", "2025-01-07T10:00:00Z", purpose="surveys", channel="email")
    assert shop.violations("C01") == ["sent"]


def test_c01_judges_by_what_was_known_then_and_tells_what_became_known_since(shop: Company) -> None:
    """(t, known at t) accuses; (t, now) is put beside it, whichever way it differs."""
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    sent = shop.she("message.sent", "2025-01-07T10:00:00Z", **LETTER)
    late = shop.she(
        "consent.withdrawn", "2025-01-02T10:00:00Z", "2025-02-02T10:00:00Z", actor="agent", **LETTER
    )
    (found,) = shop.finds("C01")
    assert (found.weight, found.why, found.positions) == (
        *("differs", "sent_known_since"),
        (sent, late),
    )
    assert shop.finds("C01", known=sent) == []  # at R before the letter, nothing differs


def test_c01_a_consent_recorded_afterwards_makes_no_innocent(shop: Company) -> None:
    shop.she("message.sent", "2025-01-07T10:00:00Z", **LETTER)
    shop.she("consent.given", "2024-03-01T09:00:00Z", "2025-02-01T09:00:00Z", **YES)
    assert shop.violations("C01") == ["sent"]


def test_c01_what_is_older_than_the_ledger_is_judged_by_what_was_known_when_told(
    shop: Company,
) -> None:
    """An import of an earlier system: it knew of the consent, and this ledger knew nothing."""
    now = "2025-06-02T09:00:00Z"
    said = {"who": OTHER, "actor": "import"}
    shop.she("customer.registered", "2016-01-04", now, **said)
    shop.she("consent.given", "2016-02-01T09:00:00Z", now, **YES, **said)
    shop.she("message.sent", "2016-03-01T09:00:00Z", now, **LETTER, **said)
    shop.she("consent.withdrawn", "2016-04-01T09:00:00Z", now, **LETTER, **said)
    sent = shop.she("message.sent", "2016-05-02T09:00:00Z", now, **LETTER, **said)
    (found,) = shop.finds("C01")
    assert (found.why, found.positions[0]) == ("sent_late_told", sent)


def test_c02_after_a_withdrawal_with_the_delay(shop: Company) -> None:
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    shop.she("consent.withdrawn", "2024-05-01T10:00:00Z", **LETTER)
    sent = shop.she("message.sent", "2024-05-04T12:30:00Z", **LETTER)
    (found,) = shop.finds("C02")
    assert found.positions[0] == sent
    assert (found.values["days"], found.values["hours"]) == (3, 2)
    assert "3 jours et 2 heures" in explanation(found, "fr")
    assert shop.violations("C01") == ["sent"]  # it had no permission either


def test_c02_a_no_that_outlived_an_erasure(shop: Company) -> None:
    no = Objection("newsletter", "", parse_as_of("2023-01-01"), 2)
    shop.opposed[SHE] = frozenset({no})
    shop.she("message.sent", "2024-05-04T12:30:00Z", **LETTER)
    assert shop.violations("C02") == ["after_erased_no"]


def test_c02_a_no_under_another_reference_of_hers(shop: Company) -> None:
    """Joined before the send: one person. Joined after it: nobody could have known."""
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    shop.she("customer.registered", "2024-03-02", who=OTHER)
    shop.she("consent.withdrawn", "2024-04-01T09:00:00Z", who=OTHER, **LETTER)
    shop.she("message.sent", "2024-04-15T09:00:00Z", **LETTER)
    at = shop.she("customer.joined", "2024-05-01T09:00:00Z", other=OTHER)
    shop.joined.append(Joining(Join(at, SHE, OTHER), None))
    after = shop.she("message.sent", "2024-05-02T09:00:00Z", **LETTER)
    found = shop.finds("C01")
    assert [(f.weight, f.positions[0]) for f in found if f.weight == "violation"] == [
        ("violation", after)
    ]


def test_c10_a_machine_without_express_consent(shop: Company) -> None:
    call = {"purpose": "automated_call", "channel": "automated_call"}
    at = shop.she("call.placed", "2025-03-04T10:00:00+01:00", **call)
    (found,) = shop.finds("C10")
    assert (found.positions[0], found.clause) == (at, "SS-COM-6")


# --- keeping --------------------------------------------------------------------------------------


def test_c03_beyond_a_term_in_daily_use(shop: Company) -> None:
    assert shop.violations("C03", "2027-03-01") == []
    assert shop.violations("C03", "2027-03-02") == ["past_erase"]
    (found,) = shop.finds("C03", "2027-03-02")
    assert found.clause == "SS-RET-4"
    assert explanation(found, "fr").startswith("Échanges avec un prospect : encore en base active")
    assert explanation(found, "en").startswith("Exchanges with a prospect: still in daily use")
    shop.she(
        "hold.placed",
        "2026-01-05",
        article="C. civ. art. 2224",
        review=20280101,
        classes=("contact",),
    )
    (found,) = [f for f in shop.finds("C03", "2027-03-02") if f.values["class"] == CONTACT]
    assert (found.weight, found.why, found.article) == ("exception", "held", "C. civ. art. 2224")


@pytest.mark.clause("SS-DSR-5")
def test_c03_what_she_asked_to_keep_is_an_exception_and_says_so(shop: Company) -> None:
    shop.she("customer.restricted", "2026-01-05", ground="claims")
    (found,) = [f for f in shop.finds("C03", "2027-03-02") if f.values["class"] == CONTACT]
    assert (found.weight, found.why) == ("exception", "kept_for_her")
    assert (found.clause, found.article) == ("SS-DSR-5", "GDPR art. 18(1)(c)")


def test_c03_what_was_erased_or_archived_in_time_is_no_violation(shop: Company) -> None:
    shop.she("order.placed", "2018-12-01", item=str(uuid4()))
    assert "past_archive_due" in shop.violations("C03", "2024-06-01")
    archived = {"of": "order", "until": 20281201, "article": "C. com. art. L110-4"}
    shop.she("customer.class_archived", "2023-12-02", reason="term", actor="system", **archived)
    assert shop.violations("C03", "2024-06-01") == []
    assert shop.violations("C03", "2040-06-01") != []  # beyond its archive too


def test_c04_a_card_beyond_its_month(shop: Company) -> None:
    card = uuid4()
    shop.she("consent.given", "2024-03-01T09:00:00Z", purpose="wallet", **FORM)
    kept = shop.she(
        "card.kept",
        "2024-03-01T10:00:00Z",
        item=str(card),
        stream=card,
        ground="wallet",
        expiry=20250331,
    )
    assert shop.violations("C04", "2025-03-31") == []
    (found,) = shop.finds("C04", "2025-04-01")
    assert (found.why, kept in found.positions) == ("card_kept", True)
    shop.she("customer.class_erased", "2025-04-01", of="card", item=str(card), reason="term")
    assert shop.violations("C04", "2025-04-02") == []


def test_c06_an_erasure_whose_key_was_never_destroyed(shop: Company) -> None:
    erased(shop, "2025-01-02T09:00:00Z")
    assert shop.violations("C06") == []
    at = erased(shop, "2025-01-03T09:00:00Z", "order", destroyed=False)
    (found,) = shop.finds("C06")
    assert (found.why, found.positions) == ("key_not_destroyed", (at,))


def test_c06_something_sealed_again_under_a_dead_key(shop: Company) -> None:
    at = erased(shop, "2025-01-02T09:00:00Z")
    (kid,) = shop.events[at - 1].fact.keys  # type: ignore[attr-defined]
    shop.she("customer.contacted_us", "2025-02-02", channel="form", parts=(("contact", kid),))
    assert shop.violations("C06") == ["sealed_again"]


def test_c08_an_erasure_under_a_hold(shop: Company) -> None:
    held = {"article": "C. civ. art. 2224", "review": 20270101, "classes": ("contact",)}
    hold = shop.she("hold.placed", "2024-06-03T09:00:00Z", **held)
    erasure = erased(shop, "2025-01-02T09:00:00Z")
    (found,) = shop.finds("C08")
    assert (found.why, found.positions) == ("destroyed", (erasure, hold))


@pytest.mark.clause("SS-DSR-5")
def test_c08_a_term_that_destroyed_what_she_had_asked_to_keep(shop: Company) -> None:
    asked_to = shop.she("customer.restricted", "2024-06-03T09:00:00Z", ground="claims")
    erased(shop, "2024-12-02T09:00:00Z")  # for she asked after all
    erasure = erased(shop, "2025-01-02T09:00:00Z", why="term")
    (found,) = shop.finds("C08")
    assert (found.why, found.positions) == ("destroyed", (erasure, asked_to))
    assert (found.clause, found.article) == ("SS-DSR-5", "GDPR art. 18(1)(c)")


def test_c08_a_hold_that_became_known_afterwards_accuses_nobody(shop: Company) -> None:
    held = {"article": "C. civ. art. 2224", "review": 20270101, "classes": ("contact",)}
    erased(shop, "2025-01-02T09:00:00Z")
    shop.she("hold.placed", "2024-06-03T09:00:00Z", "2025-03-01T09:00:00Z", **held)
    (found,) = shop.finds("C08")
    assert (found.weight, found.why) == ("differs", "destroyed_known_since")


def test_c16_a_class_that_the_policy_does_not_know(shop: Company) -> None:
    """By the class of a sealed part, or of the row; the latter no entry can state."""
    parts = (("loyalty", key()),)
    asked = shop.she("customer.contacted_us", "2025-01-02", channel="form", parts=parts)
    assert [(f.why, f.positions) for f in shop.finds("C16")] == [("class_unknown", (asked,))]
    shop.files = None
    at = shop.she("customer.registered", "2025-01-02", klass="loyalty")
    assert [f.positions for f in shop.finds("C16")] == [(asked,), (at,)]


def test_c16_a_hold_that_nobody_reviews(shop: Company) -> None:
    held = {"article": "C. civ. art. 2224", "review": 20250601, "classes": ("contact",)}
    shop.she("hold.placed", "2024-06-03T09:00:00Z", **held)
    assert shop.violations("C16", "2025-06-01") == []
    assert shop.violations("C16", "2025-06-02") == ["hold_unreviewed"]


# --- rights ---------------------------------------------------------------------------------------


def test_c05_an_answer_that_is_late_or_missing(shop: Company) -> None:
    late = asked(shop, received="2025-03-03")
    shop.she("request.fulfilled", "2025-04-10", stream=late)
    asked(shop, "erasure", received="2025-05-05")
    assert sorted(shop.violations("C05")) == ["answered_late", "overdue_both"]
    assert shop.violations("C05", "2025-04-03") == []


def test_c05_where_nothing_is_promised_no_promise_is_broken(shop: Company) -> None:
    silent = replace(shop.book.entries[-1].edition, id="silent", effective_from=20250101)
    shop.publishes(replace(silent, statements=()), "2025-01-01T08:00:00Z")
    stream = asked(shop, received="2025-03-03")
    shop.she("request.extended", "2025-03-20", stream=stream, reason="number", notified=20250320)
    shop.she("request.fulfilled", "2025-06-02", stream=stream)
    assert shop.finds("C05") == []


def test_c05_the_law_was_kept_and_the_promise_was_not(shop: Company) -> None:
    extended = asked(shop, received="2025-03-03")
    shop.she("request.extended", "2025-03-20", stream=extended, reason="number", notified=20250320)
    shop.she("request.fulfilled", "2025-05-20", stream=extended)
    (found,) = shop.finds("C05")
    assert (found.weight, found.why) == ("exception", "promise_broken")


def test_c05_an_extension_written_down_after_month_one_proves_nothing(shop: Company) -> None:
    extended = asked(shop, received="2025-03-03")
    said = {"reason": "number", "notified": 20250320}
    shop.she("request.extended", "2025-03-20", "2025-05-01", stream=extended, **said)
    shop.she("request.fulfilled", "2025-05-20", stream=extended)
    assert shop.violations("C05") == ["extension_unproved"]


def test_c18_an_identity_question_for_a_no_to_marketing(shop: Company) -> None:
    stream = asked(shop, "objection", purpose="newsletter")
    shop.she("request.identity_asked", "2025-03-04", stream=stream, reason="new_address")
    assert shop.violations("C18") == ["identity_for_a_no"]


def test_c18_a_text_that_waits_for_ever(shop: Company) -> None:
    at = shop.she("motive.received", "2025-03-03", channel="letter", match="near")
    assert shop.violations("C18", "2025-04-03") == []
    (found,) = shop.finds("C18", "2025-04-04")
    assert (found.why, found.positions) == ("unread", (at,))
    shop.she("motive.decided", "2025-04-05", ref=at, decision="nothing", reader="staff-1")
    assert shop.violations("C18") == []


def test_c18_a_yes_that_nothing_takes_back(shop: Company) -> None:
    shop.she("consent.given", "2025-01-02", purpose="order_management", **FORM)
    assert shop.violations("C18") == ["no_way_back"]


# --- declaring ------------------------------------------------------------------------------------


def test_c09_a_card_number_in_a_clear_field(shop: Company) -> None:
    at = shop.she("order.cancelled", "2025-01-02", reason="4111111111111111")
    (found,) = shop.finds("C09")
    assert (found.why, found.positions) == ("pan-detected", (at,))
    assert "4111" not in explanation(found, "en") + repr(found)


def test_c11_consents_without_a_form_that_was_shown(shop: Company) -> None:
    shop.she("consent.given", "2025-01-02", **YES)
    assert shop.violations("C11") == []
    shop.she("consent.given", "2025-01-03", **{**YES, "form": None})
    shop.she("consent.given", "2025-01-04", **{**YES, "form": "never-shown"})
    shop.she("consent.given", "2025-01-05", **{**YES, "grade": "inferred"})
    shop.she("consent.given", "2025-01-06", **{**YES, "act": None})
    shop.she("consent.given", "2017-01-06", "2025-01-06", **YES)  # before the form was shown
    found = sorted(shop.violations("C11"))
    assert found == ["form_unpublished", "form_unpublished", "inferred", "no_act", "no_form"]


def test_c11_trackers_and_openings_need_their_own_yes(shop: Company) -> None:
    shop.tells("tracker.given", "2025-01-02", purpose="audience", form="banner")
    shop.she("message.opened", "2025-01-03T10:00:00Z", channel="email")
    assert sorted(shop.violations("C11")) == ["form_unpublished", "opened"]


def test_c12_what_nobody_declared(shop: Company) -> None:
    resale = {"purpose": "resale", "channel": "email"}
    shop.she("message.sent", "2025-01-01T10:00:00Z", **resale)
    sent = shop.she("message.sent", "2025-01-02T10:00:00Z", **resale)
    shop.she("fact.voided", "2025-01-02", ref=sent)  # one of the two never happened
    given = {"purpose": "payment", "classes": ("order",), "people": 3}
    shop.tells("data.disclosed", "2025-01-03", recipient="stranger", **given)
    shop.tells("recipient.declared", "2025-01-04", recipient="network", type="social")
    shop.tells("field.declared", "2025-01-05", name="gps", classes=("account",), source="observed")
    shop.she("recipient.told", "2025-01-06", recipient="unheard", fact=1)
    assert sorted(shop.violations("C12")) == [
        *("geolocation", "purpose-undeclared", "recipient-undeclared", "recipient-undeclared"),
        "social-network",
    ]


def test_c12_a_purpose_declared_afterwards_was_not_declared(shop: Company) -> None:
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6(1)(a)"}
    shop.she("consent.given", "2025-01-02", purpose="club", **FORM)
    shop.tells("purpose.declared", "2025-01-03", marketing=False, **club)
    shop.she("consent.given", "2025-01-04", purpose="club", **FORM)
    assert shop.violations("C12") == ["purpose-undeclared"]


def test_c12_a_minor_who_consented_and_is_still_kept(shop: Company) -> None:
    signal = shop.she("customer.minor_signalled", "2025-01-02", age="under_15", source="parent")
    shop.she("consent.given", "2025-01-03", **YES)
    found = shop.finds("C12")
    assert {f.why for f in found} == {"minor_consent", "minor_kept"}
    assert all(signal in f.positions for f in found)


MOMENTS_OF: dict[str, tuple[str, dict[str, Any]]] = {
    "account": ("customer.account_opened", {}),
    "order": ("order.placed", {"quantity": 1}),
    "contact": ("customer.contacted_us", {"channel": "form"}),
    "comment": ("customer.commented", {"about": "p-1"}),
}


@pytest.mark.clause("SS-COL-1", "SS-COL-2", "SS-COL-4", "SS-COL-5")
@pytest.mark.parametrize("moment", MOMENTS_OF)
def test_c12_collected_where_no_notice_was_shown(moment: str) -> None:
    """A notice of another moment tells nobody; one of this moment only from its day on."""
    made = Company(notice=False)
    made.she("customer.registered", "2024-03-01")
    kind, said = MOMENTS_OF[moment]
    before = made.she(kind, "2024-03-02", **said)
    others = tuple(name for name in ("account", "order", "contact") if name != moment)
    made.tells("notice.published", "2024-03-03", notice="a", document=DIGEST, moments=others)
    still = made.she(kind, "2024-03-04", **said)
    made.tells("notice.published", "2024-03-05", notice="b", document=DIGEST, moments=(moment,))
    made.she(kind, "2024-03-06", **said)
    (found,) = [one for one in made.finds("C12") if one.why == "no_notice"]
    assert (found.positions, found.subject) == ((before, still), SHE)
    assert COLLECTED[f"{kind}.v1"] == (moment, found.clause)


@pytest.mark.clause("SS-COL-3")
def test_c12_visits_counted_where_no_notice_was_shown() -> None:
    made = Company(notice=False)
    counted = {"since": 20240301, "until": 20240331, "pages": 9, "visits": 4, "returning": 1}
    first = made.tells("audience.measured", "2024-04-01", **counted)
    wrong = made.tells("audience.measured", "2024-04-02", **counted)
    made.tells("fact.voided", "2024-04-03", ref=wrong)
    made.tells("notice.published", "2024-04-03", notice="n", document=DIGEST, moments=("visit",))
    made.tells("audience.measured", "2024-05-01", **counted)
    (found,) = made.finds("C12")
    assert (found.why, found.positions, found.clause) == ("no_notice", (first,), "SS-COL-3")
    assert made.finds("C12", known=first - 1) == []


def test_c12_asks_for_no_notice_of_what_is_older_than_the_ledger() -> None:
    made = Company(notice=False)
    now = "2025-06-02T09:00:00Z"
    made.she("order.placed", "2016-01-04", now, actor="import")
    assert made.finds("C12") == []


def test_c15_an_edition_that_keeps_longer_from_the_day_it_is_published(shop: Company) -> None:
    longer = edition("2024-06-03", {"contact": 60})
    at = shop.publishes(longer, "2024-06-03T09:00:00Z")
    (found,) = shop.finds("C15")
    assert (found.why, found.positions, found.subject) == ("retroactive", (at,), None)
    told = Company()
    told.publishes(longer, "2024-06-03T09:00:00Z", notified=True)
    assert told.violations("C15") == []


def test_c15_an_archive_longer_than_the_policy_of_its_day(shop: Company) -> None:
    shop.she("order.placed", "2018-12-01", item=str(uuid4()))
    archived = {"of": "order", "until": 20991231, "article": "C. com. art. L110-4"}
    shop.she("customer.class_archived", "2023-12-02", reason="term", actor="system", **archived)
    assert shop.violations("C15") == ["kept_longer"]


def test_c15_a_new_purpose_served_before_she_was_told(shop: Company) -> None:
    block = '[[purpose]]\nid = "studies"'
    text = {block: block.replace("studies", "polls"), 'id = "surveys"': 'id = "opinion"'}
    newer = edition("2025-01-01", replace={'id = "surveys"': text['id = "surveys"']})
    shop.publishes(newer, "2024-12-01T09:00:00Z")
    poll = {"purpose": "opinion", "channel": "email"}
    sent = shop.she("survey.sent", "2025-02-03T10:00:00Z", **poll)
    (found,) = shop.finds("C15")
    assert (found.why, found.positions[0]) == ("purpose_untold", sent)
    shop.she("policy.notified", "2025-03-01T10:00:00Z", edition=20250101, channel="email")
    shop.she("survey.sent", "2025-03-03T10:00:00Z", **poll)
    assert len(shop.finds("C15")) == 1


# --- reading --------------------------------------------------------------------------------------


def consulted(shop: Company, **said: Any) -> list[str]:
    """The archive is consulted: what that consultation lacks."""
    kid, grant = key(), uuid4()
    archived = {
        "of": "contact",
        "until": 20270301,
        "article": "C. civ. art. 2224",
        "reason": "term",
    }
    shop.she("customer.class_archived", "2025-01-02", keys=(kid,), actor="system", **archived)
    given = {"holder": "staff-1", "classes": ("contact",), "until": 20251231, "approver": "staff-2"}
    shop.tells("access.granted", "2025-01-03", stream=grant, **given)
    parts = said.pop("parts", (("access_log", key()),))
    told: dict[str, Any] = {
        "reader": "staff-1",
        "motive": "litigation",
        "of": "contact",
        "keys": (kid,),
    }
    told |= {"grant": grant, **said}
    shop.she("archive.consulted", said.pop("when", "2025-01-06"), parts=parts, **told)
    return shop.violations("C07")


def test_c07_consultations(shop: Company) -> None:
    assert consulted(shop) == []


@pytest.mark.parametrize(
    ("said", "lacks"),
    [
        ({"grant": uuid4()}, "no_grant"),
        ({"reader": "staff-3"}, "no_grant"),
        ({"of": "order"}, "no_grant"),
        ({"approver": "staff-1"}, "four_eyes"),
        ({"parts": ()}, "no_case"),
        ({"keys": (key(),)}, "not_archived"),
    ],
)
def test_c07_a_consultation_that_lacks_something(
    shop: Company, said: dict[str, Any], lacks: str
) -> None:
    assert consulted(shop, **said) == [lacks]


def test_c07_an_approval_repeats_what_was_asked_word_for_word(shop: Company) -> None:
    stream, kid, grant = uuid4(), key(), uuid4()
    archived = {
        "of": "contact",
        "until": 20270301,
        "article": "C. civ. art. 2224",
        "reason": "term",
    }
    shop.she("customer.class_archived", "2025-01-02", keys=(kid,), actor="system", **archived)
    given = {"holder": "staff-1", "classes": ("contact",), "until": 20251231, "approver": "staff-2"}
    shop.tells("access.granted", "2025-01-03", stream=grant, **given)
    read = {"reader": "staff-1", "of": "contact", "keys": (kid,), "grant": grant}
    read |= {"stream": stream, "parts": (("access_log", key()),)}
    shop.she("archive.consulted", "2025-01-06", motive="litigation", **read)
    shop.she("archive.consulted", "2025-01-07", motive="litigation", approver="staff-2", **read)
    assert shop.violations("C07") == []
    shop.she("archive.consulted", "2025-01-08", motive="fraud", approver="staff-2", **read)
    assert shop.violations("C07") == ["not_as_asked"]
