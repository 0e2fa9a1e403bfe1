"""The controls asked of a real ledger: through its door, on each database, on record and signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.answers import Times
from api.controls import asked_of, put_on_record, signed_json, wanted
from api.inspecting import inspected
from ledger.application import Ledger
from ledger.calendar import moment_of_instant, parse_as_of, parse_moment
from ledger.choosing.joining import join
from ledger.commands import Record, Reference, Void
from ledger.erasing.certificate import Desk
from ledger.erasing.prune import prune
from ledger.erasing.request import erase_person, planned
from ledger.errors import Misuse
from ledger.events import (
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    CustomerRegistered,
    Fact,
    FieldDeclared,
    FormPublished,
    MessageSent,
    NoticePublished,
    OrderPlaced,
)
from ledger.evidence import controls as recording
from ledger.evidence.export import Wanted, cited_by, export
from ledger.handlers import Accepted, record
from ledger.opening import create
from ledger.seal.note import SigningKey, sign
from ledger.store import reader, tables
from replay import verify
from replay.controls.run import Result
from tests.clock import StepClock
from tests.evidence.test_export import sealed

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
YES: dict[str, Any] = {**NEWS, "form": "account-1", "act": "box_ticked", "grade": "proved"}


class Shop:
    """A ledger that goes on day by day."""

    def __init__(self, ledger: Ledger, clock: StepClock, folder: Path) -> None:
        self.ledger, self.clock, self.folder = ledger, clock, folder

    def now(self, **said: Any) -> dict[str, Any]:
        """What happens now."""
        return {"occurred": moment_of_instant(self.clock.now()), **said}

    def told(self, fact: Fact, who: str | None = "C-1") -> Accepted:
        """Something happens to a customer, or to nobody."""
        person = Reference("shop", who) if who else None
        return record(self.ledger, Record(fact, person=person))

    def person(self, who: str) -> UUID:
        """Whom a customer number means."""
        blind = ("person/shop", self.ledger.keyring.blind("person/shop", who))
        with self.ledger.database.read() as connection:
            return reader.lookups(connection, [blind])[blind].subject

    def asks(self, *names: str, **times: Any) -> Result:
        """One run."""
        return asked_of(
            self.ledger, Times(**times), names, journal=self.folder / "journal", open_parts=True
        )

    def found(self, *names: str, **times: Any) -> dict[str, list[str]]:
        """The codes of the violations of each control that found some."""
        outcomes = self.asks(*names, **times).outcomes
        found = {
            o.control: [f.why for f in o.findings if f.weight == "violation"] for o in outcomes
        }
        return {control: codes for control, codes in found.items() if codes}


@pytest.fixture
def shop(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Shop]:
    """A clean company: a form, a notice, two people, a consent, a message, an order."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    ledger = create(ledger_url, keyring, clock=clock, origin="example.org/evidence")
    made = Shop(ledger, clock, tmp_path)
    field = FieldDeclared(**made.now(), name="email", classes=("account",), source="provided")
    made.told(field, None)
    shown: dict[str, Any] = {"form": "account-1", "fields": ("email",), "document": "A" * 43}
    made.told(FormPublished(**made.now(), **shown), None)
    made.told(NoticePublished(**made.now(), notice="site", document="A" * 43), None)
    for who in ("C-1", "C-2"):
        registered: dict[str, Any] = {"klass": "contact", "origin": "contact", "person": "consumer"}
        made.told(CustomerRegistered(**made.now(), email=f"{who}@example.org", **registered), who)
        made.told(ContactedUs(**made.now(), channel="form", text="Bonjour"), who)
    made.told(ConsentGiven(**made.now(), **YES))
    clock.advance(minutes=1)
    made.told(MessageSent(**made.now(), **NEWS))
    made.told(OrderPlaced(**made.now()), "C-2")
    yield made
    ledger.close()


def test_a_clean_company_is_flagged_by_none(shop: Shop) -> None:
    made = shop.asks()
    assert made.ok
    assert (made.people, made.parts_opened, made.pruned) == (2, True, 0)
    assert [o.findings for o in made.outcomes if o.findings] == []


def test_a_send_after_a_no_is_caught_and_a_voided_one_is_not(shop: Shop) -> None:
    before = shop.clock.now()
    shop.clock.advance(minutes=1)
    shop.told(ConsentWithdrawn(**shop.now(), **NEWS))
    shop.clock.advance(minutes=1)
    sent = shop.told(MessageSent(**shop.now(), **NEWS))
    assert shop.found() == {"C01": ["sent"], "C02": ["after_a_no"]}
    assert shop.found(as_of=before) == shop.found(known_at=before) == {}
    record(shop.ledger, Void(sent.position, reason="not_sent"))
    assert shop.found() == {}


def test_under_two_references_she_is_one_person(shop: Shop) -> None:
    """Her no under one reference forbids a message to the other, once they are known to be one."""
    shop.told(ConsentGiven(**shop.now(), **YES), "C-2")
    shop.told(ConsentWithdrawn(**shop.now(), **NEWS), "C-1")
    shop.clock.advance(minutes=1)
    shop.told(MessageSent(**shop.now(), **NEWS), "C-2")
    assert shop.found("C01", "C02") == {}
    join(shop.ledger, shop.person("C-1"), shop.person("C-2"))
    shop.clock.advance(minutes=1)
    shop.told(MessageSent(**shop.now(), **NEWS), "C-1")
    assert shop.found("C01") == {"C01": ["sent"]}


