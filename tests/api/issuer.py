"""A small identity provider on loopback: a real HTTP server with keys that it can change."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

AUDIENCE = "probant"
MAKE: dict[str, Callable[[], Any]] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Provider:
    """`keys` it signs with; `published` it shows; `asked`: how often each page was asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, tuple[Any, str]] = {}
        self.published: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.pages: dict[str, bytes] = {}  # instead of the right ones

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
            return json.dumps({"issuer": self.url, "jwks_uri": f"{self.url}/keys"}).encode()
        if path == "/keys":
            return json.dumps({"keys": list(self.published.values())}).encode()
        return None


@contextmanager
def provider() -> Iterator[Provider]:
    """It listens on a free port of loopback until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = made.page(self.path)
            self.send_response(404 if content is None else 200)
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = Provider(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
