"""Reads of personal data by staff: on record before anything is seen, and never more than asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import keys, reading
from api.access import Who
from api.routes import AGENT, AUDITOR, SUBJECT
from ledger.erasing.erase import erase_scopes
from ledger.errors import Broken
from ledger.store import erasure
from ledger.store.vault import Scope
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

ASKED = {"classes": ["contact"], "reason": "customer_call", "case": "t-1042"}


def somebody(caller: Caller) -> str:
    """A person who wrote to us, and logged in: two classes of data, each with a sealed part."""
    person = {"kind": "shop", "value": "0042"}
    wrote = {"channel": "email", "text": CANARY}
    items = [
        {"kind": "customer.contacted_us", "person": person, "data": wrote},
        {"kind": "customer.logged_in", "person": person, "data": {"ip": "192.0.2.7"}},
    ]
    told = caller.post(items).json()["items"]
    assert [one["status"] for one in told] == [201, 201], told
    return str(told[0]["subject"])


def read(caller: Caller, subject: Any, asked: Any, key: str | None = None) -> Any:
    """`POST …/readings`."""
    headers = {"Authorization": f"Bearer {key or caller.key}"}
    return caller.client.post(f"/v1/subjects/{subject}/readings", json=asked, headers=headers)


def test_a_read_is_a_fact_and_shows_what_was_asked_for(anywhere: Caller, tmp_path: Path) -> None:
    """Who (the id of a key), which classes, why; the part of another class stays sealed."""
    subject = somebody(anywhere)
    key, secret = keys.add(tmp_path / "api-keys.json", "desk", frozenset({AGENT}), 1)
    answer = read(anywhere, subject, ASKED, secret)
    assert answer.status_code == 200, answer.text
    (item,) = answer.json()["items"]
    assert (item["kind"], item["state"]) == ("customer.contacted_us.v1", "opened")
    assert item["data"]["text"] == CANARY
    assert "192.0.2.7" not in answer.text
    told = anywhere.get(f"/v1/subjects/{subject}/timeline").json()["items"][-1]
    assert (told["kind"], told["position"]) == ("data.read.v1", answer.json()["read"])
    assert told["data"] == {"reader": key.id, **ASKED}
    assert told["actor"] == "agent"


def test_what_cannot_be_recorded_is_not_opened(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record comes first: when it fails, no part is touched."""
    subject, opened = somebody(caller), []

    def fail(*_: object) -> None:
        raise Broken("the database failed")

    monkeypatch.setattr(reading, "record", fail)
    monkeypatch.setattr(caller.ledger.vault, "open", lambda *a: opened.append(a))
    answer = read(caller, subject, ASKED)
    assert answer.status_code == 500
    assert CANARY not in answer.text
    assert opened == []


def test_she_is_not_recorded_as_reading_her_own(caller: Caller) -> None:
    """The helper knows; whoever else reads is recorded."""
    subject = UUID(somebody(caller))
    before = caller.position()
    herself = Who("self", frozenset({SUBJECT}), subject)
    assert reading.record_read(caller.ledger, herself, subject, ["contact"], "own") is None
    assert caller.position() == before
    auditor = Who("key:1", frozenset({AUDITOR}))
    assert reading.record_read(caller.ledger, auditor, subject, ["contact"], "audit") == before + 1


def test_verdicts_and_the_timeline_are_no_reads(caller: Caller) -> None:
    """They hold no personal part; asking for them writes nothing."""
    subject = somebody(caller)
    before = caller.position()
    for path in ("", "/timeline", "/deadlines", "/consents"):
        assert CANARY not in caller.get(f"/v1/subjects/{subject}{path}").text
    assert caller.position() == before


