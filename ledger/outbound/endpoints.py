"""Who is sent messages: registered for a declared recipient, tried, taken back, sent to again.

Every change is made under the head lock and moves the epoch, so that each process that appends
knows of it before its next commit. Read next: `ledger/store/outbox.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.application import Ledger
from ledger.errors import Misuse, NotFound, Refusal, Refused
from ledger.events import KINDS, ConsentRequested, RequestReceived
from ledger.outbound import envelope, signing
from ledger.outbound.addresses import target_of
from ledger.outbound.posting import Answer, Post
from ledger.policy.telling import CONCERNING
from ledger.store import dashboard, outbox
from ledger.store.database import speaking
from ledger.store.outbox import Delivery, Endpoint
from ledger.store.telling import HEARD, at

MOST = 50  # endpoints of one ledger
AT_ONCE = 1000  # positions named in one wish to send again
STATES = ("pending", "delivered", "dead")


CONFIRMATIONS = "confirmations"
"""Among the kinds of an endpoint: it is our mailer, and is sent what only the person may read."""
OPENDSR = "opendsr"
"""Among the kinds of an endpoint: it is called with the states of requests that came by OpenDSR, in
the protocol's words, and with nothing else."""
REMINDERS = "reminders"
"""The one kind of an endpoint that is sent no facts: it is reminded of requests that are owed an
answer, seven days before the last day and two (`courier.py`, 8)."""
REQUESTS = tuple(kind for kind, cls in KINDS.items() if cls.aggregate == "rights_request")


class Registered(NamedTuple):
    """A new endpoint, and the only time its secret is shown."""

    endpoint: Endpoint
    secret: str


def register(ledger: Ledger, url: str, recipient: str, kinds: Sequence[str] = ()) -> Registered:
    """Send facts of these kinds (by default those of which recipients are told) to `url` from now
    on; or, of the kind `reminders` alone, the reminders of requests, those that are open already
    too. Raises Misuse for a URL or kind that cannot be, Refused for a recipient nobody declared."""
    if list(kinds) == [REMINDERS]:
        return _register(ledger, url, recipient, (RequestReceived.kind, REMINDERS))
    chosen = tuple(dict.fromkeys(_kind(kind) for kind in kinds)) or CONCERNING
    return _register(ledger, url, recipient, chosen)


def register_carrier(ledger: Ledger, url: str, recipient: str) -> Registered:
    """Have tokens of confirmation (`ledger/choosing/optin.py`) sent to `url`, where the company's
    mailer carries each to the person's own address. To be called by the command line only: whoever
    chooses where tokens go can read them, and who runs the machine holds the keyring already."""
    return _register(ledger, url, recipient, (ConsentRequested.kind, CONFIRMATIONS))


def register_opendsr(ledger: Ledger, url: str, recipient: str) -> Registered:
    """Have status callbacks of OpenDSR (`ledger/requests/opendsr.py`) sent to `url`."""
    return _register(ledger, url, recipient, (*REQUESTS, OPENDSR))


def carries(ledger: Ledger) -> bool:
    """Whether tokens of confirmation are carried anywhere."""
    with ledger.database.read() as connection:
        found = outbox.listed(connection)
    return any(one.state == "live" and CONFIRMATIONS in one.kinds for one in found)


def _register(ledger: Ledger, url: str, recipient: str, chosen: tuple[str, ...]) -> Registered:
    target_of(url)
    if recipient not in ledger.declared(ledger.epoch()).recipients:
        raise Refused(
            Refusal(
                "recipient-undeclared",
                "field 'recipient' names a recipient that nobody declared",
                "SS-REC-1",
                "RGPD art. 13(1)(e), 30(1)(d)",
                "recipient",
            )
        )
    made = Endpoint(uuid4(), url, recipient, chosen, "live", ledger.clock.now())
    with ledger.database.read() as connection:
        if len(outbox.listed(connection)) >= MOST:
            raise Misuse(f"there are {MOST} webhooks already; remove one first")
    with speaking():
        ledger.recorder.redo(partial(_begin, made))
    return Registered(made, signing.shown(signing.secret_of(ledger.keyring, made.id)))


