"""API keys: shown once, kept as hashes, with roles; changed while the server runs."""

from __future__ import annotations

import json
import threading
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from api import keys
from api.access import HELD, Who
from api.routes import AUDITOR, READER, RECORDER
from ledger.calendar import HOUR
from ledger.errors import Broken, Misuse, NotFound
from tests.api.conftest import Caller, order

NOW = 1_767_600_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the keys are kept."""
    return tmp_path / "home" / "api-keys.json"


def test_a_key_is_kept_as_a_hash_in_a_closed_file(path: Path) -> None:
    """Shown once; the file is for one account only, and says so when it is not."""
    first = keys.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert first.removeprefix(keys.PREFIX) not in path.read_text()
    who = keys.Keys.load(path).who(first, NOW)
    assert who is not None
    assert who.roles == {"recorder", "reader", "agent", "dpo"}
    path.chmod(0o644)
    with pytest.raises(Misuse, match="chmod 600"):
        keys.Keys.load(path)


def test_a_new_first_key_revokes_those_before(path: Path) -> None:
    """What is lost opens nothing, and stays listed."""
    first, second = keys.create(path), keys.create(path)
    known = keys.Keys.load(path)
    assert known.who(second, NOW)
    assert known.who(first, NOW) is None
    assert [key.revoked is None for key in keys.read(path)] == [False, True]
    assert keys.Keys().who("", NOW) is None


def test_keys_have_their_roles_and_their_end(path: Path) -> None:
    """An expired key opens nothing at the instant it says, and not before."""
    _, secret = keys.add(path, "mailer", frozenset({READER}), NOW, NOW + HOUR)
    known = keys.Keys.load(path)
    who = known.who(secret, NOW + HOUR - 1)
    assert who is not None
    assert who.roles == {READER}
    assert who.subject is None
    assert known.who(secret, NOW + HOUR) is None


@pytest.mark.parametrize(
    ("name", "roles"),
    [("x", set()), ("x", {"subject"}), ("x", {"root"}), ("", {READER}), ("a\nb", {READER})],
)
def test_a_key_nobody_should_have_is_not_made(path: Path, name: str, roles: set[str]) -> None:
    """No role, the role of a person, an unknown one, no name: Misuse, and nothing is written."""
    with pytest.raises(Misuse):
        keys.add(path, name, frozenset(roles), NOW)
    assert not path.exists()


def test_rotation_overlaps_until_a_stated_time(path: Path) -> None:
    """The id stays; the old secret ends on time, and the one before it at once."""
    key, one = keys.add(path, "shop", frozenset({RECORDER}), NOW)
    turned, two = keys.rotate(path, key.id, NOW + 1, NOW + HOUR)
    known = keys.Keys.load(path)
    assert turned.id == key.id
    assert known.who(one, NOW + HOUR - 1) == known.who(two, NOW) == Who(key.id, key.roles)
    assert known.who(one, NOW + HOUR) is None
    _, three = keys.rotate(path, key.id, NOW + 2, NOW + HOUR)
    assert [bool(known.who(secret, NOW + 3)) for secret in (one, two, three)] == [False, True, True]
    keys.revoke(path, key.id, NOW + 4)
    assert not any(known.who(secret, NOW + 5) for secret in (one, two, three))
    with pytest.raises(Misuse):
        keys.rotate(path, key.id, NOW + 6, NOW + HOUR)
    with pytest.raises(NotFound):
        keys.revoke(path, "key:000000000000", NOW)


def test_a_file_from_before_there_were_roles_is_read_as_all_of_them(path: Path) -> None:
    """Format 1; it becomes format 2 at the first change, and its key goes on opening."""
    path.parent.mkdir()
    old = {"format": 1, "keys": [{"sha256": sha256(b"probant_old").hexdigest()}]}
    path.write_text(json.dumps(old))
    path.chmod(0o600)
    who = keys.Keys.load(path).who("probant_old", NOW)
    assert who is not None
    assert who.roles == HELD
    keys.add(path, "audit", frozenset({AUDITOR}), NOW)
    assert json.loads(path.read_text())["format"] == 2
    assert keys.Keys.load(path).who("probant_old", NOW) == who


def test_a_file_that_is_broken_lets_nobody_in(path: Path) -> None:
    """Not even who was known before it broke."""
    secret = keys.create(path)
    known = keys.Keys.load(path)
    assert known.who(secret, NOW)
    for content, mode in (("{", 0o600), ('{"format": 3, "keys": []}', 0o600), ("", 0o644)):
        path.write_text(content or path.read_text())
        path.chmod(mode)
        with pytest.raises(Broken):
            known.who(secret, NOW)
    path.unlink()
    assert known.who(secret, NOW) is None


def test_writers_of_the_file_take_turns(path: Path) -> None:
    """Eight at once: no key is lost."""
    adding = [
        threading.Thread(target=keys.add, args=(path, f"shop {n}", frozenset({READER}), NOW))
        for n in range(8)
    ]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    assert len(keys.read(path)) == 8


def test_a_running_server_follows_the_file(caller: Caller, tmp_path: Path) -> None:
    """Added, rotated, revoked: it counts at the next request, without a restart."""
    path = tmp_path / "api-keys.json"
    now = caller.ledger.clock.now()
    key, secret = keys.add(path, "shop", frozenset({RECORDER}), now)

    def asked(token: str) -> tuple[int, int]:
        headers = {"Authorization": f"Bearer {token}"}
        posted = caller.client.post("/v1/facts", json=order(), headers=headers)
        read = caller.client.get(f"/v1/subjects/{UUID(int=1)}", headers=headers)
        return posted.status_code, read.status_code

    assert asked(secret) == (201, 403)
    _, after = keys.rotate(path, key.id, now, now)
    assert (asked(secret), asked(after)) == ((401, 401), (409, 403))
    keys.revoke(path, key.id, now)
    assert asked(after) == (401, 401)
