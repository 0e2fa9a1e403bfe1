"""API keys: each has its roles; shown once, kept as a hash, compared in constant time.

A key is 32 random bytes, so a plain SHA-256 of it tells nothing. The file is `api-keys.json` in the
home folder, mode 0600; servers read it again when it was replaced, so that a key added, rotated or
revoked counts at the next request. A revoked key stays listed: what it recorded or read names its
id. A file of format 1, from before there were roles, is read as keys that have all of them. Read
next: `access.py` (what a role opens) and `commands/access.py` (how people manage keys).
"""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from api.access import HELD, Who
from api.routes import AGENT, DPO, READER, RECORDER
from ledger.calendar import Instant, SystemClock, format_instant, parse_instant
from ledger.errors import Broken, Misuse, NotFound
from ledger.fields import CODE
from ledger.sealing.files import write_whole

PREFIX = "probant_"
FORMAT = 2
FIRST = frozenset({RECORDER, READER, AGENT, DPO})  # the key that the first `serve` makes
NAME_MAX = 60  # characters
TIMES = ("created", "expires", "rotated", "revoked")


class Old(NamedTuple):
    """The hash that a rotation replaced, and until when it is accepted beside the new one."""

    sha256: str
    until: Instant


class Key(NamedTuple):
    """One holder of a key. `id` names her in facts and never changes; None: not known, or never.
    `recipient`: the declared recipient (GDPR art. 4(9)) whose system holds it, for whom alone it
    may acknowledge; None: for nobody."""

    id: str
    sha256: str
    roles: frozenset[str]
    name: str
    created: Instant | None = None
    expires: Instant | None = None
    rotated: Instant | None = None
    revoked: Instant | None = None
    old: Old | None = None
    recipient: str | None = None

    def is_live(self, now: Instant) -> bool:
        """Whether it still opens anything."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Keys:
    """The keys of one file, read again whenever it was replaced."""

    def __init__(self, keys: Sequence[Key] = (), path: Path | None = None) -> None:
        self._keys, self._path = tuple(keys), path
        self._lent: list[Key] = []
        self._seen: object = None

    @classmethod
    def load(cls, path: Path) -> Keys:
        """The keys of a file; none when there is no file. Raises Misuse if others may read it."""
        keys = cls(path=path)
        keys._refresh()
        return keys

    def __bool__(self) -> bool:
        return any(key.revoked is None for key in self._keys)

    @property
    def path(self) -> Path | None:
        """The file they are read from; None when they are of no file."""
        return self._path

    def lend(self, name: str, roles: frozenset[str]) -> str:
        """The secret of a key that lives as long as this object, and is in no file."""
        key, secret = _new(name, roles, 0, None)
        self._lent.append(key)
        return secret

    def who(self, token: str, now: Instant) -> Who | None:
        """The holder of this key, None if it is none of ours any more. Every hash is compared.

        Raises Broken when the file was replaced by one that cannot be used: nobody is let in.
        """
        try:
            self._refresh()
        except Misuse as error:
            raise Broken(str(error)) from None
        given, found = _hash(token), None
        for key in (*self._keys, *self._lent):
            is_hers = hmac.compare_digest(given, key.sha256)
            if key.old is not None:
                is_hers |= hmac.compare_digest(given, key.old.sha256) and now < key.old.until
            if is_hers and key.is_live(now):
                found = Who(key.id, key.roles, recipient=key.recipient)
        return found

    def _refresh(self) -> None:
        if self._path is None:
            return
        try:
            found = self._path.stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            self._keys, self._seen = tuple(read(self._path)), seen


# --- the file -------------------------------------------------------------------------------------


def read(path: Path) -> list[Key]:
    """Every key of a file, revoked ones too. Raises Misuse if others may read it, Broken if we
    cannot."""
    try:
        mode = path.stat().st_mode
        content = json.loads(path.read_text("utf-8"))
        if content["format"] not in (1, FORMAT):
            raise ValueError("a later format")
        keys = [_read_1(one) if content["format"] == 1 else _read(one) for one in content["keys"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Broken(f"the API keys at {path} cannot be read") from error
    if mode & 0o077:
        raise Misuse(f"the API keys at {path} are open to others; run: chmod 600 {path}")
    return keys


def create(path: Path, roles: frozenset[str] = FIRST, now: Instant | None = None) -> str:
    """A key named `first` that revokes those of the file. The only time it can be read is now.
    `now`: of this machine, unless said."""
    at = SystemClock().now() if now is None else now
    with _alone(path):
        key, secret = _new("first", roles, at, None)
        before = [one if one.revoked else one._replace(revoked=at, old=None) for one in read(path)]
        _write(path, [*before, key])
    return secret


def add(
    path: Path,
    name: str,
    roles: frozenset[str],
    now: Instant,
    expires: Instant | None = None,
    recipient: str | None = None,
) -> tuple[Key, str]:
    """One more key, and its secret, which can be read now and never again. Raises Misuse."""
    if not roles or not roles <= HELD:
        raise Misuse(f"a key may have these roles: {', '.join(sorted(HELD))}")
    if not (name.isprintable() and name.strip() and len(name) <= NAME_MAX):
        raise Misuse(f"a key is named in 1 to {NAME_MAX} characters: a machine or a post")
    if expires is not None and expires <= now:
        raise Misuse("this key would have expired already")
    if recipient is not None:
        _check_recipient(recipient, roles)
    with _alone(path):
        made, secret = _new(name, roles, now, expires)
        key = made._replace(recipient=recipient)
        _write(path, [*read(path), key])
    return key, secret


def revoke(path: Path, id: str, now: Instant) -> Key:
    """This key opens nothing from now on, its old secret neither. Raises NotFound."""
    with _alone(path):
        keys = read(path)
        key = _find(keys, id)
        ended = key._replace(revoked=now if key.revoked is None else key.revoked, old=None)
        _write(path, [ended if one.id == id else one for one in keys])
    return ended


def rotate(path: Path, id: str, now: Instant, until: Instant) -> tuple[Key, str]:
    """A new secret for this key; the one before is accepted until `until`, the one before that no
    more. Raises NotFound, Misuse for a key that is revoked or expired."""
    with _alone(path):
        keys = read(path)
        key = _find(keys, id)
        if not key.is_live(now):
            raise Misuse("this key is revoked or expired: add another one")
        secret = PREFIX + secrets.token_urlsafe(32)
        turned = key._replace(sha256=_hash(secret), rotated=now, old=Old(key.sha256, until))
        _write(path, [turned if one.id == id else one for one in keys])
    return turned, secret


def _new(
    name: str, roles: frozenset[str], now: Instant, expires: Instant | None
) -> tuple[Key, str]:
    secret = PREFIX + secrets.token_urlsafe(32)
    return Key(f"key:{secrets.token_hex(6)}", _hash(secret), roles, name, now, expires), secret


def _check_recipient(recipient: str, roles: frozenset[str]) -> None:
    """Raises Misuse. Whether somebody declared it is found out when it acknowledges."""
    try:
        CODE.load(recipient)
    except ValueError:
        raise Misuse("a recipient is named by a code, as `recipient.declared` names it") from None
    if RECORDER not in roles:
        raise Misuse("a recipient's key needs the role recorder, or it acknowledges nothing")


def _find(keys: Sequence[Key], id: str) -> Key:
    found = next((key for key in keys if key.id == id), None)
    if found is None:
        raise NotFound("there is no key of this id; see `probant access list`")
    return found


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path.with_name(f".{path.name}.lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(path: Path, keys: Sequence[Key]) -> None:
    content = {"format": FORMAT, "keys": [_written(key) for key in keys]}
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False).encode(), 0o600)


def _written(key: Key) -> dict[str, Any]:
    old = key.old and {"sha256": key.old.sha256, "until": format_instant(key.old.until)}
    stored = {**key._asdict(), "roles": sorted(key.roles), "old": old}
    times = {name: stored[name] and format_instant(stored[name]) for name in TIMES}
    return stored | times


def _read(stored: dict[str, Any]) -> Key:
    old = stored["old"] and Old(stored["old"]["sha256"], parse_instant(stored["old"]["until"]))
    roles = frozenset(stored["roles"])
    if not roles <= HELD:
        raise ValueError("a role that no key may have")
    times: Any = {name: stored[name] and parse_instant(stored[name]) for name in TIMES}
    recipient = stored.get("recipient")  # a key of before has none
    return Key(
        *(stored["id"], stored["sha256"], roles, stored["name"]),
        old=old,
        recipient=recipient,
        **times,
    )


def _read_1(stored: dict[str, Any]) -> Key:
    """A key from before there were roles: it may do what it could do then, which was everything."""
    digest = str(stored["sha256"])
    return Key(f"key:{digest[:12]}", digest, HELD, "first")


def _hash(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
