"""Many callers, one writer: commits are shared, outcomes are each caller's own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, current_thread
from typing import Any

import pytest

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Command, Record, Reference
from ledger.errors import Broken, Refusal
from ledger.events import ConsentGiven, LoggedIn, OrderPlaced
from ledger.fields import Money
from ledger.grouping import AT_ONCE, Promise, Writer
from ledger.handlers import Accepted, Outcome, Repeated
from ledger.store.commands import CommandRecord, find
from tests.contracts.props import assert_whole

PATIENCE = 120  # seconds: waited for only where an answer never comes


@pytest.fixture
def writer(ledger: Ledger) -> Iterator[Writer]:
    """The writer of a new ledger, on each database."""
    made = Writer(ledger)
    yield made
    made.close()


@pytest.fixture
def commits(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many drafts each commit carried."""
    seen: list[int] = []
    real = ledger.commit

    def commit(drafts: Any, work: Any) -> None:
        real(drafts, work)
        seen.append(len(drafts))

    monkeypatch.setattr(ledger, "commit", commit)
    return seen


def login(ledger: Ledger, who: str) -> Command:
    fact = LoggedIn(occurred=moment_of_instant(ledger.clock.now()), ip="192.0.2.7")
    return Record(fact, person=Reference("shop", who))


def remembered(name: bytes, ledger: Ledger) -> CommandRecord:
    return CommandRecord(name, b"mac", ledger.clock.now() + 10, lambda told: repr(told).encode())


class Held:
    """A deed that keeps the writer busy until it is let go: what comes meanwhile waits."""

    def __init__(self, writer: Writer) -> None:
        self._begun, self._go = Event(), Event()
        self.future: Promise[str] = writer.run(self._wait)
        assert self._begun.wait(PATIENCE)

    def _wait(self) -> str:
        self._begun.set()
        assert self._go.wait(PATIENCE)
        return current_thread().name

    def let_go(self) -> None:
        self._go.set()
        assert self.future.result(PATIENCE) == "probant-writer"


def accepted(future: Promise[list[Outcome]]) -> list[Accepted]:
    outcomes = future.result(PATIENCE)
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    return [outcome for outcome in outcomes if isinstance(outcome, Accepted)]


def test_those_who_wait_share_a_commit(ledger: Ledger, writer: Writer, commits: list[int]) -> None:
    held = Held(writer)
    futures = [writer.record([login(ledger, f"C-{n}")]) for n in range(5)]
    held.let_go()
    positions = [one.position for future in futures for one in accepted(future)]
    assert commits == [10]  # each a registration and a login
    assert positions == [3, 5, 7, 9, 11]
    assert_whole(ledger.database)


def test_each_sees_what_the_ones_before_it_will_have_changed(
    ledger: Ledger, writer: Writer, commits: list[int]
) -> None:
    held = Held(writer)
    first, second = (writer.record([login(ledger, "C-1")]) for _ in range(2))
    held.let_go()
    assert accepted(first)[0].subject == accepted(second)[0].subject
    assert commits == [3]


def test_a_refusal_is_its_callers_own(ledger: Ledger, writer: Writer) -> None:
    now = moment_of_instant(ledger.clock.now())
    undeclared = ConsentGiven(
        occurred=now, purpose="astrology", channel="email", act="tick", form="f", grade="proved"
    )
    held = Held(writer)
    before = writer.record([login(ledger, "C-1")])
    refused = writer.record([Record(undeclared, person=Reference("shop", "C-2"))])
    after = writer.record([login(ledger, "C-3")])
    held.let_go()
    assert isinstance(refused.result(PATIENCE)[0], Refusal)
    assert [accepted(f)[0].position for f in (before, after)] == [3, 5]


