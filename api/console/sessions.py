"""Who is signed in: a locker for the proof that she showed, kept in the memory of this worker.

What opens pages is the proof, an API key or a token, and it is judged anew at each request by the
very door of the API: a key that is revoked or a token that ends closes her pages at once. A session
only saves her from showing it each time. It ends half an hour after the last request, or with the
working day; its id is new at every sign-in, and only a hash of it is kept. Read next: `doors.py`.
"""

from __future__ import annotations

import hmac
import secrets
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ledger.calendar import HOUR, MINUTE, Instant

IDLE: Instant = 30 * MINUTE
LIFE: Instant = 9 * HOUR
AT_MOST = 10_000  # sessions of one worker; the one unused for longest makes room
FORMS_KEPT = 200  # forms of one session of which we remember that they were sent


@dataclass(slots=True)
class Session:
    """One person signed in. `said`: sentences for her next page; `done`: where each form that was
    carried out led (None: it is under way); `notes`: what one page leaves for another."""

    proof: str
    begun: Instant
    seen: Instant
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    done: dict[str, str | None] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def is_live(self, now: Instant) -> bool:
        """Whether it still opens anything. A clock that went back ends it."""
        return self.begun <= now < self.begun + LIFE and now < self.seen + IDLE


class Sessions:
    """Those of one worker, and the secret that its forms are bound with."""

    def __init__(self) -> None:
        self._of: dict[bytes, Session] = {}
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def begin(self, proof: str, now: Instant) -> str:
        """A new session: its id, which only the cookie holds."""
        id = secrets.token_urlsafe(32)
        with self._lock:
            if len(self._of) >= AT_MOST:
                self._of = {key: one for key, one in self._of.items() if one.is_live(now)}
            if len(self._of) >= AT_MOST:
                del self._of[min(self._of, key=lambda key: self._of[key].seen)]
            self._of[_hash(id)] = Session(proof, now, now)
        return id

    def find(self, id: str, now: Instant) -> Session | None:
        """The session of this id, which is used now; None when there is none, or it has ended."""
        with self._lock:
            found = self._of.get(_hash(id))
            if found is None:
                return None
            if not found.is_live(now):
                del self._of[_hash(id)]
                return None
            found.seen = now
            return found

    def end(self, id: str) -> None:
        """Forget it, and the proof with it."""
        with self._lock:
            self._of.pop(_hash(id), None)

    def token(self, cookie: str) -> str:
        """What a form must bring back so that we know that this browser had it from us."""
        return hmac.digest(self._secret, b"form\x00" + cookie.encode(), "sha256").hex()

    def is_ours(self, cookie: str, token: str) -> bool:
        """Whether a form brought it back."""
        return hmac.compare_digest(self.token(cookie).encode(), token.encode())

    def claim(self, session: Session, form: str) -> tuple[bool, str | None]:
        """Whether this form of hers is sent for the first time; if not, where it led (None: it is
        under way)."""
        with self._lock:
            if form in session.done:
                return False, session.done[form]
            if len(session.done) >= FORMS_KEPT:
                del session.done[next(iter(session.done))]
            session.done[form] = None
            return True, None

    def settle(self, session: Session, form: str, where: str | None) -> None:
        """It was carried out and led there; None: nothing was done, and it may be sent again."""
        with self._lock:
            if where is None:
                session.done.pop(form, None)
            else:
                session.done[form] = where


def _hash(id: str) -> bytes:
    return sha256(id.encode("utf-8", "surrogatepass")).digest()
