"""Requests in a whole ledger, on each database: received, carried out, answered, and where they
stand at any two times."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from ledger import calendar as cal
from ledger.commands import Correct, Reference, Void
from ledger.errors import BadData, NotFound, Refused
from ledger.events import (
    AccountOpened,
    CardKept,
    ConsentGiven,
    ContactedUs,
    DataDisclosed,
    DirectiveSet,
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    OrderPlaced,
    RecipientDeclared,
    RecipientsNotified,
    RequestAcknowledged,
    RequestClosed,
    RequestExtended,
    RequestFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
)
from ledger.fields import Money
from ledger.handlers import record
from ledger.requests.fulfilling import Deed, carry_out
from ledger.requests.reading import Page, one, owed_to
from ledger.requests.steps import receive, record_step
from ledger.store import reader, states
from ledger.store import requests as store
from tests.requests.conftest import FILE, ZOE, Office
from tests.stories.facts_room import on

OLD, NEW = "12 rue des Lilas, Lyon", "3 quai du Canari, Nantes"


def streams(page: Page) -> list[UUID]:
    return [queued.request.stream for queued in page.requests]


# --- at once --------------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-4", "SS-LB-3", "SS-CH-3")
def test_an_objection_stops_all_marketing_in_the_transaction_that_receives_it(office: Office):
    office.told(
        ConsentGiven(**on("2025-05-01"), purpose="newsletter", channel="email", grade="proved")
    )
    made = office.asks("objection")
    assert made.at_once == ("objection.raised.v1",)
    said = office.state().consents
    stopped = {key.purpose for key, found in said.items() if found.kind == "objection.raised.v1"}
    assert stopped >= {"newsletter", "phone_marketing", "reco_purchase"}
    assert {found.day for found in said.values()} == {20260131}  # the day it arrived


@pytest.mark.clause("SS-CH-5", "SS-DSR-4")
def test_an_objection_to_one_purpose_over_one_channel_leaves_the_others(office: Office):
    office.asks("objection", purpose="newsletter", over="email")
    assert [(k.purpose, k.channel) for k in office.state().consents] == [("newsletter", "email")]


@pytest.mark.clause("SS-CARD-4")
def test_a_card_serves_nothing_more_from_the_moment_its_removal_is_asked_for(office: Office):
    kept = CardKept(**on("2025-05-01"), ground="wallet", expiry=20270531)
    card = office.told(kept, thing=Reference("psp", "C-1")).stream
    made = office.asks("card_removal", card=card)
    assert made.at_once == ("card.removal_requested.v1",)
    assert office.ledger.state(card).removal_requested


@pytest.mark.clause("SS-CARD-4", "SS-CH-4")
def test_a_letter_that_does_not_say_which_card_is_never_dropped(office: Office):
    """Of one card it is that one, at once; of several whoever answers says which; of none it is
    received and answered."""
    assert office.asks("card_removal").at_once == ()
    kept = CardKept(**on("2025-05-01"), ground="wallet", expiry=20270531)
    first = office.told(kept, thing=Reference("psp", "C-1")).stream
    assert office.asks("card_removal").at_once == ("card.removal_requested.v1",)
    assert office.ledger.state(first).removal_requested
    two, three = (office.told(kept, thing=Reference("psp", name)).stream for name in ("C-2", "C-3"))
    made = office.asks("card_removal")
    assert made.at_once == ()
    with pytest.raises(BadData, match="'cards' is required"):
        carry_out(office.ledger, made.stream, Deed(channel="letter"))
    with pytest.raises(BadData, match="no card of hers"):
        carry_out(office.ledger, made.stream, Deed(channel="letter", cards=(first,)))
    carry_out(office.ledger, made.stream, Deed(channel="letter", cards=(three,)))
    assert [office.ledger.state(card).removal_requested for card in (two, three)] == [False, True]


def test_a_request_sent_twice_under_one_id_is_recorded_once(office: Office):
    fact = RequestReceived(**on("2026-01-31"), right="objection", channel="api")
    stream = uuid4()
    receive(office.ledger, fact, ZOE, stream=stream)
    position = office.ledger.recorder.head().position
    with pytest.raises(Refused, match="already recorded"):
        receive(office.ledger, fact, ZOE, stream=stream)
    assert office.ledger.recorder.head().position == position  # no objection twice either


# --- carried out ----------------------------------------------------------------------------------


@pytest.mark.clause("SS-DSR-2", "SS-REC-1")
def test_a_rectification_keeps_the_old_address_readable_as_of_before(office: Office):
    """Both values, each with the interval in which it was held to be true."""
    before = office.told(AccountOpened(**on("2025-03-01"), address=OLD)).position
    made = office.asks("rectification", text="J'ai déménagé")
    done = office.carry_out(made, channel="letter", changes={"address": NEW})
    assert office.stands(made).state == "fulfilled"
    after = done.answer.position - 1
    with office.ledger.database.read() as connection:
        assert office.ledger.vault.open(connection, before) == {"address": OLD}
        assert office.ledger.vault.open(connection, after) == {"address": NEW}
        history = states.rows_of(connection, made.subject)
    found = [row for row in history if row.position in (before, after)]
    assert [row.local_day for row in found] == [20250301, 20260203]


@pytest.mark.clause("SS-DSR-2")
def test_a_rectification_says_what_changes(office: Office):
    made = office.asks("rectification")
    for changes in ({}, {"horoscope": "lion"}):
        with pytest.raises(BadData, match="'changes'"):
            office.carry_out(made, changes=changes)
    assert office.stands(made).is_open


@pytest.mark.clause("SS-DSR-5")
def test_a_restriction_is_recorded_once_with_its_ground(office: Office):
    made = office.asks("restriction")
    with pytest.raises(BadData, match="'ground' is required"):
        office.carry_out(made)
    office.carry_out(made, ground="accuracy")
    assert office.ledger.state(made.subject).restrictions == {"accuracy"}
    again = office.asks("restriction")
    office.carry_out(again, ground="accuracy")  # it stands already: nothing more to record
    assert office.stands(again).status == "answered_in_time"


@pytest.mark.clause("SS-DSR-7")
def test_a_directive_is_recorded_with_its_words_sealed(office: Office):
    made = office.asks("directive")
    office.carry_out(made, wish="transmit", trustee="Maître Canari", text="À ma fille")
    assert office.ledger.state(made.subject).directive
    with office.ledger.database.read() as connection:
        rows = states.rows_of(connection, made.subject)
    assert [row.decision for row in rows if row.kind == DirectiveSet.kind] == ["transmit"]


@pytest.mark.clause("SS-DSR-3", "SS-DSR-11", "SS-CH-6")
def test_an_erasure_answers_for_each_class_with_the_ground_of_what_is_kept(office: Office):
    office.told(ContactedUs(**on("2025-03-01"), channel="form", email="zoe@canari.example"))
    order = OrderPlaced(**on("2025-06-02"), amount=Money(4990, "EUR"))
    office.told(order, thing=Reference("order_ref", "A-1"))
    made = office.asks("erasure")
    done = office.carry_out(made, channel="letter")
    fates = {outcome.klass: outcome.is_kept for outcome in done.outcomes}
    assert fates == {"contact": False, "order": True, "request": True}
    found = office.stands(made)
    assert (found.state, found.grounds) == ("partially_fulfilled", ("legal_claims",))
    with office.ledger.database.read() as connection:
        rows = states.rows_of(connection, made.subject)
        erased = [row for row in rows if row.kind == "customer.class_erased.v1"]
        event = reader.event_at(connection, erased[0].position)
    assert [row.decision for row in erased] == ["contact"]
    assert event is not None
    assert event.fact.request == made.stream  # type: ignore[attr-defined]


@pytest.mark.clause("SS-DSR-3", "SS-REC-1")
def test_when_all_is_gone_but_the_proof_of_the_request_it_is_fulfilled_and_recipients_are_named(
    office: Office,
):
    office.told(RecipientDeclared(**on("2025-01-01"), recipient="mailer", type="mailing"))
    office.told(ContactedUs(**on("2025-03-01"), channel="form", email="zoe@canari.example"))
    office.told(
        DataDisclosed(
            **on("2025-04-01"),
            recipient="mailer",
            purpose="newsletter",
            classes=("contact",),
            people=12,
        )
    )
    made = office.asks("erasure")
    done = office.carry_out(made)
    assert office.stands(made).state == "fulfilled"
    assert done.to_tell == ("mailer",)
    again = RequestReceived(**on("2026-02-03"), right="access", channel="api", subject=made.subject)
    with pytest.raises(Refused, match="was erased"):
        receive(office.ledger, again)
    closed = RequestClosed(**on("2026-02-03"))
    with pytest.raises(Refused, match="were not told"):
        record_step(office.ledger, made.stream, closed)
    told = RecipientsNotified(**on("2026-02-03"), outcome="told", recipients=("mailer",))
    record_step(office.ledger, made.stream, told)
    record_step(office.ledger, made.stream, closed)
    assert office.stands(made).state == "closed"


@pytest.mark.clause("SS-CH-6")
def test_an_erasure_of_the_account_alone_leaves_the_rest_to_be_asked_for(office: Office):
    office.told(AccountOpened(**on("2025-03-01"), address=OLD))
    office.told(ContactedUs(**on("2025-03-02"), channel="form", text="Bonjour"))
    made = office.asks("erasure", classes=("account",))
    done = office.carry_out(made)
    assert [(o.klass, o.is_kept) for o in done.outcomes] == [("account", False)]


@pytest.mark.clause("SS-DSR-9", "SS-DSR-3")
def test_nothing_is_destroyed_while_it_is_doubted_who_is_asking(office: Office):
    office.told(ContactedUs(**on("2025-03-01"), channel="form", email="zoe@canari.example"))
    made = office.asks("erasure")
    doubt = IdentityAsked(**on("2026-02-03"), reason="third_party")
    record_step(office.ledger, made.stream, doubt)
    position = office.ledger.recorder.head().position
    with pytest.raises(Refused, match="who is asking"):
        office.carry_out(made)
    assert office.ledger.recorder.head().position == position


def test_a_request_that_nobody_made_is_not_found(office: Office):
    for act in (
        lambda: one(office.ledger, uuid4()),
        lambda: carry_out(office.ledger, uuid4(), Deed()),
        lambda: record_step(office.ledger, uuid4(), RequestClosed(**on("2026-02-03"))),
    ):
        with pytest.raises(NotFound, match="no such request"):
            act()


# --- where they stand, at two times ---------------------------------------------------------------


@pytest.mark.clause("SS-DSR-10")
def test_the_queue_goes_on_where_it_stopped_and_forgets_nobody(office: Office):
    made = [office.asks("access", f"2026-01-{day:02d}").stream for day in range(1, 8)]
    page, seen = office.queue(limit=3), []
    while page.next is not None:
        seen += streams(page)
        page = office.queue(limit=3, after=page.next)
    assert seen + streams(page) == made
    assert office.queue(limit=7).next is None


@pytest.mark.clause("SS-DSR-10")
def test_the_queue_is_asked_for_what_is_due_on_any_day(office: Office):
    late, soon, quiet = (office.asks("access", f"2026-01-{day}") for day in ("02", "08", "31"))
    record_step(office.ledger, quiet.stream, RequestFulfilled(**on("2026-02-03"), package=FILE))
    statuses = {queued.request.stream: queued.request.status for queued in office.queue().requests}
    assert statuses == {
        late.stream: "overdue",
        soon.stream: "due_soon",
        quiet.stream: "answered_in_time",
    }
    overdue = office.queue(wanted=lambda found: found.status == "overdue")
    assert streams(overdue) == [late.stream]
    before = office.queue(as_of=cal.parse_as_of("2026-01-05"))
    assert streams(before) == [late.stream]
    assert streams(office.queue(subject=late.subject)) == [r.stream for r in (late, soon, quiet)]
    assert streams(office.queue(subject=uuid4())) == []


@pytest.mark.clause("SS-DSR-10")
def test_what_we_believed_of_a_reception_and_what_we_know_now(office: Office):
    """It was written down as received on the 31st; the postmark said the 24th."""
    made = office.asks("access")
    believed = office.clock.advance(hours=1)
    office.clock.advance(days=1)
    earlier = cal.parse_moment("2026-01-24")
    record(office.ledger, Correct(made.position, occurred=earlier, reason="postmark"))
    assert office.stands(made).due == 20260224
    assert one(office.ledger, made.stream, known_at=believed).due == 20260302


def test_a_request_that_was_voided_is_no_request(office: Office):
    made = office.asks("access")
    record(office.ledger, Void(made.position, reason="wrong_person"))
    with pytest.raises(NotFound):
        office.stands(made)
    assert office.queue().requests == ()


def test_what_is_owed_to_one_person_is_what_the_queue_says_whatever_is_amended(office: Office):
    """Answered, the answer voided, the request voided: she is owed what is open, in its order."""

    def owed() -> list[UUID]:
        found = owed_to(office.ledger, (made.subject,))
        whole = office.queue(subject=made.subject, wanted=lambda one: one.is_open)
        assert [one.stream for one in found] == streams(whole)
        return [one.stream for one in found]

    made, other = office.asks("access"), office.asks("erasure")
    assert owed() == [made.stream, other.stream]
    assert owed_to(office.ledger, (uuid4(),)) == []
    answer = RequestFulfilled(**on("2026-02-02"), channel="letter", package=FILE)
    answered = record_step(office.ledger, made.stream, answer)
    assert owed() == [other.stream]
    record(office.ledger, Void(answered.position, reason="wrong_person"))
    assert owed() == [made.stream, other.stream]
    record(office.ledger, Void(other.position, reason="wrong_person"))
    assert owed() == [made.stream]


def test_the_queue_says_of_each_request_what_its_entries_say(office: Office):
    """It reads columns where they say enough: after any step, and whatever is amended."""
    made, other = office.asks("access"), office.asks("objection", purpose="newsletter")
    both: dict[str, Any] = {
        "grounds": ("identity_failure", "accurate"),
        "remedies": ("cnil", "court"),
    }
    steps: list[tuple[UUID, Fact]] = [
        (made.stream, RequestAcknowledged(**on("2026-01-31"), channel="letter")),
        (made.stream, IdentityAsked(**on("2026-01-31"), reason="new_address")),
        (
            made.stream,
            IdentityConfirmed(**on("2026-02-02"), method="account", evidence="none_taken"),
        ),
        (made.stream, RequestQualified(**on("2026-02-02"), right="erasure", classes=("account",))),
        (made.stream, RequestExtended(**on("2026-02-02"), reason="number", notified=20260202)),
        (made.stream, RequestRefused(**on("2026-02-03"), **both)),
        (other.stream, RequestWithdrawn(**on("2026-02-03"), channel="letter")),
        (other.stream, RequestClosed(**on("2026-02-03"))),
    ]

    def agreed() -> None:
        whole, hers = office.queue(), office.queue(person=made.subject)
        assert streams(whole) == streams(hers) == [made.stream, other.stream]
        for queued in (*whole.requests, *hers.requests):
            assert queued.request == one(office.ledger, queued.request.stream)

    agreed()
    written = []
    for stream, fact in steps:
        written.append(record_step(office.ledger, stream, fact).position)
        agreed()
    earlier = cal.parse_moment("2026-01-24")
    record(office.ledger, Correct(made.position, occurred=earlier, reason="postmark"))
    agreed()
    record(office.ledger, Void(written[-1], reason="wrong_person"))
    agreed()
    assert office.queue().requests[0].request.grounds == both["grounds"]
    assert office.queue(limit=1).next == office.queue(person=made.subject, limit=1).next


def test_the_queue_reads_an_index_of_receptions_and_not_the_log(office: Office):
    office.asks("access")
    query = (
        "EXPLAIN {} SELECT position, stream, subject FROM events"
        " WHERE kind = 'request.received.v1' AND position > 0 ORDER BY position LIMIT 5"
    )
    with office.ledger.database.read() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        plan = str(connection.execute(sa.text(query.format("QUERY PLAN" if sqlite else ""))).all())
        assert store.begun(connection, 0, 5, 10**9)
    assert "events_requests" in plan
