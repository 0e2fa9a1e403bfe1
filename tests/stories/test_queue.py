"""Stories of what people write: applied at once, or put before a person; never dropped."""

from __future__ import annotations

import pytest

from ledger.calendar import parse_moment
from ledger.choosing import motives
from ledger.choosing.motives import Heard, Settled
from ledger.commands import Reference, Void
from ledger.errors import NotFound, Refusal
from ledger.events import (
    RIGHTS,
    ContactedUs,
    DataRead,
    Fact,
    RecoveredFromQueue,
    RequestReceived,
)
from ledger.handlers import Accepted
from ledger.policy.requests import Request
from ledger.requests.queued import Asked
from ledger.requests.reading import queue
from ledger.requests.steps import Received
from ledger.store import reader
from ledger.store import requests as store
from tests.stories.facts_room import Shop, on

HERS = Reference("shop", "0042")
LETTER = parse_moment("2025-12-30")
STOP = "« STOP  e\u0301mail softsystem »"
DELETE = "Supprimer mon espace client SoftSystem"
PUBLISHED = f"« {DELETE} »"  # as it stands in the published text, quotes and all


def heard(shop: Shop, text: str, person: Reference = HERS) -> Heard:
    """A letter came on 30 December and is recorded."""
    return motives.receive(shop.ledger, person, text, "letter", LETTER)


@pytest.fixture(autouse=True)
def known(shop: Shop) -> None:
    """She is known, under one reference."""
    shop.told(ContactedUs(**on("2025-11-01"), channel="form"), "0042")


def waiting(shop: Shop) -> list[tuple[str, str | None]]:
    """What waits for a person: how like a phrase, and like which."""
    return [(item.match, item.motive) for item in motives.waiting(shop.ledger)]


@pytest.mark.clause("SS-CH-5", "SS-CH-3")
def test_the_agreed_phrase_stops_marketing_at_once(shop: Shop) -> None:
    """SS-CH-5: as of the day the letter came, with the phrase and the door as its act; nobody needs
    to read it."""
    said = heard(shop, STOP)
    assert said.match == "applied"
    (choice,) = said.choices
    assert (choice.wanted.purpose, choice.kind) == ("newsletter", "objection.raised.v1")
    (stands,) = shop.state("0042").consents.values()
    assert (stands.kind, stands.day) == ("objection.raised.v1", 20251230)
    assert waiting(shop) == []


@pytest.mark.clause("SS-ACT-1")
def test_it_moves_no_deadline(shop: Shop) -> None:
    """Asking to be left alone is not an activity (SS-ACT-1)."""
    before = shop.deadline("0042", "contact", "2026-01-05").operational_until
    heard(shop, "où est ma commande ?")
    assert shop.deadline("0042", "contact", "2026-01-05").operational_until == before


@pytest.mark.clause("SS-CH-4", "SS-CH-5", "SS-CH-6")
def test_what_only_resembles_it_waits(shop: Shop) -> None:
    """Near misses and all the rest, oldest first; nothing is applied, nothing is lost."""
    heard(shop, "Stop emial SoftSystem")
    heard(shop, "où est ma commande ?")
    heard(shop, DELETE)
    assert waiting(shop) == [("near", "stop_email"), ("unmatched", None)]
    assert shop.state("0042").consents == {}


def test_somebody_unknown_is_heard_and_looked_for(shop: Shop) -> None:
    """The phrase is applied to her reference, and a person looks whether she is known otherwise."""
    said = heard(shop, STOP, Reference("email", "zoe@example.org"))
    assert isinstance(said.outcome, Accepted)
    assert [one.kind for one in said.choices] == ["objection.raised.v1"]
    assert waiting(shop) == [("exact", "stop_email")]


@pytest.mark.clause("SS-PAY-1")
def test_a_card_number_stays_out_and_the_request_stays(shop: Shop) -> None:
    """SS-PAY-1: the text is not kept, that she wrote is."""
    said = heard(shop, "Stop mail svp, ma carte est 4111 1111 1111 1111")
    assert said.withheld is not None
    assert said.withheld.problem == "pan-detected"
    assert waiting(shop) == [("near", "stop_email")]
    (item,) = motives.waiting(shop.ledger)
    assert motives.read(shop.ledger, item.position, "staff-7")[1] is None


