"""The demo company played in its own time: each fact is recorded when it happened, on a clock moved
by hand, in a ledger that is thrown away. What is kept is its rows: the pattern of a large history.

`telling.py` records the same diary now, for people to look at. Here record times matter: what came
from the old system is imported in one night; letters that lay in a drawer and corrections come
weeks late; on two nights what is due is archived or erased, and after the first the erased are
pruned. What the real door refuses by then (an erased person's letter) did not happen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from api.demo.company import CHANGE, edition_2022, story
from api.demo.diary import TAKEN_OVER, Amendment, Told, day_number
from api.demo.telling import BATCH, Advance, amending, wish
from ledger.acting import act
from ledger.application import Ledger
from ledger.calendar import HOUR, MINUTE, Instant, add_days, start_of
from ledger.commands import Command
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.handlers import Accepted, publish, record_many
from ledger.opening import create
from ledger.policy.book import shipped_bytes
from ledger.retention.archive import archiving
from ledger.retention.judging import judge, known_now
from ledger.retention.run import Ran, people_due, record_run
from ledger.store import evidence, log
from ledger.store.recipient import ArchiveRecipient
from replay.generating.pattern import Event

SECOND: Instant = 1_000_000
HALF: Instant = MINUTE // 2
OPENED: Instant = start_of(20181120) + 8 * HOUR
LAST_DAY = 20251231
NIGHTS = (20191115, 20221115)  # when retention runs
TRIED = 90  # people of whom it runs the first time: no more than one prune takes at once
LATE = (11, 190)  # days after which a letter is found, a mistake is seen: from, below
NO_ONE = 10**9


class HandClock:
    """A clock that shows what it was set to, and never goes back."""

    def __init__(self, at: Instant) -> None:
        self._at = at

    def now(self) -> Instant:
        """The present instant."""
        return self._at

    def advance(self, at: Instant) -> None:
        """Move on to `at`, unless it is later already."""
        self._at = max(self._at, at)


class _Step(NamedTuple):
    """Something to be done at an instant."""

    at: Instant
    number: int
    what: Told | Amendment | str


def play(folder: Path, people: int, seed: int, advance: Advance) -> Iterator[Event]:
    """Play ten years of a company of so many people in `folder`; every event, in order."""
    clock = HandClock(OPENED)
    ledger = create(f"sqlite:///{folder}/played.sqlite", folder / "keyring.json", clock=clock)
    try:
        _play(ledger, clock, folder / "journal", people, seed, advance)
        yield from _events(ledger)
    finally:
        ledger.close()


def policies() -> tuple[bytes, ...]:
    """The documents of the editions that the company follows."""
    return shipped_bytes(), edition_2022()


def _play(
    ledger: Ledger, clock: HandClock, journal: Path, people: int, seed: int, advance: Advance
) -> None:
    key = resources.files("api.demo").joinpath("archive.pub").read_bytes()
    recipient = ArchiveRecipient.parse(key)
    steps = _steps(people, seed)
    positions: dict[int, int] = {}
    done = 0
    # What is said within half a minute is recorded at once; a night's work stands alone.
    for (at, special), group in groupby(steps, key=_together):
        some = list(group)
        clock.advance(at)
        if special == "publish":
            publish(ledger, edition_2022())
        elif special in ("try", "retain"):
            _retain(ledger, recipient, journal, TRIED if special == "try" else None)
        elif special == "prune":
            prune(ledger, journal)
        else:
            for batch in _batches(some):
                _record(ledger, batch, positions)
        done += len(some)
        advance(done, len(steps), "")


def _together(step: _Step) -> tuple[Instant, str]:
    special = step.what if isinstance(step.what, str) else ""
    return -(-step.at // HALF) * HALF + SECOND, special


def _steps(people: int, seed: int) -> list[_Step]:
    diary = story(people, seed)
    taken_over = start_of(day_number(TAKEN_OVER)) - HOUR
    low, below = LATE
    end = start_of(LAST_DAY)
    steps = [
        _Step(start_of(day_number(CHANGE)), -1, "publish"),
        _Step(start_of(NIGHTS[0]) + 3 * HOUR, -1, "try"),
        _Step(start_of(NIGHTS[0]) + 4 * HOUR, -1, "prune"),
        _Step(start_of(NIGHTS[1]) + 3 * HOUR, -1, "retain"),
    ]
    recorded: dict[int, Instant] = {}
    for told in diary.told:
        at = told.fact.occurred.at
        if told.late:
            at = min(start_of(add_days(told.fact.occurred.day, diary.between(low, below))), end)
        elif told.fact.actor == "import":
            at = taken_over
        elif told.fact.about_nobody and told.fact.aggregate != "tracker":
            at += HALF  # what the company says of itself stands alone
        recorded[told.number] = at
        steps.append(_Step(at, told.number, told))
    for amendment in diary.amendments:
        at = recorded[amendment.number] + diary.between(low, below) * 24 * HOUR
        steps.append(_Step(min(at, end), NO_ONE - 1, amendment))
    # An import keeps the order in which things happened: the numbers are those of the diary.
    order = {told.number: place for place, told in enumerate(diary.in_order())}
    return sorted(steps, key=lambda step: (step.at, order.get(step.number, step.number)))


def _batches(steps: Sequence[_Step]) -> Iterator[Sequence[_Step]]:
    for first in range(0, len(steps), BATCH):
        yield steps[first : first + BATCH]


def _record(ledger: Ledger, steps: Sequence[_Step], positions: dict[int, int]) -> None:
    wishes: list[Command] = []
    numbers: list[int | None] = []
    for step in steps:
        if isinstance(step.what, Told):
            wishes.append(wish(step.what))
            numbers.append(step.number)
        elif isinstance(step.what, Amendment) and step.what.number in positions:
            wishes.append(amending(step.what, positions[step.what.number]))
            numbers.append(None)
    for number, outcome in zip(numbers, record_many(ledger, wishes), strict=True):
        if isinstance(outcome, Accepted) and number is not None:
            positions[number] = outcome.position


def _retain(ledger: Ledger, recipient: ArchiveRecipient, journal: Path, most: int | None) -> None:
    """Archive and erase what is due, in the order in which people and things became known: a run's
    own order is that of ids, which are another each time."""
    known: dict[Any, int] = {}
    for row in evidence.columns(ledger.database, 1, log.head_position(ledger.database)):
        known.setdefault(row.subject, row.position)
        known.setdefault(row.item, row.position)
    now = ledger.clock.now()
    rules = known_now(ledger)
    people = sorted(people_due(ledger, now), key=known.__getitem__)[:most]
    counts: Counter[str] = Counter()
    for subject in people:
        found = judge(ledger, rules, subject, now)
        found.sort(key=lambda one: (one.scope.data_class, known.get(one.scope.item, 0)))
        for one in found:
            counts[one.what] += 1
            if one.what == "archive":
                deed = archiving(ledger, [one], recipient)
                act(ledger, deed.acts, deed.after)
            elif one.what == "erase":
                erase_scopes(ledger, [one.scope], journal=journal, reason="term")
    made = Ran(len(people), counts["archive"], counts["erase"], counts["held"])
    record_run(ledger, made, rehearsal=False)


def _events(ledger: Ledger) -> Iterator[Event]:
    size = log.head_position(ledger.database)
    rows = evidence.columns(ledger.database, 1, size)
    for page in log.leaves(ledger.database, 1, size):
        for entry, _ in page:
            yield Event(next(rows) if entry else None, entry)