def test_of_the_erased_nothing_is_read_and_nothing_recorded(caller: Caller, tmp_path: Path) -> None:
    """410; and of somebody whose letter alone is gone, that it is."""
    subject = somebody(caller)
    scopes = [Scope(UUID(subject), name, "") for name in erasure.IDENTIFYING]
    erase_scopes(caller.ledger, scopes, journal=tmp_path / "journal", reason="request")
    before = caller.position()
    assert read(caller, subject, ASKED).status_code == 410
    assert read(caller, uuid4(), ASKED).status_code == 404
    assert caller.position() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        [ASKED],
        {**ASKED, "classes": []},
        {**ASKED, "classes": "contact"},
        {**ASKED, "classes": [CANARY]},
        {**ASKED, "classes": ["contact", "nonsense"]},
        {**ASKED, "classes": ["contact"] * 21},
        {**ASKED, "reason": None},
        {**ASKED, "reason": CANARY},
        {**ASKED, "case": CANARY},
        {**ASKED, "after": CANARY},
        {**ASKED, CANARY: 1},
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_read_without_a_reason_is_refused(caller: Caller, wrong: Any) -> None:
    """422 with the field; nothing recorded, nothing repeated."""
    subject = somebody(caller)
    before = caller.position()
    answer = read(caller, subject, wrong)
    assert answer.status_code == 422
    assert CANARY not in answer.text
    assert caller.position() == before


def test_a_long_history_is_read_page_by_page(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page is a read of its own; none of her letters is missed or shown twice."""
    monkeypatch.setattr(reading, "PAGE", 2)
    subject = somebody(caller)
    for number in range(3):
        wrote = {"channel": "email", "text": f"letter {number}"}
        item = {"kind": "customer.contacted_us", "subject": subject, "data": wrote}
        assert caller.post(item).status_code == 201
    found: list[str] = []
    after: int | None = 0
    while after is not None:
        page = read(caller, subject, {**ASKED, "after": after}).json()
        found += [item["data"]["text"] for item in page["items"]]
        after = page["next"]
        assert len(found) < 10
    assert found == [CANARY, "letter 0", "letter 1", "letter 2"]


def restricted(caller: Caller) -> tuple[str, dict[str, Any]]:
    """Somebody who had the use of her data restricted, and an item that lifts it."""
    subject = somebody(caller)
    about = {"person": {"kind": "shop", "value": "0042"}, "actor": "agent"}
    told = {"kind": "customer.restricted", **about, "data": {"ground": "accuracy"}}
    assert caller.post(told).status_code == 201
    lifted = {"ground": "accuracy", "informed": "2026-01-05"}
    return subject, {"kind": "customer.restriction_lifted", **about, "data": lifted}


@pytest.mark.clause("SS-DSR-5")
def test_what_is_restricted_is_read_for_what_the_law_leaves_open_and_for_nothing_else(
    anywhere: Caller, clock: StepClock
) -> None:
    """GDPR art. 18(2): refused and not recorded; open again once the restriction is lifted. Whoever
    asks about her is told, at any two times."""
    subject, lift = restricted(anywhere)
    before = anywhere.position()
    refused = read(anywhere, subject, ASKED)
    said = refused.json()
    assert (refused.status_code, said["type"]) == (422, "/docs#problem-restricted")
    assert (said["clause"], said["field"]) == ("SS-DSR-5", "reason")
    assert CANARY not in refused.text
    assert anywhere.position() == before
    for reason in sorted(reading.WHILE_RESTRICTED):
        assert read(anywhere, subject, {**ASKED, "reason": reason}).status_code == 200
    path = f"/v1/subjects/{subject}"
    (told,) = anywhere.get(path).json()["restricted"]
    assert (told["ground"], told["since"], told["position"]) == ("accuracy", "2026-01-05", before)
    clock.advance(days=2)
    assert anywhere.post(lift).status_code == 201
    assert read(anywhere, subject, ASKED).status_code == 200
    assert anywhere.get(path).json()["restricted"] == []
    assert anywhere.get(path, known_at="2026-01-06").json()["restricted"] == [told]
    assert anywhere.get(path, as_of="2026-01-06").json()["restricted"] == [told]
    voided = {"void": {"position": before}}
    assert anywhere.post(voided).status_code == 201
    assert anywhere.get(path, as_of="2026-01-06").json()["restricted"] == []
    assert anywhere.get(path, known_at="2026-01-06").json()["restricted"] == [told]


def test_a_restriction_holds_under_each_reference_of_hers(caller: Caller) -> None:
    subject, _ = restricted(caller)
    other = caller.post(order("second", "A-9")).json()["subject"]
    assert read(caller, other, ASKED).status_code == 200
    joined = caller.say("POST", f"/v1/subjects/{other}/joins", {"other": subject})
    assert joined.status_code == 201
    assert [read(caller, who, ASKED).status_code for who in (subject, other)] == [422, 422]
