"""`/v1/requests`: received, walked, read as a queue, without a personal value in any answer."""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest

from api import examples
from tests.api.conftest import CANARY, Caller

LETTER: dict[str, Any] = {
    "person": {"kind": "shop", "value": "0042"},
    "occurred": "2025-12-31",
    "data": {"right": "access", "channel": "letter", "email": CANARY, "text": "Mes données"},
}


def send(caller: Caller, path: str, body: Any, lang: str = "en") -> Any:
    return caller.client.post(
        f"/v1/requests{path}", json=body, headers=caller.headers, params={"lang": lang}
    )


def made(caller: Caller, **data: Any) -> str:
    """The id of a new request."""
    body = {**LETTER, "data": {**LETTER["data"], **data}}
    found: str = send(caller, "", body).json()["request"]["id"]
    return found


def step(caller: Caller, id: str, name: str, **data: Any) -> Any:
    return send(caller, f"/{id}/{name}", {"data": data})


@pytest.mark.clause("SS-CH-3", "SS-DSR-10")
def test_a_letter_is_received_and_found_again_with_both_clocks(caller: Caller) -> None:
    answer = send(caller, "", LETTER)
    assert answer.status_code == 201
    told = answer.json()["request"]
    assert (told["received"], told["due"], told["promised"]) == (
        *("2025-12-31", "2026-02-02", "2026-02-28"),
    )
    assert answer.headers["location"] == f"/v1/requests/{told['id']}"
    assert caller.get(answer.headers["location"], lang="en").json() == told
    assert CANARY not in answer.text
    french = caller.get(answer.headers["location"], lang="fr").json()
    assert french["explanation"][0].startswith("Demande (accès) : à répondre au plus tard le 2")


def test_what_is_shown_is_what_is_answered(caller: Caller) -> None:
    sent = send(caller, "", examples.REQUEST_SENT).json()
    assert sent.keys() == examples.REQUEST_RECORDED.keys()
    assert sent["request"].keys() == examples.REQUEST.keys()
    id = sent["request"]["id"]
    acknowledged = send(caller, f"/{id}/acknowledge", examples.STEP_SENT).json()
    assert acknowledged.keys() == examples.STEP_RECORDED.keys()
    assert caller.get("/v1/requests").json().keys() == examples.REQUESTS.keys()
    described = caller.client.get("/openapi.json").json()["components"]["schemas"]["Request"]
    assert described["properties"].keys() == sent["request"].keys()


@pytest.mark.clause("SS-DSR-9", "SS-DSR-10", "SS-DSR-11")
def test_it_is_walked_to_its_end_and_what_the_law_forbids_is_refused(caller: Caller) -> None:
    id = made(caller)
    assert step(caller, id, "ask-identity").status_code == 422
    assert step(caller, id, "ask-identity", reason="new_address").status_code == 201
    early = step(caller, id, "fulfil", channel="letter")
    assert (early.status_code, early.json()["article"]) == (409, "RGPD art. 12(6)")
    confirmed = {"method": "id_document", "evidence": "destroyed"}
    assert step(caller, id, "confirm-identity", **confirmed).status_code == 201
    extended = step(caller, id, "extend", reason="complexity", notified="2026-01-05")
    assert extended.json()["request"]["due"] == "2026-03-31"
    refusal = step(caller, id, "refuse", grounds=["excessive"], remedies=["cnil"])
    assert (refusal.status_code, refusal.json()["clause"]) == (422, "SS-DSR-11")
    done = step(caller, id, "fulfil", channel="email", package=sha256(b"a file").hexdigest())
    assert done.json()["request"]["status"] == "answered_in_time"
    assert step(caller, id, "close").json()["request"]["state"] == "closed"
    late = step(caller, id, "fulfil")
    assert (late.status_code, late.json()["clause"]) == (409, "SS-DSR-10")


@pytest.mark.clause("SS-DSR-10")
def test_an_extension_one_day_too_late_is_a_problem_of_its_own(caller: Caller) -> None:
    """Received on 1 December: 1 January is a holiday, so the month ends on Friday the 2nd."""
    body = {**LETTER, "occurred": "2025-12-01"}
    id = send(caller, "", body).json()["request"]["id"]
    late = send(caller, f"/{id}/extend", extension("2026-01-03")).json()
    assert (late["type"], late["clause"]) == ("/docs#problem-deadline-passed", "SS-DSR-10")
    in_time = send(caller, f"/{id}/extend", extension("2026-01-02")).json()["request"]
    assert (in_time["due"], in_time["state"]) == ("2026-03-02", "extended")


