"""`POST /v1/permissions/check`: may we? Over each kind of database, as a shop asks."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api import examples
from ledger.erasing.request import erase_person, planned
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

SHE = {"kind": "shop", "value": "0042"}
LETTER = {"purpose": "newsletter", "channel": "email"}
CALL = {"purpose": "phone_marketing", "channel": "phone"}


def may(caller: Caller, lang: str = "en", **asked: Any) -> dict[str, Any]:
    """The verdict on a question about her, the newsletter by e-mail unless told otherwise."""
    who = {} if "subject" in asked or "person" in asked else {"person": SHE}
    question = {**who, **LETTER, **asked}
    answer = caller.client.post(
        "/v1/permissions/check", json=question, params={"lang": lang}, headers=caller.headers
    )
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tell(caller: Caller, kind: str, occurred: str | None = None, **data: Any) -> int:
    """Record a fact of hers; its position."""
    item: dict[str, Any] = {"kind": kind, "person": SHE, "data": data}
    answer = caller.post(item if occurred is None else {**item, "occurred": occurred})
    assert answer.status_code == 201, answer.text
    position: int = answer.json()["position"]
    return position


@pytest.mark.clause("SS-COM-1", "SS-LB-2")
def test_after_a_withdrawal_the_newsletter_is_refused_and_the_service_email_is_not(
    anywhere: Caller,
) -> None:
    anywhere.post(order())
    given = tell(anywhere, "consent.given", **LETTER, grade="proved")
    found = may(anywhere)
    assert (found["allowed"], found["basis"], found["state"]) == (True, "consent", "ConsentGiven")
    assert found["state_iri"] == "https://w3id.org/dpv#ConsentGiven"
    assert (found["rests_on"], found["position"]) == ([given], given)
    withdrawn = tell(anywhere, "consent.withdrawn", **LETTER)
    found = may(anywhere)
    assert (found["allowed"], found["basis"], found["rests_on"]) == (False, None, [withdrawn])
    assert (found["clause"], found["article"]) == ("SS-LB-2", "GDPR art. 7(3)")
    assert found["explanation"][:2] == ["Refused.", "The person withdrew consent."]
    assert may(anywhere, "fr")["explanation"][0] == "Refusé."
    service = may(anywhere, purpose="service_message")
    assert (service["allowed"], service["basis"], service["clause"]) == (
        *(True, "contract", "SS-COM-1"),
    )


@pytest.mark.clause("SS-LB-2")
def test_a_grant_dated_back_after_a_withdrawal_allows_nothing(anywhere: Caller) -> None:
    tell(anywhere, "consent.withdrawn", "2026-01-02", **LETTER)
    tell(anywhere, "consent.given", "2026-01-03", **LETTER, grade="proved")
    assert may(anywhere)["reasons"][0] == "withdrawn"


@pytest.mark.clause("SS-CTL-2")
def test_whom_nobody_knows_and_what_nobody_declared_get_a_verdict(anywhere: Caller) -> None:
    for who in ({"kind": "email", "value": CANARY}, {"kind": "shop", "value": "1"}):
        found = may(anywhere, person=who)
        assert (found["allowed"], found["reasons"], found["subject"]) == (
            *(False, ["unknown_person"], None),
        )
        assert CANARY not in str(found)
    nobody = may(anywhere, subject="00000000-0000-4000-8000-000000000000")
    assert nobody["reasons"] == ["unknown_person"]
    tell(anywhere, "customer.account_opened")
    assert may(anywhere, purpose="astrology")["reasons"] == ["undeclared"]
    assert may(anywhere, channel="post")["reasons"] == ["channel"]
    assert may(anywhere, purpose="personalisation", channel=None)["basis"] == "legitimate_interest"


@pytest.mark.clause("SS-COM-2")
@pytest.mark.parametrize(
    ("missing", "actor", "fact", "offered", "offer"),
    [
        (None, "self", "order.placed", "2026-01-05", "analogous"),
        ("from_herself", "system", "order.placed", "2026-01-05", "analogous"),
        ("at_a_sale", "self", "customer.contacted_us", "2026-01-05", "analogous"),
        ("own_analogous", "self", "order.placed", "2026-01-05", None),
        ("own_analogous", "self", "order.placed", "2026-01-05", "other"),
        ("optout_offered", "self", "order.placed", "2026-01-04", "analogous"),
        ("no_objection", "self", "order.placed", "2026-01-05", "analogous"),
    ],
)
def test_each_of_the_five_facts_is_needed_and_named(
    caller: Caller, missing: str | None, actor: str, fact: str, offered: str, offer: str | None
) -> None:
    data = {"channel": "form"} if fact == "customer.contacted_us" else {}
    person = {"person": SHE, "actor": actor, "occurred": "2026-01-05"}
    assert caller.post({**person, "kind": fact, "data": data}).status_code == 201
    tell(caller, "optout.offered", offered, **LETTER)
    if missing == "no_objection":
        tell(caller, "objection.raised", **LETTER)
    found = may(caller, **({} if offer is None else {"offer": offer}))
    if missing is None:
        assert (found["basis"], found["reasons"]) == ("soft_opt_in", ["soft_opt_in"])
        return
    assert found["allowed"] is False
    assert found["reasons"][-1] == f"missing_{missing}"


@pytest.mark.clause("SS-COM-5")
def test_a_consumer_could_be_called_on_10_august_2026_and_not_the_day_after(
    anywhere: Caller,
) -> None:
    registered = {"origin": "order", "class": "order", "person": "consumer"}
    tell(anywhere, "customer.registered", **registered)
    monday = may(anywhere, **CALL, at="2026-08-10T10:30:00+02:00")
    assert (monday["allowed"], monday["rule"]) == (True, "PERM-phone-optout")
    assert monday["flips_at"] == "2026-08-10T11:00:00.000000Z"  # at 13:00 in Paris
    tuesday = may(anywhere, **CALL, at="2026-08-11T10:30:00+02:00")
    assert (tuesday["allowed"], tuesday["rule"]) == (False, "PERM-phone-optin")
    assert may(anywhere, **CALL, at="2026-08-08")["reasons"] == ["weekend"]


@pytest.mark.clause("SS-COM-5")
def test_calls_that_were_placed_count(anywhere: Caller, clock: StepClock) -> None:
    tell(anywhere, "consent.given", **CALL, grade="proved")
    for _ in range(4):
        assert may(anywhere, **CALL)["allowed"]
        tell(anywhere, "call.placed", **CALL, outcome="unanswered")
        clock.advance(minutes=6)
    assert may(anywhere, **CALL)["reasons"] == ["too_many_calls"]


@pytest.mark.clause("SS-COM-4")
def test_measuring_openings_needs_a_consent_of_its_own(caller: Caller) -> None:
    tell(caller, "consent.given", **LETTER, grade="proved")
    opens = {"purpose": "email_open_tracking"}
    assert may(caller, **opens)["clause"] == "SS-COM-4"
    tell(caller, "consent.given", purpose="email_open_tracking", channel="email", grade="proved")
    assert may(caller, **opens)["basis"] == "consent"


def test_a_gate_judges_by_what_was_known_then(anywhere: Caller, clock: StepClock) -> None:
    """A withdrawal that reached us late makes no culprit of the gate."""
    tell(anywhere, "consent.given", "2026-01-04", **LETTER, grade="proved")
    then = "2026-01-05T09:30:00Z"
    clock.advance(hours=1)
    late = tell(anywhere, "consent.withdrawn", "2026-01-05T09:10:00Z", **LETTER)
    found = may(anywhere, at=then, known_at=then)
    assert (found["allowed"], found["position"]) == (True, late - 1)
    assert may(anywhere, at=then)["reasons"][0] == "withdrawn"
    assert may(anywhere, at="2026-01-05T09:05:00Z")["allowed"]
    assert not may(anywhere, at="2026-01-05")["allowed"]  # a day is judged as it ended
    corrected = {"correct": {"position": late, "changes": {"purpose": "reco_browsing"}}}
    assert anywhere.post(corrected).status_code in (201, 422)
    assert anywhere.post({"void": {"position": late}}).status_code == 201
    assert may(anywhere)["allowed"]


def test_an_erased_person_gets_a_verdict_of_her_own(anywhere: Caller, tmp_path: Path) -> None:
    """By her reference and by the id that a shop may still hold."""
    tell(anywhere, "customer.contacted_us", channel="form")
    tell(anywhere, "consent.given", **LETTER, grade="proved")
    subject = may(anywhere)["subject"]
    erase_her(anywhere, subject, tmp_path)
    for who in ({"person": SHE}, {"subject": subject}):
        found = may(anywhere, **who)
        assert (found["allowed"], found["reasons"], found["article"]) == (
            *(False, ["erased"], "GDPR art. 17"),
        )
        assert found["explanation"][1].startswith("The person was erased")


# --- recording ------------------------------------------------------------------------------------


def ask(caller: Caller, key: str | None = None, **asked: Any) -> Any:
    """The whole response to a question whose verdict is to be recorded."""
    more = {} if key is None else {"Idempotency-Key": key}
    question = {"person": SHE, **LETTER, "record": True, **asked}
    headers = {**caller.headers, **more}
    return caller.client.post("/v1/permissions/check", json=question, headers=headers)


def test_a_verdict_is_a_fact_and_the_message_stands_beside_it(anywhere: Caller) -> None:
    """Decided, then sent, on one stream."""
    tell(anywhere, "consent.given", **LETTER, grade="proved")
    told = ask(anywhere).json()
    place = told["recorded"]
    assert place["position"] == told["position"] + 1
    sent = {"kind": "message.sent", "subject": told["subject"], "stream": place["stream"]}
    answer = anywhere.post({**sent, "data": LETTER})
    assert (answer.status_code, answer.json()["stream"]) == (201, place["stream"])
    history = anywhere.get(f"/v1/subjects/{told['subject']}/timeline").json()["items"]
    assert history[-2]["kind"] == "message.decided.v1"
    assert history[-2]["data"] == {
        **LETTER,
        **{"decision": "allowed", "basis": "consent", "rule": "perm-consent"},
    }


def test_a_verdict_is_recorded_once_for_a_key(anywhere: Caller, clock: StepClock) -> None:
    """The second answer is the first one, although she withdrew meanwhile."""
    tell(anywhere, "consent.given", **LETTER, grade="proved")
    first = ask(anywhere, '"k"')
    clock.advance(hours=1)
    tell(anywhere, "consent.withdrawn", **LETTER)
    end = anywhere.position()
    again = ask(anywhere, '"k"')
    assert again.headers["idempotency-replayed"] == "true"
    assert {**again.json(), "position": 0} == {**first.json(), "position": 0}
    assert anywhere.position() == end
    assert ask(anywhere, '"k"', channel="sms").status_code == 422
    assert ask(anywhere).json()["reasons"][0] == "withdrawn"


def test_what_cannot_be_recorded_says_so_beside_the_verdict(caller: Caller) -> None:
    """Nobody is registered by a question; a purpose without channels has no message."""
    end = caller.position()
    for key in (None, '"n"', '"n"'):
        told = ask(caller, key).json()
        assert (told["reasons"], told["recorded"]["status"]) == (["unknown_person"], 404)
    assert caller.position() == end
    tell(caller, "customer.account_opened")
    assert ask(caller, purpose="personalisation", channel=None).json()["recorded"]["status"] == 422
    assert ask(caller, at="2026-01-05").status_code == 422


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {**LETTER},
        {"person": SHE},
        {"person": SHE, "subject": "00000000-0000-4000-8000-000000000000", **LETTER},
        {"subject": CANARY, **LETTER},
        {"person": {"kind": "shop", "value": " "}, **LETTER},
        {"person": SHE, "purpose": CANARY},
        {"person": SHE, **LETTER, "at": CANARY},
        {"person": SHE, **LETTER, "known_at": 3},
        {"person": SHE, **LETTER, "offer": CANARY},
        {"person": SHE, **LETTER, "record": "yes"},
        {"person": SHE, **LETTER, CANARY: 1},
        CANARY,
        [],
    ],
)
def test_a_question_that_cannot_be_read_is_a_problem_that_repeats_nothing(
    caller: Caller, asked: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = caller.client.post("/v1/permissions/check", json=asked, headers=caller.headers)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text + caplog.text


def erase_her(caller: Caller, subject: str, folder: Path) -> None:
    """Every class of hers ends, as `probant erase` does it."""
    her = UUID(subject)
    outcome = planned(caller.ledger, her, "request")
    erase_person(caller.ledger, her, outcome, journal=folder / "journal", reason="request")


# --- a campaign -----------------------------------------------------------------------------------


def campaign(caller: Caller, lines: bytes, **asked: str) -> tuple[list[Any], Any]:
    """The verdicts on these lines, and the last line."""
    answer = caller.client.post(
        "/v1/permissions/filter",
        content=lines,
        params={**LETTER, **asked},
        headers={**caller.headers, "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 200, answer.text
    assert CANARY not in answer.text
    told = [json.loads(line) for line in answer.text.splitlines()]
    return told[:-1], told[-1]


def test_a_campaign_is_answered_line_by_line_in_order(anywhere: Caller) -> None:
    """Each as `check` would say; a line that names nobody has a problem of its own."""
    tell(anywhere, "consent.given", **LETTER, grade="proved")
    subject = may(anywhere)["subject"]
    anywhere.post(order("0043"))
    lines = [
        {"person": SHE},
        {"person": {"kind": "shop", "value": "0043"}},
        {"subject": subject},
        {"person": {"kind": "email", "value": CANARY}},
        {"person": {"kind": "shop", "value": " "}},
        {"person": SHE, "subject": subject},
        {"subject": CANARY},
    ]
    raw = b"\n".join(json.dumps(line).encode() for line in lines)
    raw += b'\n\n{"person": {"kind": "shop", "kind": "shop", "value": "0042"}}\nnot JSON\n'
    told, last = campaign(anywhere, raw)
    assert [one.get("reason") for one in told] == [
        *("consent", "no_consent", "consent", "unknown_person"),
        *(None,) * 5,
    ]
    assert [one["status"] for one in told[4:]] == [422, 422, 422, 400, 400]
    assert told[0] == examples.FILTERED[0]
    assert last == {
        "summary": {
            **{"lines": 9, "allowed": 2, "refused": 2, "malformed": 5},
            "reasons": {"consent": 2, "no_consent": 1, "unknown_person": 1},
        }
    }
    for line, short in zip(lines[:4], told, strict=False):
        alone = may(anywhere, **line)
        assert short["reason"] == alone["reasons"][0]
        assert all(short[name] == alone[name] for name in ("allowed", "state", "basis", "clause"))
    then, _ = campaign(anywhere, raw, at="2026-01-04", known_at="2026-01-04")
    assert {one["reason"] for one in then[:4]} == {"undeclared"}  # nothing was published then


def test_a_long_campaign_comes_in_pieces_and_counts(caller: Caller) -> None:
    """More than one chunk, cut anywhere; a file in which the last line has no end."""
    tell(caller, "consent.given", **LETTER, grade="proved")
    one, other = json.dumps({"person": SHE}), json.dumps({"person": {**SHE, "value": "none"}})
    raw = "\n".join([one, other] * 25_000).encode()
    told, last = campaign(caller, raw)
    assert last["summary"]["lines"] == len(told) == 50_000
    assert [short["allowed"] for short in told] == [True, False] * 25_000
    _, last = campaign(caller, b"")
    assert last["summary"]["lines"] == 0
    _, last = campaign(caller, b"x" * 2_000_000 + b"\n" + b"y" * 3_000_000)
    assert last["status"] == 413


@pytest.mark.parametrize(
    "asked",
    [
        {"purpose": CANARY},
        {"at": CANARY},
        {"known_at": CANARY},
        {"offer": CANARY},
    ],
)
def test_a_campaign_whose_question_cannot_be_read_is_refused(
    caller: Caller, asked: dict[str, str]
) -> None:
    answer = caller.client.post(
        "/v1/permissions/filter",
        params={**LETTER, **asked},
        headers={**caller.headers, "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 422
    assert CANARY not in answer.text


def test_an_erased_recipient_is_told_apart(anywhere: Caller, tmp_path: Path) -> None:
    tell(anywhere, "customer.contacted_us", channel="form")
    subject = may(anywhere)["subject"]
    erase_her(anywhere, subject, tmp_path)
    lines = [{"person": SHE}, {"subject": subject}, {"person": {**SHE, "value": "none"}}]
    told, _ = campaign(anywhere, b"\n".join(json.dumps(line).encode() for line in lines))
    assert [one["reason"] for one in told] == ["erased", "erased", "unknown_person"]
