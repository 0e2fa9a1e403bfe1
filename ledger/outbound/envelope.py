"""What a message says: a CloudEvents 1.0 envelope around the clear fields of one fact. Pure.

No personal value is in it: whoever receives it knows the person by our random id. The id of a
message is derived from the ledger, the position and the endpoint, so that a message sent twice, by
whomever, can be known for the same.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from ledger.calendar import Day, date_of, format_day, format_instant, start_of
from ledger.choosing.optin import Confirmation
from ledger.entry import derived_id
from ledger.policy.requests import Request
from ledger.store.telling import Stated

MEDIA = "application/cloudevents+json"
PING, CONFIRM = "probant.ping", "probant.confirmation"
REMIND = "probant.request_due"
_INTERNAL = ("keys",)  # ids of data keys are nothing to anybody outside


def message_of(origin: str, position: int, endpoint: UUID) -> UUID:
    """The id of the message about this event to this endpoint, now and for ever."""
    said = b"probant/webhook\x00" + f"{origin}\x00{position}\x00".encode() + endpoint.bytes
    return derived_id(said)


def named(message: UUID) -> str:
    """A message's id as it travels."""
    return f"msg_{message.hex}"


def body(origin: str, message: UUID, one: Stated, due: Day | None) -> bytes:
    """The message about an event. `due`: the last day to acknowledge it, if that is asked."""
    row, fact = one.row, one.fact
    at = format_day(row.local_day) if row.grain == "day" else format_instant(row.occurred_at)
    data: dict[str, Any] = {
        "position": row.position,
        "occurred": at,
        "recorded_at": format_instant(row.recorded_at),
        "class": row.klass,
        "item": row.item,
        "actor": row.actor,
        "fields": {
            spec.key: spec.codec.dump(value)
            for spec in fact.specs
            if not spec.personal
            and spec.key not in _INTERNAL
            and (value := getattr(fact, spec.name)) is not None
        },
        "acknowledge_by": None if due is None else format_day(due),
    }
    subject = {} if row.subject is None else {"subject": str(row.subject)}
    return _event(origin, message, row.kind, format_instant(row.occurred_at), subject, data)


def confirmation(origin: str, message: UUID, one: Stated, to_her: Confirmation) -> bytes:
    """The one message with a secret in it: the token that the person sends back to say yes. For the
    company's mailer, which carries it to her own address and keeps it nowhere."""
    data = {
        "position": one.row.position,
        "purpose": to_her.purpose,
        "channel": to_her.channel,
        "form": to_her.form,
        "token": to_her.token,
        "expires_at": format_instant(to_her.expires_at),
    }
    at = format_instant(one.row.occurred_at)
    return _event(origin, message, CONFIRM, at, {"subject": str(to_her.subject)}, data)


def reminder_of(origin: str, position: int, endpoint: UUID, day: Day) -> UUID:
    """The id of the reminder that falls on this day, of the request that began at a position."""
    return derived_id(
        b"probant/reminder\x00" + f"{origin}\x00{position}\x00{day}\x00".encode() + endpoint.bytes
    )


def reminder(origin: str, message: UUID, position: int, one: Request, today: Day) -> bytes:
    """That a request is still owed an answer: which, under which right, and until when."""
    data = {
        "position": position,
        "request": str(one.stream),
        "right": one.right,
        "channel": one.channel,
        "received": format_day(one.received),
        "due": format_day(one.due),
        "days_left": (date_of(one.due) - date_of(today)).days,
        "status": one.status,
    }
    subject = {} if one.subject is None else {"subject": str(one.subject)}
    return _event(origin, message, REMIND, format_instant(start_of(today)), subject, data)


def ping(origin: str, message: UUID, at: int) -> bytes:
    """A message that only asks whether anybody is there."""
    return _event(origin, message, PING, format_instant(at), {}, {})


def _event(
    origin: str, message: UUID, kind: str, time: str, subject: dict[str, str], data: Any
) -> bytes:
    said = {
        "specversion": "1.0",
        "id": named(message),
        "source": origin,
        "type": kind,
        **subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(said, ensure_ascii=True, separators=(",", ":")).encode()