def extension(notified: str) -> dict[str, Any]:
    return {"data": {"reason": "number", "notified": notified}}


@pytest.mark.clause("SS-DSR-4")
def test_an_objection_stops_marketing_with_the_answer_that_acknowledges_it(caller: Caller) -> None:
    body = {**LETTER, "over": "email", "data": {"right": "objection", "channel": "email"}}
    told = send(caller, "", body).json()
    assert told["at_once"] == ["objection.raised.v1"]
    said = caller.get(f"/v1/subjects/{told['request']['subject']}/consents").json()["consents"]
    states = {(c["purpose"], c["channel"]): c["state"] for c in said}
    assert states["newsletter", "email"] == "ConsentRefused"
    assert ("newsletter", "sms") not in states


@pytest.mark.clause("SS-DSR-2")
def test_a_rectification_is_done_and_its_values_are_never_answered(caller: Caller) -> None:
    id = made(caller, right="rectification")
    done = step(caller, id, "fulfil", changes={"email": CANARY})
    assert (done.status_code, done.json()["request"]["state"]) == (201, "fulfilled")
    assert CANARY not in done.text
    wrong = step(caller, made(caller, right="rectification"), "fulfil", changes={CANARY: "x"})
    assert (wrong.status_code, CANARY in wrong.text) == (422, False)


@pytest.mark.clause("SS-DSR-10")
def test_the_queue_is_filtered_and_goes_on(caller: Caller) -> None:
    first, second, third = (made(caller, right=r) for r in ("access", "erasure", "access"))
    step(caller, second, "acknowledge", channel="email")

    def ids(**asked: str) -> list[str]:
        return [item["id"] for item in caller.get("/v1/requests", **asked).json()["items"]]

    assert ids() == [first, second, third]
    assert ids(right="access") == [first, third]
    assert ids(state="acknowledged") == [second]
    assert ids(status="overdue") == []
    assert ids(status="overdue", as_of="2026-02-03") == [first, second, third]
    assert ids(due_before="2026-02-02") == [first, second, third]
    assert ids(due_before="2026-02-01") == []
    assert ids(subject=str(uuid4())) == []
    page = caller.get("/v1/requests", limit="2").json()
    assert [item["id"] for item in page["items"]] == [first, second]
    assert ids(after=str(page["next"])) == [third]


def test_what_cannot_be_read_or_found_says_so_and_repeats_nothing(caller: Caller) -> None:
    for path in (f"/{uuid4()}", f"/{CANARY}"):
        found = caller.get(f"/v1/requests{path}")
        assert (found.status_code, CANARY in found.text) == (404, False)
    id = made(caller)
    for path, body, status in (
        ("", [LETTER], 422),
        ("", {**LETTER, CANARY: 1}, 422),
        ("", {"data": {"right": CANARY, "channel": "letter"}}, 422),
        ("", {**LETTER, "id": CANARY}, 422),
        (f"/{id}/{CANARY}", {}, 404),
        (f"/{id}/close", {"data": {CANARY: 1}}, 422),
        (f"/{id}/fulfil", {"data": {"ground": "lion"}}, 422),
        (f"/{id}/fulfil", {"occurred": "2026-01-01"}, 422),
    ):
        answer = send(caller, path, body)
        assert (answer.status_code, CANARY in answer.text) == (status, False), path
    for name in ("state", "status", "right", "due_before"):
        wrong = caller.get("/v1/requests", **{name: CANARY})
        assert (wrong.status_code, wrong.json()["field"]) == (400, name)
        assert CANARY not in wrong.text


def test_an_erasure_needs_its_journal(caller: Caller) -> None:
    """This server was started without one: nothing is erased, and the request stays open."""
    caller.client.app.state.journal = None  # type: ignore[attr-defined]
    id = made(caller, right="erasure")
    assert step(caller, id, "fulfil").status_code == 422
    assert caller.get(f"/v1/requests/{id}").json()["state"] == "received"
