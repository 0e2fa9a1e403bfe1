"""`Idempotency-Key` on every route that records: carried out once, answered again.

What `/v1/facts` remembers has its own file, `test_idempotency.py`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api import choices_schema, examples, rights_schema, things_schema
from api.routes.table import TABLE
from api.sealed import Seal
from ledger.archive_key import ArchiveKey
from ledger.choosing import joining
from ledger.errors import Refusal, Refused
from ledger.policy.book import shipped_bytes
from ledger.store import commands
from tests.api import archived
from tests.api.conftest import Caller, finished, order
from tests.clock import StepClock

# What is sent by POST and is not carried out once, and why not.
ELSEWISE = {
    "/v1/subjects/lookup": "records nothing",
    "/v1/permissions/filter": "records nothing",
    "/v1/subjects/{id}/token": "records nothing; each token is another one",
    "/v1/subjects/{id}/export": "its answer is personal and never kept: two packages are two reads",
    "/v1/subjects/{id}/readings": "its answer is personal and never kept: two reads are two facts",
    "/v1/acknowledgements": "said twice is on record once, by its own rule",
    "/v1/webhooks": "its answer is a secret, shown once",
    "/v1/webhooks/redeliver": "records nothing; what is sent again has the id it had",
    "/v1/webhooks/{id}/ping": "records nothing",
    "/v1/webhooks/{id}": "removed twice is removed",
    "/v1/reports": "each file has its own fact: two are two reports",
    "/v1/policy/what-if": "records nothing",
    "/opendsr/v2/requests": "its id is the sender's: sent twice is refused",
    "/opendsr/v2/requests/{id}": "withdrawn twice is refused",
    "/v1/choices/confirmations": "her token is good for one consent, and names the request",
}


class Asked(NamedTuple):
    """One request that records."""

    method: str
    path: str
    body: Any


def people(caller: Caller) -> tuple[str, str]:
    """Two who bought something."""
    items = caller.post([order("0042", "A-1"), order("0043", "A-2")]).json()["items"]
    return items[0]["subject"], items[1]["subject"]


def device(caller: Caller) -> str:
    """One on which something was refused before anybody logged in."""
    refused = {"kind": "tracker.refused", "data": {"purpose": "audience"}}
    stream: str = caller.post(refused).json()["stream"]
    return stream


def requests(caller: Caller) -> Iterator[Asked]:
    """One for every route, each after what it needs."""
    her, other = people(caller)
    yield Asked("POST", "/v1/facts", order("0042", "A-9"))
    yield Asked("PUT", f"/v1/subjects/{her}/choices", choices_schema.SAY)
    ask = {"purpose": "newsletter", "channel": "sms"}
    yield Asked("POST", f"/v1/subjects/{her}/choices/requests", ask)
    yield Asked("POST", f"/v1/subjects/{her}/devices", {"device": device(caller)})
    yield Asked("POST", f"/v1/subjects/{her}/signals", None)
    body = {"subject": her, "text": "Bonjour, et merci", "channel": "letter"}
    yield Asked("POST", "/v1/motives", body)
    waiting = caller.get("/v1/queue").json()["items"][0]["position"]
    yield Asked("POST", f"/v1/queue/{waiting}/decide", {"decision": "nothing"})
    yield Asked("POST", f"/v1/subjects/{her}/joins", {"other": other})
    yield Asked("POST", f"/v1/subjects/{her}/joins/undo", {"other": other})
    yield Asked("POST", "/v1/requests", examples.REQUEST_SENT)
    (found,) = caller.get("/v1/requests").json()["items"]
    yield Asked("POST", f"/v1/requests/{found['id']}/acknowledge", examples.STEP_SENT)
    yield Asked("POST", f"/v1/subjects/{her}/requests", rights_schema.OWN_SENT)
    (hers,) = caller.get(f"/v1/subjects/{her}/requests", right="access").json()["items"][-1:]
    yield Asked("POST", f"/v1/subjects/{her}/requests/{hers['id']}/withdraw", None)
    yield Asked("PUT", f"/v1/subjects/{her}/directive", rights_schema.DIRECTIVE_SENT)
    yield Asked("DELETE", f"/v1/subjects/{her}/directive", None)
    yield Asked("POST", "/v1/permissions/check", {**examples.MAY_WE, "record": True})
    yield from things(caller, her)
    yield Asked("POST", "/v1/retention/runs", {"dry_run": True})
    toml = shipped_bytes().replace(b"effective_from = 2018-11-20", b"effective_from = 2031-01-01")
    toml = toml.replace(b'"softsystem-2018-11-20"', b'"softsystem-2031-01-01"')
    yield Asked("POST", "/v1/policy/editions", {"toml": toml.decode()})
    yield Asked("POST", "/v1/controls/runs", {"controls": ["C01"]})
    state = caller.client.app.state  # type: ignore[attr-defined]
    state.seal, state.opener = Seal(Path("nowhere"), None), lambda _request: {"opened": []}
    old = archived.archived(caller, ArchiveKey.generate())
    yield Asked("POST", archived.PATH, archived.body(old))
    yield Asked("POST", f"{archived.PATH}/{old.theirs}/approval", {"case": "dossier 7"})


def things(caller: Caller, her: str) -> Iterator[Asked]:
    """Cards, contracts and holds."""
    yes = {"kind": "consent.given", "subject": her, "data": {"purpose": "wallet"}}
    data = {"ground": "wallet", "expiry": "2031-03"}
    cards = [{"kind": "card.kept", "subject": her, "data": data}] * 2
    _, first, second = caller.post([yes, *cards]).json()["items"]
    yield Asked("POST", f"/v1/cards/{first['stream']}/removal", things_schema.CHANNEL)
    yield Asked("POST", f"/v1/cards/{first['stream']}/removed", things_schema.REMOVED)
    yield Asked("POST", f"/v1/subjects/{her}/cards/{second['stream']}/removal", None)
    yield Asked("POST", "/v1/contracts", things_schema.BEGIN_CONTRACT)
    (contract,) = caller.get("/v1/contracts", subject=her).json()["items"]
    yield Asked("POST", f"/v1/contracts/{contract['id']}/end", {})
    yield Asked("POST", "/v1/holds", things_schema.BEGIN_HOLD)
    (hold,) = caller.get("/v1/holds").json()["items"]
    yield Asked("POST", f"/v1/holds/{hold['id']}/lift", {})


def send(caller: Caller, asked: Asked, key: str) -> Any:
    """The answer."""
    headers = {**caller.headers, "Idempotency-Key": f'"{key}"', "Sec-GPC": "1"}
    if "/cards/" in asked.path and "/subjects/" in asked.path:  # by herself only
        made = caller.say("POST", f"{asked.path.split('/cards/')[0]}/token").json()
        headers["Authorization"] = f"Bearer {made['token']}"
    body = {} if asked.body is None else {"json": asked.body}
    return caller.client.request(asked.method, asked.path, headers=headers, **body)


def test_every_route_that_records_is_carried_out_once_under_its_key(anywhere: Caller) -> None:
    """The same request again moves nothing and is answered in the same words; of a fact on record
    its receipt is signed again, which says nothing new."""
    seen = set()
    for number, asked in enumerate(requests(anywhere)):
        first = send(anywhere, asked, f"key-{number}")
        assert first.status_code in (200, 201, 202), (asked, first.text)
        assert "idempotency-replayed" not in first.headers
        if asked.path == "/v1/retention/runs":
            finished(anywhere, first.json()["id"])
        after = anywhere.position()
        again = send(anywhere, asked, f"key-{number}")
        assert again.headers.get("idempotency-replayed") == "true", asked
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert anywhere.position() == after, asked
        seen.add((asked.method, anywhere_of(asked.path)))
    assert seen == {(route.method, route.path) for route in TABLE if route.once}


def anywhere_of(path: str) -> str:
    """The template of a path of these tests."""
    for route in TABLE:
        parts, names = path.split("/"), route.path.split("/")
        fits = zip(parts, names, strict=False)
        if len(parts) == len(names) and all(p == n or n.startswith("{") for p, n in fits):
            return route.path
    raise AssertionError(path)


def test_no_route_that_sends_was_forgotten() -> None:
    """Each takes a key, or is named here with the reason why not; and the description says so."""
    sending = {route.path for route in TABLE if route.method != "GET" and not route.once}
    assert sending == set(ELSEWISE)


def test_the_description_says_which_take_a_key(caller: Caller) -> None:
    """With the header that a second answer has."""
    paths = caller.client.get("/openapi.json").json()["paths"]
    for route in TABLE:
        if not route.extra.get("include_in_schema", True):
            continue
        told = paths[route.path.replace(":path", "")][route.method.lower()]
        named = [one["name"] for one in told.get("parameters", ())]
        assert named.count("Idempotency-Key") == route.once, route.path
        good = [one for status, one in told["responses"].items() if status.startswith("2")]
        shown = ["Idempotency-Replayed" in one.get("headers", {}) for one in good]
        assert shown == [route.once] * len(good), route.path


def test_a_key_of_another_body_is_refused(caller: Caller) -> None:
    """Another body, or another question beside it; the same key for another person is another."""
    her, other = people(caller)
    path = f"/v1/subjects/{her}/choices"
    yes = {"choices": [{"purpose": "newsletter", "channel": "email", "choice": "yes"}]}
    assert send(caller, Asked("PUT", path, choices_schema.SAY), "one").status_code == 200
    reused = send(caller, Asked("PUT", path, yes), "one")
    assert (reused.status_code, reused.json()["type"]) == (
        422,
        "/docs#problem-idempotency-key-reused",
    )
    asked = Asked("PUT", f"/v1/subjects/{other}/choices", choices_schema.SAY)
    assert "idempotency-replayed" not in send(caller, asked, "one").headers
    request = Asked("POST", "/v1/requests?lang=fr", examples.REQUEST_SENT)
    assert send(caller, request, "two").status_code == 201
    english = request._replace(path="/v1/requests?lang=en")
    assert send(caller, english, "two").status_code == 422


@pytest.mark.parametrize("how", ["raised", "answered"])
def test_a_refusal_has_recorded_nothing_and_is_not_remembered(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The same request under the same key is tried again."""
    her, other = people(caller)
    refusal, real = Refusal("conflict", "not now"), joining.join

    def refuse(*_: object) -> Refusal:
        if how == "raised":
            raise Refused(refusal)
        return refusal

    asked = Asked("POST", f"/v1/subjects/{her}/joins", {"other": other})
    monkeypatch.setattr(joining, "join", refuse)
    assert send(caller, asked, "one").status_code == 409
    monkeypatch.setattr(joining, "join", real)
    made = send(caller, asked, "one")
    assert (made.status_code, "idempotency-replayed" in made.headers) == (201, False)


