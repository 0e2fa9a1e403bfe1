"""Where requests stand at two times: one of them, or the queue page by page.

The facts of a request are read as they stand at R, corrections applied, and judged on D by
`ledger/policy/requests.py`. One definition serves one request, the queue and every past date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ledger.aggregates import corrected
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.errors import NotFound
from ledger.events import FactCorrected, FactVoided
from ledger.policy.requests import Promise, Request, Told, judged, promise_of
from ledger.store import dashboard, reader
from ledger.store import requests as store
from ledger.store.requests import Begun, Step

Some: TypeAlias = tuple[list[Begun], dict[UUID, list[Step]]]
AT_ONCE = 200  # requests read together: what a page needs in memory


class Queued(NamedTuple):
    """A request in the queue; `position` is where the queue goes on after it."""

    position: int
    request: Request


class Page(NamedTuple):
    """Some of the queue. `next` is the position to go on after, None at the end."""

    as_of: Instant
    known: int
    requests: tuple[Queued, ...]
    next: int | None


def one(
    ledger: Ledger, stream: UUID, as_of: Instant | None = None, known_at: Instant | None = None
) -> Request:
    """Where one request stands. Raises NotFound when there is none at these two times."""
    at = ledger.clock.now() if as_of is None else as_of
    with ledger.database.read() as connection:
        store.look_at(connection, stream)
        known = reader.position_at(connection, known_at)
        begun = store.of_stream(connection, stream, known)
        told = store.steps(connection, [stream], known)[stream] if begun else []
    # Read after the log: it holds every edition up to `known`.
    promise = promise_of(ledger.book(ledger.epoch()), known)
    found = judged(stream, begun.subject if begun else None, standing(told), at, promise)
    if found is None:
        raise NotFound("this ledger knows no such request")
    return found


def queue(
    ledger: Ledger,
    *,
    as_of: Instant | None = None,
    known_at: Instant | None = None,
    after: int = 0,
    limit: int = 50,
    wanted: Callable[[Request], bool] = lambda _found: True,
    subject: UUID | None = None,
    person: UUID | None = None,
) -> Page:
    """The next `limit` requests that are `wanted`, in the order in which they were recorded; of one
    `subject`, or of one `person` under all the ids she has."""
    at = ledger.clock.now() if as_of is None else as_of
    named = subject or person
    whose: tuple[UUID, ...] | None = None if named is None else (named,)
    size = min(limit + 1, AT_ONCE)  # so many are likely to be enough
    some: Some | None = None
    with ledger.database.read() as connection:
        if known_at is None:  # what is known now is asked for with where the log ends
            some = store.begun_with_steps(connection, after, size, whose)
        known = reader.position_at(connection, known_at)
    if person is not None:  # mostly she has this one id
        family = ledger.joins(ledger.epoch()).family(person)
        whose, some = family, some if whose == family else None
    promise = promise_of(ledger.book(ledger.epoch()), known)
    with ledger.database.read() as connection:
        found: list[Queued] = []
        for begun, request in _walk(connection, (after, size, some), known, at, whose, promise):
            if wanted(request):
                if len(found) == limit:
                    return Page(at, known, tuple(found), found[-1].position)
                found.append(Queued(begun.position, request))
    return Page(at, known, tuple(found), None)


def owed(ledger: Ledger) -> list[Request]:
    """The requests that are owed an answer now, by the day on which it is due. Only they are read,
    however many were answered."""
    now = ledger.clock.now()
    found = []
    with ledger.database.read() as connection:
        waiting = unanswered(connection)
        known = reader.position_at(connection, None)
    promise = promise_of(ledger.book(ledger.epoch()), known)
    for begun, steps in waiting:
        request = judged(begun.stream, begun.subject, steps, now, promise)
        if request is not None and request.is_open:
            found.append(request)
    return sorted(found, key=lambda one: one.due)


def owed_to(ledger: Ledger, people: Collection[UUID]) -> list[Request]:
    """Those of one person that are owed an answer, under all the ids she has, in the order in which
    they were recorded: of the others nothing is read but that they were answered."""
    now = ledger.clock.now()
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        owed = [
            (steps[0].position, stream, one, steps)
            for one in people
            for stream, steps in dashboard.OWED_TO_HER.of(connection, one).items()
        ]
    promise = promise_of(ledger.book(ledger.epoch()), known)
    found = [
        judged(stream, subject, standing(steps), now, promise)
        for _, stream, subject, steps in sorted(owed, key=lambda one: one[0])
    ]
    return [one for one in found if one is not None and one.is_open]


def unanswered(connection: Any) -> list[tuple[Begun, list[Told]]]:
    """The requests that may be owed an answer, each with the steps of it that stand."""
    return [(one, standing(steps)) for one, steps in dashboard.unanswered(connection)]


def _walk(
    connection: Any,
    begins: tuple[int, int, Some | None],
    known: int,
    at: Instant,
    people: Collection[UUID] | None,
    promise: Promise,
) -> Iterator[tuple[Begun, Request]]:
    """Every request begun after a position that is known and had been received, in order. `begins`:
    that position, how many to read first, and these where they were read."""
    after, size, some = begins
    while True:
        if some is None:
            begun = store.begun(connection, after, size, known, people)
            some = begun, store.steps(connection, [one.stream for one in begun], known)
        begun, told = some
        for one in begun:
            request = judged(one.stream, one.subject, standing(told[one.stream]), at, promise)
            if request is not None:
                yield one, request
        if len(begun) < size:
            return
        after, size, some = begun[-1].position, AT_ONCE, None


def standing(steps: Sequence[Step]) -> list[Told]:
    """The steps that stand: voided ones gone, corrected ones as their last correction says."""
    verdicts: dict[int, FactCorrected | FactVoided] = {}
    for step in steps:
        if isinstance(step.fact, (FactCorrected, FactVoided)):  # a union takes longer to ask of
            verdicts[step.fact.ref] = step.fact
    if not verdicts:
        return list(map(Told._make, steps))
    found = []
    for step in steps:
        verdict = verdicts.get(step.position)
        if isinstance(step.fact, FactCorrected | FactVoided) or isinstance(verdict, FactVoided):
            continue
        fact = corrected(step.fact, verdict) if verdict is not None else step.fact
        found.append(Told(step.position, step.recorded_at, fact))
    return found
