"""Who may acknowledge for whom: a key for its own recipient, staff for anybody with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api import keys
from api.routes import AGENT, AUDITOR, DPO, OPERATOR, READER, RECORDER
from ledger.errors import Misuse
from ledger.store import reader
from tests.api.conftest import Caller
from tests.clock import StepClock

PATH = "/v1/acknowledgements"


def withdrawn(caller: Caller, *people: str) -> list[int]:
    """Positions of withdrawals about which a CRM and a mailer are told."""
    for recipient in ("crm", "mailer"):
        data = {"recipient": recipient, "type": "other"}
        caller.post({"kind": "recipient.declared", "data": data})
    found = []
    for who in people:
        person, data = {"kind": "shop", "value": who}, {"purpose": "newsletter", "channel": "email"}
        yes = {"kind": "consent.given", "person": person, "data": {**data, "grade": "proved"}}
        no = {"kind": "consent.withdrawn", "person": person, "data": data}
        found.append(caller.post([yes, no]).json()["items"][1]["position"])
    return found


def key_of(tmp_path: Path, clock: StepClock, role: str, recipient: str | None) -> dict[str, str]:
    """Headers of one more key; the server reads the file again."""
    path = tmp_path / "api-keys.json"
    _, secret = keys.add(path, "x", frozenset({role}), clock.now(), recipient=recipient)
    return {"Authorization": f"Bearer {secret}"}


def last(caller: Caller) -> Any:
    """The newest fact."""
    position = caller.position()
    with caller.ledger.database.read() as connection:
        event = reader.event_at(connection, position)
    assert event is not None
    return event.fact


def test_a_key_acknowledges_for_its_own_recipient_only(
    anywhere: Caller, tmp_path: Path, clock: StepClock
) -> None:
    """For another one, and from a key of nobody's, it is refused and nothing is recorded."""
    (at,) = withdrawn(anywhere, "one")
    crm = key_of(tmp_path, clock, RECORDER, "crm")
    shop = key_of(tmp_path, clock, RECORDER, None)
    before = anywhere.position()

    def say(headers: dict[str, str], **body: Any) -> Any:
        return anywhere.say("POST", PATH, {"positions": [at], **body}, **headers)

    for headers, body in (
        (shop, {"recipient": "crm"}),
        (shop, {"recipient": "crm", "reason": "mine"}),
        (crm, {"recipient": "mailer"}),
        (crm, {"recipient": "mailer", "reason": "mine"}),
    ):
        refused = say(headers, **body)
        assert (refused.status_code, refused.json()["field"]) == (403, "recipient")
    assert anywhere.position() == before
    assert say(crm, recipient="crm", receipt="job-1").json()["items"][0]["recorded"] is True
    fact = last(anywhere)
    assert (fact.recipient, fact.receipt, fact.by, fact.reason) == ("crm", "job-1", None, None)


@pytest.mark.parametrize("role", [AGENT, DPO, OPERATOR])
def test_staff_say_why_they_say_it_in_their_place(
    anywhere: Caller, tmp_path: Path, clock: StepClock, role: str
) -> None:
    """Without a reason it is refused; with one, who and why are recorded, and told apart from the
    recipient's own word."""
    (at,) = withdrawn(anywhere, "one")
    staff = key_of(tmp_path, clock, role, None)
    said = {"recipient": "mailer", "positions": [at]}
    refused = anywhere.say("POST", PATH, said, **staff)
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")
    assert anywhere.say("POST", PATH, {**said, "reason": "letter"}, **staff).status_code == 200
    fact = last(anywhere)
    assert (fact.reason, fact.by[:4]) == ("letter", "key:")
    crm = key_of(tmp_path, clock, RECORDER, "crm")
    assert anywhere.say("POST", PATH, {**said, "recipient": "crm"}, **crm).status_code == 200
    (about,) = anywhere.get(f"/v1/subjects/{fact.subject}/recipients").json()["items"]
    told = {one["recipient"]: one["acknowledged"]["in_place"] for one in about["recipients"]}
    assert told == {"crm": None, "mailer": "letter"}


@pytest.mark.parametrize("role", [READER, AUDITOR])
def test_who_only_looks_says_nothing_for_anybody(
    anywhere: Caller, tmp_path: Path, clock: StepClock, role: str
) -> None:
    (at,) = withdrawn(anywhere, "one")
    before = anywhere.position()
    said = {"recipient": "mailer", "positions": [at], "reason": "letter"}
    refused = anywhere.say("POST", PATH, said, **key_of(tmp_path, clock, role, None))
    assert (refused.status_code, anywhere.position()) == (403, before)


def test_a_key_keeps_its_recipient_in_its_file(tmp_path: Path, clock: StepClock) -> None:
    """Through a rotation and another reading; one of before has none."""
    path = tmp_path / "api-keys.json"
    key, _ = keys.add(path, "x", frozenset({RECORDER}), clock.now(), recipient="crm")
    keys.rotate(path, key.id, clock.now(), clock.now() + 1)
    assert [one.recipient for one in keys.read(path)] == ["crm"]
    path.write_text(path.read_text("utf-8").replace('"recipient": "crm"', '"more": 1'), "utf-8")
    assert [one.recipient for one in keys.read(path)] == [None]
    for roles, recipient in (({RECORDER}, "Le CRM"), ({DPO}, "crm")):
        with pytest.raises(Misuse):
            keys.add(path, "x", frozenset(roles), clock.now(), recipient=recipient)


def test_who_is_overdue_is_told_page_by_page(anywhere: Caller, clock: StepClock) -> None:
    """In the order of the facts, each once, whoever they are about."""
    positions = withdrawn(anywhere, "a", "b", "a", "c", "b")
    clock.advance(days=9)
    seen: list[int] = []
    after: int | None = 0
    while after is not None:
        page = anywhere.get(f"{PATH}/overdue", limit="2", after=str(after)).json()
        assert len(page["items"]) <= 2
        seen += [one["position"] for one in page["items"]]
        after = page["next"]
    assert seen == sorted(positions)
