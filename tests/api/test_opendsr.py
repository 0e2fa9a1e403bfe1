"""OpenDSR 2.0: requests handed on by another system, on the law's clock, every answer signed."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.calendar import moment_of_instant
from ledger.commands import Record
from ledger.events import RecipientDeclared
from ledger.handlers import record
from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.outbound.posting import Answer
from tests.api.conftest import CANARY, Caller

HERE = "/opendsr/v2"


def sent(kind: str = "erasure", **changed: Any) -> dict[str, Any]:
    """A body as the protocol wants it."""
    identity = {"identity_type": "email", "identity_value": CANARY, "identity_format": "raw"}
    said: dict[str, Any] = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid4()),
        "subject_request_type": kind,
        "submitted_time": "2026-01-04T10:00:00Z",
        "subject_identities": [identity],
        "api_version": "2.0",
    }
    return {**said, **changed}


def verified(caller: Caller, answer: Any) -> Any:
    """The answer, its signature checked with the published keys."""
    keys = caller.client.get("/.well-known/jwks.json").json()["keys"]
    check(keys, answer.headers["X-OpenDSR-Signature"], answer.content)
    return answer.json()


def check(keys: Any, signature: str, content: bytes) -> None:
    raw = urlsafe_b64decode(keys[1]["x"] + "=")
    Ed25519PublicKey.from_public_bytes(raw).verify(b64decode(signature), content)


@pytest.mark.clause("SS-CH-3", "SS-DSR-10")
def test_a_request_is_handed_on_and_followed_to_its_end(anywhere: Caller) -> None:
    body = sent()
    told = verified(anywhere, anywhere.say("POST", f"{HERE}/requests", body))
    assert told["subject_request_id"] == body["subject_request_id"]
    assert json.loads(b64decode(told["encoded_request"])) == body
    # Received on a Sunday: the month ends on Wednesday 4 February, at midnight in Paris.
    assert told["expected_completion_time"] == "2026-02-04T22:59:59.999999Z"
    path = f"{HERE}/requests/{body['subject_request_id']}"
    assert verified(anywhere, anywhere.get(path))["request_status"] == "pending"
    ours = anywhere.get(f"/v1/requests/{body['subject_request_id']}").json()
    assert (ours["right"], ours["channel"], ours["received"]) == ("erasure", "api", "2026-01-04")
    anywhere.say("POST", f"/v1/requests/{ours['id']}/acknowledge", {"data": {"channel": "api"}})
    assert verified(anywhere, anywhere.get(path))["request_status"] == "in_progress"
    late = anywhere.say("DELETE", path)
    assert (late.status_code, verified(anywhere, late)["error"]["code"]) == (400, 400)
    why = {"grounds": ["excessive"], "remedies": ["cnil", "court"]}
    refused = anywhere.say("POST", f"/v1/requests/{ours['id']}/refuse", {"data": why})
    assert refused.status_code == 201, refused.text
    done = verified(anywhere, anywhere.get(path))
    assert done["request_status"] == "completed"
    (ours_too,) = done["extensions"].values()
    assert (ours_too["state"], ours_too["grounds"]) == ("refused", ["excessive"])


def test_a_pending_request_is_cancelled_once(caller: Caller) -> None:
    body = sent("access")
    caller.say("POST", f"{HERE}/requests", body)
    path = f"{HERE}/requests/{body['subject_request_id']}"
    gone = caller.say("DELETE", path)
    assert (gone.status_code, verified(caller, gone)["api_version"]) == (202, "2.0")
    assert caller.get(path).json()["request_status"] == "cancelled"
    assert caller.say("DELETE", path).status_code == 400


def test_whoever_is_known_is_met_and_sent_twice_is_refused(caller: Caller) -> None:
    """By her e-mail, or by a customer number under the kind that the sender names."""
    fact = {"kind": "customer.contacted_us", "data": {"channel": "email"}}
    subject = caller.post({**fact, "person": {"kind": "shop", "value": "0042"}}).json()["subject"]
    number = {"identity_type": "controller_customer_id", "identity_format": "raw"}
    domain = caller.ledger.keyring.origin.partition("/")[0]
    body = sent(
        subject_identities=[{**number, "identity_value": "0042"}],
        extensions={domain: {"reference_kind": "shop"}},
    )
    assert caller.say("POST", f"{HERE}/requests", body).status_code == 201
    found = caller.get(f"/v1/requests/{body['subject_request_id']}").json()
    assert found["subject"] == subject
    before = caller.position()
    again = caller.say("POST", f"{HERE}/requests", body)
    assert (again.status_code, caller.position()) == (400, before)


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject_request_id": "A7551968-D5D6-44B2-9831-815AC9017798"},
        {"subject_request_id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},  # of version 1
        {"regulation": "ccpa"},
        {"subject_request_type": "rectification"},
        {"submitted_time": "2026-01-04"},
        {"submitted_time": "2099-01-04T10:00:00Z"},
        {"api_version": "1.0"},
        {"subject_identities": []},
        {"subject_identities": [{"identity_type": "email", "identity_format": "sha1"}]},
        {"subject_identities": [{"identity_type": CANARY}]},
        {"status_callback_urls": ["https://elsewhere.example.org/callbacks"]},
        {"extensions": {"localhost": 1}},
    ],
)
def test_what_is_wrong_is_said_in_the_protocols_form_and_repeated_nowhere(
    caller: Caller, wrong: dict[str, Any]
) -> None:
    before = caller.position()
    answer = caller.say("POST", f"{HERE}/requests", sent(**wrong))
    said = verified(caller, answer)["error"]
    assert (answer.status_code, said["code"]) == (400, 400)
    assert said["errors"][0]["message"] == said["message"]
    assert CANARY not in answer.text
    assert caller.position() == before


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'"x"', b'{"a": 1}\n{"a": 2}'])
def test_what_is_no_object_is_refused(caller: Caller, raw: bytes) -> None:
    headers = {**caller.headers, "Content-Type": "application/json"}
    answer = caller.client.post(f"{HERE}/requests", content=raw, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, 400)


def test_of_a_request_that_came_another_way_it_knows_nothing(caller: Caller) -> None:
    person = {"kind": "shop", "value": "0042"}
    made = caller.say(
        "POST",
        "/v1/requests",
        {"person": person, "data": {"right": "access", "channel": "letter"}},
    ).json()
    for id in (made["request"]["id"], str(uuid4()), "x"):
        answer = caller.get(f"{HERE}/requests/{id}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, 404)


def test_discovery_says_what_is_supported_and_where_the_keys_are(caller: Caller) -> None:
    said = verified(caller, caller.get(f"{HERE}/discovery"))
    assert said["supported_subject_request_types"] == ["access", "portability", "erasure"]
    path = said["processor_certificate"].removeprefix("http://testserver")
    assert caller.client.get(path).json()["keys"]


def test_each_step_is_called_back_signed_to_a_webhook_that_was_registered(caller: Caller) -> None:
    """In the protocol's words, of these requests only; nothing in it names her."""
    now = moment_of_instant(caller.ledger.clock.now())
    record(caller.ledger, Record(RecipientDeclared(occurred=now, recipient="cmp", type="other")))
    url = "https://cmp.example.org/callbacks"
    endpoints.register_opendsr(caller.ledger, url, "cmp")
    got: list[tuple[str, bytes, dict[str, str]]] = []

    def post(to: str, body: bytes, headers: dict[str, str]) -> Answer:
        got.append((to, body, headers))
        return Answer(204)

    body = sent(status_callback_urls=[url])
    assert caller.say("POST", f"{HERE}/requests", body).status_code == 201
    other = {"person": {"kind": "shop", "value": "1"}}
    other["data"] = {"right": "access", "channel": "letter"}
    assert caller.say("POST", "/v1/requests", other).status_code == 201
    assert Courier(caller.ledger, post).round() == 1
    path = f"/v1/requests/{body['subject_request_id']}/acknowledge"
    assert caller.say("POST", path, {"data": {"channel": "api"}}).status_code == 201
    assert Courier(caller.ledger, post).round() == 1
    keys = caller.client.get("/.well-known/jwks.json").json()["keys"]
    states = []
    for to, content, headers in got:
        check(keys, headers["X-OpenDSR-Signature"], content)
        said = json.loads(content)
        assert (to, said["status_callback_url"], said["controller_id"]) == (url, url, "cmp")
        assert CANARY.encode() not in content
        states.append((said["subject_request_id"], said["request_status"]))
    id = body["subject_request_id"]
    assert states == [(id, "pending"), (id, "in_progress")]