def test_a_failure_of_one_is_nobody_elses(
    ledger: Ledger, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ledger.commit

    def commit(drafts: Any, work: Any) -> None:
        if any(draft.fact.kind == "order.placed.v1" for draft in drafts):
            raise Broken("the database cannot say this")
        real(drafts, work)

    monkeypatch.setattr(ledger, "commit", commit)
    order = OrderPlaced(occurred=moment_of_instant(ledger.clock.now()), amount=Money(1999, "EUR"))
    held = Held(writer)
    before = writer.record([login(ledger, "C-1")])
    broken = writer.record([Record(order, person=Reference("shop", "C-2"))])
    after = writer.record([login(ledger, "C-3")])
    held.let_go()
    with pytest.raises(Broken):
        broken.result(PATIENCE)
    assert [accepted(f)[0].position for f in (before, after)] == [3, 5]


def test_each_request_is_remembered_with_its_own_events(ledger: Ledger, writer: Writer) -> None:
    held = Held(writer)
    for name, who in ((b"one", "C-1"), (b"two", "C-2")):
        writer.record([login(ledger, who)], remembered(name, ledger))
    empty = writer.record([], remembered(b"three", ledger))
    held.let_go()
    assert empty.result(PATIENCE) == []
    with ledger.database.read() as connection:
        found = [find(connection, name) for name in (b"one", b"two", b"three")]
    places = [(one.outcome, one.first_position, one.n) for one in found if one]
    assert places == [(b"[(0, 1)]", 2, 2), (b"[(0, 1)]", 4, 2), (b"[]", None, 0)]


def test_the_same_request_twice_in_the_queue_is_carried_out_once(
    ledger: Ledger, writer: Writer
) -> None:
    held = Held(writer)
    twice = [writer.record([login(ledger, "C-1")], remembered(b"one", ledger)) for _ in range(2)]
    other = writer.record([login(ledger, "C-2")])
    held.let_go()
    assert accepted(twice[0])[0].position == 3
    with pytest.raises(Repeated):
        twice[1].result(PATIENCE)
    assert accepted(other)[0].position == 5


def test_a_deed_takes_its_turn_alone(ledger: Ledger, writer: Writer, commits: list[int]) -> None:
    held = Held(writer)
    writer.record([login(ledger, "C-1")])
    head = writer.run(ledger.recorder.head)
    last = writer.record([login(ledger, "C-2")])
    broken = writer.run(lambda: 1 // 0)
    held.let_go()
    assert head.result(PATIENCE).position == 3
    assert accepted(last)[0].position == 5
    assert commits == [2, 2]
    with pytest.raises(ZeroDivisionError):
        broken.result(PATIENCE)


def test_a_crowd_is_written_in_commits_of_a_limited_size(
    ledger: Ledger, writer: Writer, commits: list[int]
) -> None:
    held = Held(writer)
    futures = [writer.record([login(ledger, "C-1")] * (AT_ONCE // 4)) for _ in range(6)]
    held.let_go()
    assert sum(len(accepted(future)) for future in futures) == 6 * (AT_ONCE // 4)
    assert commits == [AT_ONCE + 1, AT_ONCE // 2]


def test_closing_serves_those_who_wait_and_nobody_after(ledger: Ledger) -> None:
    writer = Writer(ledger)
    held = Held(writer)
    waiting = writer.record([login(ledger, "C-1")])
    held.let_go()
    writer.close()
    assert accepted(waiting)[0].position == 3
    with pytest.raises(Broken):
        writer.record([login(ledger, "C-2")])


def test_sixteen_callers_at_once_lose_nothing(ledger: Ledger, writer: Writer) -> None:
    start = Barrier(16)

    def calls(me: int) -> list[int]:
        start.wait(PATIENCE)
        return [
            accepted(writer.record([login(ledger, f"{me}-{n % 3}")]))[0].position for n in range(12)
        ]

    with ThreadPoolExecutor(16) as pool:
        positions = [p for found in pool.map(calls, range(16)) for p in found]
    assert len(set(positions)) == 16 * 12
    assert ledger.recorder.head().position == 1 + 16 * 12 + 16 * 3
    assert_whole(ledger.database)
