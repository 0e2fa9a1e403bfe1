"""`Idempotency-Key`: a request sent twice is carried out once, and answered twice.

The header is the IETF draft's (idempotency-key-header-07): a structured-field String, in quotes.
What is kept for 72 hours are keyed HMACs of the key and of the body, and where in the log the facts
of the request stand (`ledger/store/commands.py`): no key, no body, no answer with a person in it.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from api import problems
from api.facts import Answers, recorded_json
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import HOUR, Instant
from ledger.commands import Command
from ledger.errors import Refusal
from ledger.store import commands
from ledger.store.commands import CommandRecord, Place

KEPT: Instant = 72 * HOUR
MAX_KEY = 255  # characters
REST: Instant = HOUR // 60  # between two looks for expired rows that found few
REPLAYED = {"Idempotency-Replayed": "true"}
# A structured-field String (RFC 9651 section 3.3.3), without parameters.
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', re.ASCII)


def key_of(values: Sequence[str]) -> str | None:
    """The key that a request states, None without the header. Raises Problem, never echoing it."""
    if not values:
        return None
    found = _STRING.fullmatch(values[0].strip(" ")) if len(values) == 1 else None
    if found is None or not 1 <= len(found[1]) <= MAX_KEY:
        raise Problem(
            "idempotency-key-malformed",
            "Idempotency-Key must be given once, as a text of 1 to"
            f' {MAX_KEY} ASCII characters in double quotes: Idempotency-Key: "8e03978e-40d5"',
        )
    return found[1]


def fingerprint_of(ledger: Ledger, caller: str, route: str, key: str) -> bytes:
    """The keyed hash of (id of the caller, route, key): two callers may use the same key."""
    said = "\x00".join((caller, route, key)).encode()
    return hmac.digest(ledger.keyring.secret("idempotency/key"), said, "sha256")


def payload_mac(ledger: Ledger, form: str, raw: bytes) -> bytes:
    """The keyed hash of a body and of the form it was sent in: the same bytes may be one JSON item
    or one line of NDJSON."""
    digest = hmac.new(ledger.keyring.secret("idempotency/payload"), form.encode(), "sha256")
    digest.update(b"\x00")
    digest.update(raw)
    return digest.digest()


def record_of(
    fingerprint: bytes,
    mac: bytes,
    read: Sequence[Command | Refusal | None],
    now: Instant,
    *,
    is_single: bool,
    more: Mapping[str, Any] | None = None,
) -> CommandRecord:
    """What is to be remembered of a request whose items were read as `read`, and `more`, in which
    nothing may be about anybody."""

    def outcome(told: Sequence[Place | Refusal]) -> bytes:
        decided = iter(told)
        places = [item if isinstance(item, Refusal) else next(decided) for item in read]
        items = [problems.body(p) if isinstance(p, Refusal) else p for p in places]
        content = {"single": is_single, "items": items, **(more or {})}
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()

    return CommandRecord(fingerprint, mac, now + KEPT, outcome)


def recall(ledger: Ledger, fingerprint: bytes, mac: bytes, now: Instant) -> Answers | None:
    """What was answered to this request, None if it is new (or so old that it was forgotten).

    Raises Problem when the key was used for another body.
    """
    found = remembered(ledger, fingerprint, mac, now)
    if found is None:
        return None
    with ledger.database.read() as connection:
        return _told(found, commands.happened(connection, found))


def remembered(
    ledger: Ledger, fingerprint: bytes, mac: bytes, now: Instant
) -> commands.Remembered | None:
    """What is kept of this request; of one that expired, nothing is, from now on. Raises Problem
    when the key was used for another body."""
    with ledger.database.read() as connection:
        found = commands.find(connection, fingerprint)
    if found is None:
        return None
    if found.expires_at <= now:
        commands.forget(ledger.database, [fingerprint], now)
        return None
    if not hmac.compare_digest(found.payload_mac, mac):
        raise Problem(
            "idempotency-key-reused",
            "this Idempotency-Key came with another body before; give each request its own",
        )
    return found


def _told(found: commands.Remembered, events: Sequence[commands.Happened]) -> Answers:
    content = json.loads(found.outcome)

    def item(stored: Any) -> dict[str, Any]:
        if isinstance(stored, dict):
            return stored
        first, last = stored
        registered_at = events[first].position if first != last else None
        event: commands.Happened = events[last]
        return recorded_json(*event, registered_at)

    items, is_single = content.pop("items"), content.pop("single")
    return Answers([item(stored) for stored in items], is_single, content)


class Sweeper:
    """Deletes expired rows, a few at each write; after a look that found few it rests a minute."""

    def __init__(self) -> None:
        self._rests_until: Instant = 0

    def rests(self, now: Instant) -> bool:
        """Whether nothing is to be swept now."""
        return self._rests_until - REST <= now < self._rests_until

    def sweep(self, ledger: Ledger, now: Instant) -> None:
        """Delete at most 100 rows."""
        if self.rests(now):
            return
        with ledger.database.glance() as connection:
            doomed = commands.expired(connection, now)
        if doomed:
            commands.forget(ledger.database, doomed, now)
        if len(doomed) < commands.AT_ONCE:
            self._rests_until = now + REST
