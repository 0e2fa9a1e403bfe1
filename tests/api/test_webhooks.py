"""`/v1/webhooks…`, `/v1/acknowledgements`, `/v1/subjects/{id}/recipients`, with a real receiver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from api import examples
from ledger.outbound.courier import Courier
from ledger.outbound.posting import poster
from tests.api.conftest import Caller
from tests.clock import StepClock
from tests.outbound.receiver import Receiver, is_signed, listening

WITHDRAWN: dict[str, Any] = {
    "kind": "consent.withdrawn",
    "person": {"kind": "shop", "value": "0042"},
    "data": {"purpose": "newsletter", "channel": "email"},
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Somebody who listens."""
    with listening() as found:
        yield found


@pytest.fixture
def declared(anywhere: Caller) -> Caller:
    """A caller whose ledger declared a CRM."""
    item = {"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}}
    assert anywhere.post(item).status_code == 201
    return anywhere


def post(caller: Caller, path: str, body: Any = None) -> Any:
    return caller.client.post(path, json=body, headers=caller.headers)


def register(caller: Caller, url: str, **more: Any) -> dict[str, Any]:
    answer = post(caller, "/v1/webhooks", {"url": url, "recipient": "crm", **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_webhook_from_end_to_end(declared: Caller, receiver: Receiver, clock: StepClock) -> None:
    """Registered, its secret shown once; delivered, told; acknowledged with a receipt; removed."""
    made = register(declared, receiver.url)
    assert made.keys() == examples.REGISTERED.keys()
    recorded = declared.post(WITHDRAWN).json()
    at, subject = recorded["position"], recorded["subject"]
    assert Courier(declared.ledger, poster(private=False)).round() == 1
    assert is_signed(receiver.got[0], made["secret"])

    listed = declared.get("/v1/webhooks").json()
    assert made["secret"] not in str(listed)
    [one] = listed["items"]
    assert one.keys() == examples.WEBHOOKS["items"][0].keys()
    assert one["deliveries"] == {"pending": 0, "delivered": 1, "dead": 0}
    log = declared.get("/v1/webhooks/deliveries", webhook=made["id"]).json()
    assert log.keys() == examples.DELIVERIES.keys()
    [line] = log["items"]
    assert line.keys() == examples.DELIVERIES["items"][0].keys()
    assert (line["position"], line["message"]) == (at, receiver.got[0].id)

    clock.advance(days=8)
    overdue = declared.get("/v1/acknowledgements/overdue").json()
    assert overdue.keys() == examples.OVERDUE.keys()
    assert [item["position"] for item in overdue["items"]] == [at]
    said = {"recipient": "crm", "positions": [at], "receipt": "job-7", "reason": "by_phone"}
    first = post(declared, "/v1/acknowledgements", said)
    assert first.status_code == 200
    [item] = first.json()["items"]
    assert item == {"about": at, "position": item["position"], "recorded": True}
    again = post(declared, "/v1/acknowledgements", said).json()["items"]
    assert again == [{**item, "recorded": False}]
    assert declared.get("/v1/acknowledgements/overdue").json()["items"] == []
    told = declared.get(f"/v1/subjects/{subject}/recipients").json()
    assert told.keys() == examples.OUTSIDE.keys()
    [about] = told["items"]
    assert about.keys() == examples.OUTSIDE["items"][0].keys()
    [crm] = about["recipients"]
    assert crm.keys() == examples.STANDING["recipients"][0].keys()
    assert crm["state"] == "acknowledged"
    assert crm["acknowledged"]["receipt"] == "job-7"

    sent = post(declared, "/v1/webhooks/redeliver", {"webhook": made["id"], "positions": [at]})
    assert sent.json() == {"waiting": 1}
    path = f"/v1/webhooks/{made['id']}"
    assert declared.client.delete(path, headers=declared.headers).status_code == 204
    assert declared.client.delete(path, headers=declared.headers).status_code == 404
    assert Courier(declared.ledger, poster(private=False)).round() == 0


def test_a_ping_says_what_it_was_answered(declared: Caller, receiver: Receiver) -> None:
    """Taken, or why not."""
    made = register(declared, receiver.url)
    path = f"/v1/webhooks/{made['id']}/ping"
    taken = post(declared, path).json()
    assert taken == {"delivered": True, "status": 200, "error": None}
    assert taken.keys() == examples.PINGED.keys()
    receiver.answer(500)
    assert post(declared, path).json() == {"delivered": False, "status": 500, "error": None}


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"url": "http://canary.example/", "recipient": "crm"}, 422, "malformed"),
        ({"url": "https://canary:x@example.org/", "recipient": "crm"}, 422, "malformed"),
        ({"url": 7, "recipient": "crm"}, 422, "malformed"),
        ({"url": "https://canary.example/"}, 422, "malformed"),
        ({"url": "https://canary.example/", "recipient": "canary"}, 422, "recipient-undeclared"),
        ({"url": "https://a.example/", "recipient": "crm", "kinds": ["canary"]}, 422, "malformed"),
        (
            {"url": "https://a.example/", "recipient": "crm", "kinds": ["recipient.told"]},
            *(422, "malformed"),
        ),
        ({"url": "https://a.example/", "recipient": "crm", "canary": 1}, 422, "malformed"),
        ([{"url": "https://a.example/", "recipient": "crm"}], 422, "malformed"),
        ("canary", 422, "malformed"),
    ],
)
def test_what_cannot_be_registered(caller: Caller, body: Any, status: int, slug: str) -> None:
    """Said as a problem, without what was sent."""
    caller.post({"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}})
    answer = post(caller, "/v1/webhooks", body)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/docs#problem-{slug}")
    assert "canary" not in answer.text
    assert caller.get("/v1/webhooks").json() == {"items": []}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/acknowledgements", {"recipient": "crm", "positions": [1]}, 404),
        ("/v1/acknowledgements", {"recipient": "crm", "positions": []}, 422),
        ("/v1/acknowledgements", {"recipient": "nobody", "positions": [1]}, 422),
        ("/v1/acknowledgements", {"recipient": "crm", "positions": [2**60]}, 422),
        ("/v1/acknowledgements", {"recipient": "crm", "positions": [1], "receipt": "É"}, 422),
        ("/v1/acknowledgements", {"positions": [1]}, 422),
        ("/v1/webhooks/redeliver", {"webhook": str(uuid4())}, 404),
        ("/v1/webhooks/redeliver", {"webhook": "x"}, 422),
        (f"/v1/webhooks/{uuid4()}/ping", None, 404),
        ("/v1/webhooks/canary/ping", None, 404),
    ],
)
def test_what_cannot_be_asked(caller: Caller, path: str, body: Any, status: int) -> None:
    """Unknown webhooks and positions are not found; the rest is malformed."""
    caller.post({"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}})
    if path.endswith("/acknowledgements"):
        body = {"reason": "by_phone", **body}
    assert post(caller, path, body).status_code == status


def test_what_the_ledger_records_itself_nobody_sends(caller: Caller) -> None:
    """Told and acknowledged have their own ways; `POST /v1/facts` refuses both."""
    for kind in ("recipient.told", "recipient.acknowledged"):
        person = {"kind": "shop", "value": "0042"}
        item = {"kind": kind, "person": person, "data": {"recipient": "crm", "fact": 1}}
        assert caller.post(item).status_code == 422
