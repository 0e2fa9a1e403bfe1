"""Questions that arrive while others are being answered are answered together, the next time.

One thread and one transaction then serve as many callers as there are. What is asked after a commit
is answered from a state that holds it: a turn begins after each of its questions was asked. Callers
who were answered together mostly come back together, so a turn waits a moment for most of them (two
halves that take turns would be in each other's way, and look twice); a lone caller waits for
nobody. Knows nothing of what is asked. `ledger/grouping.py` does the same for whoever writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from anyio import CapacityLimiter, to_thread

from ledger.errors import Stale

AT_ONCE = 64
PATIENCE = 0.001  # seconds, at most, that a turn waits for those who were answered just now
Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """Turns of `answer`, which is called in a thread with questions and answers each, in order."""

    def __init__(self, answer: Callable[[list[Q]], list[A]], patience: float = PATIENCE) -> None:
        self._answer, self._patience = answer, patience
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._turns: asyncio.Task[None] | None = None
        self._thread = CapacityLimiter(1)
        self._enough, self._are_enough = 0, asyncio.Event()

    async def ask(self, question: Q) -> A:
        """The answer, or the failure, of this question."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._waiting) == self._enough:
            self._are_enough.set()
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._take_turns())
        return await future

    async def _take_turns(self) -> None:
        answered = 0
        while self._waiting:
            await self._gather(answered)
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            answered = await self._take_one(some)

    async def _gather(self, answered: int) -> None:
        """Wait for most of those who may ask again, if others wait already."""
        enough = min((answered + len(self._waiting)) * 3 // 4, AT_ONCE)
        if len(self._waiting) < enough:
            self._enough, self._are_enough = enough, asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await self._are_enough.wait()

    async def _take_one(self, some: list[tuple[Q, asyncio.Future[A]]]) -> int:
        """How many there are to be answered; whoever has gone is not asked about."""
        here = [(question, future) for question, future in some if not future.done()]
        if not here:
            return 0
        questions = [question for question, _ in here]
        try:
            outcomes = await to_thread.run_sync(self._one_turn, questions, limiter=self._thread)
        except Exception as error:  # no thread: nobody is to wait for ever
            outcomes = [error] * len(here)
        for (_, future), outcome in zip(here, outcomes, strict=True):
            if future.done():
                continue  # gone, meanwhile
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        return len(here)

    def _one_turn(self, questions: list[Q]) -> list[Any]:
        try:
            return list(self._answer(questions))
        except Exception as error:
            if len(questions) == 1 or isinstance(error, Stale):
                return [error] * len(questions)
        # One of them may be to blame: each alone, so that none fails for another.
        return [outcome for question in questions for outcome in self._one_turn([question])]
