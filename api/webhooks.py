"""Webhooks and acknowledgements as JSON: what is asked, read strictly, and what is answered.

Read next: `routes/webhooks.py`; what it means is in `ledger/outbound/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from api.access import Who
from api.answers import joined_json
from api.facts import an_object, check_keys, check_strict
from api.problems import Problem
from api.routes import AGENT, DPO, OPERATOR
from ledger.application import Ledger
from ledger.calendar import format_instant
from ledger.erasing.certificate import standing_json
from ledger.errors import BadData, Misuse, NotFound
from ledger.fields import CODE, IDENTIFIER, INTEGER, Codec
from ledger.outbound import endpoints, envelope, recording
from ledger.outbound.posting import Post, poster
from ledger.outbound.recording import InPlace
from ledger.outbound.standing import DAYS, About, declared, overdue, standing
from ledger.store import reader, timeline
from ledger.store.outbox import Delivery, Endpoint

MOST_OVERDUE = 1000  # listed at once
IN_PLACE = frozenset({AGENT, DPO, OPERATOR})
"""Who may say, with a reason, that somebody outside did its part: whoever opens its letters, and
whoever looks after the systems that are told."""


class Outbound(NamedTuple):
    """How messages leave this server, and how long their receivers have to acknowledge (days)."""

    days: int = DAYS
    post: Post = poster(private=False)


# --- webhooks -------------------------------------------------------------------------------------


def registered(ledger: Ledger, value: Any) -> dict[str, Any]:
    """Register what a body asks for. Its secret is in this answer and in no other."""
    item = _item(value, ("url", "recipient", "kinds"))
    url = _needed(item, "url")
    if not isinstance(url, str):
        raise BadData("field 'url' must be a text")
    recipient = _field(CODE, "recipient", _needed(item, "recipient"))
    kinds = _list(CODE, "kinds", item["kinds"]) if "kinds" in item else []
    try:
        made = endpoints.register(ledger, url, recipient, kinds)
    except Misuse as error:
        raise BadData(str(error)) from None
    return {**endpoint_json(made.endpoint), "secret": made.secret}


def listed(ledger: Ledger) -> dict[str, Any]:
    """Every webhook, with how many of its deliveries are in each state."""
    found = endpoints.registered(ledger)
    return {
        "items": [
            {**endpoint_json(one), "deliveries": dict.fromkeys(endpoints.STATES, 0) | counted}
            for one, counted in found
        ]
    }


def pinged(ledger: Ledger, webhook: UUID, post: Post) -> dict[str, Any]:
    """What a message that says nothing was answered."""
    answer = endpoints.ping(ledger, webhook, post)
    return {"delivered": answer.is_taken, "status": answer.status, "error": answer.error}


def deliveries(
    ledger: Ledger, webhook: UUID, state: str | None, after: int, limit: int
) -> dict[str, Any]:
    """A page of the delivery log of a webhook."""
    found = endpoints.deliveries(ledger, webhook, state, after, limit + 1)
    return {
        "webhook": str(webhook),
        "items": [delivery_json(ledger, one) for one in found[:limit]],
        "next": found[limit - 1].position if len(found) > limit else None,
    }


def redelivered(ledger: Ledger, value: Any) -> dict[str, Any]:
    """Have what a body names sent again."""
    item = _item(value, ("webhook", "positions"))
    webhook = _field(IDENTIFIER, "webhook", _needed(item, "webhook"))
    positions = _list(INTEGER, "positions", item["positions"]) if "positions" in item else None
    try:
        return {"waiting": endpoints.redeliver(ledger, webhook, positions)}
    except NotFound:
        raise
    except Misuse as error:
        raise BadData(str(error)) from None


def endpoint_json(one: Endpoint) -> dict[str, Any]:
    """A webhook, without its secret."""
    return {
        "id": str(one.id),
        "url": one.url,
        "recipient": one.recipient,
        "kinds": list(one.kinds),
        "state": one.state,
        "created_at": format_instant(one.created_at),
    }


def delivery_json(ledger: Ledger, one: Delivery) -> dict[str, Any]:
    """A line of the delivery log: never what the message said."""
    message = envelope.message_of(ledger.keyring.origin, one.position, one.endpoint)
    waits = one.state == "pending" and one.next_at
    return {
        "position": one.position,
        "message": envelope.named(message),
        "state": one.state,
        "attempts": one.attempts,
        "next_at": format_instant(one.next_at) if waits else None,
        "last_at": None if one.last_at is None else format_instant(one.last_at),
        "last_status": one.last_status,
        "last_error": one.last_error,
    }


# --- acknowledgements -----------------------------------------------------------------------------


def acknowledged(ledger: Ledger, value: Any, who: Who | None = None) -> dict[str, Any]:
    """Record that a recipient did its part; said again, the answer is what is on record. `who`
    asks: the recipient's own key, or staff with a `reason`; None: the command line."""
    item = _item(value, ("recipient", "positions", "receipt", "reason"))
    recipient = _field(CODE, "recipient", _needed(item, "recipient"))
    positions = _list(INTEGER, "positions", _needed(item, "positions"))
    if not 0 < len(positions) <= recording.AT_ONCE:
        raise BadData(f"field 'positions' must name 1 to {recording.AT_ONCE} facts")
    receipt = _field(CODE, "receipt", item["receipt"]) if "receipt" in item else None
    in_place = None if who is None else _in_place(who, recipient, item)
    found = recording.acknowledge(ledger, recipient, positions, receipt, in_place)
    return {
        "items": [
            {"about": one.about, "position": one.position, "recorded": one.is_new} for one in found
        ]
    }


