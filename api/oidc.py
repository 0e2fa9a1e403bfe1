"""Tokens of the company's own identity provider (OpenID Connect), for staff and their programs.

Any issuer with a discovery document (OpenID Connect Discovery 1.0 section 4) will do. Its public
keys are fetched once and again when a token names a key nobody has seen, at most once in a while,
so that made-up key ids cannot make us flood it. Checked: signature under asymmetric algorithms
only, `iss`, `aud`, `exp`, `nbf`, and that there is a `sub`; RFC 8725 says why each. Her roles are
read from one claim. A failure to reach the issuer lets nobody in and says that we failed. Read
next: `signing_on.py`, which fetches such a token for whoever signs in there.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import threading
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt

from api.access import HELD, Trusted, Who
from ledger.calendar import MINUTE, Instant
from ledger.errors import Broken, Misuse

ALGORITHMS = ("RS256", "ES256", "EdDSA")  # never `none`, never a shared secret
LEEWAY: Instant = MINUTE  # for which clocks may disagree
REFRESH: Instant = MINUTE  # at least so long between two fetches for an unknown key
FRESH: Instant = 60 * MINUTE  # after which keys are fetched anew: a withdrawn one must die
TIMEOUT_SECONDS = 5
MAX_BYTES = 512 * 1024  # of a document of the issuer
MAX_TOKEN = 16 * 1024  # characters
SECOND: Instant = 1_000_000


class Issuer:
    """One issuer and the keys that it publishes. Raises Misuse for one that is not on https."""

    def __init__(self, trusted: Trusted) -> None:
        check_url(trusted.issuer)
        self._trusted = trusted
        self._keys: dict[str, jwt.PyJWK] = {}
        self._said: dict[str, Any] = {}  # of itself
        self._fetched: Instant | None = None  # or tried to
        self._has_failed = False
        self._lock = threading.Lock()

    def who(self, token: str, now: Instant, secret: bytes) -> Who | None:
        """The holder of this token, None if it proves nothing; `secret` keys her id in facts.
        Raises Broken if the issuer cannot be asked."""
        claims = self.claims(token, self._trusted.audience, now)
        if claims is None:
            return None
        return Who(self.id_of(claims["sub"], secret), self._roles(claims))

    def id_of(self, sub: Any, secret: bytes) -> str:
        """Her id in facts. Her `sub` may be an e-mail address: a keyed hash of it, the same for
        ever."""
        said = f"{self._trusted.issuer}\x00{sub}".encode("utf-8", "surrogatepass")
        return f"oidc:{hmac.digest(secret, said, 'sha256').hex()[:24]}"

    def claims(self, token: str, audience: str, now: Instant) -> dict[str, Any] | None:
        """What a token for this audience says, if all of it holds at `now`. Raises Broken if the
        issuer cannot be asked."""
        if len(token) > MAX_TOKEN:
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:  # before the issuer is asked anything
                return None
            key = self._key(header.get("kid"), now)
            return self._claims(token, key, header["alg"], audience, now) if key else None
        except (jwt.PyJWTError, ValueError, TypeError):
            return None

    def described(self, now: Instant) -> dict[str, Any]:
        """What the issuer says of itself (OpenID Connect Discovery 1.0 section 3). Raises Broken if
        it cannot be asked."""
        with self._lock:
            self._renew(now, is_missing=not self._said)
            if not self._said:
                raise Broken("the identity provider could not be asked a moment ago")
            return self._said

    def _claims(
        self, token: str, key: jwt.PyJWK, algorithm: str, audience: str, now: Instant
    ) -> dict[str, Any] | None:
        if key.algorithm_name != algorithm:
            return None
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            audience=audience,
            issuer=self._trusted.issuer,
            # Times are compared below, against the ledger's clock and not the machine's.
            options={
                "require": ["exp", "iss", "aud", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        ends, begins = claims["exp"], claims.get("nbf", 0)
        if not all(isinstance(at, int | float) for at in (ends, begins)) or not claims["sub"]:
            return None
        if now >= ends * SECOND + LEEWAY or now < begins * SECOND - LEEWAY:
            return None
        return claims

    def _roles(self, claims: dict[str, Any]) -> frozenset[str]:
        """Our roles that the claim names (a text of words, or a list); never `subject`."""
        found: Any = claims
        for name in self._trusted.claim.split("."):  # such as realm_access.roles
            found = found.get(name) if isinstance(found, dict) else None
        values = found.split() if isinstance(found, str) else found
        listed = values if isinstance(values, list) else []
        mapping, named = self._trusted.roles, {one for one in listed if isinstance(one, str)}
        ours = named if mapping is None else {mapping[name] for name in named & mapping.keys()}
        return HELD & ours

    # --- its keys ---------------------------------------------------------------------------------

    def _key(self, kid: Any, now: Instant) -> jwt.PyJWK | None:
        """The key of this id, fetched if it is new and the last fetch was not just now."""
        if not isinstance(kid, str):
            return None
        with self._lock:
            self._renew(now, is_missing=kid not in self._keys)
            if kid not in self._keys and self._has_failed:
                raise Broken("the identity provider could not be asked a moment ago")
            return self._keys.get(kid)

    def _renew(self, now: Instant, *, is_missing: bool) -> None:
        """Ask the issuer again if what we know is too old, or if something is missing and the last
        time was not just now."""
        age = None if self._fetched is None else now - self._fetched
        if age is not None and 0 <= age < FRESH and not (is_missing and age >= REFRESH):
            return
        self._fetched, self._has_failed = now, True
        if not is_missing:
            self._keys, self._said = {}, {}  # too old to be trusted, whatever comes of asking
        self._keys = self._fetch()
        self._has_failed = False

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        """The keys that the issuer publishes now, of those we would accept. Raises Broken."""
        base = self._trusted.issuer.rstrip("/")
        found = _asked(f"{base}/.well-known/openid-configuration")
        if found.get("issuer") != self._trusted.issuer:
            raise Broken("the identity provider says that it is another one")
        place = found.get("jwks_uri")
        if not isinstance(place, str):
            raise Broken("the identity provider does not say where its keys are")
        listed = _asked(place).get("keys")
        if not isinstance(listed, list):
            raise Broken("the identity provider lists no keys")
        keys = {}
        for stated in listed:
            try:
                key = jwt.PyJWK(stated)
            except (jwt.PyJWTError, TypeError, AttributeError):
                continue  # of a kind we would not accept
            is_for_signing = stated.get("use", "sig") == "sig"
            if key.algorithm_name in ALGORITHMS and is_for_signing and key.key_id:
                keys[key.key_id] = key
        self._said = found
        return keys


def check_url(url: str) -> None:
    """Raises Misuse unless this is https, or http to this very machine."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise Misuse("an identity provider is asked over https (plain http on loopback only)")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def sent(url: str, form: dict[str, str], basic: tuple[str, str] | None) -> dict[str, Any] | None:
    """What the issuer answers to a form; None when it refuses (400, 401). Raises Broken."""
    return _document(url, form, basic)


def _asked(url: str) -> dict[str, Any]:
    found = _document(url)
    if found is None:
        raise Broken("the identity provider refuses to say who it is")
    return found


def _document(
    url: str, form: dict[str, str] | None = None, basic: tuple[str, str] | None = None
) -> dict[str, Any] | None:
    """A JSON object of the issuer, of a bounded size, without following it elsewhere; None when
    what was asked is refused."""
    try:
        check_url(url)
        method, auth = ("GET", None) if form is None else ("POST", basic)
        with (
            httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client,
            client.stream(
                method, url, data=form, auth=auth, headers={"Accept": "application/json"}
            ) as answer,
        ):
            if form is not None and answer.status_code in (400, 401):
                return None
            answer.raise_for_status()
            content = b""
            for chunk in answer.iter_bytes():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise Broken("the identity provider sent more than it should")
        found = json.loads(content)
    except (httpx2.HTTPError, Misuse, ValueError) as error:
        raise Broken(f"the identity provider cannot be asked ({type(error).__name__})") from None
    if not isinstance(found, dict):
        raise Broken("the identity provider sent no JSON object")
    return found
