"""Tokens of an identity provider, over real HTTP: what proves something, and all that does not."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from fastapi.testclient import TestClient

from api import keys
from api.access import Trusted
from api.app import create_app
from api.oidc import Issuer
from api.settings import settle
from ledger.errors import Broken, Misuse
from ledger.store import reader
from tests.api.conftest import Caller, order
from tests.api.issuer import AUDIENCE, Provider, provider
from tests.clock import StepClock

DISCOVERY = "/.well-known/openid-configuration"
CANARY = "zoe.canari@example.org"
SECRET = b"s" * 32


@pytest.fixture
def idp() -> Iterator[Provider]:
    """With one key of each kind."""
    with provider() as made:
        for algorithm in ("RS256", "ES256", "EdDSA"):
            made.add(algorithm.lower(), algorithm)
        yield made


@pytest.fixture
def issuer(idp: Provider) -> Issuer:
    """What a server knows of it."""
    return Issuer(Trusted(idp.url, AUDIENCE))


def claims(idp: Provider, clock: StepClock, **more: Any) -> dict[str, Any]:
    """What a good token says; None leaves a claim out."""
    seconds = clock.now() // 1_000_000
    good = {"iss": idp.url, "aud": AUDIENCE, "sub": CANARY, "exp": seconds + 300}
    return {k: v for k, v in (good | {"roles": ["agent"]} | more).items() if v is not None}


@pytest.mark.parametrize("kid", ["rs256", "es256", "eddsa"])
def test_a_token_says_who_and_which_roles(
    idp: Provider, issuer: Issuer, clock: StepClock, kid: str
) -> None:
    """Her `sub` is seen by nobody: facts name a keyed hash, the same each time."""
    who = issuer.who(idp.token(kid, claims(idp, clock)), clock.now(), SECRET)
    assert who is not None
    assert who.roles == {"agent"}
    assert who.subject is None
    assert CANARY not in who.id
    again = issuer.who(idp.token("rs256", claims(idp, clock, roles=[])), clock.now(), SECRET)
    assert again is not None
    assert (again.id, again.roles) == (who.id, frozenset())
    other = issuer.who(idp.token("rs256", claims(idp, clock, sub="x")), clock.now(), SECRET)
    assert other is not None
    assert other.id != who.id


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"},
        {"aud": None},
        {"iss": "https://example.org"},
        {"iss": None},
        {"sub": None},
        {"sub": ""},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1},
        {"exp": 1_767_603_540},  # a minute ago: at the end of the leeway
        {"nbf": 1_767_603_661},  # in a minute and a second
        {"nbf": "later"},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_or_missing_proves_nothing(
    idp: Provider, issuer: Issuer, clock: StepClock, wrong: dict[str, Any]
) -> None:
    """Audience, issuer, holder, end and beginning, each on its own."""
    assert clock.now() == 1_767_603_600_000_000
    assert issuer.who(idp.token("rs256", claims(idp, clock)), clock.now(), SECRET)
    try:
        token = idp.token("rs256", claims(idp, clock, **wrong))
    except TypeError:  # the library would not even sign it
        token = forged({"alg": "RS256", "kid": "rs256"}, claims(idp, clock, **wrong))
    assert issuer.who(token, clock.now(), SECRET) is None


@pytest.mark.parametrize("good", [{"exp": 1_767_603_541}, {"nbf": 1_767_603_660}], ids=str)
def test_clocks_may_disagree_by_a_minute(
    idp: Provider, issuer: Issuer, clock: StepClock, good: dict[str, Any]
) -> None:
    """Inside the leeway it holds."""
    assert issuer.who(idp.token("rs256", claims(idp, clock, **good)), clock.now(), SECRET)


def forged(header: dict[str, Any], said: dict[str, Any], signature: bytes = b"") -> str:
    """A token made by hand."""
    parts = [json.dumps(header).encode(), json.dumps(said).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def shared(said: dict[str, Any], secret: bytes, kid: str) -> str:
    """A token "signed" with a secret that everybody knows."""
    start = forged({"alg": "HS256", "kid": kid}, said).rpartition(".")[0]
    mac = base64.urlsafe_b64encode(hmac.digest(secret, start.encode(), "sha256"))
    return f"{start}.{mac.rstrip(b'=').decode()}"


def test_no_other_way_to_sign_is_accepted(idp: Provider, issuer: Issuer, clock: StepClock) -> None:
    """No signature; a shared secret made of the public key; another algorithm's key; nonsense."""
    said = claims(idp, clock)
    public = json.dumps(idp.published["rs256"]).encode()
    for token in (
        forged({"alg": "none", "kid": "rs256"}, said),
        forged({"alg": "None", "kid": "rs256"}, said),
        shared(said, public, "rs256"),
        jwt.encode(said, idp.keys["rs256"][0], "RS512", headers={"kid": "rs256"}),
        jwt.encode(said, idp.keys["rs256"][0], "PS256", headers={"kid": "rs256"}),
        idp.token("es256", said, kid="rs256"),
        forged({"alg": "RS256", "kid": "rs256"}, said, b"x" * 256),
        jwt.encode(said, idp.keys["rs256"][0], "RS256"),
        forged({"alg": ["RS256"], "kid": "rs256"}, said),
        forged({"alg": "RS256", "kid": {}}, said),
        idp.token("rs256", said)[:-8] + "AAAAAAAA",
        "..",
        "a.b.c",
        "é.é.é",
        f"{'a' * 20000}.b.c",
    ):
        assert issuer.who(token, clock.now(), SECRET) is None, token[:60]


