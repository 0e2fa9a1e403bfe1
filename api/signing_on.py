"""Signing in with the company's account: the authorization code flow, with PKCE, for staff.

1. `begin`: a flow is remembered under a cookie of this browser: what must come back (`state`), what
   the identity must repeat (`nonce`), the secret that only we can show (`code_verifier`);
2. her identity provider asks her who she is, and leads her back to the one address it knows of us;
3. `finish`: the flow is taken out, whatever comes of it; state, issuer, then the code is exchanged,
   and the identity is judged: signature, issuer, audience, times, nonce, `azp`;
4. what the pages then keep is a token that the door of the interface accepts: the access token if
   it is one, else the identity if it is made for the same audience; never one of somebody else.

Sources: RFC 6749 section 4.1, RFC 7636, RFC 9207, RFC 9700; OpenID Connect Core 1.0 section 3.1.
What this file never does: keep a refresh token, or follow an address it was given. Read next:
`oidc.py`, which judges tokens.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import urlencode

from api.access import Client, Who
from api.oidc import Issuer, check_url, sent
from ledger.calendar import MINUTE, Instant
from ledger.errors import Broken, Misuse

LIFE: Instant = 10 * MINUTE  # for her to say who she is
AT_MOST = 10_000  # flows of one worker; the oldest makes room
PARAMETERS = ("state", "iss", "error", "code")

Why: TypeAlias = Literal["expired", "wrong", "cancelled", "failed", "nothing"]
"""Why nobody is signed in: no such flow, or too late; the answer is not to this browser's question;
she stopped; the provider refused; she may open nothing here."""


class Flow(NamedTuple):
    """One sign-in under way. `wanted`: the page she came for."""

    state: str
    nonce: str
    verifier: str
    wanted: str
    begun: Instant


class SignedIn(NamedTuple):
    """Who she is, the token that proves it from now on, the page she came for."""

    who: Who
    proof: str
    wanted: str


class SignOn:
    """The sign-ins under way in this worker. Raises Misuse for an address that is not on https."""

    def __init__(self, issuer: Issuer, client: Client) -> None:
        check_url(client.redirect)
        self._issuer, self._client = issuer, client
        self._flows: dict[bytes, Flow] = {}
        self._lock = threading.Lock()

    def begin(self, wanted: str, now: Instant) -> tuple[str, str]:
        """The cookie of a new sign-in, and the address that leads to the identity provider. Raises
        Broken if it cannot be asked."""
        place = _place(self._issuer.described(now), "authorization_endpoint")
        cookie, state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(4))
        flow = Flow(state, nonce, verifier, wanted, now)
        with self._lock:
            self._flows = {key: one for key, one in self._flows.items() if _is_live(one, now)}
            if len(self._flows) >= AT_MOST:
                del self._flows[next(iter(self._flows))]
            self._flows[_hash(cookie)] = flow
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "scope": self._client.scope,
            "state": flow.state,
            "nonce": flow.nonce,
            "code_challenge": challenge(flow.verifier),
            "code_challenge_method": "S256",
        }
        return cookie, f"{place}{'&' if '?' in place else '?'}{urlencode(asked)}"

    def finish(
        self, cookie: str, said: Mapping[str, str], now: Instant, secret: bytes
    ) -> SignedIn | Why:
        """Who was led back with these parameters, or why nobody is signed in; `secret` keys ids in
        facts. Raises Broken if the provider cannot be asked."""
        with self._lock:
            flow = self._flows.pop(_hash(cookie), None)
        if flow is None or not _is_live(flow, now):
            return "expired"
        described = self._issuer.described(now)
        if not hmac.compare_digest(flow.state.encode(), said.get("state", "").encode()):
            return "wrong"
        if said.get("iss", described["issuer"]) != described["issuer"]:
            return "wrong"
        if "error" in said:
            return "cancelled" if said["error"] == "access_denied" else "failed"
        tokens = self._exchanged(described, said.get("code", ""), flow)
        if tokens is None:
            return "failed"
        return self._judged(tokens, flow, now, secret)

    def _exchanged(
        self, described: Mapping[str, object], code: str, flow: Flow
    ) -> list[str] | None:
        """The identity, and the access token if there is one, for a code; None if it is refused."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect,
            "client_id": self._client.id,
            "code_verifier": flow.verifier,
        }
        basic = None
        if self._client.secret is not None:
            if _takes_basic(described):
                basic = self._client.id, self._client.secret
            else:
                form["client_secret"] = self._client.secret
        answer = sent(_place(described, "token_endpoint"), form, basic)
        if answer is None or not isinstance(answer.get("id_token"), str):
            return None
        found = [answer["id_token"], answer.get("access_token")]
        return [token for token in found if isinstance(token, str)]

    def _judged(self, tokens: list[str], flow: Flow, now: Instant, secret: bytes) -> SignedIn | Why:
        identity, *access = tokens
        claims = self._issuer.claims(identity, self._client.id, now)
        if claims is None:
            return "wrong"
        if not hmac.compare_digest(flow.nonce.encode(), str(claims.get("nonce", "")).encode()):
            return "wrong"
        is_shared = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if is_shared else self._client.id) != self._client.id:
            return "wrong"
        herself = self._issuer.id_of(claims["sub"], secret)
        for token in (*access, identity):
            who = self._issuer.who(token, now, secret)
            if who is not None and who.id == herself and who.roles:
                return SignedIn(who, token, flow.wanted)
        return "nothing"


def challenge(verifier: str) -> str:
    """What is shown of the verifier before it is (RFC 7636 section 4.2: S256)."""
    digest = sha256(verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _place(described: Mapping[str, object], name: str) -> str:
    place = described.get(name)
    try:
        if isinstance(place, str):
            check_url(place)
            return place
    except Misuse:
        pass
    raise Broken("the identity provider does not say where one signs in over https")


def _takes_basic(described: Mapping[str, object]) -> bool:
    """Whether the secret goes into the header, as is the rule where nothing is said."""
    named = described.get("token_endpoint_auth_methods_supported")
    return not isinstance(named, list) or "client_secret_basic" in named


def _is_live(flow: Flow, now: Instant) -> bool:
    return 0 <= now - flow.begun < LIFE


def _hash(cookie: str) -> bytes:
    return sha256(cookie.encode("utf-8", "surrogatepass")).digest()
