"""Questions that arrive while one is being answered are answered together, the next time.

One thread and one transaction then serve as many callers as there are, and nobody waits for more
than two turns. What is asked after a commit is answered from a state that holds it: a turn begins
after each of its questions was asked. Knows nothing of what is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from anyio import CapacityLimiter, to_thread

AT_ONCE = 64
Q = TypeVar("Q")
A = TypeVar("A")


class Gathering(Generic[Q, A]):
    """Turns of `answer`, which is called in a thread with questions and answers each, in order."""

    def __init__(self, answer: Callable[[list[Q]], list[A]]) -> None:
        self._answer = answer
        self._waiting: list[tuple[Q, asyncio.Future[A]]] = []
        self._turns: asyncio.Task[None] | None = None
        self._thread = CapacityLimiter(1)

    async def ask(self, question: Q) -> A:
        """The answer, or the failure, of this question."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if self._turns is None or self._turns.done():
            self._turns = asyncio.create_task(self._take_turns())
        return await future

    async def _take_turns(self) -> None:
        while self._waiting:
            some, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            questions = [question for question, _ in some]
            outcomes = await to_thread.run_sync(self._one_turn, questions, limiter=self._thread)
            for (_, future), outcome in zip(some, outcomes, strict=True):
                if future.done():
                    continue  # whoever asked has gone
                if isinstance(outcome, Exception):
                    future.set_exception(outcome)
                else:
                    future.set_result(outcome)

    def _one_turn(self, questions: list[Q]) -> list[Any]:
        try:
            return list(self._answer(questions))
        except Exception as error:
            if len(questions) == 1:
                return [error]
        # One of them may be to blame: each alone, so that none fails for another.
        return [outcome for question in questions for outcome in self._one_turn([question])]
