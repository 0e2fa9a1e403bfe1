"""What people write to us: the agreed phrases applied at once, all the rest put before a person.

1. The text is compared with the phrases of the edition in force (`ledger/policy/motives.py`).
2. `motive.received` records that it came, when, and how like a phrase it is; the text is sealed.
   An agreed phrase is applied in the same transaction, without a question: marketing stops, or
   the request to erase an account is received, and its clock runs (`ledger/requests/queued.py`).
3. What is left waits: the queue is what was received, was not applied, and was not decided yet. It
   is derived from facts, so nothing can fall out of it (decision 0019).
4. A person decides: the phrase it amounts to is applied, the right it asks for is opened as a
   request since the day it came, or it asks for nothing. `motive.decided` points at what was
   received, and says who read it.

Read next: `ledger/store/queue.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.acting import act, act_of
from ledger.aggregates.door import refuse_card
from ledger.application import Ledger
from ledger.calendar import Moment, moment_of_instant
from ledger.choosing.choose import (
    By,
    Chosen,
    Expressed,
    Wanted,
    decided,
    find,
    told,
    turn,
)
from ledger.commands import Record, Reference
from ledger.errors import NotFound, Refusal
from ledger.events import DataRead, MotiveDecided, MotiveReceived
from ledger.fields import Unreadable
from ledger.handlers import Accepted, record, record_many
from ledger.policy.model import Edition, Motive
from ledger.policy.motives import match
from ledger.requests import queued, steps
from ledger.requests.queued import Asked
from ledger.requests.steps import Received
from ledger.store import queue
from ledger.store.queue import Waiting

Verdict: TypeAlias = Literal["motive", "request", "nothing"]

_DOORS: dict[str, By] = {"email": "email", "letter": "letter", "form": "api", "chat": "api"}
DECIDED = Refusal("conflict", "this text was decided before, or waits for nobody", "SS-CH-4")


class Heard(NamedTuple):
    """What came of a text. `withheld`: why the text itself was not kept; `opened`: the request
    that it is, by an agreed phrase."""

    match: str
    motive: str | None
    outcome: Accepted | Refusal
    choices: list[Chosen]
    withheld: Refusal | None
    opened: Received | None = None


class Settled(NamedTuple):
    """What a person decided of a text. `motive` is the phrase it amounts to, `opened` the request
    that it is, with what took effect at once."""

    decision: Verdict
    motive: Motive | None
    position: int
    choices: list[Chosen]
    opened: Received | None = None


def receive(
    ledger: Ledger,
    who: UUID | Reference,
    text: str,
    channel: str,
    received: Moment,
    actor: str = "agent",
) -> Heard:
    """Record a text, and apply it if it is an agreed phrase that may be.

    From a reference nobody knew the phrase is applied too, and a person then looks whether she is
    known under another one. A card number in the text keeps the text out, never the request.
    """
    edition = ledger.edition(ledger.epoch(), ledger.clock.now())
    likeness, motive = match(text, edition.motives.values())
    applies = likeness == "exact"
    with turn(ledger):
        known = isinstance(who, UUID) or find(ledger, who) is not None
        fact = MotiveReceived(
            subject=who if isinstance(who, UUID) else None,
            occurred=received,
            actor=actor,
            channel=channel,
            match="applied" if applies and known else likeness,
            motive=motive.id if motive else None,
            text=text,
        )
        withheld = refuse_card(fact)
        if withheld is not None:
            fact = replace(fact, text=None)
        wanted = _stopped(edition, motive) if applies and motive else []
        how = _expressed(motive, channel, received, actor) if motive else None
        chosen = decided(ledger, who, wanted, how) if how else []
        wishes = [one.wish for one in chosen if isinstance(one.wish, Record)]
        person = who if isinstance(who, Reference) else None
        asked = queued.by_phrase(motive) if applies and motive else None
        opening = queued.wishes_at_once(ledger, asked, fact, who) if asked else []
        outcome, *others = record_many(ledger, [Record(fact, person=person), *wishes, *opening])
    done = others[len(wishes) :]
    opened = steps.received(opening, done) if done and isinstance(done[0], Accepted) else None
    said = told(chosen, others[: len(wishes)])
    return Heard(fact.match, fact.motive, outcome, said, withheld, opened)


def waiting(ledger: Ledger, after: int = 0, limit: int = 100) -> list[Waiting]:
    """The texts that wait for a person, oldest first, after a position."""
    with ledger.database.read() as connection:
        return queue.waiting(connection, after, limit)


def read(ledger: Ledger, position: int, reader: str) -> tuple[Waiting, str | Unreadable | None]:
    """One text that waits, opened. That somebody looked is recorded before it is (GDPR art. 32).

    Raises NotFound when nothing waits at this position.
    """
    item = _item(ledger, position)
    if item is None:
        raise NotFound("nothing waits for a decision at this position")
    now = moment_of_instant(ledger.clock.now())
    looked = DataRead(
        subject=item.subject,
        occurred=now,
        actor="agent",
        reader=reader,
        classes=("contact",),
        reason="queue",
    )
    record(ledger, Record(looked))
    with ledger.database.read() as connection:
        opened = ledger.vault.open(connection, position)
    return item, opened if isinstance(opened, Unreadable) else opened.get("text")


def decide(
    ledger: Ledger,
    position: int,
    decision: Verdict,
    reader: str,
    motive: str | None = None,
    asked: Asked | None = None,
) -> Settled | Refusal:
    """Record what a person decided of a text that waits, and do it: the agreed phrase it amounts to
    is applied, or what it `asked` is received as a request, as of the day the text came.

    A request that is refused leaves the text in the queue. Raises BadData.
    """
    edition = ledger.edition(ledger.epoch(), ledger.clock.now())
    meant = edition.motives.get(motive or "")
    if (decision == "motive") != (meant is not None):
        known = ", ".join(edition.motives) or "none"
        detail = f"field 'motive' goes with the decision 'motive', and is one of: {known}"
        return Refusal("malformed", detail, field="motive")
    if (decision == "request") != (asked is not None):
        return Refusal("malformed", "field 'right' goes with the decision 'request'", field="right")
    asked = queued.by_phrase(meant) if meant is not None else asked
    with turn(ledger):
        item = _item(ledger, position)
        if item is None:
            return DECIDED
        opened = queued.open_request(ledger, asked, item) if asked is not None else None
        if isinstance(opened, Refusal):
            return opened
        chosen = _applied(ledger, edition, meant, item) if meant is not None else []
        fact = MotiveDecided(
            subject=item.subject,
            occurred=moment_of_instant(ledger.clock.now()),
            actor="agent",
            ref=position,
            decision=decision,
            motive=motive,
            reader=reader,
        )
        (written,) = act(ledger, [act_of(fact, item.subject)])
    return Settled(decision, meant, written.position, chosen, opened)


def _item(ledger: Ledger, position: int) -> Waiting | None:
    found = waiting(ledger, position - 1, 1)
    return found[0] if found and found[0].position == position else None


def _applied(ledger: Ledger, edition: Edition, meant: Motive, item: Waiting) -> list[Chosen]:
    """What the phrase stops, as of the day the text came."""
    how = _expressed(meant, item.channel, item.received, "agent")
    found = decided(ledger, item.subject, _stopped(edition, meant), how)
    wishes = [one.wish for one in found if isinstance(one.wish, Record)]
    return told(found, record_many(ledger, wishes) if wishes else [])


def _stopped(edition: Edition, motive: Motive) -> list[Wanted]:
    """A no to all marketing over the channel of a phrase that stops it."""
    if motive.effect != "stop_marketing":
        return []
    return [
        Wanted(purpose.id, motive.channel, "no")
        for purpose in edition.purposes.values()
        if purpose.marketing and motive.channel in purpose.channels
    ]


def _expressed(motive: Motive, channel: str, received: Moment, actor: str) -> Expressed:
    """The act says by which door the phrase came, and which one it was."""
    return Expressed(_DOORS.get(channel, "agent"), received, actor, act=f"{channel}:{motive.id}")