def test_for_a_token_of_the_wrong_kind_the_issuer_is_not_even_asked(
    idp: Provider, issuer: Issuer, clock: StepClock
) -> None:
    """No signature, or a shared secret: refused by its header."""
    for algorithm in ("none", "HS256", "RS512", None):
        token = forged({"alg": algorithm, "kid": "rs256"}, claims(idp, clock))
        assert issuer.who(token, clock.now(), SECRET) is None
    assert idp.asked == {}


def test_new_keys_are_fetched_and_made_up_ones_do_not_flood(
    idp: Provider, issuer: Issuer, clock: StepClock
) -> None:
    """One fetch a minute at most, whatever is sent; then the new key is known."""
    said = claims(idp, clock, exp=2_000_000_000)
    assert issuer.who(idp.token("rs256", said), clock.now(), SECRET)
    idp.add("new", "RS256")
    for number in range(50):
        assert (
            issuer.who(idp.token("rs256", said, kid=f"made-up-{number}"), clock.now(), SECRET)
            is None
        )
    assert issuer.who(idp.token("new", said), clock.now(), SECRET) is None
    assert idp.asked == {DISCOVERY: 1, "/keys": 1}
    clock.advance(minutes=1)
    assert issuer.who(idp.token("new", said), clock.now(), SECRET)
    assert issuer.who(idp.token("es256", said), clock.now(), SECRET)
    assert idp.asked == {DISCOVERY: 2, "/keys": 2}


def test_a_key_that_is_withdrawn_dies_within_the_hour(
    idp: Provider, issuer: Issuer, clock: StepClock
) -> None:
    """Known keys are fetched anew; what is no longer published proves nothing."""
    said = claims(idp, clock, exp=2_000_000_000)
    assert issuer.who(idp.token("rs256", said), clock.now(), SECRET)
    del idp.published["rs256"]
    clock.advance(minutes=59)
    assert issuer.who(idp.token("rs256", said), clock.now(), SECRET)
    clock.advance(minutes=1)
    assert issuer.who(idp.token("rs256", said), clock.now(), SECRET) is None
    assert issuer.who(idp.token("es256", said), clock.now(), SECRET)


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (DISCOVERY, b"{"),
        (DISCOVERY, b"[]"),
        (DISCOVERY, b'{"issuer": "https://example.org", "jwks_uri": "https://example.org/k"}'),
        (DISCOVERY, b"{}"),
        ("/keys", b"x" * 600_000),
        ("/keys", b"[]"),
        ("/keys", b'{"keys": 7}'),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_issuer_that_fails_is_our_failure_and_is_not_asked_at_once(
    idp: Provider, issuer: Issuer, clock: StepClock, path: str, content: bytes
) -> None:
    """Nobody is let in; a minute later it is asked again, and all is well."""
    token = idp.token("rs256", claims(idp, clock))
    idp.pages[path] = content
    for _ in range(3):
        with pytest.raises(Broken):
            issuer.who(token, clock.now(), SECRET)
    assert idp.asked[DISCOVERY] == 1
    idp.pages.clear()
    clock.advance(minutes=1)
    assert issuer.who(token, clock.now(), SECRET)


def test_keys_of_other_kinds_are_passed_over(
    idp: Provider, issuer: Issuer, clock: StepClock
) -> None:
    """Shared secrets, keys for encryption, nonsense: the others still count."""
    idp.published["oct"] = {
        "kty": "oct",
        "k": base64.b64encode(b"s" * 32).decode().rstrip("="),
        "kid": "oct",
        "alg": "HS256",
    }
    idp.published["enc"] = {**idp.published["es256"], "kid": "enc", "use": "enc"}
    idp.published["odd"] = {"kty": "odd"}
    said = claims(idp, clock)
    hashed = shared(said, b"s" * 32, "oct")
    assert issuer.who(idp.token("rs256", said), clock.now(), SECRET)
    assert issuer.who(hashed, clock.now(), SECRET) is None
    assert issuer.who(idp.token("es256", said, kid="enc"), clock.now(), SECRET) is None


