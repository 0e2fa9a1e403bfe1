"""Cards, contracts and holds over HTTP: why kept, until when, which clocks stand still, what is
blocked."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Caller, order

WHO = {"kind": "shop", "value": "0042"}


def kept(caller: Caller, expiry: str = "2031-03") -> tuple[str, str]:
    """A card on file: whose, and its id."""
    caller.post({"kind": "consent.given", "person": WHO, "data": {"purpose": "wallet"}})
    item = {"kind": "card.kept", "person": WHO, "data": {"ground": "wallet", "expiry": expiry}}
    answer = caller.post(item).json()
    return answer["subject"], answer["stream"]


def token_of(caller: Caller, subject: str) -> dict[str, str]:
    """Headers of the person herself."""
    made = caller.say("POST", f"/v1/subjects/{subject}/token").json()["token"]
    return {"Authorization": f"Bearer {made}"}


@pytest.mark.clause("SS-CARD-3", "SS-CARD-4")
def test_a_card_says_why_it_is_kept_and_until_when(anywhere: Caller) -> None:
    """Ground, last day, rule, clause, article; after she asked, it is to be removed; after the
    provider acknowledged, it is removed."""
    subject, card = kept(anywhere)
    (item,) = anywhere.get("/v1/cards", subject=subject, lang="en").json()["items"]
    assert (item["id"], item["ground"], item["status"]) == (card, "wallet", "kept")
    assert (item["until"], item["why"], item["clause"]) == ("2031-03-31", "valid", "SS-CARD-3")
    assert item["rule"]
    assert item["article"]
    assert item["explanation"]
    asked = anywhere.say("POST", f"/v1/cards/{card}/removal", {"data": {"channel": "phone"}})
    assert (asked.status_code, asked.json()["subject"]) == (201, subject)
    (item,) = anywhere.get(f"/v1/subjects/{subject}/cards").json()["items"]
    assert (item["why"], item["status"]) == ("removal_asked", "to_be_removed")
    assert asked.json()["position"] in item["rests_on"]
    gone = {"data": {"psp_ack": True, "psp_reference": "tok_canari"}}
    assert anywhere.say("POST", f"/v1/cards/{card}/removed", gone).status_code == 201
    answer = anywhere.get("/v1/cards", subject=subject)
    (item,) = answer.json()["items"]
    assert (item["status"], item["psp_acknowledged"]) == ("removed", True)
    assert "canari" not in answer.text
    again = anywhere.say("POST", f"/v1/cards/{card}/removed", gone)
    assert (again.status_code, again.json()["clause"]) == (409, "SS-CARD-4")


def test_she_removes_her_own_card_and_no_other(caller: Caller) -> None:
    """By her token, over her account; of somebody else's card, or none, she is told the same."""
    subject, card = kept(caller)
    other = caller.post(order("0043", "A-2")).json()["subject"]
    hers, path = token_of(caller, subject), f"/v1/subjects/{subject}/cards"
    assert caller.say("GET", path, **hers).json()["items"][0]["id"] == card
    theirs = token_of(caller, other)
    for named in (card, uuid4()):
        answer = caller.say("POST", f"/v1/subjects/{other}/cards/{named}/removal", **theirs)
        assert (answer.status_code, answer.json()["detail"]) == (
            404,
            "this ledger knows no such card",
        )
    done = caller.say("POST", f"{path}/{card}/removal", **hers)
    assert done.status_code == 201
    told = caller.get(f"/v1/subjects/{subject}/timeline").json()["items"][-1]
    assert (told["kind"], told["actor"], told["data"]) == (
        "card.removal_requested.v1",
        "self",
        {"channel": "account"},
    )


def test_a_hold_on_cards_is_told_with_them(caller: Caller) -> None:
    """What is to be removed and held names the hold."""
    subject, card = kept(caller)
    caller.say("POST", f"/v1/cards/{card}/removal", {"data": {"channel": "phone"}})
    placed = {"article": "RGPD art. 17(3)(e)", "review": "2099-01-01", "classes": ["card"]}
    hold = caller.say("POST", "/v1/holds", {"subject": subject, "data": placed}).json()["stream"]
    (item,) = caller.get("/v1/cards", subject=subject).json()["items"]
    assert item["held_by"] == [hold]


