"""A small identity provider on loopback: a real HTTP server with keys that it can change, and a
page on which somebody says who she is (authorization code flow, RFC 6749 section 4.1, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "probant"
CLIENT, CLIENT_SECRET = "probant-console", "s3cret"
MAKE: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Grant(NamedTuple):
    """What a code stands for."""

    redirect: str
    nonce: str
    challenge: str


class Provider:
    """`keys` it signs with; `published` it shows; `asked`: how often each page was asked for.

    For those who sign in: `redirects` it knows, `claims` of the identity it gives, `access` it
    gives beside it (None: none), `identity` instead of the right one."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, tuple[Any, str]] = {}
        self.published: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.pages: dict[str, bytes] = {}  # instead of the right ones
        self.redirects: set[str] = set()
        self.claims: dict[str, Any] = {}
        self.access: str | None = None
        self.kid = ""  # of the key that signs identities
        self.grants: dict[str, Grant] = {}
        self.refusals: list[str] = []

    def add(self, kid: str, algorithm: str, *, publish: bool = True) -> None:
        """One more key."""
        private = MAKE[algorithm]()
        self.keys[kid] = (private, algorithm)
        if publish:
            public = jwt.get_algorithm_by_name(algorithm).to_jwk(private.public_key(), as_dict=True)
            self.published[kid] = {**public, "kid": kid, "use": "sig", "alg": algorithm}

    def token(self, kid: str, claims: dict[str, Any], /, **headers: Any) -> str:
        """A token signed with this key."""
        private, algorithm = self.keys[kid]
        return jwt.encode(claims, private, algorithm, headers={"kid": kid, **headers})

    def page(self, path: str) -> bytes | None:
        """What is answered."""
        self.asked[path] += 1
        if path in self.pages:
            return self.pages[path]
        if path == "/.well-known/openid-configuration":
            return json.dumps(self.described()).encode()
        if path == "/keys":
            return json.dumps({"keys": list(self.published.values())}).encode()
        return None

    def described(self) -> dict[str, Any]:
        """What it says of itself."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
        }

    # --- signing in -------------------------------------------------------------------------------

    def authorize(self, query: dict[str, str]) -> str | None:
        """The page that asks who she is; None for a question that is not in order."""
        redirect = query.get("redirect_uri", "")
        good = {"response_type": "code", "client_id": CLIENT, "code_challenge_method": "S256"}
        if redirect not in self.redirects or not good.items() <= query.items():
            return None
        if "openid" not in query.get("scope", "").split() or not query.get("code_challenge"):
            return None
        code, state = secrets.token_urlsafe(16), query.get("state", "")
        self.grants[code] = Grant(redirect, query.get("nonce", ""), query["code_challenge"])
        yes = {"code": code, "state": state, "iss": self.url}
        no = {"error": "access_denied", "state": state, "iss": self.url}
        ill = {"error": "server_error", "state": state, "iss": self.url}
        links = "".join(
            f'<p><a id="{name}" href="{redirect}?{urlencode(said)}">{name}</a></p>'
            for name, said in (("yes", yes), ("no", no), ("ill", ill))
        )
        return f"<!doctype html><title>Who are you?</title><link rel=icon href=data:,>{links}"

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The tokens for a code, once; None when it is refused, and why is in `refusals`."""
        grant = self.grants.pop(form.get("code", ""), None)
        secret = base64.b64encode(f"{CLIENT}:{CLIENT_SECRET}".encode()).decode()
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        shown = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if grant is None:
            self.refusals.append("code")
        elif authorization != f"Basic {secret}":
            self.refusals.append("client")
        elif form.get("redirect_uri") != grant.redirect:
            self.refusals.append("redirect")
        elif shown != grant.challenge:
            self.refusals.append("verifier")
        else:
            identity = {"iss": self.url, "aud": CLIENT, "nonce": grant.nonce, **self.claims}
            said = {"token_type": "Bearer", "id_token": self.token(self.kid, identity)}
            return said | ({"access_token": self.access} if self.access else {})
        return None


def flat(text: str) -> dict[str, str]:
    """A query or a form, each name once."""
    return {name: values[0] for name, values in parse_qs(text).items()}


@contextmanager
def provider(host: str = "127.0.0.1") -> Iterator[Provider]:
    """It listens on a free port of loopback until the end of the block; `host`: as it is called."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                page = made.authorize(flat(parts.query))
                self._answer(page.encode() if page else None, "text/html", 400)
            else:
                self._answer(made.page(self.path), "application/json", 404)

        def do_POST(self) -> None:
            form = flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
            found = made.exchange(form, self.headers.get("Authorization", ""))
            self._answer(json.dumps(found).encode() if found else None, "application/json", 400)

        def _answer(self, content: bytes | None, media: str, otherwise: int) -> None:
            self.send_response(otherwise if content is None else 200)
            self.send_header("Content-Type", media)
            self.end_headers()
            self.wfile.write(content or b"{}")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Provider(f"http://{host}:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
