"""Problems in the language that was asked for; in English for whoever asks for none."""

from __future__ import annotations

import json

import pytest
from starlette.requests import Request

from api.problems import language_asked
from api.routes.taking import NDJSON
from tests.api.conftest import Caller, order

NOBODY = "00000000-0000-4000-8000-000000000000"
REQUIRED = "le champ 'kind' est nécessaire : le genre de fait, comme order.placed"


@pytest.mark.parametrize(
    ("wish", "lang"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "en"),
        ("de,fr;q=0.7,en;q=0.3", "fr"),
        ("en;q=0.3, fr;q=0.7", "fr"),
        ("fr;q=0", "en"),
        ("fr;q=nonsense", "fr"),
        ("*", "en"),
        ("de", "en"),
        ("FR-ch", "fr"),
        ("frisian", "en"),
        ("," * 10_000, "en"),
    ],
)
def test_the_language_is_the_one_of_ours_that_is_wished_for_most(wish: str, lang: str) -> None:
    headers = [(b"accept-language", wish.encode())] if wish else []
    asked = {"type": "http", "headers": headers, "query_string": b""}
    assert language_asked(Request(asked)) == lang
    for said, found in ((b"lang=en", "en"), (b"lang=fr", "fr"), (b"lang=de", lang)):
        assert language_asked(Request({**asked, "query_string": said})) == found


def test_whoever_asks_for_nothing_is_told_in_english(caller: Caller) -> None:
    said = caller.post({})
    assert said.json()["detail"] == (
        "field 'kind' is required: the kind of fact, such as order.placed"
    )
    assert said.json()["title"] == "Malformed fact"
    assert said.headers["content-language"] == "en"
    assert "Accept-Language" in said.headers["vary"]


def test_whoever_asks_for_french_is_told_why_in_french(caller: Caller) -> None:
    """By every door that problems come out of; the rest of a problem is as it was."""
    here, french = caller.client, caller.headers | {"Accept-Language": "fr"}
    for said, detail in (
        (here.post("/v1/facts", json={}, headers=french), REQUIRED),
        (here.get("/v1/nowhere", headers=french), "cette page n'existe pas"),
        (here.get(f"/v1/subjects/{NOBODY}", headers=french), "ce registre ne connaît pas cette"),
        (
            here.get(f"/v1/subjects/{NOBODY}/timeline?limit=x", headers=french),
            "un paramètre n'est pas valide",
        ),
        (here.delete("/v1/facts", headers=french), "cette page ne répond pas à cette méthode"),
        (here.get("/v1/facts", headers={"Accept-Language": "fr"}), "cette page ne répond pas"),
        (here.post("/v1/facts", content=b"{", headers=french), "Content-Type doit être"),
    ):
        problem = said.json()
        assert problem["detail"].startswith(detail), problem
        assert said.headers["content-language"] == "fr"
        assert "Accept-Language" in said.headers["vary"]
        english = here.request(
            said.request.method, str(said.request.url), content=said.request.content,
            headers={k: v for k, v in said.request.headers.items() if k != "accept-language"},
        )  # fmt: skip
        assert english.status_code == said.status_code
        if english.json()["type"] == problem["type"]:
            other = english.json() | {"detail": problem["detail"], "title": problem["title"]}
            assert other == problem


def test_each_item_is_refused_in_french(caller: Caller) -> None:
    """Among many, in NDJSON too; what was recorded is told as it always is."""
    french = caller.headers | {"Accept-Language": "fr"}
    items = [{}, order(), {"kind": "order.placed"}]
    told = caller.client.post("/v1/facts", json=items, headers=french).json()
    assert (told["recorded"], told["refused"]) == (1, 2)
    assert told["items"][0]["detail"] == REQUIRED
    assert told["items"][2]["detail"].startswith("dites qui est concerné")
    asked = {"person": {"kind": "shop"}}
    told = caller.client.post("/v1/subjects/lookup", json=[asked], headers=french).json()
    assert told["items"][0]["detail"].startswith("champ 'person'")
    answer = caller.client.post(
        "/v1/permissions/filter?purpose=newsletter&channel=email",
        content=json.dumps(asked) + "\n",
        headers=french | {"Content-Type": NDJSON[0]},
    )
    assert json.loads(answer.text.splitlines()[0])["detail"].startswith("champ 'person'")


def test_a_request_sent_again_is_told_in_the_language_of_whoever_sends_it(caller: Caller) -> None:
    """What is remembered under an Idempotency-Key is no translation."""
    key = {"Idempotency-Key": '"once"'}
    french = caller.headers | key | {"Accept-Language": "fr"}
    first = caller.client.post("/v1/facts", json=[{}, order()], headers=french)
    again = caller.client.post("/v1/facts", json=[{}, order()], headers=caller.headers | key)
    third = caller.client.post("/v1/facts", json=[{}, order()], headers=french)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["items"][0]["detail"] == REQUIRED
    assert again.json()["items"][0]["detail"].startswith("field 'kind' is required")
    assert third.json() == first.json()


def test_one_choice_among_others_is_refused_in_french(caller: Caller) -> None:
    subject = caller.post(order()).json()["subject"]
    body = {"choices": [{"purpose": "nowhere", "choice": "yes"}]}
    path = f"/v1/subjects/{subject}/choices"
    said = caller.client.put(path, json=body, headers=caller.headers | {"Accept-Language": "fr"})
    assert said.status_code == 200, said.text
    (item,) = said.json()["items"]
    assert item["detail"] == (
        "le champ 'purpose' n'est pas une finalité que déclare la politique en vigueur"
    )
    assert item["title"] == "Finalité non déclarée"