def _in_place(who: Who, recipient: str, item: dict[str, Any]) -> InPlace | None:
    """None when a recipient speaks for itself. Raises Problem for a key of nobody's, or of another
    recipient's; BadData for staff who say no reason (decision 0048)."""
    if who.recipient == recipient and "reason" not in item:
        return None
    if not who.roles & IN_PLACE:
        detail = "field 'recipient': this key acknowledges for another one, or for none"
        raise Problem("forbidden", detail, field="recipient")
    if "reason" not in item:
        raise BadData("field 'reason' is required: why you say it in the recipient's place")
    return InPlace(who.id, _field(CODE, "reason", item["reason"]))


def recipients_of(ledger: Ledger, subject: UUID, days: int) -> dict[str, Any]:
    """Where the outside systems stand about one person, under all her references, in the order of
    the log; a fact that was recorded of another one cites the joins by which it is hers. Raises
    NotFound for nobody's id."""
    joins = ledger.joins(ledger.epoch())
    people = joins.family(subject)
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        if timeline.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
    said = declared(ledger)
    found = [one for who in people for one in standing(ledger, who, days, known=said)]
    items = [
        {**about_json(one), "joins": list(joins.between(subject, one.subject))}
        for one in sorted(found, key=lambda one: one.position)
    ]
    return {"subject": str(subject), **joined_json(joins, subject), "days": days, "items": items}


def all_overdue(
    ledger: Ledger, days: int, after: int = 0, limit: int = MOST_OVERDUE
) -> dict[str, Any]:
    """Where somebody outside is overdue, oldest first, a page of facts after a position."""
    found: Iterator[About] = islice(overdue(ledger, days, after), limit + 1)
    items = [about_json(one) for one in found]
    following = items[limit - 1]["position"] if len(items) > limit else None
    return {"days": days, "items": items[:limit], "next": following}


def about_json(one: About) -> dict[str, Any]:
    """A fact, and where each recipient stands."""
    return {
        "position": one.position,
        "kind": one.kind,
        "subject": str(one.subject),
        "recorded_at": format_instant(one.recorded_at),
        "recipients": [standing_json(recipient) for recipient in one.recipients],
    }


# --- reading --------------------------------------------------------------------------------------


def _item(value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    check_strict(value)
    item: dict[str, Any] = an_object("item", value)
    check_keys("item", item, keys)
    return item


def _needed(item: dict[str, Any], name: str) -> Any:
    if name not in item:
        raise BadData(f"field '{name}' is required")
    return item[name]


def _field(codec: Codec, name: str, value: Any) -> Any:
    try:
        return codec.load(value)
    except ValueError as error:
        raise BadData(f"field '{name}' {error}") from None


def _list(codec: Codec, name: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise BadData(f"field '{name}' must be a list")
    return [_field(codec, name, one) for one in value]
