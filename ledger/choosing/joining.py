"""A person known under two references is joined, and a wrong join is undone (SS-DSR-8).

`customer.joined` on the kept person names the other. Nothing moves: no reference, no stream, no
deadline. From its position on, whatever names the other is recorded of the kept one; facts about an
order or a contract of the other stay on its own stream, which is hers. Undoing voids that one fact,
and everything names again whom it named before; what was recorded meanwhile is listed, for somebody
to look whose it is. Decision 0020. Read next: `ledger/projections/joins.py`.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.choosing.choose import turn
from ledger.errors import NotFound, Refusal
from ledger.events import FactVoided, Joined
from ledger.store import erasure, reader, states
from ledger.store.recorder import Written

MEANWHILE_MAX = 1000  # positions listed of what was recorded while two were one


class Undone(NamedTuple):
    """A join that was undone, and what was recorded of the kept person while it stood, with what
    that closed under the other reference."""

    position: int
    kept: UUID
    other: UUID
    meanwhile: tuple[int, ...]


def join(ledger: Ledger, kept: UUID, other: UUID, reason: str | None = None) -> Written | Refusal:
    """Say that two people of this ledger are one, and that `kept` is whom new facts are about.

    Raises NotFound when one of them is not known.
    """
    with turn(ledger):
        joins = ledger.joins(ledger.epoch())
        with ledger.database.read() as connection:
            for one in (kept, other):
                if not states.rows_of(connection, one):
                    raise NotFound("this ledger knows no such subject")
            gone = erasure.closed_subjects(connection, {kept, other})
        if gone:
            return Refusal("erased", "one of them was erased: nothing of hers can be joined")
        if joins.kept(kept) == joins.kept(other):
            return Refusal("conflict", "they are one person already")
        if joins.kept(other) != other or joins.kept(kept) != kept:
            return Refusal("conflict", "one of them was joined to somebody else: join that person")
        now = moment_of_instant(ledger.clock.now())
        fact = Joined(subject=kept, occurred=now, actor="agent", other=other, reason=reason)
        (written,) = act(ledger, [act_of(fact, kept)], new_epoch=True)
        return written


def undo(ledger: Ledger, kept: UUID, other: UUID, reason: str | None = None) -> Undone:
    """Say that they are two people after all. Raises NotFound when no such join stands."""
    with turn(ledger):
        joins = ledger.joins(ledger.epoch())
        found = next((j for j in joins.recorded(kept) if j.other == other), None)
        if found is None:
            raise NotFound("no such join stands")
        with ledger.database.read() as connection:
            root = reader.event_at(connection, found.position)
            rows = states.rows_of(connection, kept)
            # What she closed, she closed under the other reference too.
            rows += [row for row in states.rows_of(connection, other) if row.stream == other]
        assert root is not None
        fact = FactVoided(
            subject=kept,
            occurred=root.fact.occurred,
            actor="agent",
            ref=found.position,
            klass=root.fact.home,
            reason=reason,
        )
        (written,) = act(ledger, [act_of(fact, kept)], new_epoch=True)
    later = sorted(row.position for row in rows if row.position > found.position)
    return Undone(written.position, kept, other, tuple(later[:MEANWHILE_MAX]))