def test_a_text_is_opened_only_on_record(shop: Shop) -> None:
    """Who looked, and why, is a fact before the text is open."""
    heard(shop, "Arrêtez vos mails")
    (item,) = motives.waiting(shop.ledger)
    assert motives.read(shop.ledger, item.position, "staff-7")[1] == "Arrêtez vos mails"
    end = shop.ledger.recorder.head().position
    with shop.ledger.database.read() as connection:
        found = reader.event_at(connection, end)
    assert found is not None
    assert isinstance(found.fact, DataRead)
    assert (found.fact.reader, found.fact.reason) == ("staff-7", "queue")


@pytest.mark.clause("SS-CH-4", "SS-CH-5")
def test_a_person_decides(shop: Shop) -> None:
    """The phrase it amounts to is applied as of the day it came; then nothing waits any more."""
    heard(shop, "Arrêtez vos mails")
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(shop.ledger, item.position, "motive", "staff-7", "stop_email")
    assert isinstance(settled, Settled)
    assert [one.kind for one in settled.choices] == ["objection.raised.v1"]
    (stands,) = shop.state("0042").consents.values()
    assert stands.day == 20251230
    assert waiting(shop) == []
    again = motives.decide(shop.ledger, item.position, "nothing", "staff-7")
    assert isinstance(again, Refusal)
    assert again.problem == "conflict"
    with pytest.raises(NotFound):
        motives.read(shop.ledger, item.position, "staff-7")


def test_or_it_asks_for_nothing(shop: Shop) -> None:
    """Then no choice is made for her, and no request."""
    heard(shop, "où est ma commande ?")
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(shop.ledger, item.position, "nothing", "staff-7")
    assert isinstance(settled, Settled)
    assert (settled.choices, settled.opened) == ([], None)
    assert (waiting(shop), requests(shop)) == ([], [])


# --- her rights -----------------------------------------------------------------------------------


def requests(shop: Shop) -> list[Request]:
    """Every request that is known."""
    return [queued.request for queued in queue(shop.ledger).requests]


def kinds_of(shop: Shop, made: Received | None) -> list[Fact]:
    """What stands on the stream of a request."""
    assert made is not None
    with shop.ledger.database.read() as connection:
        return [step.fact for step in store.steps(connection, [made.stream], 2**53)[made.stream]]


@pytest.mark.clause("SS-CH-6", "SS-CH-3", "SS-DSR-3")
@pytest.mark.parametrize("text", [PUBLISHED, "« supprimer  mon ESPACE CLIENT softsystem »"])
def test_the_agreed_phrase_asks_for_the_erasure_of_her_account_at_once(
    shop: Shop, text: str
) -> None:
    """The very words of the published text. The month runs since the day of the letter; nothing is
    erased or closed by it, for what a law keeps must be weighed and told (GDPR art. 17(3))."""
    said = heard(shop, text)
    assert (said.match, said.choices, waiting(shop)) == ("applied", [], [])
    (found,) = requests(shop)
    assert said.opened is not None
    assert (found.stream, found.right, found.state) == (said.opened.stream, "erasure", "received")
    assert (found.received, found.due) == (20251230, 20260130)
    (fact,) = kinds_of(shop, said.opened)
    assert isinstance(fact, RequestReceived)
    assert (fact.classes, fact.channel) == (("account",), "letter")


@pytest.mark.clause("SS-CH-4", "SS-CH-5", "SS-CH-6")
def test_what_resembles_it_becomes_a_request_when_a_person_says_so(shop: Shop) -> None:
    """Received on the day it came, out of the queue since somebody read it: on one stream."""
    heard(shop, "Supprimez mon compte, merci")
    (item,) = motives.waiting(shop.ledger)
    assert (item.match, requests(shop)) == ("near", [])
    settled = motives.decide(shop.ledger, item.position, "motive", "staff-7", "delete_account")
    assert isinstance(settled, Settled)
    first, second = kinds_of(shop, settled.opened)
    assert isinstance(first, RequestReceived)
    assert isinstance(second, RecoveredFromQueue)
    assert (first.occurred, first.classes, second.from_queue) == (LETTER, ("account",), item.id)
    (found,) = requests(shop)
    assert (found.right, found.state, found.due) == ("erasure", "qualified", 20260130)
    assert waiting(shop) == []


