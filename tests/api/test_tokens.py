"""Tokens for one person's browser: short, about herself only, and gone with her."""

from __future__ import annotations

import base64
import logging
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi.testclient import TestClient

from api import keys, tokens
from api.app import create_app
from api.limits import Bucket
from api.problems import Problem
from ledger.erasing.erase import erase_scopes
from ledger.store import erasure
from ledger.store.vault import Scope
from tests.api.conftest import Caller, order
from tests.clock import StepClock

SECOND = 1_000_000


def holder(caller: Caller, customer: str = "0042") -> tuple[str, str]:
    """A person with an order, and a token for her."""
    subject = caller.post(order(customer, f"A-{customer}")).json()["subject"]
    answer = caller.client.post(f"/v1/subjects/{subject}/token", headers=caller.headers)
    assert answer.status_code == 201
    assert answer.json()["subject"] == subject
    return subject, answer.json()["token"]


def ask(caller: Caller, token: str, path: str) -> Any:
    """A page, with the token."""
    return caller.client.get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_token_opens_her_own_pages_for_fifteen_minutes(
    anywhere: Caller, clock: StepClock
) -> None:
    """And not one instant longer, on each database."""
    subject, token = holder(anywhere)
    assert ask(anywhere, token, f"/v1/subjects/{subject}").status_code == 200
    assert ask(anywhere, token, f"/v1/subjects/{subject.upper()}/timeline").status_code == 200
    clock.advance(minutes=14, seconds=59)
    assert ask(anywhere, token, f"/v1/subjects/{subject}").status_code == 200
    clock.advance(seconds=1)
    assert ask(anywhere, token, f"/v1/subjects/{subject}").status_code == 401


def test_a_proof_of_another_scheme_opens_nothing(caller: Caller) -> None:
    """A token and a key are for the bearer, however that word is spelled."""
    subject, token = holder(caller)
    key = caller.headers["Authorization"].partition(" ")[2]
    for proof in (token, key):
        for scheme, status in (("Bearer", 200), ("bEaReR", 200), ("Basic", 401), ("", 401)):
            headers = {"Authorization": f"{scheme} {proof}".strip()}
            answer = caller.client.get(f"/v1/subjects/{subject}", headers=headers)
            assert answer.status_code == status, scheme


def test_a_token_opens_nothing_of_anybody_else(caller: Caller) -> None:
    """A customer and a stranger look the same; no door but her own, no token for her token."""
    subject, token = holder(caller)
    other, _ = holder(caller, "0043")
    for somebody in (other, uuid4(), "nobody"):
        assert ask(caller, token, f"/v1/subjects/{somebody}").status_code == 403
    assert ask(caller, token, "/v1/log/checkpoint").status_code == 403
    headers = {"Authorization": f"Bearer {token}"}
    assert caller.client.post("/v1/facts", json=order(), headers=headers).status_code == 403
    again = caller.client.post(f"/v1/subjects/{subject}/token", headers=headers)
    assert again.status_code == 403


def test_a_token_cannot_be_made_or_changed(caller: Caller) -> None:
    """Every bit counts; another ledger's token is none of ours."""
    subject, token = holder(caller)
    raw = bytearray(base64.urlsafe_b64decode(token.removeprefix(tokens.PREFIX) + "=="))
    for at in range(len(raw)):
        raw[at] ^= 1
        forged = tokens.PREFIX + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        assert ask(caller, forged, f"/v1/subjects/{subject}").status_code == 401, at
        raw[at] ^= 1
    for broken in (tokens.PREFIX, f"{tokens.PREFIX}é", token[:-1], f"{token}AAAA"):
        headers = {b"authorization": f"Bearer {broken}".encode()}
        answer = caller.client.get(f"/v1/subjects/{subject}", headers=headers)
        assert answer.status_code == 401


def test_another_worker_accepts_it(caller: Caller, tmp_path: Path) -> None:
    """Nothing is remembered where it was issued."""
    subject, token = holder(caller)
    made = create_app(lambda: caller.ledger, keys.Keys.load(tmp_path / "api-keys.json"))
    with TestClient(made, headers={"Authorization": f"Bearer {token}"}) as other:
        assert other.get(f"/v1/subjects/{subject}").status_code == 200


def test_nobody_is_given_a_token_for_whom_nobody_knows(caller: Caller) -> None:
    """404, for an id that is none as well."""
    for somebody in (uuid4(), "nobody"):
        path = f"/v1/subjects/{somebody}/token"
        assert caller.client.post(path, headers=caller.headers).status_code == 404


