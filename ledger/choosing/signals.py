"""A browser says that it wants its user left alone: Global Privacy Control (W3C draft).

`Sec-GPC` is exactly `1`, or nothing was said; several values count once if one of them is `1`. Of
somebody we know it is an objection to what shares her data or follows her elsewhere: the purposes
that the edition marks `cross_context`. It takes back no consent given on this site for one of them,
asks for no erasure, and proves nobody's identity. Read next: `choose.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import day_of, moment_of_instant
from ledger.choosing.choose import (
    Chosen,
    Expressed,
    Outcome,
    Unchanged,
    Wanted,
    decided,
    told,
    turn,
)
from ledger.commands import Record
from ledger.events import SignalReceived
from ledger.handlers import record_many
from ledger.store import states


class Signalled(NamedTuple):
    """What came of a signal: the fact that it was heard (once a day), and its objections."""

    heard: Outcome
    choices: list[Chosen]


def is_gpc(values: Sequence[str]) -> bool:
    """Whether these values of `Sec-GPC` say it."""
    return "1" in values


def gpc(ledger: Ledger, subject: UUID) -> Signalled:
    """Record the signal of somebody who is logged in, and what it objects to."""
    now = moment_of_instant(ledger.clock.now())
    edition = ledger.edition(ledger.epoch(), now.at)
    wanted = [
        Wanted(purpose.id, channel, "no")
        for purpose in edition.purposes.values()
        if purpose.cross_context
        for channel in purpose.channels or (None,)
    ]
    how = Expressed("api", now, act="gpc", is_signal=True)
    with turn(ledger):
        found = decided(ledger, subject, wanted, how)
        wishes = [one.wish for one in found if isinstance(one.wish, Record)]
        known = _heard_today(ledger, subject, now.at)
        if known is None:
            wishes.insert(0, Record(SignalReceived(subject=subject, occurred=now, signal="gpc")))
        outcomes = record_many(ledger, wishes) if wishes else []
    heard: Outcome = outcomes.pop(0) if known is None else Unchanged(known)
    return Signalled(heard, told(found, outcomes))


def _heard_today(ledger: Ledger, subject: UUID, now: int) -> int | None:
    """The position at which the signal was heard that day: each page of a visit repeats it."""
    kept = ledger.joins(ledger.epoch()).kept(subject)
    with ledger.database.read() as connection:
        spans = states.live_state(connection, kept).activity
    heard = [
        span.last_position
        for key, span in spans.items()
        if key.kind == SignalReceived.kind and span.last_day == day_of(now)
    ]
    return max(heard, default=None)
