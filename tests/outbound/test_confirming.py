"""A token of confirmation leaves for the company's mailer, and nobody of ours ever holds it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api import keys
from api.access import HELD
from api.app import create_app
from ledger.application import Ledger
from ledger.errors import Misuse
from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.store import tables
from tests.clock import StepClock
from tests.outbound.receiver import Receiver, is_signed
from tests.outbound.room import grant, subject_of, withdraw

ASK = {"purpose": "newsletter", "channel": "sms", "form": "popup-3"}


class Office:
    """Staff with every role that a key may have, over HTTP."""

    def __init__(self, client: TestClient, key: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}
        self.heard: list[str] = []

    def say(self, method: str, path: str, body: Any = None) -> Any:
        """One request; what it was answered is kept."""
        answer = self.client.request(method, path, json=body, headers=self.headers)
        self.heard.append(answer.text)
        return answer


@pytest.fixture
def office(ledger: Ledger, tmp_path: Path) -> Iterator[Office]:
    """A server that nobody gave a function to carry anything."""
    key = keys.create(tmp_path / "api-keys.json", HELD)
    app = create_app(lambda: ledger, keys.Keys.load(tmp_path / "api-keys.json"))
    with TestClient(app) as client:
        yield Office(client, key)


def asked(office: Office, subject: Any) -> Any:
    """She is asked to confirm."""
    return office.say("POST", f"/v1/subjects/{subject}/choices/requests", ASK)


def everything(ledger: Ledger) -> str:
    """Every value of every table, as text."""
    found = []
    with ledger.database.read() as connection:
        for table in tables.metadata.sorted_tables:
            found += [repr(tuple(row)) for row in connection.execute(sa.select(table))]
    return "\n".join(found)


@pytest.mark.clause("SS-LB-2")
def test_only_she_completes_it_and_staff_never_hold_the_token(
    office: Office,
    ledger: Ledger,
    courier: Courier,
    receiver: Receiver,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It goes to the mailer, signed; it is in no answer, table or log; from her it is a consent."""
    caplog.set_level(logging.DEBUG)
    subject = subject_of(grant(ledger))
    mailer = endpoints.register_carrier(ledger, receiver.url, "mailer")
    made = asked(office, subject)
    assert made.status_code == 201
    refused = office.say(
        "PUT",
        f"/v1/subjects/{subject}/choices",
        {"choices": [{"purpose": "newsletter", "channel": "sms", "choice": "yes"}], "by": "agent"},
    )
    assert refused.json()["items"][0]["type"] == "/docs#problem-double-opt-in"
    assert courier.round() == 1
    (got,) = receiver.got
    assert is_signed(got, mailer.secret)
    assert (got.said["type"], got.said["subject"]) == ("probant.confirmation", str(subject))
    token = got.said["data"]["token"]
    assert {name: got.said["data"][name] for name in ASK} == ASK
    for path in (
        "/v1/webhooks",
        f"/v1/webhooks/deliveries?webhook={mailer.endpoint.id}",
        f"/v1/subjects/{subject}/timeline",
        f"/v1/subjects/{subject}",
        f"/v1/subjects/{subject}/recipients",
        "/v1/queue",
    ):
        assert office.say("GET", path).status_code == 200
    office.say("POST", f"/v1/webhooks/{mailer.endpoint.id}/ping")
    office.say("POST", f"/v1/subjects/{subject}/export?format=json", {})
    told = "\n".join([*office.heard, everything(ledger), caplog.text])
    assert token not in told
    assert token[:24] not in told
    done = office.client.post("/v1/choices/confirmations", json={"token": token})
    assert done.status_code == 201
    again = office.client.post("/v1/choices/confirmations", json={"token": token})
    assert again.json()["type"] == "/docs#problem-token-void"


def test_without_a_mailer_nobody_is_asked(office: Office, ledger: Ledger) -> None:
    """Nothing is recorded; a webhook that is sent the fact itself carries nothing."""
    subject = subject_of(grant(ledger))
    before = ledger.recorder.head().position
    endpoints.register(ledger, "https://crm.example.org/h", "crm", ["consent.requested"])
    assert asked(office, subject).json()["type"] == "/docs#problem-no-carrier"
    assert ledger.recorder.head().position == before


def test_staff_cannot_choose_where_tokens_go(office: Office, ledger: Ledger) -> None:
    """Over HTTP no webhook is sent them, whatever is asked for."""
    body = {"url": "https://mine.example.org/h", "recipient": "mailer"}
    for kinds in (["confirmations"], ["consent.requested", "confirmations"]):
        answer = office.say("POST", "/v1/webhooks", {**body, "kinds": kinds})
        assert answer.status_code == 422
    with pytest.raises(Misuse):
        endpoints.register(ledger, body["url"], "mailer", ["confirmations"])
    assert not endpoints.carries(ledger)


def test_a_lost_answer_sends_the_same_token_again(
    office: Office, ledger: Ledger, courier: Courier, receiver: Receiver, clock: StepClock
) -> None:
    """Under the same id: the mailer may send her one message, and either serves."""
    subject = subject_of(grant(ledger))
    endpoints.register_carrier(ledger, receiver.url, "mailer")
    assert asked(office, subject).status_code == 201
    receiver.answer(503)
    assert courier.round() == 0
    clock.advance(hours=1)
    assert courier.round() == 1
    first, second = receiver.got
    assert (first.id, first.body) == (second.id, second.body)


@pytest.mark.parametrize("why", ["void", "expired"])
def test_a_token_that_would_serve_nothing_is_not_sent(
    office: Office,
    ledger: Ledger,
    courier: Courier,
    receiver: Receiver,
    clock: StepClock,
    why: str,
) -> None:
    """She said no meanwhile, or three days have passed: the delivery log says which."""
    subject = subject_of(grant(ledger))
    mailer = endpoints.register_carrier(ledger, receiver.url, "mailer").endpoint
    assert asked(office, subject).status_code == 201
    if why == "void":
        no = {"choices": [{"purpose": "newsletter", "channel": "sms", "choice": "no"}]}
        office.say("PUT", f"/v1/subjects/{subject}/choices", {**no, "by": "agent"})
    else:
        clock.advance(hours=73)
    assert courier.round() == 0
    (row,) = endpoints.deliveries(ledger, mailer.id, None, 0, 10)
    assert (row.state, row.last_error, receiver.got) == ("dead", why, [])


def test_a_request_of_another_act_has_no_token(
    ledger: Ledger, courier: Courier, receiver: Receiver, office: Office
) -> None:
    """It is dropped, and what comes after it is delivered."""
    mailer = endpoints.register_carrier(ledger, receiver.url, "mailer").endpoint
    subject = subject_of(withdraw(ledger))
    other = {"kind": "consent.requested", "subject": str(subject)}
    other |= {"data": {"purpose": "newsletter", "channel": "email"}}  # type: ignore[dict-item]
    assert office.say("POST", "/v1/facts", other).status_code == 201
    assert asked(office, subject).status_code == 201
    assert courier.round() == 1
    assert [got.said["type"] for got in receiver.got] == ["probant.confirmation"]
    assert len(endpoints.deliveries(ledger, mailer.id, None, 0, 10)) == 1
    assert json.loads(receiver.got[0].body)["data"]["token"]