def test_how_often_is_limited_for_each_holder(caller: Caller, clock: StepClock) -> None:
    """429 and when to come back; a second later it is granted again."""
    subject, token = holder(caller)
    path = f"/v1/subjects/{subject}/token"
    for _ in range(199):
        assert caller.client.post(path, headers=caller.headers).status_code == 201
    refused = caller.client.post(path, headers=caller.headers)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    assert refused.json()["type"] == "/docs#problem-too-many"
    clock.advance(seconds=1)
    assert caller.client.post(path, headers=caller.headers).status_code == 201
    for _ in range(60):
        assert ask(caller, token, f"/v1/subjects/{subject}").status_code == 200
    assert ask(caller, token, f"/v1/subjects/{subject}").status_code == 429
    assert caller.get(f"/v1/subjects/{subject}").status_code == 200


def test_people_looked_up_are_counted_and_not_requests(caller: Caller) -> None:
    """Five thousand at once, by batches or one by one; refused, it costs nothing."""
    many = [{"person": {"kind": "shop", "value": str(n)}} for n in range(1000)]
    for _ in range(5):
        assert caller.lookup(many).status_code == 200
    refused = caller.lookup(many)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert caller.lookup(many[0]).headers["retry-after"] == "1"


def test_a_bucket_fills_with_time_and_never_beyond_its_brim() -> None:
    """Each holder has her own; full buckets are forgotten."""
    bucket = Bucket(2, 4)
    bucket.take("a", 0, 4)
    with pytest.raises(Problem):
        bucket.take("a", 0)
    bucket.take("b", 0, 4)
    bucket.take("a", SECOND, 2)
    bucket.take("a", 100 * SECOND, 9)
    with pytest.raises(Problem):
        bucket.take("a", 100 * SECOND)


def test_an_erased_person_s_token_is_answered_gone(anywhere: Caller, tmp_path: Path) -> None:
    """410 at once, whoever issued it and when; and no other is issued."""
    subject, token = holder(anywhere)
    scopes = [Scope(UUID(subject), name, "") for name in erasure.IDENTIFYING]
    erase_scopes(anywhere.ledger, scopes, journal=tmp_path / "journal", reason="request")
    assert ask(anywhere, token, f"/v1/subjects/{subject}").status_code == 410
    again = anywhere.client.post(f"/v1/subjects/{subject}/token", headers=anywhere.headers)
    assert again.status_code == 410
    assert again.json()["type"] == "/docs#problem-erased"


def test_the_log_says_which_token_asked_and_of_nobody(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    """Two tokens of one person are two ids, told when they are issued; neither is hers, and a
    request that was refused says by which it was sent."""
    subject, other = (caller.post(order(who, who)).json()["subject"] for who in ("0042", "0043"))
    issued = [caller.say("POST", f"/v1/subjects/{subject}/token").json() for _ in range(2)]
    ids = [one["id"] for one in issued]
    assert len(set(ids)) == 2
    assert all(re.fullmatch("self:[0-9a-f]{16}", one) for one in ids)
    for asked in (subject, other):
        for one in issued:
            with caplog.at_level(logging.INFO, "probant.access"):
                caplog.clear()
                headers = {"Authorization": f"Bearer {one['token']}"}
                caller.client.get(f"/v1/subjects/{asked}/consents", headers=headers)
            (line,) = [record for record in caplog.records if record.name == "probant.access"]
            said = line.getMessage()
            assert f"by={one['id']}" in said
            assert line.members["by"] == one["id"]  # type: ignore[attr-defined]
            assert subject not in said
            assert one["token"][:20] not in said
    with caplog.at_level(logging.INFO, "probant.access"):
        caplog.clear()
        caller.get("/v1/queue")
        caller.client.get("/healthz")
    by_key, by_nobody = [
        record.getMessage() for record in caplog.records if record.name == "probant.access"
    ]
    assert "by=key:" in by_key
    assert "by=" not in by_nobody


def test_a_retry_with_a_new_token_is_the_same_request(caller: Caller) -> None:
    """A key belongs to the person, whichever of her tokens she shows: nothing is done twice."""
    subject = caller.post(order()).json()["subject"]
    said = {"choices": [{"purpose": "newsletter", "channel": "email", "choice": "no"}]}
    answers = []
    for _ in range(2):
        token = caller.say("POST", f"/v1/subjects/{subject}/token").json()["token"]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": '"once"'}
        path = f"/v1/subjects/{subject}/choices"
        answers.append(caller.client.put(path, json=said, headers=headers))
    assert answers[1].headers.get("idempotency-replayed") == "true"
    assert answers[0].json()["items"][0]["position"] == answers[1].json()["items"][0]["position"]