def _begin(made: Endpoint, connection: Any) -> None:
    outbox.add(connection, made)
    if REMINDERS in made.kinds:  # what was received before is owed an answer too
        open_now = [one.position for one, _ in dashboard.unanswered(connection)]
        outbox.again(connection, made.id, open_now, outbox.AT_ONCE)


def registered(ledger: Ledger) -> list[tuple[Endpoint, dict[str, int]]]:
    """Every endpoint, with how many of its deliveries are in each state."""
    with ledger.database.read() as connection:
        counted = outbox.counts(connection)
        return [(one, counted.get(one.id, {})) for one in outbox.listed(connection)]


def find(ledger: Ledger, endpoint: UUID) -> Endpoint:
    """The endpoint of this id. Raises NotFound."""
    with ledger.database.read() as connection:
        found = [one for one in outbox.listed(connection) if one.id == endpoint]
    if not found:
        raise NotFound("there is no such webhook")
    return found[0]


def remove(ledger: Ledger, endpoint: UUID) -> None:
    """Send nothing there any more, what waits included. Raises NotFound."""
    find(ledger, endpoint)
    with speaking():
        ledger.recorder.redo(lambda connection: outbox.remove(connection, endpoint))


def deliveries(
    ledger: Ledger, endpoint: UUID, state: str | None, after: int, limit: int
) -> list[Delivery]:
    """The delivery log of an endpoint, `limit` rows after a position. Raises NotFound, Misuse."""
    if state is not None and state not in STATES:
        raise Misuse(f"the state of a delivery is one of: {', '.join(STATES)}")
    find(ledger, endpoint)
    with ledger.database.read() as connection:
        return outbox.page(connection, endpoint, state, after, limit)


def redeliver(ledger: Ledger, endpoint: UUID, positions: Sequence[int] | None) -> int:
    """Send these facts again under the ids they had, or all that were given up (None). Returns how
    many wait now. Raises NotFound for a position that is no fact this endpoint is sent."""
    found = find(ledger, endpoint)
    if found.state != "live":
        raise Misuse("this webhook said that it is gone: remove it, and register it anew")
    if positions is not None:
        if not 0 < len(positions) <= AT_ONCE:
            raise Misuse(f"name 1 to {AT_ONCE} positions")
        with ledger.database.read() as connection:
            there = at(connection, set(positions))
        if any(n not in there or there[n].row.kind not in found.kinds for n in positions):
            raise NotFound("a position is no fact that this webhook is sent")
    with speaking(), ledger.database.write() as connection:
        return outbox.again(connection, endpoint, positions, ledger.clock.now())


def ping(ledger: Ledger, endpoint: UUID, post: Post) -> Answer:
    """Send a message that says nothing, once and now. Raises NotFound."""
    found, now = find(ledger, endpoint), ledger.clock.now()
    message = uuid4()
    body = envelope.ping(ledger.keyring.origin, message, now)
    return post(found.url, body, headers_of(ledger, found, message, now, body))


def headers_of(
    ledger: Ledger, endpoint: Endpoint, message: UUID, now: int, body: bytes
) -> dict[str, str]:
    """The headers of a message to an endpoint, signed now."""
    secret = signing.secret_of(ledger.keyring, endpoint.id)
    signed = signing.headers(secret, envelope.named(message), now // 10**6, body)
    return {"Content-Type": envelope.MEDIA, **signed}


def _kind(said: str) -> str:
    if said == CONFIRMATIONS:
        raise Misuse("confirmations are for the machine's command line: probant webhooks add")
    if said == REMINDERS:
        raise Misuse("reminders are for a webhook of their own: name no other kind")
    kind = said if said in KINDS else f"{said}.v1"
    if kind not in KINDS or kind in HEARD:
        raise Misuse("a kind is none that a webhook can be sent")
    return kind