def test_who_died_in_it_is_told_and_never_carried_out_again(
    anywhere: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The join is on record, the answer was lost: the retry is told that it was begun."""
    her, other = people(anywhere)
    real: Callable[..., Any] = joining.join

    def die_after(*given: Any) -> Any:
        real(*given)
        raise MemoryError

    asked = Asked("POST", f"/v1/subjects/{her}/joins", {"other": other})
    monkeypatch.setattr(joining, "join", die_after)
    assert send(anywhere, asked, "one").status_code == 500
    monkeypatch.setattr(joining, "join", real)
    after = anywhere.position()
    again = send(anywhere, asked, "one")
    slug = "/docs#problem-idempotency-key-unsettled"
    assert (again.status_code, again.json()["type"]) == (409, slug)
    assert anywhere.position() == after


def test_two_workers_cannot_both_begin(anywhere: Caller) -> None:
    """The claim is a row that only one of them can write."""
    database = anywhere.ledger.database
    assert commands.claim(database, b"f" * 32, b"m" * 32, 10**18)
    assert not commands.claim(database, b"f" * 32, b"m" * 32, 10**18)
    commands.release(database, b"f" * 32)
    assert commands.claim(database, b"f" * 32, b"m" * 32, 10**18)
    commands.settle(database, b"f" * 32, b"m" * 32, 10**18, b"{}")
    commands.release(database, b"f" * 32)  # what is done stays
    assert not commands.claim(database, b"f" * 32, b"m" * 32, 10**18)


def test_of_many_who_claim_at_once_one_has_it(anywhere: Caller) -> None:
    """Whoever comes second, in the same instant, is told so and meets no error."""
    database, together = anywhere.ledger.database, threading.Barrier(4)

    def claim(number: int) -> bool:
        together.wait()
        return commands.claim(database, bytes([number]) * 32, b"m" * 32, 10**18)

    with ThreadPoolExecutor(4) as callers:
        for number in range(25):
            told = [callers.submit(claim, number) for _ in range(4)]
            assert sum(one.result() for one in told) == 1


def test_after_three_days_a_key_is_forgotten(caller: Caller, clock: StepClock) -> None:
    """The same request is carried out again, and its row is gone."""
    her, _ = people(caller)
    asked = Asked("POST", f"/v1/subjects/{her}/devices", {"device": device(caller)})
    first = send(caller, asked, "one")
    clock.advance(hours=72)
    later = send(caller, asked, "one")
    assert "idempotency-replayed" not in later.headers
    assert first.status_code == 200


def test_what_is_kept_holds_no_key_and_no_text(caller: Caller) -> None:
    """Ids, positions and codes: the text that came with it is sealed elsewhere, or nowhere."""
    her, _ = people(caller)
    body = {"subject": her, "text": "Zoé Canari écrit", "channel": "letter"}
    send(caller, Asked("POST", "/v1/motives", body), "canari-key")
    import sqlalchemy as sa

    from ledger.store import tables

    with caller.ledger.database.read() as connection:
        rows = [bytes(row[2]) for row in connection.execute(sa.select(tables.commands))]
    (kept,) = [row for row in rows if b"match" in row]
    assert b"Canari" not in kept
    assert b"canari-key" not in kept
    assert json.loads(kept)["status"] == 201


def test_a_step_is_refused_to_who_did_not_see_the_last_one(caller: Caller) -> None:
    """If-Match with the ETag of the request; and 304 for whoever has seen it all."""
    made = caller.client.post("/v1/requests", json=examples.REQUEST_SENT, headers=caller.headers)
    path = made.headers["location"]
    tag = caller.get(path).headers["etag"]
    seen = caller.client.get(path, headers={**caller.headers, "If-None-Match": tag})
    assert seen.status_code == 304
    headers = {**caller.headers, "If-Match": tag}

    def step(name: str) -> int:
        answer = caller.client.post(f"{path}/{name}", json=examples.STEP_SENT, headers=headers)
        return int(answer.status_code)

    assert step("acknowledge") == 201
    assert step("close") == 412
    headers["If-Match"] = caller.get(path, lang="en").headers["etag"]
    assert step("close") != 412
