"""What goes over everybody: nobody waits for a long count, and what was last known is told."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from api.counting import Counting, Told
from ledger.application import Ledger
from ledger.errors import Broken
from ledger.opening import create
from ledger.store import counts
from tests.clock import StepClock

LONG = 60  # seconds: nobody waits so long in these tests, unless something is wrong


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock) -> Iterator[Ledger]:
    """A new ledger on each database in turn."""
    made = create(ledger_url, None, clock=clock)
    yield made
    made.close()


class Slow:
    """Counts when it is let, each time one more."""

    def __init__(self) -> None:
        self.may, self.n = Event(), 0

    def __call__(self) -> dict[str, Any]:
        assert self.may.wait(LONG)
        self.n += 1
        return {"n": self.n}


def settled(counting: Counting, count: Slow) -> None:
    """Let it count, and wait until it has."""
    count.may.set()
    counting.close()
    count.may.clear()


def test_nobody_waits_for_a_long_count_and_the_last_one_is_told_with_its_date(
    ledger: Ledger, clock: StepClock
) -> None:
    counting, count = Counting(patience=0), Slow()

    def told() -> Told:
        return counting.told(ledger, "all", count)

    assert told() == Told(None, None, True)
    assert told() == Told(None, None, True)
    first = clock.now()
    settled(counting, count)
    clock.advance(seconds=30)
    assert told() == Told({"n": 1}, first, False)
    clock.advance(days=1)  # the first time in a day
    assert told() == Told({"n": 1}, first, True)
    second = clock.now()
    assert told() == Told({"n": 1}, first, True)
    settled(counting, count)
    assert told() == Told({"n": 2}, second, False)


def test_where_counting_is_quick_it_is_waited_for(ledger: Ledger, clock: StepClock) -> None:
    counting, count = Counting(patience=LONG), Slow()
    count.may.set()
    for n in range(1, 4):
        assert counting.told(ledger, "all", count) == Told({"n": n}, clock.now(), False)
        clock.advance(seconds=61)


def test_a_program_waits_for_the_first_count_however_long(ledger: Ledger) -> None:
    counting, count = Counting(patience=0), Slow()
    count.may.set()
    assert counting.told(ledger, "all", count, must=True).answer == {"n": 1}


def test_what_one_worker_counted_another_tells_and_a_restart_forgets_none(
    ledger: Ledger, clock: StepClock
) -> None:
    count, at = Slow(), clock.now()
    count.may.set()
    assert Counting(LONG).told(ledger, "all", count, 7).answer == {"n": 1}
    clock.advance(seconds=30)
    assert Counting(LONG).told(ledger, "all", count, 7) == Told({"n": 1}, at, False)
    count.may.clear()
    other = Counting(0)
    assert other.told(ledger, "all", count, 8) == Told({"n": 1}, at, True)  # after another run
    settled(other, count)
    assert Counting(LONG).told(ledger, "all", count, 8).answer == {"n": 2}


def test_where_counting_is_long_not_every_fact_begins_a_new_count(
    ledger: Ledger, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded since matters where counting is quick, and where it must be known."""
    count, counting = Slow(), Counting(LONG)
    count.may.set()
    for n, position in enumerate((7, 7, 8)):
        found = counting.told(ledger, "desk", count, position, strict=False)
        assert found.answer == {"n": 1 + (n == 2)}
    monkeypatch.setattr("api.counting.PATIENCE", 0)  # however quick it was
    assert counting.told(ledger, "desk", count, 9, strict=False).answer == {"n": 2}
    assert counting.told(ledger, "desk", count, 9).answer == {"n": 3}


def test_what_names_people_rests_nowhere(ledger: Ledger) -> None:
    """It is known to the worker that listed it, and to no other."""
    count = Slow()
    count.may.set()
    counting = Counting(LONG)
    for _ in range(2):
        assert counting.told(ledger, "whom", count, rests=False).answer == {"n": 1}
    with ledger.database.read() as connection:
        assert counts.find(connection, "whom") is None
    assert Counting(LONG).told(ledger, "whom", count, rests=False).answer == {"n": 2}


def test_a_count_that_fails_is_said_to_whoever_waits_and_is_begun_again(ledger: Ledger) -> None:
    counting = Counting(LONG)
    failed: list[bool] = []

    def count() -> dict[str, Any]:
        if not failed:
            failed.append(True)
            raise Broken("the database does not answer (Gone)")
        return {"n": 1}

    with pytest.raises(Broken, match="does not answer"):
        counting.told(ledger, "all", count)
    assert counting.told(ledger, "all", count).answer == {"n": 1}
