"""What the ledger does itself: erase, archive, prune, rotate, anchor, restore.

An act is one or more facts that no caller may send, committed together with what they say was done:
`after` runs in the same transaction, under the head lock, so that a key is destroyed exactly when
history says so. Whoever must read before deciding takes the lock first (`ledger.recorder.alone()`)
and calls `act` inside. Crash at any point: neither the facts nor the deeds happened.

What this file never does: decide what to erase or archive. Read next: `ledger/events/ending.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.aggregates import AGGREGATES, door
from ledger.application import Ledger, pol_of
from ledger.errors import Refused, Stale
from ledger.events import Fact
from ledger.handlers import ATTEMPTS, PATIENT, step_aside
from ledger.store.mapper import Draft, Part
from ledger.store.recorder import After, Work, Written
from ledger.store.vault import scope_of


class Act(NamedTuple):
    """One fact of ours: the stream it stands on, and the id its event will have."""

    stream: UUID
    fact: Fact
    id: UUID


def act_of(fact: Fact, stream: UUID | None = None) -> Act:
    """An act on a stream, or on a new one of its own."""
    return Act(stream or uuid4(), fact, uuid4())


def act(
    ledger: Ledger,
    acts: Sequence[Act],
    after: After | None = None,
    *,
    new_epoch: bool = False,
    documents: Sequence[tuple[bytes, str, bytes]] = (),
) -> tuple[Written, ...]:
    """Record these facts, and do `after(connection, written)` with them, or neither.

    `new_epoch` must be set whenever keys, lookups or suppressions change: it makes every process
    forget what it cached. `documents` are (SHA-256, media type, bytes). Raises Refused when a rule
    forbids a fact, Stale when others would not let us.
    """
    alone = ledger.recorder.is_alone
    for attempt in range(1 if alone else ATTEMPTS):
        step_aside(attempt)
        turn = ledger.recorder.alone() if attempt >= PATIENT else nullcontext()
        try:
            with turn:
                drafts, work = _prepared(ledger, acts)
                work.after, work.new_epoch = after, new_epoch
                work.documents = list(documents)
                ledger.commit(drafts, work)
                return tuple(work.written)
        except Stale:
            if alone:
                raise
    raise Stale("others keep writing to the same records; nothing was written, please try again")


def _prepared(ledger: Ledger, acts: Sequence[Act]) -> tuple[list[Draft], Work]:
    head, now = ledger.recorder.head(), ledger.clock.now()
    edition = ledger.edition(head.epoch, now)
    tips = ledger.recorder.tips({one.stream for one in acts})
    versions = {stream: tip.version for stream, tip in tips.items()}
    work, drafts = Work(epoch=head.epoch), []
    for index, one in enumerate(acts):
        versions[one.stream] = version = versions.get(one.stream, 0) + 1
        _check(ledger, one, version, door.refuse(one.fact, now, edition))
        parts = _sealed(ledger, work, index, one, head.epoch)
        drafts.append(
            Draft(one.stream, version, one.fact, one.id, edition.number, pol_of(edition), parts)
        )
    return drafts, work


def _check(ledger: Ledger, one: Act, version: int, refusal: Any) -> None:
    one.fact.check()
    if refusal is None and one.fact.aggregate == "archive":
        aggregate = AGGREGATES["archive"]
        state = ledger.state(one.stream) if version > 1 else aggregate.initial()
        refusal = aggregate.decide(state, one.fact)
    if refusal is not None:
        raise Refused(refusal)


def _sealed(ledger: Ledger, work: Work, index: int, one: Act, epoch: int) -> tuple[Part, ...]:
    personal = one.fact.personal_fields()
    if not personal:
        return ()
    scope = scope_of(one.fact)
    with ledger.database.glance() as connection:
        key = ledger.vault.keys_for(connection, epoch, [scope])[scope]
    if key.row is not None and all(key.row[0] != row[0] for _, row in work.keys):
        work.keys.append((index, key.row))
    return (ledger.vault.seal(one.fact, personal, one.id, key),)


__all__ = ["Act", "After", "act", "act_of"]
