"""A folder of segments against the ledger it came from: every count of both, at two times.

In the ledger by its live tables where they can answer, else by its SQL; from the files by one
engine or by several. Asked at random times, a seed makes the same times again. Read next:
`replaying.py`, `ledger/store/population.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from random import Random
from typing import Any, Literal, NamedTuple

from api.answers import Times, is_settled, times_json
from api.replaying import MACHINE, Source, known_by, opened
from ledger.application import Ledger
from ledger.calendar import Clock, Instant, add_days, add_months, date_of, end_of
from ledger.errors import Misuse
from ledger.policy.book import Book
from ledger.store import reader
from ledger.store.ages import ages
from ledger.store.population import population
from ledger.store.recorder import read_head
from replay.engines.contract import Engine

BEYOND = 12 * 12  # months after the last fact that are asked about too: terms end then
MOST = 10_000  # times asked at once
Heard = Callable[[int, int], None]
"""Hears how many times were compared, and of how many."""


class Counts(NamedTuple):
    """What was counted, by the way to it; `by`: live or sql, or the name of an engine."""

    by: str
    found: dict[str, Any]


def compared_answer(
    source: Source, ledger: Ledger, times: Times, clock: Clock = MACHINE
) -> dict[str, Any]:
    """The counts of a folder against those of the ledger, at the same two times."""
    as_of = clock.now() if times.as_of is None else times.as_of
    with opened(source) as (segments, engine):
        known = known_by(segments, engine, times)
        here, there = _in_ledger(ledger, as_of, known), _in_files(engine, as_of, known)
    return {
        **times_json(as_of, times.known_at, known),
        "engine": there.by,
        "ledger": here.by,
        "compared": len(here.found),
        "differences": _differences(here, there),
    }


def compared_at_random(
    sources: Sequence[Source],
    ledger: Ledger,
    n: int,
    seed: int,
    heard: Heard = lambda _done, _total: None,
    clock: Clock = MACHINE,
) -> dict[str, Any]:
    """The same at `n` pairs of times, the first of them now: what each engine (the same folder, so
    many sources) answers against the ledger. Raises Misuse for a number that makes no sense."""
    if not 1 <= n <= MOST:
        raise Misuse(f"so many random times: between 1 and {MOST}")
    asked: list[dict[str, Any]] = []
    with ExitStack() as stack:
        folders = [stack.enter_context(opened(source)) for source in sources]
        size = min(segments.size for segments, _ in folders)
        chance = Random(seed)  # noqa: S311 - chooses times, no secret
        for as_of, known_at, known in _times(ledger, size, n, chance, clock.now()):
            here = _in_ledger(ledger, as_of, known)
            found = [_in_files(engine, as_of, known) for _, engine in folders]
            asked.append(
                {
                    **times_json(as_of, known_at, known),
                    "ledger": here.by,
                    "compared": len(here.found),
                    "differences": [
                        {"engine": there.by, **one}
                        for there in found
                        for one in _differences(here, there)
                    ],
                }
            )
            heard(len(asked), n)
        names = [engine.name for _, engine in folders]
    differing = sum(len(one["differences"]) for one in asked)
    return {"seed": seed, "engines": names, "asked": asked, "differing": differing}


def _times(
    ledger: Ledger, size: int, n: int, chance: Random, now: Instant
) -> Iterator[tuple[Instant, Instant, int]]:
    """Pairs of times from the first fact to years after the last: D, R and the position of R. A
    third of them know all there is."""
    with ledger.database.read() as connection:
        first, last = reader.days_told_of(connection, size)
        days = (date_of(add_months(last, BEYOND)) - date_of(first)).days
        for number in range(n):
            known = size if number == 0 or chance.random() < 1 / 3 else chance.randint(1, size)
            day = end_of(add_days(first, chance.randint(0, days)))
            yield (day if number else now), reader.recorded_by(connection, known), known


def _in_ledger(ledger: Ledger, as_of: Instant, known: int) -> Counts:
    book: Book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        live = known == read_head(connection).position and is_settled(connection, as_of)
        path: Literal["live", "events"] = "live" if live else "events"
        counted = population(connection, book, as_of, known, path)
        aged = ages(connection, book, as_of, known, path)
    return Counts("live" if live else "sql", _found(counted, aged))


def _in_files(engine: Engine, as_of: Instant, known: int) -> Counts:
    found = _found(engine.population(as_of, known), engine.ages(as_of, known))
    return Counts(engine.name, found)


def _found(counted: Any, aged: Sequence[Any]) -> dict[str, Any]:
    found = dict(_leaves(counted.to_json()))
    for age in aged:
        years, where = ("-" if age.years is None else age.years), "past" * age.past
        found[f"ages {age.klass} {years} {where}".strip()] = (age.subjects, age.items)
    return found


def _differences(here: Counts, there: Counts) -> list[dict[str, Any]]:
    return [
        {"what": what, "ledger": here.found.get(what), "segments": there.found.get(what)}
        for what in sorted(here.found.keys() | there.found.keys())
        if here.found.get(what) != there.found.get(what)
    ]


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each count with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path} {key}")
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for one in value:
            *about, n = one.values()
            yield " ".join([path, *filter(None, about)]).strip(), n
    else:
        yield path.strip(), value