@pytest.mark.parametrize(
    ("claim", "mapping", "said", "roles"),
    [
        ("roles", None, {"roles": ["dpo", "subject", "root", 7]}, {"dpo"}),
        ("scope", None, {"scope": "reader recorder", "roles": ["dpo"]}, {"reader", "recorder"}),
        ("realm_access.roles", None, {"realm_access": {"roles": ["auditor"]}}, {"auditor"}),
        ("realm_access.roles", None, {"realm_access": "auditor"}, set()),
        ("groups", {"Support": "agent"}, {"groups": ["Support", "dpo"]}, {"agent"}),
        ("roles", None, {"roles": {"dpo": True}}, set()),
    ],
)
def test_roles_are_read_from_the_claim_that_was_named(
    idp: Provider, clock: StepClock, claim: str, mapping: Any, said: Any, roles: set[str]
) -> None:
    """A list or a text of words, perhaps inside; what is not mapped opens nothing."""
    issuer = Issuer(Trusted(idp.url, AUDIENCE, claim, mapping))
    who = issuer.who(idp.token("rs256", claims(idp, clock, **said)), clock.now(), SECRET)
    assert who is not None
    assert who.roles == roles


def test_plain_http_is_for_loopback_only() -> None:
    """And the settings say what is missing."""
    for url in ("http://example.org", "http://127.0.0.1.example.org", "file:///etc", "x", ""):
        with pytest.raises(Misuse):
            Issuer(Trusted(url, AUDIENCE))
    Issuer(Trusted("https://example.org/realm", AUDIENCE))
    base = {"PROBANT_OIDC_ISSUER": "https://example.org"}
    assert settle({}).oidc is None
    with pytest.raises(Misuse, match="AUDIENCE"):
        settle(base)
    full = {**base, "PROBANT_OIDC_AUDIENCE": "probant", "PROBANT_OIDC_ROLES": "a=agent, b=dpo"}
    mapping = {"a": "agent", "b": "dpo"}
    assert settle(full).oidc == Trusted("https://example.org", "probant", "roles", mapping)
    for wrong in ("agent", "a=root", "a=subject", "=agent"):
        with pytest.raises(Misuse, match="NAME=ROLE"):
            settle({**full, "PROBANT_OIDC_ROLES": wrong})


def test_over_http_staff_show_it_like_a_key(
    idp: Provider, caller: Caller, tmp_path: Path, clock: StepClock, caplog: Any
) -> None:
    """Let in by her roles, refused by the table, 401 for a bad one; she is named nowhere."""
    made = create_app(
        lambda: caller.ledger,
        keys.Keys.load(tmp_path / "api-keys.json"),
        oidc=Issuer(Trusted(idp.url, AUDIENCE)),
    )
    subject = caller.post(order()).json()["subject"]
    token = idp.token("es256", claims(idp, clock))
    with TestClient(made) as client:

        def status(token: str, path: str) -> int:
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert CANARY not in answer.text
            return answer.status_code

        assert status(token, f"/v1/subjects/{subject}") == 200
        assert status(token, "/v1/log/tile/0/000") == 403
        assert status(f"{token}x", f"/v1/subjects/{subject}") == 401
        assert status(caller.key, f"/v1/subjects/{subject}") == 200
    assert CANARY not in caplog.text
    assert (
        caller.client.get(
            "/v1/log/checkpoint", headers={"Authorization": f"Bearer {token}"}
        ).status_code
        == 401
    )


def test_staff_who_are_no_dpo_acknowledge_in_a_recipients_place(
    idp: Provider, caller: Caller, tmp_path: Path, clock: StepClock
) -> None:
    """By the company's account, with a reason: who said it is a hash, and `reader` may not."""
    made = create_app(
        lambda: caller.ledger,
        keys.Keys.load(tmp_path / "api-keys.json"),
        oidc=Issuer(Trusted(idp.url, AUDIENCE)),
    )
    caller.post({"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}})
    person, data = {"kind": "shop", "value": "1"}, {"purpose": "newsletter", "channel": "email"}
    no = caller.post({"kind": "consent.refused", "person": person, "data": data})
    assert no.status_code == 201, no.json()
    no = caller.post({"kind": "consent.withdrawn", "person": person, "data": data}).json()
    said = {"recipient": "crm", "positions": [no["position"]], "reason": "letter"}
    with TestClient(made) as client:

        def say(*roles: str) -> int:
            token = idp.token("es256", claims(idp, clock, roles=list(roles)))
            headers = {"Authorization": f"Bearer {token}"}
            return client.post("/v1/acknowledgements", json=said, headers=headers).status_code

        before = caller.position()
        assert (say("reader"), say("recorder"), caller.position()) == (403, 403, before)
        assert (say("agent"), caller.position()) == (200, before + 1)
        assert (say("operator"), caller.position()) == (200, before + 1)  # said before
        with caller.ledger.database.read() as connection:
            event = reader.event_at(connection, before + 1)
    assert event is not None
    assert event.fact.by.startswith("oidc:")  # type: ignore[attr-defined]
