"""Who was told, who acknowledged: recorded once for each fact and recipient, whoever says it again.

Somebody of whom nothing of class `rights` is left any more gets no new fact. Read next:
`ledger/events/telling.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from ledger.acting import Act, act
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.errors import NotFound, Refusal, Refused
from ledger.events import RecipientAcknowledged, RecipientTold
from ledger.policy.telling import CONCERNING
from ledger.store import telling as questions
from ledger.store.database import speaking
from ledger.store.recorder import After

HOME = RecipientTold.homes[0] if RecipientTold.homes else ""
AT_ONCE = 100  # facts acknowledged by one message


class Taken(NamedTuple):
    """A recipient took our message about the fact at `position`."""

    position: int
    recipient: str
    message: UUID


class Acknowledged(NamedTuple):
    """What became of one acknowledgement. `position`: of the fact that records it."""

    about: int
    position: int
    is_new: bool


def tell(ledger: Ledger, taken: Sequence[Taken], after: After) -> None:
    """Record who was told, with whatever `after` does, in one transaction."""
    with ledger.database.read() as connection:
        facts = questions.at(connection, {one.position for one in taken})
        people = {f.row.subject for f in facts.values() if f.row.subject is not None}
        known = questions.heard(connection, people)
        closed = questions.is_closed(connection, people, HOME)
    told = {
        (one.fact.fact, one.fact.recipient) for one in known if isinstance(one.fact, RecipientTold)
    }
    now = moment_of_instant(ledger.clock.now())
    acts = []
    for one in taken:
        found = facts.get(one.position)
        subject = found.row.subject if found else None
        if subject is None or subject in closed or (one.position, one.recipient) in told:
            continue
        said = RecipientTold(
            subject=subject,
            occurred=now,
            actor="system",
            recipient=one.recipient,
            fact=one.position,
            message=one.message,
        )
        acts.append(Act(subject, said, uuid4()))
    if acts:
        act(ledger, acts, after)
    else:
        with speaking(), ledger.database.write() as connection:
            after(connection, ())


class InPlace(NamedTuple):
    """Who of ours says it in a recipient's place (the id of a key), and why (a code)."""

    by: str
    reason: str


def acknowledge(
    ledger: Ledger,
    recipient: str,
    positions: Sequence[int],
    receipt: str | None,
    in_place: InPlace | None = None,
) -> list[Acknowledged]:
    """A recipient says that it did its part about these facts: all of them recorded, or none.

    Said again, it is answered with what was recorded the first time. Raises Refused for a
    recipient nobody declared or somebody whose traces are gone, NotFound for a position of which
    nobody is told.
    """
    if recipient not in ledger.declared(ledger.epoch()).recipients:
        detail = "field 'recipient' names a recipient that nobody declared"
        article = "RGPD art. 13(1)(e), 30(1)(d)"
        raise Refused(Refusal("recipient-undeclared", detail, "SS-REC-1", article, "recipient"))
    with ledger.recorder.alone():
        with ledger.database.read() as connection:
            facts = questions.at(connection, set(positions))
            people = {f.row.subject for f in facts.values() if f.row.subject is not None}
            known = questions.heard(connection, people)
            closed = questions.is_closed(connection, people, HOME)
        for position in positions:
            if position not in facts or facts[position].row.kind not in CONCERNING:
                raise NotFound("a position is no fact of which recipients are told")
            if facts[position].row.subject in closed:
                raise Refused(Refusal("erased", "this person was erased", "SS-DSR-3"))
        before = {
            one.fact.fact: one.row.position
            for one in known
            if isinstance(one.fact, RecipientAcknowledged) and one.fact.recipient == recipient
        }
        new = [position for position in dict.fromkeys(positions) if position not in before]
        now = moment_of_instant(ledger.clock.now())
        acts = []
        for position in new:
            subject = facts[position].row.subject
            assert subject is not None
            said = RecipientAcknowledged(
                subject=subject,
                occurred=now,
                actor="agent",
                recipient=recipient,
                fact=position,
                receipt=receipt,
                by=in_place and in_place.by,
                reason=in_place and in_place.reason,
            )
            acts.append(Act(subject, said, uuid4()))
        written = act(ledger, acts) if acts else ()
    recorded = {position: one.position for position, one in zip(new, written, strict=True)}
    return [
        Acknowledged(position, (before | recorded)[position], position in recorded)
        for position in positions
    ]