def test_a_contract_runs_is_renewed_amended_and_ends(anywhere: Caller) -> None:
    """While it runs, clocks of hers stand still; before it is renewed, she was told; both times."""
    begun = {
        "person": WHO,
        "occurred": "2026-01-05",
        "data": {"type": "subscription", "until": "2026-12-31", "tacit": True},
    }
    made = anywhere.say("POST", "/v1/contracts", begun)
    subject, contract = made.json()["subject"], made.json()["stream"]
    path = f"/v1/contracts/{contract}"
    assert made.headers["location"] == path

    def step(name: str, **data: Any) -> int:
        return int(anywhere.say("POST", f"{path}/{name}", {"data": data}).status_code)

    first = anywhere.get(path).json()
    assert (first["state"], first["until"], first["tacit"]) == ("runs", "2026-12-31", True)
    assert first["suspends"]
    assert first["renewal_notified"] is None
    assert step("notify-renewal", channel="email") == 201
    assert step("renew", until="2027-12-31") == 201
    assert step("amend", until="2027-12-31", tacit=False) == 201
    now = anywhere.get(path).json()
    assert (now["until"], now["tacit"]) == ("2027-12-31", False)
    assert now["renewal_notified"]["position"] in now["rests_on"]
    assert anywhere.get(path, as_of="2028-06-01").json()["state"] == "over"
    assert step("end") == 201
    (ended,) = anywhere.get(f"/v1/subjects/{subject}/contracts").json()["items"]
    assert (ended["state"], ended["suspends"]) == ("ended", [])
    assert step("renew", until="2029-01-01") == 409
    assert step("dance") == 404
    known = anywhere.get(path, known_at="2001-01-01")
    assert known.status_code == 404


def test_two_clerks_find_the_same_contracts(caller: Caller) -> None:
    """By subject in the question, and in the path."""
    begun = {"person": WHO, "data": {"type": "warranty", "until": "2031-01-01"}}
    subject = caller.say("POST", "/v1/contracts", begun).json()["subject"]
    one = caller.get("/v1/contracts", subject=subject).json()["items"]
    assert one == caller.get(f"/v1/subjects/{subject}/contracts").json()["items"]
    assert caller.get("/v1/contracts", subject=str(uuid4())).status_code == 404


@pytest.mark.clause("SS-RET-2")
def test_holds_are_placed_reviewed_lifted_and_listed(anywhere: Caller) -> None:
    """Page by page with their days of review; never who placed them or why."""
    made = []
    for number, day in enumerate(("2027-01-01", "2026-03-01", "2029-01-01")):
        data = {"article": "RGPD art. 17(3)(e)", "review": day, "classes": ["order"]}
        data |= {"author": "Zoé Canari", "reason": "Litige canari"}
        body = {"person": {"kind": "shop", "value": f"h{number}"}, "data": data}
        made.append(anywhere.say("POST", "/v1/holds", body).json()["stream"])
    first = anywhere.get("/v1/holds", limit="2").json()
    rest = anywhere.get("/v1/holds", limit="2", after=str(first["next"])).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    soon = anywhere.get("/v1/holds", review_by="2027-06-01").json()["items"]
    assert {one["id"] for one in soon} == set(made[:2])
    assert "anari" not in anywhere.get("/v1/holds").text
    path = f"/v1/holds/{made[0]}"
    reviewed = anywhere.say("POST", f"{path}/review", {"data": {"review": "2030-01-01"}})
    assert reviewed.status_code == 201
    assert anywhere.get(path).json()["review"] == "2030-01-01"
    assert anywhere.get(path, as_of="2031-01-01").json()["overdue"] is True
    assert anywhere.say("POST", f"{path}/lift", {"data": {}}).status_code == 201
    assert anywhere.get(path).json()["open"] is False
    assert made[0] not in {one["id"] for one in anywhere.get("/v1/holds").json()["items"]}
    again = anywhere.say("POST", f"{path}/lift", {"data": {}})
    assert (again.status_code, again.json()["clause"]) == (409, "SS-RET-3")


def test_a_corrected_hold_is_listed_as_it_should_have_read(caller: Caller) -> None:
    """Its review by the last correction; one that was voided is none."""
    data = {"article": "RGPD art. 17(3)(e)", "review": "2027-01-01", "classes": ["order"]}
    placed = caller.say("POST", "/v1/holds", {"person": WHO, "data": data}).json()
    changes = {"review": "2028-02-02"}
    fixed = caller.post({"correct": {"position": placed["position"], "changes": changes}})
    assert fixed.status_code == 201, fixed.text
    (item,) = caller.get("/v1/holds").json()["items"]
    assert (item["review"], item["classes"]) == ("2028-02-02", ["order"])
    caller.post({"void": {"position": placed["position"]}})
    assert caller.get("/v1/holds").json()["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/cards?subject=nobody", 404),
        ("GET", "/v1/cards", 400),
        ("POST", "/v1/cards/nothing/removal", 404),
        ("POST", f"/v1/cards/{uuid4()}/removal", 404),
        ("GET", f"/v1/contracts/{uuid4()}", 404),
        ("GET", "/v1/contracts/none", 404),
        ("GET", f"/v1/holds/{uuid4()}", 404),
        ("GET", "/v1/holds?review_by=soon", 400),
    ],
)
def test_what_nobody_knows_is_said(caller: Caller, method: str, path: str, status: int) -> None:
    """As a problem, without what was sent."""
    answer = caller.say(method, path, {"data": {"channel": "phone"}} if method == "POST" else None)
    assert (answer.status_code, answer.headers["content-type"]) == (
        status,
        "application/problem+json",
    )
    assert "nobody" not in answer.json()["detail"]
