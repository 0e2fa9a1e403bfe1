"""What leaves the house is in a backup, its secrets are not; a retention run goes on after it."""

from __future__ import annotations

from base64 import b64decode
from random import Random
from uuid import uuid4

from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.outbound.posting import Answer
from ledger.retention.running import find
from ledger.store import outbox, runs, tables
from tests.outbound.room import declare, grant, withdraw
from tests.restoring.room import Room


class Post:
    """Hands messages over, and keeps them; refuses those to come when told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 204

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        """One message."""
        self.sent.append((url, headers, body))
        return Answer(self.status, None, None)


def files_of(room: Room) -> bytes:
    """Every byte of the backup."""
    return b"".join(path.read_bytes() for path in (room.home / "backup").iterdir())


def test_webhooks_and_what_waits_for_them_come_back_with_their_secrets_nowhere(
    room: Room,
) -> None:
    """The same endpoints, states and attempts; signed by the same secret, which is of the keyring;
    what was pending is sent under the id it had."""
    declare(room.ledger)
    crm = endpoints.register(room.ledger, "https://crm.example.org/h", "crm")
    mailer = endpoints.register_carrier(room.ledger, "https://mail.example.org/h", "mailer")
    grant(room.ledger)
    withdraw(room.ledger)
    post = Post()
    assert Courier(room.ledger, post, chance=Random(1)).round() == 1
    withdraw(room.ledger, "0043")
    post.status = 503
    room.clock.advance(minutes=1)
    Courier(room.ledger, post, chance=Random(1)).round()
    before = {table.name: room.rows(table) for table in (tables.endpoints, tables.deliveries)}
    states = sorted(row.state for row in before["deliveries"])
    assert states == ["delivered", "pending"]
    room.seal()
    room.backup()
    content = files_of(room)
    for made in (crm, mailer):
        secret = made.secret.removeprefix("whsec_")
        assert secret.encode() not in content
        assert b64decode(secret) not in content
    first = post.sent[-1]
    room.lose()
    room.restore()
    after = {table.name: room.rows(table) for table in (tables.endpoints, tables.deliveries)}
    assert after == before
    with room.ledger.database.read() as connection:
        kinds = {one.kinds for one in outbox.listed(connection)}
    assert kinds == {crm.endpoint.kinds, mailer.endpoint.kinds}
    assert endpoints.carries(room.ledger)
    again = Post()
    room.clock.advance(hours=1)
    assert Courier(room.ledger, again, chance=Random(1)).round() == 1
    ((url, headers, body),) = again.sent
    assert (url, headers["webhook-id"], body) == (first[0], first[1]["webhook-id"], first[2])
    room.assert_sound()


def test_a_run_that_was_under_way_waits_in_the_backup(room: Room) -> None:
    """Whoever serves what was restored goes on with it."""
    now = room.clock.now()
    state = ("running", uuid4(), now, now)
    one = runs.Asked(uuid4(), False, "key:0", *state, 25, 3, 1, 2, 1, None, None, None)
    with room.ledger.database.write() as connection:
        runs.begin(connection, one, AssertionError())
    room.seal()
    room.backup()
    room.lose()
    room.restore()
    assert find(room.ledger, one.id) == one
