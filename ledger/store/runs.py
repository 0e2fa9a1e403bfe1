"""Retention runs that a server was asked for: who is at each, and how far it got.

A row is a lease: whoever's `holder` stands in it may go on, and says so with every batch (`beat`).
One who was not heard of for `SILENT` may be dead, and another takes the run over; should the first
one wake, its next beat finds another holder, and the batch that it is part of is undone. Numbers
only, never whom. Read next: `ledger/retention/running.py`.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import MINUTE, Instant
from ledger.store import listed, tables
from ledger.store.database import once
from ledger.store.hot import Hot, Together, number
from ledger.store.recorder import lock_head
from ledger.store.states import HEAD

runs = tables.runs.c
SILENT: Instant = MINUTE
KEPT = ("people", "archived", "erased")  # by whoever goes on: what was done is not found again
TOLD_AT_THE_END = ("held_by", "certified")  # beside the classes, in their column


class Asked(NamedTuple):
    """One run. `looked` and `held` are of the last beginning, the others of all of it. `people`: of
    whom something was archived or erased (in a rehearsal: is due). `position`: of its
    `retention.ran`, once it is done. `held_by`: how many things each article keeps past their
    end; `certified`: how many certificates of erasure it made; both None until it is done."""

    id: UUID
    rehearsal: bool
    asked_by: str
    state: str
    holder: UUID | None
    begun_at: Instant
    beat_at: Instant
    looked: int
    people: int
    archived: int
    erased: int
    held: int
    position: int | None
    error: str | None
    classes: dict[str, dict[str, int]] | None
    held_by: dict[str, int] | None = None
    certified: int | None = None


class Overtaken(Exception):
    """Another server took the run over."""


_RUNNING = Hot(sa.select(tables.runs).where(runs.state == "running"))
_DONE = Hot(
    sa.select(runs.position, runs.id)
    .where(runs.position < number("before"))
    .order_by(runs.position.desc())
    .limit(number("limit")),
    numbers=("before", "limit"),
)
_ON_RECORD = Together(HEAD, _RUNNING, listed.RAN, _DONE)


def under_way(connection: sa.Connection) -> Asked | None:
    """The run that is not finished; there is at most one."""
    found = _RUNNING.rows(connection)
    return _asked(found[0]) if found else None


def find(connection: sa.Connection, id: UUID) -> Asked | None:
    """The run of this id."""
    found = connection.execute(sa.select(tables.runs).where(runs.id == id)).one_or_none()
    return None if found is None else _asked(tuple(found))


def on_record(
    connection: sa.Connection, before: int, limit: int
) -> tuple[Asked | None, list[listed.Run], dict[int, UUID]]:
    """The run that is not finished; the last `retention.ran` before a position, the newest first;
    and by their positions the runs that a server was asked for, these among them. In one round trip
    with where the log ends."""
    window = (), {"before": before, "limit": limit}
    head, running, ran, done = _ON_RECORD.each(connection, ((), {}), ((), {}), window, window)
    once(connection, "head", lambda: head)
    return _asked(running[0]) if running else None, listed.runs_made(ran), dict(done)


def begin(connection: sa.Connection, one: Asked, otherwise: Exception) -> None:
    """One more run, unless there is one under way: then `otherwise` is raised."""
    lock_head(connection)  # of two who ask at once, one is second
    if under_way(connection) is not None:
        raise otherwise
    values = one._asdict() | {"rehearsal": int(one.rehearsal)}
    for name in TOLD_AT_THE_END:
        del values[name]
    connection.execute(tables.runs.insert().values(values))


def take(connection: sa.Connection, id: UUID, holder: UUID, now: Instant) -> bool:
    """Take over a run whose holder let go, or was silent for too long. What was done stays counted;
    a rehearsal begins anew."""
    free = runs.holder.is_(None) | (runs.beat_at < now - SILENT)
    anew = {name: sa.case((runs.rehearsal == 1, 0), else_=runs[name]) for name in KEPT}
    taken = connection.execute(
        tables.runs.update()
        .where(runs.id == id, runs.state == "running", free)
        .values(holder=holder, beat_at=now, looked=0, held=0, **anew)
    )
    return bool(taken.rowcount)


def beat(connection: sa.Connection, id: UUID, holder: UUID, now: Instant, **more: int) -> None:
    """The holder is alive, and got so much further. Raises Overtaken when it holds it no more."""
    added = {name: runs[name] + n for name, n in more.items()}
    _held(connection, id, holder, {"beat_at": now, **added})


def let_go(connection: sa.Connection, id: UUID, holder: UUID) -> None:
    """The holder stops before the end: whoever comes next may go on at once."""
    _held(connection, id, holder, {"holder": None})


def finish(connection: sa.Connection, id: UUID, holder: UUID, **said: Any) -> None:
    """It is over: done, or failed. Raises Overtaken when it holds it no more."""
    if "held_by" in said:
        counts = {name: said.pop(name, None) for name in TOLD_AT_THE_END}
        said["classes"] = json.dumps({"by_class": said.get("classes"), **counts})
    _held(connection, id, holder, {"holder": None, **said})


def _held(connection: sa.Connection, id: UUID, holder: UUID, values: dict[str, Any]) -> None:
    mine = (runs.id == id) & (runs.holder == holder) & (runs.state == "running")
    if not connection.execute(tables.runs.update().where(mine).values(values)).rowcount:
        raise Overtaken


def _asked(row: tuple[Any, ...]) -> Asked:
    values = dict(zip(tables.runs.columns.keys(), row, strict=True))
    counts = json.loads(values["classes"]) if values["classes"] else {}
    if "held_by" not in counts:  # of a rehearsal before articles were counted
        counts = {"by_class": counts or None}
    said = {"classes": counts["by_class"], **{name: counts.get(name) for name in TOLD_AT_THE_END}}
    return Asked(**values | {"rehearsal": bool(values["rehearsal"]), **said})
