"""Questions about rights requests: which there are, page by page, and the facts of some of them.

There is no table of requests: they are few, and what is asked of them depends on two times and on
the calendar. A page reads the next receptions through an index of these alone, then the facts of
these streams, so that memory stays flat whatever the log holds (docs/decisions/0018).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant, Moment
from ledger.events import KINDS, Fact
from ledger.store import tables
from ledger.store.database import once
from ledger.store.hot import Hot, Together, number
from ledger.store.mapper import fact_from
from ledger.store.states import HEAD

events = tables.events.c
ALL = 2**62  # a position that no log reaches


class Begun(NamedTuple):
    """A request by the fact that began it."""

    position: int
    stream: UUID
    subject: UUID


class Step(NamedTuple):
    """One fact on the stream of a request: a step of it, or a correction of one."""

    position: int
    recorded_at: Instant
    fact: Fact


_KNOWN = sa.select(events.position, events.stream, events.subject).where(
    sa.text(tables.REQUESTED), events.position <= number("known")
)
_NEXT = (
    _KNOWN.where(events.position > number("after")).order_by(events.position).limit(number("limit"))
)
_WINDOW = ("known", "after", "limit")
_BEGUN = Hot(_NEXT, numbers=_WINDOW)
_BEGUN_BY = Hot(_NEXT, events.subject, numbers=_WINDOW)
_BEGUN_AS = Hot(_KNOWN, events.stream, numbers=("known",))
_STEPS = Hot(
    sa.select(events.position, events.stream, events.recorded_at, events.entry)
    .where(events.position <= number("known"))
    .order_by(events.stream, events.version),
    events.stream,
    numbers=("known",),
)

_WHOLE = Together(HEAD, _BEGUN_AS, _STEPS)
_SAID = ("actor", "channel", "decision", "purpose", "basis", "until_day")
_OUTLINED: dict[str, list[tuple[str, int]]] = {
    kind: [(spec.name, _SAID.index(spec.column)) for spec in cls.specs if spec.column]
    for kind, cls in KINDS.items()
    if kind.startswith("request.") and all(spec.column for spec in cls.specs if spec.required)
}
"""The steps whose columns say all that a request is judged by, with these fields: what else their
entries say is for whoever carries it out, and is not read to tell where requests stand."""


def _outline(of: Any) -> tuple[Any, ...]:
    """What of the events is read to tell where requests stand."""
    more = sa.case((of.kind.not_in(list(_OUTLINED)), of.entry))
    when = of.occurred_at, of.grain, of.local_day
    return (
        of.position,
        of.stream,
        of.recorded_at,
        of.subject,
        of.kind,
        *when,
        *map(of.get, _SAID),
        more,
    )


_some = sa.select(_NEXT.subquery().c.stream)
_STEPS_OF_NEXT = Hot(
    sa.select(*_outline(events))
    .where(events.stream.in_(_some))
    .order_by(events.stream, events.version),
    numbers=_WINDOW,
)
_NEXT_WITH_STEPS = Together(HEAD, _STEPS_OF_NEXT)
_s = tables.events.alias("steps").c
_STEPS_OF_HERS = Hot(
    sa.select(*_outline(_s))
    .where(sa.text(tables.REQUESTED.replace("kind", "events.kind")), _s.stream == events.stream)
    .where(events.position > number("after"))
    .order_by(_s.stream, _s.version),
    events.subject,
    numbers=("after",),
)
_HERS_WITH_STEPS = Together(HEAD, _STEPS_OF_HERS)  # by all the ids she has, or her only one
_HER_OWN_WITH_STEPS = Together(HEAD, _STEPS_OF_HERS.of_one)


def _outlined(row: tuple[Any, ...]) -> Step:
    """A step by its columns, where they say enough of it."""
    position, _, recorded_at, subject, kind, at, grain, day, *said, raw = row
    if raw is not None:
        return Step(position, recorded_at, fact_from(entry.read(bytes(raw))))
    values = {name: said[place] for name, place in _OUTLINED[kind]}
    moment = Moment(at, grain, day)
    fact = KINDS[kind](subject=subject, occurred=moment, actor=said[0], **values)
    return Step(position, recorded_at, fact)


def begun_with_steps(
    connection: sa.Connection, after: int, limit: int, people: Collection[UUID] | None
) -> tuple[list[Begun], dict[UUID, list[Step]]]:
    """As `begun`, with their steps by what is judged of them: all that is known now, in one round
    trip with where the log ends."""
    if people is None:
        window = {"known": ALL, "after": after, "limit": limit}
        head, steps = _NEXT_WITH_STEPS.each(connection, ((), {}), ((), window))
    else:
        asked = _HER_OWN_WITH_STEPS if len(people) == 1 else _HERS_WITH_STEPS
        head, steps = asked.rows(connection, people, after=after)
    once(connection, "head", lambda: head)
    told: dict[UUID, list[Step]] = {}
    first: list[Begun] = []  # what begins a stream is its first fact
    for row in steps:
        if row[1] not in told:
            told[row[1]] = []
            first.append(Begun(row[0], row[1], row[3]))
        told[row[1]].append(_outlined(row))
    return sorted(first)[:limit], told  # of one person all of them were read


def begun(
    connection: sa.Connection,
    after: int,
    limit: int,
    known: int,
    people: Collection[UUID] | None = None,
) -> list[Begun]:
    """The next requests recorded after a position, in that order, among those known; of one person
    if she is named, by all the ids she has."""
    numbers = {"after": after, "limit": limit, "known": known}
    asked, whose = (_BEGUN, ()) if people is None else (_BEGUN_BY, (people,))
    return [Begun(*row) for row in asked.rows(connection, *whose, **numbers)]


def look_at(connection: sa.Connection, stream: UUID) -> None:
    """Read a request, its steps and where the log ends in one round trip, where what was read is
    remembered: it is asked for next."""
    seen: dict[str, Any] | None = connection.get_execution_options().get("seen")
    if seen is None or "head" in seen:
        return
    of = (([stream],), {"known": ALL})
    head, begun, steps = _WHOLE.each(connection, ((), {}), of, of)
    once(connection, "head", lambda: head)
    known = head[0][0] if head else 0
    once(connection, f"request {stream} at {known}", lambda: begun)
    once(connection, f"steps of {stream} at {known}", lambda: steps_made([stream], steps))


def of_stream(connection: sa.Connection, stream: UUID, known: int) -> Begun | None:
    """The request that this stream is, or None."""
    found = once(
        connection,
        f"request {stream} at {known}",
        lambda: _BEGUN_AS.rows(connection, [stream], known=known),
    )
    return Begun(*found[0]) if found else None


def steps(
    connection: sa.Connection, streams: Collection[UUID], known: int
) -> dict[UUID, list[Step]]:
    """Every fact of these streams that is known, in the order of each."""
    if len(streams) == 1:  # a page asks it of several hands
        (stream,) = streams
        name = f"steps of {stream} at {known}"
        return once(connection, name, lambda: _steps(connection, streams, known))
    return _steps(connection, streams, known)


def _steps(
    connection: sa.Connection, streams: Collection[UUID], known: int
) -> dict[UUID, list[Step]]:
    return steps_made(streams, _STEPS.rows(connection, streams, known=known))


def steps_made(streams: Collection[UUID], rows: list[tuple[Any, ...]]) -> dict[UUID, list[Step]]:
    """The facts of these streams, from the rows that a question for them gives."""
    found: dict[UUID, list[Step]] = {stream: [] for stream in streams}
    for position, stream, recorded_at, raw in rows:
        found[stream].append(Step(position, recorded_at, fact_from(entry.read(bytes(raw)))))
    return found
