"""Choices over HTTP: one door for a yes or a no, and what is put before a person."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from api import choices_schema as shown
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

NO = {"choices": [{"purpose": "newsletter", "channel": "email", "choice": "no"}]}
YES = {"choices": [{"purpose": "newsletter", "channel": "email", "choice": "yes"}]}


def known(caller: Caller, customer: str = "0042") -> str:
    """Somebody who bought something."""
    made = caller.post(order(customer, f"A-{customer}"))
    subject: str = made.json()["subject"]
    return subject


def path(subject: str, more: str = "choices") -> str:
    """A page about one person."""
    return f"/v1/subjects/{subject}/{more}"


def test_a_choice_is_recorded_once_and_changes_what_is_answered(anywhere: Caller) -> None:
    """With a receipt's places; said again, it is said to stand; the next question knows."""
    her = known(anywhere)
    said = anywhere.say("PUT", path(her), NO | {"by": "page", "form": "account-2025"})
    assert said.status_code == 200, said.text
    (item,) = said.json()["items"]
    assert (item["outcome"], item["kind"]) == ("recorded", "objection.raised.v1")
    assert item.keys() >= {"position", "leaf", "entry_sha256", "receipt"}
    again = anywhere.say("PUT", path(her), NO).json()
    assert (again["unchanged"], again["items"][0]["position"]) == (1, item["position"])
    (stands,) = anywhere.get(path(her, "consents")).json()["consents"]
    assert (stands["state"], stands["reason"]) == ("ConsentRefused", "objected")


def test_each_choice_has_its_own_outcome(caller: Caller) -> None:
    """In the order given; what is refused says its clause and article."""
    body = {
        "choices": [
            {"purpose": "service_message", "channel": "email", "choice": "no"},
            {"purpose": "newsletter", "channel": "sms", "choice": "no"},
            {"purpose": CANARY[:3], "choice": "yes"},
        ]
    }
    answer = caller.say("PUT", path(known(caller)), body).json()
    assert [item["outcome"] for item in answer["items"]] == ["refused", "recorded", "refused"]
    assert (answer["recorded"], answer["refused"]) == (1, 2)
    refused = answer["items"][0]
    assert (refused["clause"], refused["status"]) == ("SS-LB-1", 422)
    assert refused["article"]