def erases(shop: Shop, who: str = "C-1") -> None:
    """She asks to be erased, and is."""
    subject = shop.person(who)
    going = planned(shop.ledger, subject, "request")
    erase_person(shop.ledger, subject, going, journal=shop.folder / "journal", reason="request")


def test_an_erasure_is_complete_and_a_key_that_comes_back_is_caught(shop: Shop) -> None:
    keys = tables.keys.c
    with shop.ledger.database.read() as connection:
        kept = connection.execute(sa.select(tables.keys)).all()
    erases(shop)
    assert shop.found("C06", "C08", "C13", "C14", "C17") == {}
    with shop.ledger.database.write() as connection:  # as a restored backup would bring it back
        for row in kept:
            connection.execute(
                sa.update(tables.keys)
                .where(keys.key_id == row.key_id, keys.wrapped.is_(None))
                .values(wrapped=row.wrapped, state=row.state, destroyed_position=None)
            )
    found = shop.found("C06", "C17")
    assert set(found) == {"C06", "C17"}
    assert set(found["C17"]) == {"revived"}


def test_what_was_pruned_is_counted_and_judged_no_more(shop: Shop) -> None:
    """Entries that became bare leaves: no control, no question fails for want of them."""
    shop.told(MessageSent(**shop.now(), **NEWS), "C-2")
    assert shop.found("C01") == {"C01": ["sent"]}
    erases(shop, "C-1")
    assert prune(shop.ledger, shop.folder / "journal").entries > 0
    made = shop.asks()
    assert made.pruned > 0
    assert {o.control for o in made.outcomes if o.violations} == {"C01"}
    about, answers = inspected(shop.ledger, Times(), ())
    assert about["pruned"] == made.pruned
    (figures,) = [a.figures for a in answers if a.question == "Q12"]
    assert (figures["pruned"], figures["wrong"]) == (made.pruned, 0)


def test_a_live_row_and_a_column_that_say_something_else_are_caught(shop: Shop) -> None:
    with shop.ledger.database.write() as connection:
        connection.execute(sa.update(tables.consents).values(grade="inferred"))
    assert shop.found() == {"C14": ["store"]}


# --- on record ------------------------------------------------------------------------------------


def test_a_run_is_a_fact_without_a_person_and_its_result_is_signed(shop: Shop) -> None:
    shop.told(MessageSent(**shop.now(), **NEWS), "C-2")
    made = shop.asks("C01", "C02")
    key = SigningKey(shop.ledger.keyring.origin, b"k" * 32).named(
        "example.org/evidence/certificate"
    )
    folder = shop.folder / "certificates"
    told = put_on_record(shop.ledger, made, Desk(folder, 35, sign=lambda t: sign(t.decode(), key)))
    assert told["signed"] is True
    (one,) = recording.runs(shop.ledger)
    assert one.position == told["position"] == made.known + 1
    assert (one.violations, dict(one.found)) == (1, {"C01": 1, "C02": 0})
    content = (folder / told["file"]).read_bytes()
    assert cited_by(content) == one.position
    said = json.loads(content.decode().partition("\n\n")[0].partition("\n")[2])
    assert recording.digest_of(said["result"]) == one.result == said["digest"]
    (subject,) = {f.subject for o in made.outcomes for f in o.findings}
    assert str(subject) not in content.decode()
    assert said["result"]["controls"]["C01"]["positions"] == [
        list(made.outcomes[0].findings[0].positions)
    ]


def trusting(shop: Shop, key: SigningKey) -> Path:
    """The anchors of an auditor who pinned this key."""
    anchors = shop.folder / "anchors.toml"
    anchors.write_text(f'origin = "{key.name}"\nlog = ["{key.vkey}"]\n')
    return anchors


def test_the_result_travels_in_the_bundle_and_a_stranger_checks_it(shop: Shop) -> None:
    origin = shop.ledger.keyring.origin
    key = SigningKey(origin, sha256(b"the log").digest())
    named = key.named(f"{origin}/certificate")
    folder = shop.folder / "certificates"
    desk = Desk(folder, 35, sign=lambda t: sign(t.decode(), named))
    put_on_record(shop.ledger, shop.asks("C01"), desk)
    sealed(shop.ledger, shop.folder / "log")
    put_on_record(shop.ledger, shop.asks("C01"), desk)
    bundle = shop.folder / "bundle"
    export(
        shop.ledger, shop.folder / "log", bundle, Wanted("whole"), certificates=folder
    )  # the second run is not sealed yet: it goes out with the next bundle
    trust = verify.Trust.load(trusting(shop, key))
    report = verify.verify(bundle, trust)
    assert report.status(13) == "passed"
    assert report.ok
    (there,) = (bundle / "certificates").iterdir()
    content = there.read_bytes().decode()
    said = json.loads(content.partition("\n\n")[0].partition("\n")[2])
    said["erased"][0]["position"] -= 1  # signed by the log, about another fact
    text = f"{origin}/certificate\n{json.dumps(said, indent=1)}\n"
    there.write_bytes(sign(text, named))
    assert verify.verify(bundle, trust).status(13) == "failed"
    there.write_bytes(content.replace('"violations": 0', '"violations": 1').encode())
    assert verify.verify(bundle, trust).status(13) == "failed"


def test_what_is_asked_must_exist(shop: Shop) -> None:
    assert wanted(["c01", "C18", "C01"]) == ("C01", "C18")
    with pytest.raises(Misuse, match="C01 to C18"):
        wanted(["C19"])
    made = shop.asks("C03", as_of=parse_as_of("2040-01-01"))
    assert not made.ok
    assert signed_json(made)["controls"].keys() == {"C03"}
    assert parse_moment("2040-01-01").at > 0