@pytest.mark.clause("SS-CH-2", "SS-CH-4", "SS-DSR-4")
@pytest.mark.parametrize("right", RIGHTS)
def test_any_right_is_opened_from_the_queue(shop: Shop, right: str) -> None:
    """People need not know the names of their rights; an objection takes effect with it."""
    heard(shop, "je ne veux plus, et dites-moi ce que vous savez de moi")
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(
        shop.ledger, item.position, "request", "staff-7", asked=Asked(right, purpose="newsletter")
    )
    assert isinstance(settled, Settled)
    kinds = [fact.kind for fact in kinds_of(shop, settled.opened)]
    assert kinds == ["request.received.v1", "request.recovered_from_queue.v1"]
    assert [found.right for found in requests(shop)] == [right]
    assert bool(shop.state("0042").consents) == (right == "objection")


@pytest.mark.clause("SS-CH-6")
def test_the_phrase_of_somebody_unknown_is_one_request_not_two(shop: Shop) -> None:
    """It is received under her reference at once, and a person looks whether she is known under
    another one: deciding then points at the request that there is."""
    said = heard(shop, DELETE, Reference("email", "zoe@example.org"))
    assert (waiting(shop), len(requests(shop))) == ([("exact", "delete_account")], 1)
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(shop.ledger, item.position, "motive", "staff-7", "delete_account")
    assert isinstance(settled, Settled)
    assert said.opened is not None
    assert settled.opened is not None
    assert settled.opened.stream == said.opened.stream
    assert len(requests(shop)) == 1
    assert [type(fact) for fact in kinds_of(shop, said.opened)] == [
        *(RequestReceived, RecoveredFromQueue),
    ]


def test_a_request_that_cannot_be_received_leaves_the_text_waiting(shop: Shop) -> None:
    """A decision for a request names its right."""
    heard(shop, "enlevez ma carte")
    (item,) = motives.waiting(shop.ledger)
    refused = motives.decide(shop.ledger, item.position, "request", "staff-7")
    assert isinstance(refused, Refusal)
    assert refused.field == "right"
    assert (len(waiting(shop)), requests(shop)) == (1, [])


@pytest.mark.parametrize(
    ("decision", "motive"), [("motive", None), ("motive", "horoscope"), ("nothing", "stop_email")]
)
def test_a_decision_names_a_phrase_or_none(
    shop: Shop, decision: motives.Verdict, motive: str | None
) -> None:
    """And waits on when it is not understood."""
    heard(shop, "Arrêtez vos mails")
    (item,) = motives.waiting(shop.ledger)
    refused = motives.decide(shop.ledger, item.position, decision, "staff-7", motive)
    assert isinstance(refused, Refusal)
    assert waiting(shop) == [("near", "stop_email")]


def test_a_text_of_somebody_else_is_voided_and_waits_no_more(shop: Shop) -> None:
    """A wrong person is put right by adding."""
    said = heard(shop, "Arrêtez vos mails")
    assert isinstance(said.outcome, Accepted)
    (voided,) = shop.batch(Void(said.outcome.position, "wrong_person"))
    assert isinstance(voided, Accepted)
    assert waiting(shop) == []


def test_no_caller_corrects_or_voids_a_decision(shop: Shop) -> None:
    """It is the ledger's own act; who was wrong decides again."""
    heard(shop, "Arrêtez vos mails")
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(shop.ledger, item.position, "nothing", "staff-7")
    assert isinstance(settled, Settled)
    (refused,) = shop.batch(Void(settled.position))
    assert isinstance(refused, Refusal)
    assert refused.problem == "not-found"
