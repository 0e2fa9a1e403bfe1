"""What somebody wrote, opened as a request under her rights (SS-CH-4, SS-CH-5, SS-CH-6).

The clock runs since the text reached us, however long it waited for whoever read it: the request is
received on that day, then `request.recovered_from_queue` says from which text it comes. The agreed
phrase for deleting an account opens the request without a question; nothing is erased by it. What
an erasure takes and what a law keeps is weighed by whoever answers, once (GDPR art. 12(6), 17(3)).

What this file never does: open a text. Read next: `ledger/choosing/motives.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID, uuid4

from ledger.application import Ledger
from ledger.calendar import Moment, moment_of_instant
from ledger.commands import Record, Reference
from ledger.errors import Refusal
from ledger.events import MotiveReceived, RecoveredFromQueue, RequestReceived
from ledger.handlers import record_many
from ledger.policy.model import Motive
from ledger.requests.reading import queue
from ledger.requests.steps import Received, received, wishes_of
from ledger.store.queue import Waiting

# How a request that was written there is called among the channels of requests.
CHANNELS = {"form": "page", "chat": "agent", "counter": "agent"}


class Asked(NamedTuple):
    """What a text asks for, as its reader says."""

    right: str
    purpose: str | None = None
    classes: tuple[str, ...] | None = None
    card: UUID | None = None


def by_phrase(motive: Motive) -> Asked | None:
    """What an agreed phrase asks for: the erasure of one class, or no request at all."""
    return Asked("erasure", classes=(motive.klass,)) if motive.klass is not None else None


def wishes_at_once(
    ledger: Ledger, asked: Asked, text: MotiveReceived, who: UUID | Reference
) -> list[Record]:
    """The request that an agreed phrase is, with what it does at once. Raises BadData."""
    fact = _received(asked, text.channel, text.occurred, text.actor)
    fact = replace(fact, subject=text.subject, text=text.text)
    person = who if isinstance(who, Reference) else None
    return wishes_of(ledger, fact, person, stream=uuid4())


def open_request(ledger: Ledger, asked: Asked, item: Waiting) -> Received | Refusal:
    """Receive what a person read in a text that waited, and say from which text it comes; or why
    that was refused. What an agreed phrase opened by itself when it came is not opened twice.
    Raises BadData."""
    found = _opened(ledger, asked, item)
    stream = uuid4() if found is None else found
    wishes: list[Record] = []
    if found is None:
        fact = _received(asked, item.channel, item.received, "agent")
        wishes = wishes_of(ledger, replace(fact, subject=item.subject), stream=stream)
    source = RecoveredFromQueue(
        subject=item.subject,
        occurred=moment_of_instant(ledger.clock.now()),
        actor="agent",
        right=asked.right,
        purpose=asked.purpose,
        from_queue=item.id,
    )
    *outcomes, last = record_many(ledger, [*wishes, Record(source, stream=stream)])
    if outcomes and isinstance(outcomes[0], Refusal):
        return outcomes[0]
    if isinstance(last, Refusal):
        return last
    if wishes:
        return received(wishes, outcomes)
    return Received(stream, item.subject, last.position, ())


def _received(asked: Asked, channel: str, at: Moment, actor: str) -> RequestReceived:
    """The request, on the day on which the text reached us."""
    return RequestReceived(
        occurred=at,
        actor=actor,
        right=asked.right,
        channel=CHANNELS.get(channel, channel),
        purpose=asked.purpose,
        classes=asked.classes,
        card=asked.card,
    )


def _opened(ledger: Ledger, asked: Asked, item: Waiting) -> UUID | None:
    """The request that this very text opened by itself, None when it opened none."""
    if item.match != "exact":
        return None
    day = item.received.day
    found = queue(
        ledger,
        subject=item.subject,
        limit=1,
        wanted=lambda one: one.is_open and (one.right, one.received) == (asked.right, day),
    )
    return found.requests[0].request.stream if found.requests else None
