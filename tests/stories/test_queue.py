"""Stories of what people write: applied at once, or put before a person; never dropped."""

from __future__ import annotations

import pytest

from ledger.calendar import parse_moment
from ledger.choosing import motives
from ledger.choosing.motives import Heard, Settled
from ledger.commands import Reference, Void
from ledger.errors import NotFound, Refusal
from ledger.events import ContactedUs, DataRead
from ledger.handlers import Accepted
from ledger.store import reader
from tests.stories.facts_room import Shop, on

HERS = Reference("shop", "0042")
LETTER = parse_moment("2025-12-30")
STOP = "« STOP  e\u0301mail softsystem »"
DELETE = "Supprimer mon espace client SoftSystem"


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
    assert waiting(shop) == [
        *(("near", "stop_email"), ("unmatched", None), ("exact", "delete_account")),
    ]
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


@pytest.mark.parametrize("decision", ["request", "nothing"])
def test_or_it_asks_for_something_else(shop: Shop, decision: motives.Verdict) -> None:
    """Then no choice is made for her."""
    heard(shop, "où est ma commande ?")
    (item,) = motives.waiting(shop.ledger)
    settled = motives.decide(shop.ledger, item.position, decision, "staff-7")
    assert isinstance(settled, Settled)
    assert settled.choices == []
    assert waiting(shop) == []


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
