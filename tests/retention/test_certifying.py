"""What the end of a term erased is certified: each person once, whoever was cut on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.archive_key import ArchiveKey
from ledger.calendar import parse_moment
from ledger.commands import Record, Reference
from ledger.erasing.certificate import Desk, certify, document_of, issue
from ledger.erasing.erase import erase_scopes
from ledger.erasing.journal import Journal
from ledger.errors import Misuse
from ledger.events import ContactedUs, HoldPlaced, OrderPlaced, RecipientDeclared
from ledger.handlers import record
from ledger.opening import create
from ledger.retention import certifying
from ledger.retention.run import run
from ledger.seal.note import SigningKey, VerifyKey, open_note, sign
from ledger.store import erasure
from ledger.store.recipient import ArchiveRecipient
from ledger.store.vault import Scope
from tests.clock import StepClock

LOG = "example.org/shop"
RECIPIENT = ArchiveKey.generate().recipient


class Room(NamedTuple):
    """A ledger, and the folders beside it."""

    ledger: Ledger
    journal: Path
    desk: Desk

    def told(self, fact: Any, who: str, thing: str | None = None) -> UUID:
        """Record a fact about somebody; her id."""
        reference = Reference("ref", thing) if thing else None
        found = record(self.ledger, Record(fact, Reference("shop", who), thing=reference)).subject
        assert found is not None
        return found

    def wrote(self, who: str, day: str = "2020-12-01") -> UUID:
        """She wrote once: a prospect, whose message is past its term in 2026."""
        return self.told(ContactedUs(**on(day), channel="form", text="Bonjour"), who)

    def bought(self, who: str, day: str) -> UUID:
        """She bought something."""
        return self.told(OrderPlaced(**on(day)), who, f"o-{who}")

    def run(self, recipient: ArchiveRecipient | None = RECIPIENT, **more: Any) -> Any:
        """A retention run."""
        return run(self.ledger, recipient, self.journal, **{"desk": self.desk, **more})

    def certificates(self) -> dict[str, dict[str, Any]]:
        """Every certificate there is, by person; each has one."""
        found = [document_of(path.read_bytes()) for path in self.desk.folder.iterdir()]
        assert len({one["subject"] for one in found}) == len(found)
        return {one["subject"]: one for one in found}


@pytest.fixture
def room(ledger_url: str, clock: StepClock, tmp_path: Path) -> Iterator[Room]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield Room(made, tmp_path / "journal", Desk(tmp_path / "certificates", 35))
    made.close()


def on(day: str) -> dict[str, Any]:
    return {"occurred": parse_moment(day)}


@pytest.mark.clause("SS-RET-3")
def test_everybody_of_whom_a_term_erased_something_is_certified_once(room: Room) -> None:
    """What went and by which event, what is kept and until when, who outside is to be told."""
    declared = RecipientDeclared(**on("2025-01-01"), recipient="crm", type="other")
    record(room.ledger, Record(declared, None))
    both, archived = room.wrote("A"), room.bought("B", "2020-03-01")
    assert room.bought("A", "2022-05-02") == both
    assert room.run().certified == 1
    (found,) = room.certificates().values()
    assert (found["subject"], found["reason"], found["request"]) == (str(both), "term", None)
    assert str(archived) != found["subject"]
    (line,) = found["erased"]
    (intent,) = Journal(room.journal, room.ledger.keyring.origin).intents()
    with room.ledger.database.read() as connection:
        (told,) = erasure.told(connection, intent.scopes, intent.at).values()
    assert (line["class"], line["position"], line["event"]) == ("contact", told[0], str(told[1]))
    kept = {one["class"]: one for one in found["kept"]}
    assert "contact" not in kept
    assert kept["order"]["why"] == "term"
    assert kept["order"]["until"] == "2032-05-02"
    assert (found["checks"]["keys_destroyed"], found["checks"]["envelopes_deleted"]) == (True, True)
    assert found["checks"]["write_ahead_log_empty"] in (True, None)
    assert [(one["recipient"], one["state"]) for one in found["recipients"]] == [("crm", "to_tell")]
    assert room.run().certified == 0
    assert len(room.certificates()) == 1


def test_what_a_hold_keeps_past_its_term_is_said_with_its_article(room: Room) -> None:
    her = room.wrote("A")
    room.told(OrderPlaced(**on("2010-01-10")), "A", "o")
    hold = HoldPlaced(
        **on("2026-01-01"), article="C. civ. art. 2224", review=20270101, classes=("contact",)
    )
    room.told(hold, "A", "litige")
    room.run()
    found = room.certificates()[str(her)]
    assert [one["class"] for one in found["erased"]] == ["order"]
    (held,) = [one for one in found["kept"] if one["class"] == "contact"]
    assert (held["why"], held["article"]) == ("hold", "C. civ. art. 2224")


class Cut(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize("step", ["before", "issue", "after"])
def test_a_run_that_was_cut_owes_certificates_that_the_next_one_makes(
    step: str, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any, in the middle, or before the journal says so: nobody twice, nobody left out."""
    people = [room.wrote(f"P{number}") for number in range(30)]  # two transactions, two intents
    real = issue
    made: list[Any] = []

    def cut(desk: Desk, content: dict[str, Any]) -> Any:
        if step == "before" or (step == "issue" and len(made) == 3):
            raise Cut
        made.append(content["subject"])
        return real(desk, content)

    def unsaid(*_: Any) -> None:
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(certifying, "issue", cut)
        if step == "after":
            patch.setattr(Journal, "certify", unsaid)
        with pytest.raises(Cut):
            room.run()
    assert len(made) == {"before": 0, "issue": 3, "after": 25}[step]
    assert room.run().certified == len(people)
    assert room.certificates().keys() == {str(one) for one in people}


def test_an_erasure_without_a_run_to_certify_it_is_certified_by_the_next(room: Room) -> None:
    """As when the ledger was opened after a crash, and carried out what the journal held."""
    her = room.wrote("A")
    scope = Scope(her, "contact", "")
    erase_scopes(room.ledger, [scope], journal=room.journal, reason="term")
    other = room.wrote("B", "2025-12-01")
    mine = Scope(other, "contact", "")
    erase_scopes(room.ledger, [mine], journal=room.journal, reason="request")
    assert room.run().certified == 1  # a request has its own
    assert room.certificates().keys() == {str(her)}


def test_what_was_erased_before_a_run_had_to_stop_is_certified(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no archive key, and somebody's order must be archived."""
    monkeypatch.setattr("ledger.retention.run.AT_ONCE", 1)
    for number in range(8):
        room.wrote(f"P{number}")
    room.bought("B", "2020-03-01")
    with pytest.raises(Misuse, match="archive init"):
        room.run(None)
    journal = (room.journal / "erasures.ndjson").read_text("utf-8")
    assert len(room.certificates()) == journal.count('"type":"intent"') == 8


def test_they_are_signed_by_the_log_or_wait_for_its_signature(room: Room) -> None:
    key = SigningKey.generate(LOG).named(f"{LOG}/certificate")

    def signed(text: bytes) -> bytes:
        return sign(text.decode(), key)

    room.wrote("A")
    room.run()
    assert [path.name.endswith(".unsigned") for path in room.desk.folder.iterdir()] == [True]
    room.wrote("B")
    room.run(desk=room.desk._replace(sign=signed))
    certify(room.desk.folder, signed)
    for path in room.desk.folder.iterdir():
        open_note(path.read_bytes(), [VerifyKey.parse(key.public.vkey)])
