"""What a person does about herself with a token of her own, and nothing about anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from api import keys, rights_schema
from api.access import HELD
from api.app import create_app
from ledger.erasing.certificate import Desk, document_of
from ledger.events import RIGHTS
from ledger.opening import create
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

FULFILLED = {"data": {"channel": "page", "package": 64 * "7"}}

CARD: dict[str, Any] = {
    "kind": "card.kept",
    "thing": {"kind": "psp", "value": "C-1"},
    "data": {"ground": "wallet", "expiry": "2027-05"},
}


class Herself:
    """A person with an order, and her token."""

    def __init__(self, caller: Caller, customer: str) -> None:
        self.caller, self.client = caller, caller.client
        self.subject = caller.post(order(customer, f"A-{customer}")).json()["subject"]
        answer = caller.say("POST", f"/v1/subjects/{self.subject}/token")
        self.headers = {"Authorization": f"Bearer {answer.json()['token']}"}

    def say(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """A request about herself, or about `path` when it is whole."""
        where = path if path.startswith("/v1/") else f"/v1/subjects/{self.subject}/{path}"
        sent = {} if body is None else {"json": body}
        return self.client.request(method, where, headers={**self.headers, **headers}, **sent)

    def asks(self, right: str, **fields: Any) -> Any:
        return self.say("POST", "requests", {"data": {"right": right, **fields}})

    def id_of(self, right: str, **fields: Any) -> str:
        found: str = self.asks(right, **fields).json()["request"]["id"]
        return found


@pytest.fixture
def zoe(caller: Caller) -> Herself:
    return Herself(caller, "0042")


@pytest.fixture
def ada(caller: Caller) -> Herself:
    return Herself(caller, "0043")


@pytest.mark.clause("SS-CH-2", "SS-DSR-1", "SS-DSR-3", "SS-DSR-5", "SS-DSR-6", "SS-CARD-4")
@pytest.mark.parametrize("right", RIGHTS)
def test_she_asks_for_every_right_on_a_page(caller: Caller, right: str) -> None:
    """Received that very moment, in her own name, and shown with both clocks."""
    zoe = Herself(caller, "0042")
    more = {}
    if right == "card_removal":
        card = caller.post({**CARD, "person": {"kind": "shop", "value": "0042"}}).json()
        more = {"card": card["stream"]}
    sent = zoe.asks(right, text=CANARY, **more)
    assert sent.status_code == 201, sent.text
    told = sent.json()["request"]
    assert (told["right"], told["channel"], told["received"]) == (right, "page", "2026-01-05")
    assert (told["due"], told["due_suspended"]) == ("2026-02-05", "2026-02-05")
    assert zoe.say("GET", sent.headers["location"], None).json()["id"] == told["id"]
    listed = zoe.say("GET", "requests").json()
    assert [one["id"] for one in listed["items"]] == [told["id"]]
    assert CANARY not in sent.text


@pytest.mark.clause("SS-DSR-4")
def test_her_objection_stops_marketing_with_the_answer(zoe: Herself) -> None:
    told = zoe.say("POST", "requests", {"over": "email", "data": {"right": "objection"}}).json()
    assert told["at_once"] == ["objection.raised.v1"]
    said = zoe.say("GET", "consents").json()["consents"]
    states = {(c["purpose"], c["channel"]): c["state"] for c in said}
    assert states["newsletter", "email"] == "ConsentRefused"


def test_nothing_of_anybody_else_is_hers(caller: Caller, zoe: Herself, ada: Herself) -> None:
    """Neither under another id, nor a request of another person under her own: the same words as
    for a request that nobody made."""
    theirs = ada.id_of("access")
    for method, path, body in (
        ("POST", "requests", {"data": {"right": "access"}}),
        ("GET", "requests", None),
        ("GET", f"requests/{theirs}", None),
        ("GET", f"requests/{theirs}/certificate", None),
        ("POST", f"requests/{theirs}/withdraw", None),
        ("GET", "reads", None),
        ("GET", "directive", None),
        ("PUT", "directive", {"wish": "keep"}),
        ("DELETE", "directive", None),
    ):
        for somebody in (ada.subject, uuid4()):
            answer = zoe.say(method, f"/v1/subjects/{somebody}/{path}", body)
            assert answer.status_code == 403, path
    for stranger in (theirs, str(uuid4()), "nobody"):
        for method, path in (("GET", ""), ("POST", "/withdraw"), ("GET", "/certificate")):
            answer = zoe.say(method, f"requests/{stranger}{path}")
            assert (answer.status_code, answer.json()["detail"]) == (
                *(404, "this ledger knows no such request"),
            )
    assert zoe.say("GET", "requests").json()["items"] == []
    assert ada.say("GET", f"requests/{theirs}").json()["state"] == "received"


def test_a_card_of_somebody_else_is_not_hers_to_remove(caller: Caller, zoe: Herself) -> None:
    card = caller.post({**CARD, "person": {"kind": "shop", "value": "0043"}}).json()["stream"]
    position = caller.position()
    answer = zoe.asks("card_removal", card=card)
    assert not caller.ledger.state(UUID(card)).removal_requested
    assert answer.status_code >= 400 or answer.json()["at_once"] == []
    assert caller.position() <= position + 1


def test_she_takes_a_request_back_once_and_not_after_the_answer(zoe: Herself) -> None:
    first, second = zoe.id_of("access"), zoe.id_of("portability")
    back = zoe.say("POST", f"requests/{first}/withdraw")
    assert (back.status_code, back.json()["request"]["state"]) == (201, "withdrawn")
    assert zoe.say("POST", f"requests/{first}/withdraw").status_code == 409
    zoe.caller.say("POST", f"/v1/requests/{second}/fulfil", FULFILLED)
    assert zoe.say("POST", f"requests/{second}/withdraw").status_code == 409
    assert zoe.say("POST", f"requests/{first}/withdraw", {"why": 1}).status_code == 422


def test_what_she_says_of_it_is_only_what_she_may_say(zoe: Herself) -> None:
    """Never another moment, channel, person or voice."""
    for body in (
        {"data": {"right": "access", "channel": "letter"}},
        {"data": {"right": CANARY}},
        {"data": {"right": "access", CANARY: 1}},
        {"data": {"right": "access"}, "occurred": "2025-01-01"},
        {"data": {"right": "access"}, "actor": "agent"},
        {"data": {"right": "access"}, "subject": str(uuid4())},
        [{"data": {"right": "access"}}],
    ):
        answer = zoe.say("POST", "requests", body)
        assert (answer.status_code, CANARY in answer.text) == (422, False), body


@pytest.mark.clause("SS-DSR-1")
def test_she_sees_who_looked_without_the_name_of_who_did(zoe: Herself) -> None:
    """CJEU C-579/21: when, what and why; not which employee."""
    assert zoe.say("GET", "reads").json()["items"] == []
    body = {"classes": ["order"], "reason": "customer_call", "case": "t-1"}
    zoe.caller.say("POST", f"/v1/subjects/{zoe.subject}/readings", body)
    zoe.caller.say("POST", f"/v1/subjects/{zoe.subject}/readings", {**body, "reason": "dispute"})
    found = zoe.say("GET", "reads").json()
    assert [(one["classes"], one["reason"]) for one in found["items"]] == [
        (["order"], "customer_call"),
        (["order"], "dispute"),
    ]
    assert set(found["items"][0]) == {"position", "occurred", "archive", "classes", "reason"}
    page = zoe.say("GET", f"/v1/subjects/{zoe.subject}/reads?limit=1").json()
    rest = zoe.say("GET", f"/v1/subjects/{zoe.subject}/reads?after={page['next']}").json()
    assert page["items"] + rest["items"] == found["items"]


@pytest.mark.clause("SS-DSR-7")
def test_she_says_what_becomes_of_her_data_and_takes_it_back(zoe: Herself) -> None:
    """LIL art. 85: her newest word counts, its text is sealed, and she may take it back."""
    assert zoe.say("GET", "directive").json()["directive"] is None
    assert zoe.say("DELETE", "directive").status_code == 409
    for wish in ("keep", "transmit"):
        put = zoe.say("PUT", "directive", {"wish": wish, "trustee": CANARY, "text": CANARY})
        assert put.status_code == 201
        assert CANARY not in put.text
    told = zoe.say("GET", "directive")
    assert (told.json()["directive"]["wish"], CANARY in told.text) == ("transmit", False)
    assert zoe.say("DELETE", "directive").status_code == 201
    assert zoe.say("GET", "directive").json()["directive"] is None
    for body in ({}, {"wish": "burn"}, {"wish": "keep", "actor": "agent"}, {"wish": 7}):
        assert zoe.say("PUT", "directive", body).status_code == 422


def test_what_is_shown_is_what_is_answered(zoe: Herself) -> None:
    zoe.say("PUT", "directive", rights_schema.DIRECTIVE_SENT)
    assert zoe.say("GET", "directive").json().keys() == rights_schema.DIRECTIVE.keys()
    assert zoe.say("GET", "reads").json().keys() == rights_schema.READS.keys()
    assert zoe.say("POST", "requests", rights_schema.OWN_SENT).status_code == 201


def test_under_her_other_reference_too(caller: Caller, zoe: Herself, ada: Herself) -> None:
    """Joined, she is one person: what she asked before as the other one is listed."""
    before = ada.id_of("access")
    caller.say("POST", f"/v1/subjects/{zoe.subject}/joins", {"other": ada.subject})
    after = zoe.id_of("portability")
    assert [one["id"] for one in zoe.say("GET", "requests").json()["items"]] == [before, after]


# --- with the folders of an erasure ---------------------------------------------------------------


@pytest.fixture
def certified(tmp_path: Path, clock: StepClock) -> Iterator[Caller]:
    """A server that may erase, and certifies what it erased."""
    ledger = create("sqlite://", clock=clock)
    key = keys.create(tmp_path / "keys.json", HELD)
    app = create_app(
        lambda: ledger,
        keys.Keys.load(tmp_path / "keys.json"),
        journal=tmp_path / "journal",
        desk=Desk(tmp_path / "certificates", 35),
    )
    with TestClient(app) as client:
        yield Caller(client, ledger, key)


@pytest.mark.clause("SS-DSR-3", "SS-REC-1")
def test_the_certificate_of_her_erasure_is_hers(certified: Caller) -> None:
    zoe = Herself(certified, "0042")
    wrote = {
        "kind": "customer.contacted_us",
        "subject": zoe.subject,
        "data": {"channel": "form", "text": CANARY},
    }
    certified.post(wrote)
    id = zoe.id_of("erasure", classes=["contact"])
    assert zoe.say("GET", f"requests/{id}/certificate").status_code == 404
    done = certified.say("POST", f"/v1/requests/{id}/fulfil", {"data": {"channel": "page"}})
    named = done.json()["certificate"]
    assert done.json()["outcomes"][0]["subject"] == zoe.subject
    hers = zoe.say("GET", f"requests/{id}/certificate")
    assert hers.status_code == 200, hers.text
    assert hers.json()["sha256"] == named["sha256"]
    document = document_of(hers.json()["note"].encode())
    assert [one["class"] for one in document["erased"]] == ["contact"]
    ours = certified.get(f"/v1/requests/{id}/certificate", now="true").json()
    assert (ours["renews"], ours["is_signed"]) == (id, False)
    assert hers.json().keys() == ours.keys() == rights_schema.CERTIFICATE.keys()
