"""An erasure that was asked for is certified, under every reference of the person who asked."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest

from api.certificates import certificate_answer
from ledger.choosing import joining
from ledger.commands import Record, Reference
from ledger.entry import to_base64
from ledger.erasing.certificate import Desk, document_of
from ledger.erasing.request import erase_everywhere, planned_everywhere
from ledger.errors import Broken, NotFound
from ledger.events import (
    ContactedUs,
    DataDisclosed,
    OrderPlaced,
    RecipientDeclared,
    RequestReceived,
)
from ledger.fields import Money
from ledger.handlers import Accepted, record
from ledger.outbound.recording import acknowledge
from ledger.requests.steps import Received, receive
from ledger.seal.note import SigningKey, VerifyKey, open_note, sign
from ledger.store import erasure, reader
from tests.requests.conftest import FILE, ZOE, Office
from tests.stories.facts_room import on

LOG = "example.org/shop"
AGAIN = Reference("mailer", "zoe-2")


def known(office: Office) -> UUID:
    """She wrote to us; a mailer was handed what she wrote."""
    office.told(
        RecipientDeclared(
            **on("2025-01-01"), recipient="mailer", type="mailing", classes=("contact",)
        )
    )
    shared: dict[str, Any] = {"recipient": "mailer", "purpose": "newsletter", "people": 12}
    office.told(DataDisclosed(**on("2025-04-01"), classes=("contact",), **shared))
    said = ContactedUs(**on("2025-03-01"), channel="form", email="zoe@canari.example")
    return office.told(said).subject or UUID(int=0)


def under(office: Office, who: Reference, **fields: Any) -> Accepted:
    """She wrote to us under another reference."""
    fact = ContactedUs(**on("2025-03-02"), channel="form", **fields)
    accepted = record(office.ledger, Record(fact, who))
    assert isinstance(accepted, Accepted)
    return accepted


def joined(office: Office, kept: UUID) -> UUID:
    """The same person, known to the mailer under a reference of her own."""
    other = under(office, AGAIN, text="Bonjour").subject
    assert other is not None
    joining.join(office.ledger, kept, other)
    return other


def answer(office: Office, request: UUID, *, is_now: bool = False) -> dict[str, Any]:
    desk = Desk(office.certificates, 35, sign=office.sign)
    return certificate_answer(office.ledger, request, desk, office.journal, is_now=is_now)


@pytest.mark.clause("SS-DSR-3", "SS-REC-1")
def test_the_answer_names_the_certificate_that_says_who_must_be_told(office: Office):
    """By its SHA-256, sealed with the answer; and the certificate names the request."""
    subject = known(office)
    made = office.asks("erasure")
    done = office.carry_out(made, channel="letter")
    assert done.certificate is not None
    found = answer(office, made.stream)
    document = document_of(found["note"].encode())
    assert document == done.certificate.content
    assert (document["request"], document["subject"]) == (str(made.stream), str(subject))
    assert {one["class"] for one in document["erased"]} == {"contact"}
    with office.ledger.database.read() as connection:
        named = office.ledger.vault.open(connection, done.answer.position)
    assert named == {"package": found["sha256"]}
    assert found["sha256"] == to_base64(sha256(found["note"].encode()).digest())
    assert [(one["recipient"], one["state"]) for one in found["recipients"]] == [
        ("mailer", "to_tell")
    ]


@pytest.mark.clause("SS-REC-1")
def test_who_acknowledged_since_is_answered_beside_it_and_in_one_made_now(office: Office):
    known(office)
    made = office.asks("erasure")
    done = office.carry_out(made)
    assert done.certificate is not None
    (line,) = done.certificate.content["erased"]
    office.clock.advance(days=9)
    (late,) = answer(office, made.stream)["recipients"]
    assert late["state"] == "overdue"
    acknowledge(office.ledger, "mailer", [line["position"]], "job-42")
    kept, renewed = answer(office, made.stream), answer(office, made.stream, is_now=True)
    assert kept["recipients"] == renewed["recipients"]
    assert kept["recipients"][0]["acknowledged"]["receipt"] == "job-42"
    document = document_of(renewed["note"].encode())
    assert document["recipients"] == renewed["recipients"]
    assert document_of(kept["note"].encode())["recipients"][0]["state"] == "to_tell"
    assert renewed["renews"] == kept["id"] == str(made.stream)
    assert len(list(office.certificates.iterdir())) == 1  # asking writes nothing


def test_it_is_signed_by_the_log_or_waits_for_its_signature(office: Office):
    key = SigningKey.generate(LOG).named(f"{LOG}/certificate")
    office.sign = lambda text: sign(text.decode(), key)
    known(office)
    made = office.asks("erasure")
    office.carry_out(made)
    found = answer(office, made.stream)
    assert found["is_signed"]
    opened = open_note(found["note"].encode(), [VerifyKey.parse(key.public.vkey)])
    assert json.loads(opened.text.partition("\n")[2])["request"] == str(made.stream)
    assert found["sha256"] == to_base64(sha256(opened.text.encode()).digest())


def test_without_a_signer_the_erasure_is_done_and_the_certificate_unsigned(office: Office):
    def silent(_text: bytes) -> bytes:
        raise Broken("nobody answers")

    office.sign = silent
    known(office)
    made = office.asks("erasure")
    done = office.carry_out(made)
    assert done.certificate is not None
    assert not done.certificate.is_signed
    assert not answer(office, made.stream)["is_signed"]
    assert not answer(office, made.stream, is_now=True)["is_signed"]


def test_a_crash_between_the_deed_and_the_answer_loses_no_line_of_it(office: Office):
    """The erasure was done for this request, and the answer never recorded: answered again, the
    certificate lists what went the first time."""
    subject = known(office)
    made = office.asks("erasure")
    plan = planned_everywhere(office.ledger, subject, "request")
    erase_everywhere(
        office.ledger, plan, journal=office.journal, reason="request", request=made.stream
    )
    done = office.carry_out(made)
    assert done.certificate is not None
    assert [one["class"] for one in done.certificate.content["erased"]] == ["contact"]
    assert done.to_tell == ("mailer",)


@pytest.mark.clause("SS-DSR-3", "SS-DSR-8")
@pytest.mark.parametrize("asking", ["kept", "other"])
def test_erasing_one_person_reaches_every_reference_of_hers(office: Office, asking: str):
    """Whichever reference asks: both are erased, each with lines of its own, and neither name
    leads to anybody any more."""
    kept = known(office)
    other = joined(office, kept)
    order = OrderPlaced(**on("2025-06-02"), amount=Money(4990, "EUR"))
    office.told(order, thing=Reference("order_ref", "A-1"))
    made = office.asks("erasure") if asking == "kept" else asked_under(office, AGAIN)
    done = office.carry_out(made)
    assert done.certificate is not None
    lines = {(one["subject"], one["class"]) for one in done.certificate.content["erased"]}
    assert lines == {(str(kept), "contact"), (str(other), "contact")}
    assert "order" in {one.klass for one in done.by_reference[kept] if one.is_kept}
    assert office.stands(made).state == "partially_fulfilled"
    with office.ledger.database.read() as connection:
        assert erasure.closed_subjects(connection, {kept, other}) == {other}
        keys = [("person/mailer", office.ledger.keyring.blind("person/mailer", AGAIN.value))]
        assert reader.lookups(connection, keys) == {}


def asked_under(office: Office, who: Reference) -> Received:
    fact = RequestReceived(**on("2026-01-31"), right="erasure", channel="letter")
    return receive(office.ledger, fact, who)


def test_a_request_of_another_right_or_of_nothing_erased_has_no_certificate(office: Office):
    known(office)
    access = office.asks("access")
    office.carry_out(access, package=FILE)
    erasure_ = office.asks("erasure", classes=("survey",))
    done = office.carry_out(erasure_)
    assert done.certificate is None
    for made in (access, erasure_):
        with pytest.raises(NotFound, match="no certificate"):
            answer(office, made.stream)


def test_one_class_is_erased_wherever_she_has_it(office: Office):
    """And where she has it nowhere, that is said."""
    kept = known(office)
    other = joined(office, kept)
    plan = planned_everywhere(office.ledger, kept, "request", "contact")
    assert {who: [one.klass for one in some] for who, some in plan.items()} == {
        kept: ["contact"],
        other: ["contact"],
    }
    with pytest.raises(NotFound, match="nothing of this class"):
        planned_everywhere(office.ledger, kept, "request", "card_proof")
    assert ZOE.kind == "shop"
