"""Questions that are asked together: of a state newer than each of them, each with an answer of its
own, and none of them for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Semaphore
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.gathering import AT_ONCE, Gathering
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.errors import Broken, Stale
from ledger.events import ConsentGiven, ConsentWithdrawn, Fact
from ledger.handlers import record_many
from ledger.permitting.gate import Gate, Question
from replay.fold import fold_subject
from tests.api.conftest import Caller

LETTER: Any = {"purpose": "newsletter", "channel": "email"}
FOREVER = 3600.0  # seconds: whoever waited for company would not come back
Answer = Callable[[list[Any]], list[Any]]
T = TypeVar("T")


class Held:
    """Whoever answers looks at once, and says what it saw when it is let."""

    def __init__(self, answer: Answer) -> None:
        self.turns: list[list[Any]] = []
        self._answer, self._leave = answer, Semaphore(0)

    def __call__(self, questions: list[Any]) -> list[Any]:
        """One turn."""
        found = self._answer(questions)
        self.turns.append(list(questions))
        assert self._leave.acquire(timeout=60)
        return found

    def let(self, turns: int) -> None:
        """So many turns may end."""
        self._leave.release(turns)

    async def has_looked(self, times: int) -> None:
        """Wait until it has."""
        async with asyncio.timeout(60):
            while len(self.turns) < times:
                await asyncio.sleep(0.001)


def finished(running: Coroutine[Any, Any, T]) -> T:
    """What comes of it; whoever waits for ever fails."""
    return asyncio.run(asyncio.wait_for(running, 60))


def callers(gathering: Gathering[Any, Any], questions: Sequence[Any]) -> list[asyncio.Task[Any]]:
    """One for each question."""
    return [asyncio.create_task(gathering.ask(question)) for question in questions]


def test_a_withdrawal_acknowledged_between_two_looks_is_seen_by_the_second(
    anywhere: Caller,
) -> None:
    """Over a real ledger: the first look was taken when she withdraws; whoever asks after that,
    while it is still on its way, is not answered from it."""
    ledger, she = anywhere.ledger, Reference("shop", "0042")
    gate = Gate(ledger, fold_subject)
    question = Question(gate.blinded(she), **LETTER)
    held = Held(gate.ask)

    def tell(said: type[Fact]) -> None:
        now = moment_of_instant(ledger.clock.now())
        record_many(ledger, [Record(said(occurred=now, **LETTER), person=she)])

    async def run() -> tuple[list[bool], list[bool]]:
        gathering: Gathering[Any, Any] = Gathering(held)
        before = callers(gathering, [question] * 3)
        await held.has_looked(1)
        tell(ConsentWithdrawn)  # acknowledged when it returns
        after = callers(gathering, [question] * 4)
        await asyncio.sleep(0)
        held.let(3)
        early, late = await asyncio.gather(*before), await asyncio.gather(*after)
        return [a.verdict.allowed for a in early], [a.verdict.allowed for a in late]

    tell(ConsentGiven)
    early, late = finished(run())
    assert (early, late) == ([True] * 3, [False] * 4)
    assert [len(turn) for turn in held.turns] == [3, 4]


def test_whoever_asks_what_was_known_then_holds_up_nobody_else(caller: Caller) -> None:
    def allowed(**more: str) -> bool:
        question = {"person": {"kind": "shop", "value": "0042"}, **LETTER, **more}
        answer = caller.say("POST", "/v1/permissions/check", question)
        assert answer.status_code == 200, answer.text
        found: bool = answer.json()["allowed"]
        return found

    assert not allowed()
    app: Any = caller.client.app
    held = Held(app.state.gate.ask)
    app.state.looking_back = Gathering(held)
    with ThreadPoolExecutor(1) as another:
        then = another.submit(allowed, known_at="2026-01-05T00:00:00Z")
        asyncio.run(held.has_looked(1))
        assert not allowed()
        assert not then.done()
        held.let(1)
        assert not then.result()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(("ask", "ask", "write", "answer", "leave")), max_size=30))
def test_whatever_was_acknowledged_before_a_question_counts_in_its_answer(steps: list[str]) -> None:
    """Whoever asks, writes, is answered or goes away, in any order: each is answered once, what she
    asked, from a state that is no older than her question."""
    written = 0

    async def run() -> None:
        nonlocal written
        held = Held(lambda questions: [(question, written) for question in questions])
        gathering: Gathering[Any, Any] = Gathering(held, 0)
        asked: list[tuple[int, int, asyncio.Task[Any]]] = []
        for number, step in enumerate(steps):
            if step == "ask":
                (task,) = callers(gathering, [number])
                asked.append((number, written, task))
            elif step == "write":
                written += 1
            elif step == "answer":
                held.let(1)
            elif asked:
                asked.pop(number % len(asked))[2].cancel()
            await asyncio.sleep(0.0005)
        held.let(len(steps) + 1)
        for number, newest, task in asked:
            question, seen = await task
            assert question == number
            assert seen >= newest

    finished(run())


def test_a_question_that_cannot_be_answered_is_the_only_one_that_fails() -> None:
    def answer(questions: list[int]) -> list[int]:
        if 13 in questions:
            raise Broken("this one")
        return [question * 2 for question in questions]

    async def run() -> list[Any]:
        gathering = Gathering(answer)
        return await asyncio.gather(*callers(gathering, range(10, 16)), return_exceptions=True)

    found = finished(run())
    assert isinstance(found[3], Broken)
    assert [one for one in found if one is not found[3]] == [20, 22, 24, 28, 30]


def test_what_concerns_everybody_is_tried_once_and_told_to_all() -> None:
    turns: list[int] = []

    def answer(questions: list[int]) -> list[int]:
        turns.append(len(questions))
        raise Stale("others kept publishing")

    async def run() -> list[Any]:
        gathering = Gathering(answer)
        return await asyncio.gather(*callers(gathering, range(5)), return_exceptions=True)

    assert [type(one) for one in finished(run())] == [Stale] * 5
    assert turns == [5]


def test_whoever_has_gone_is_not_asked_about_and_holds_nobody_up() -> None:
    held = Held(list)

    async def run() -> list[Any]:
        gathering: Gathering[Any, Any] = Gathering(held)
        first = callers(gathering, ["gone while answered", "first"])
        await held.has_looked(1)
        then = callers(gathering, ["gone while waiting", "then"])
        await asyncio.sleep(0)
        first[0].cancel()
        then[0].cancel()
        held.let(2)
        return [await first[1], await then[1]]

    assert finished(run()) == ["first", "then"]
    assert held.turns[1] == ["then"]


def test_a_lone_caller_waits_for_nobody_and_others_for_most_of_them() -> None:
    """With patience without end: alone, again and again, she is answered all the same; four go
    together once enough of them are back."""
    held = Held(list)

    async def run() -> None:
        gathering: Gathering[Any, Any] = Gathering(held, FOREVER)
        held.let(3)
        for number in range(3):
            assert await gathering.ask(number) == number
        two = callers(gathering, "ab")
        await held.has_looked(4)
        two += callers(gathering, "cd")
        await asyncio.sleep(0)
        held.let(1)
        await asyncio.gather(*two[:2])
        assert len(held.turns) == 4  # three of four are enough: c and d wait for one more
        two += callers(gathering, "e")
        held.let(1)
        await asyncio.gather(*two)

    finished(run())
    assert held.turns[3:] == [["a", "b"], ["c", "d", "e"]]


def test_whoever_never_comes_back_is_not_waited_for_for_ever() -> None:
    held = Held(list)

    async def run() -> list[Any]:
        gathering: Gathering[Any, Any] = Gathering(held)
        first = callers(gathering, range(8))
        await held.has_looked(1)
        last = callers(gathering, [8])
        await asyncio.sleep(0)
        held.let(2)
        return await asyncio.gather(*first, *last)

    assert finished(run()) == list(range(9))
    assert [len(turn) for turn in held.turns] == [8, 1]


def test_more_than_one_turn_can_take_wait_for_no_more() -> None:
    held = Held(list)

    async def run() -> list[Any]:
        gathering: Gathering[Any, Any] = Gathering(held, FOREVER)
        many = callers(gathering, range(2 * AT_ONCE))
        await held.has_looked(1)
        held.let(2)
        return await asyncio.gather(*many)

    assert finished(run()) == list(range(2 * AT_ONCE))
    assert [len(turn) for turn in held.turns] == [AT_ONCE, AT_ONCE]


def test_nobody_waits_for_ever_when_there_is_no_thread_to_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def none(*_: Any, **__: Any) -> None:
        raise RuntimeError("can't start new thread")

    async def run() -> list[Any]:
        gathering: Gathering[Any, Any] = Gathering(list)
        with monkeypatch.context() as patched:
            patched.setattr("api.gathering.to_thread.run_sync", none)
            failed = await asyncio.gather(*callers(gathering, "ab"), return_exceptions=True)
        return [*failed, await gathering.ask("c")]

    first, second, third = finished(run())
    assert isinstance(first, RuntimeError)
    assert isinstance(second, RuntimeError)
    assert third == "c"
