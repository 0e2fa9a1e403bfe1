"""API keys: shown once, kept as a hash, compared in constant time.

A key is 32 random bytes, so a plain SHA-256 of it tells nothing. The file is `api-keys.json` in the
home folder, mode 0600. What a key may do (roles) is not decided here: today each may do everything.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from hashlib import sha256
from pathlib import Path

from api.access import Who
from api.routes import ROLES, SUBJECT
from ledger.errors import Broken, Misuse

PREFIX = "probant_"
FORMAT = 1
HELD = frozenset(ROLES) - {SUBJECT}  # what a key may be given: one person has a token


class Keys:
    """The hashes of the keys that are accepted."""

    def __init__(self, hashes: tuple[str, ...]) -> None:
        self._hashes = hashes

    @classmethod
    def load(cls, path: Path) -> Keys:
        """The keys of a file; none when there is no file. Raises Misuse if others may read it."""
        try:
            mode = path.stat().st_mode
            content = json.loads(path.read_text("utf-8"))
            hashes = tuple(str(key["sha256"]) for key in content["keys"])
        except FileNotFoundError:
            return cls(())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Broken(f"the API keys at {path} cannot be read") from error
        if mode & 0o077:
            raise Misuse(f"the API keys at {path} are open to others; run: chmod 600 {path}")
        return cls(hashes)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def accepts(self, token: str) -> bool:
        """Whether this is one of the keys; every one is compared, in constant time."""
        given = _hash(token)
        results = [hmac.compare_digest(given, known) for known in self._hashes]
        return any(results)

    def who(self, token: str) -> Who | None:
        """The holder of this key, None if it is none of ours."""
        return Who(_hash(token)[:12], HELD) if self.accepts(token) else None


def create(path: Path) -> str:
    """A new key that replaces those of the file. The only time it can be read is now."""
    key = PREFIX + secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    content = json.dumps({"format": FORMAT, "keys": [{"sha256": _hash(key)}]}, indent=1)
    # Written apart and renamed: after a crash the file is the old one or the new one.
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    return key


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