def test_if_match_stops_who_did_not_see_the_last_word(anywhere: Caller) -> None:
    """The ETag of any answer about her, whatever its language; of an older one, nothing is done."""
    her = known(anywhere)
    seen = anywhere.get(path(her, "consents"), lang="en").headers["etag"]
    first = anywhere.say("PUT", path(her), NO, **{"If-Match": seen})
    assert first.status_code == 200
    late = anywhere.say("PUT", path(her), YES, **{"If-Match": seen})
    assert late.status_code == 412
    assert late.json()["type"] == "/docs#problem-precondition-failed"
    newest = first.headers["etag"]
    assert anywhere.say("PUT", path(her), YES, **{"If-Match": newest}).status_code == 200
    assert anywhere.say("PUT", path(her), NO, **{"If-Match": "*"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": [{"purpose": "newsletter"}]},
        {"choices": [{"purpose": CANARY, "choice": "yes"}]},
        {"choices": [{"purpose": "newsletter", "choice": CANARY}]},
        {"choices": [{"purpose": "newsletter", "choice": "yes", CANARY: 1}]},
        NO | {"by": CANARY},
        NO | {"form": CANARY},
        NO | {"occurred": CANARY},
        NO | {CANARY: 1},
        [NO],
        [],
    ],
)
def test_what_cannot_be_read_is_not_repeated(caller: Caller, body: Any) -> None:
    """A problem that names a field at most; nothing is written."""
    her, end = known(caller), caller.position()
    answer = caller.say("PUT", path(her), body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert CANARY not in answer.text
    assert caller.position() == end


def test_somebody_unknown(caller: Caller) -> None:
    """404 on every page about her."""
    nobody = "5e0d2a54-0b1c-4f6a-9d61-2f6d5f2c7a10"
    for who in (nobody, "me"):
        for method, more, body in (
            ("PUT", "choices", NO),
            ("POST", "choices/requests", {"purpose": "newsletter", "channel": "email"}),
            ("POST", "devices", {"device": nobody}),
            ("POST", "joins", {"other": nobody}),
            ("POST", "joins/undo", {"other": nobody}),
        ):
            answer = caller.say(method, path(who, more), body)
            assert answer.status_code == 404, (who, more, answer.text)


def test_an_agreed_phrase_is_applied_and_its_text_is_nowhere(
    anywhere: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """201; the rest is put before a person, who opens it on record and decides."""
    her = known(anywhere)
    written = {"subject": her, "channel": "letter", "received": "2026-01-02"}
    with caplog.at_level(logging.INFO):
        stop = anywhere.say("POST", "/v1/motives", written | {"text": "« STOP email softsystem »"})
        near = anywhere.say("POST", "/v1/motives", written | {"text": f"plus de mails, {CANARY}"})
    assert (stop.status_code, stop.json()["match"], stop.json()["recorded"]) == (201, "applied", 1)
    assert near.json()["match"] == "unmatched"
    assert CANARY not in caplog.text + near.text
    (item,) = anywhere.get("/v1/queue").json()["items"]
    assert (item["subject"], item["channel"]) == (her, "letter")
    assert CANARY not in str(item)
    opened = anywhere.get(f"/v1/queue/{item['position']}").json()
    assert (opened["text"], opened["text_state"]) == (f"plus de mails, {CANARY}", "kept")
    told = anywhere.get(path(her, "timeline")).json()["items"]
    assert told[-1]["kind"] == "data.read.v1"
    decide = f"/v1/queue/{item['position']}/decide"
    done = anywhere.say("POST", decide, {"decision": "motive", "motive": "stop_email"})
    assert (done.status_code, done.json()["unchanged"]) == (200, 1)
    assert anywhere.get("/v1/queue").json() == {"items": [], "next": None}
    assert anywhere.say("POST", decide, {"decision": "nothing"}).status_code == 409
    assert anywhere.get(f"/v1/queue/{item['position']}").status_code == 404
    stands = anywhere.get(path(her, "timeline")).json()["items"]
    assert {one["stands"] for one in stands} == {"as_recorded"}


def test_the_queue_has_pages(caller: Caller) -> None:
    """Oldest first; `next` is where to go on."""
    for _ in range(3):
        person = {"kind": "shop", "value": "0042"}
        sent = {"person": person, "channel": "form", "text": "Supprimer mon compte"}
        assert caller.say("POST", "/v1/motives", sent).status_code == 201
    first = caller.get("/v1/queue", limit="2").json()
    assert [item["motive"] for item in first["items"]] == ["delete_account"] * 2
    rest = caller.get("/v1/queue", after=str(first["next"])).json()
    assert (len(rest["items"]), rest["next"]) == (1, None)


@pytest.mark.clause("SS-CH-6", "SS-CH-3")
def test_the_phrase_that_deletes_an_account_is_a_request_at_once(anywhere: Caller) -> None:
    """Word for word as published, with its quotes: received, on its clock, erasing nothing yet."""
    sent = {"subject": known(anywhere), "channel": "email", "received": "2025-12-31"}
    sent |= {"text": "« Supprimer mon espace client SoftSystem »"}
    heard = anywhere.say("POST", "/v1/motives", sent).json()
    assert (heard["match"], heard["items"]) == ("applied", [])
    found = anywhere.get(f"/v1/requests/{heard['request']['id']}").json()
    assert (found["right"], found["state"], found["received"], found["due"]) == (
        *("erasure", "received", "2025-12-31", "2026-02-02"),
    )
    assert anywhere.get("/v1/queue").json()["items"] == []


@pytest.mark.clause("SS-CH-4", "SS-CH-5")
def test_a_right_is_opened_from_the_queue(anywhere: Caller) -> None:
    """What somebody reads in a text is received on the day it came, and its effects with it."""
    sent = {"subject": known(anywhere), "channel": "form", "text": "laissez-moi tranquille"}
    waits = anywhere.say("POST", "/v1/motives", sent).json()["received"]["position"]
    decide = f"/v1/queue/{waits}/decide"
    for wrong in (
        {"decision": "request"},
        {"decision": "request", "right": CANARY},
        {"decision": "nothing", "right": "access"},
        {"decision": "nothing", "purpose": "newsletter"},
    ):
        refused = anywhere.say("POST", decide, wrong)
        assert (refused.status_code, CANARY in refused.text) == (422, False), wrong
    done = anywhere.say("POST", decide, {"decision": "request", "right": "objection"}).json()
    assert done["request"]["at_once"] == ["objection.raised.v1"]
    found = anywhere.get(f"/v1/requests/{done['request']['id']}").json()
    assert (found["right"], found["channel"], found["state"]) == ("objection", "page", "qualified")
    assert anywhere.say("POST", decide, {"decision": "nothing"}).status_code == 409


def test_only_she_confirms(anywhere: Caller, clock: StepClock) -> None:
    """The token is in no answer; with it, without any key, she consents, once."""
    her = known(anywhere)
    ask = {"purpose": "newsletter", "channel": "email", "form": "popup-3"}
    asked = anywhere.say("POST", path(her, "choices/requests"), ask)
    assert asked.status_code == 201
    (carried,) = anywhere.carried
    assert carried.token not in asked.text
    agent = anywhere.say("PUT", path(her), YES | {"by": "agent"}).json()["items"][0]
    assert (agent["outcome"], agent["type"]) == ("refused", "/docs#problem-double-opt-in")
    clock.advance(minutes=1)
    confirm = "/v1/choices/confirmations"
    done = anywhere.client.post(confirm, json={"token": carried.token})
    assert done.status_code == 201, done.text
    (stands,) = anywhere.get(path(her, "consents")).json()["consents"]
    assert (stands["state"], stands["grade"]) == ("ConsentGiven", "proved")
    for token in (carried.token, CANARY, "", 7, "x" * 9999):
        again = anywhere.client.post(confirm, json={"token": token})
        assert again.status_code == 422
        assert CANARY not in again.text


def test_a_browser_and_a_device_speak_for_her(anywhere: Caller) -> None:
    """The header as it was sent; the device by its id. Anything else than `1` says nothing."""
    her = known(anywhere)
    for value in ("0", "true", "1, 1"):
        nothing = anywhere.say("POST", path(her, "signals"), **{"Sec-GPC": value}).json()
        assert nothing["signal"] is None
    heard = anywhere.say("POST", path(her, "signals"), **{"Sec-GPC": "1"}).json()
    assert heard["signal"]["outcome"] == "recorded"
    assert anywhere.client.get("/.well-known/gpc.json").json() == {
        "gpc": True,
        "lastUpdate": "2018-11-20",
    }
    refused = {"kind": "tracker.refused", "data": {"purpose": "audience"}}
    device = anywhere.post(refused).json()["stream"]
    found = anywhere.say("POST", path(her, "devices"), {"device": device}).json()
    assert (found["attached"]["outcome"], found["items"][0]["kind"]) == (
        *("recorded", "objection.raised.v1"),
    )
    again = anywhere.say("POST", path(her, "devices"), {"device": device}).json()
    assert (again["attached"]["outcome"], again["unchanged"]) == ("unchanged", 1)


def test_two_references_become_one_person_and_two_again(anywhere: Caller) -> None:
    """Lookups, new facts, choices and the timeline follow; undone, each means whom it meant."""
    her, other = known(anywhere), known(anywhere, "7")
    anywhere.say("PUT", path(other), NO)
    assert anywhere.say("POST", path(her, "joins"), {"other": other}).status_code == 201
    seven = {"person": {"kind": "shop", "value": "7"}}
    assert anywhere.lookup(seven).json()["subject"] == her
    assert anywhere.post(order("7", "A-new")).json()["subject"] == her
    whole = anywhere.get(f"/v1/subjects/{her}").json()
    assert (whole["joined"], whole["joined_into"]) == ([other], None)
    assert whole["consents"][0]["reason"] == "objected"
    assert anywhere.get(f"/v1/subjects/{other}").json()["joined_into"] == her
    told = anywhere.get(path(her, "timeline")).json()["items"]
    assert {item["subject"] for item in told} == {her, other}
    assert anywhere.say("POST", path(her, "joins"), {"other": other}).status_code == 409
    undone = anywhere.say("POST", path(her, "joins/undo"), {"other": other})
    assert (undone.status_code, len(undone.json()["meanwhile"])) == (200, 1)
    assert anywhere.lookup(seven).json()["subject"] == other
    told = anywhere.get(path(her, "timeline")).json()["items"]
    assert {item["subject"] for item in told} == {her}
    assert {item["stands"] for item in told} == {"as_recorded", "voided", "in_force"}


def test_who_asks_under_one_reference_is_told_that_she_spoke_under_another(
    anywhere: Caller,
) -> None:
    """The tag of either changes with what is recorded of either: no answer is passed off as
    unchanged, and who did not see her last word overwrites nothing."""
    her, other = known(anywhere), known(anywhere, "7")
    anywhere.say("POST", path(her, "joins"), {"other": other})
    for asked, speaking in ((other, her), (her, other)):
        tag = anywhere.get(path(asked, "consents")).headers["etag"]
        unchanged = {**anywhere.headers, "If-None-Match": tag}
        assert anywhere.client.get(path(asked, "consents"), headers=unchanged).status_code == 304
        contact = {"kind": "customer.contacted_us", "data": {"channel": "form"}}
        assert anywhere.post({**contact, "subject": speaking}).status_code == 201
        assert anywhere.client.get(path(asked, "consents"), headers=unchanged).status_code == 200
        late = anywhere.say("PUT", path(asked), YES, **{"If-Match": tag})
        assert late.status_code == 412


def test_a_batch_of_facts_follows_a_join(anywhere: Caller) -> None:
    """By id too; corrections stay where the fact is."""
    her, other = known(anywhere), known(anywhere, "7")
    contact = {"kind": "customer.contacted_us", "subject": other, "data": {"channel": "form"}}
    early = anywhere.post(contact).json()
    anywhere.say("POST", path(her, "joins"), {"other": other})
    assert anywhere.post(contact).json()["subject"] == her
    correct = {"position": early["position"], "changes": {"channel": "chat"}}
    assert anywhere.post({"correct": correct}).json()["subject"] == other


@pytest.mark.parametrize(
    ("method", "more", "body", "answer"),
    [
        ("PUT", "choices", shown.SAY, shown.COUNTED),
        ("POST", "choices/requests", None, None),
    ],
)
def test_what_is_shown_is_what_happens(
    caller: Caller, method: str, more: str, body: Any, answer: Any
) -> None:
    """The examples of the description, sent and answered."""
    her = known(caller)
    if body is None:
        sent = shown.POST_REQUEST["openapi_extra"]["requestBody"]["content"]["application/json"]
        assert caller.say(method, path(her, more), sent["example"]).status_code == 201
        return
    said = caller.say(method, path(her, more), body).json()
    assert said.keys() == answer.keys()
    assert said["items"][0].keys() == answer["items"][0].keys()
    assert said["items"][0]["kind"] == answer["items"][0]["kind"]
