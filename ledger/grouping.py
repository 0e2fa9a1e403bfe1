"""One writer for many callers: whatever waits while a commit is on its way goes with the next one.

The total order caps writers near one commit after another, so callers of one process share commits:
each hands in its wishes and waits; the writer takes all that are there, decides them in the order
they came and writes them in one transaction, each caller getting its own outcomes. Callers who
were served together mostly come back together, so a group waits a moment for half of them; a lone
caller waits for nobody. Whatever else writes in this process (an erasure, a rotation) takes its
turn among them, alone, so nothing here collides with itself.

Two threads take turns, so that a group is decided while the one before it is being committed. It
is decided on what that one will leave (`handlers.decide`), committed only once that one was, and
decided again if that one was not. There is never more than one commit on its way.

Durability is unchanged: an outcome is handed back once its transaction was committed. Crash before:
nobody was answered, and nothing or everything of that commit is there. What this file never does:
decide. Read next: `ledger/handlers.py`.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Lock, Thread
from typing import Any, Generic, NamedTuple, TypeVar

from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import Broken, Stale, Unsure
from ledger.handlers import Group, Outcome, Round, decide, record_groups, write
from ledger.store.commands import CommandRecord

Answer = TypeVar("Answer")

AT_ONCE = 256  # wishes in one commit, unless one caller brings more
PATIENCE = 0.0005  # seconds, at most, that a group waits for those who were answered just now


def collect_seldom() -> None:
    """For a process that does nothing but serve: what is alive now stays so, and nearly all that
    comes later dies by its count. Cycles are looked for every 50,000 objects instead of every 700,
    which gives one writer of small facts some 7 % back; there are few, and they wait longer."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Promise(Generic[Answer]):
    """What one caller waits for: an answer or an error, once. (A `Future` does much more, and
    costs as much as deciding.)"""

    __slots__ = ("_answer", "_settled")

    def __init__(self) -> None:
        self._settled = Lock()
        self._settled.acquire()

    def result(self, timeout: float = -1) -> Answer:
        """The answer, as soon as there is one. Raises the error instead, or TimeoutError after
        `timeout` seconds."""
        if not self._settled.acquire(timeout=timeout):
            raise TimeoutError("no answer yet")
        self._settled.release()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def settle(self, answer: Answer | Exception) -> None:
        """Give the answer to whoever waits."""
        self._answer = answer
        self._settled.release()


class Waiting(NamedTuple):
    """One caller in the queue: wishes to be recorded with others, or a deed to be done alone."""

    settle: Callable[[Any], None]  # called with the answer, or the error
    group: Group
    deed: Callable[[], Any] | None = None


class Writer:
    """The threads that write for one process. Close it, or they stay."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._queue: deque[Waiting] = deque()
        self._changed = Condition()
        self._closing = False
        self._latest: deque[int] = deque((1, 0), 2)  # callers in the last two groups
        self._enough = 1  # callers in the queue that end the wait for more
        self._deciding, self._committing = Lock(), Lock()  # taken in this order
        self._on_its_way: Round | None = None
        self._threads = [
            Thread(target=self._work, name="probant-writer", daemon=True) for _ in range(2)
        ]
        for thread in self._threads:
            thread.start()

    def record(
        self, commands: Sequence[Command], remember: CommandRecord | None = None
    ) -> Promise[list[Outcome]]:
        """Have wishes recorded with those of whoever else is waiting: see `record_many`, whose
        answers and errors are promised."""
        promise: Promise[list[Outcome]] = Promise()
        self._wait(Waiting(promise.settle, Group(commands, remember=remember)))
        return promise

    def hand_in(
        self, commands: Sequence[Command], settle: Callable[[list[Outcome] | Exception], None]
    ) -> None:
        """The same for whoever must not wait: `settle` is called with the answer or the error, in
        our thread. It is quick and raises nothing."""
        self._wait(Waiting(settle, Group(commands)))

    def run(self, deed: Callable[[], Answer]) -> Promise[Answer]:
        """Have something else that writes done, alone, in its turn."""
        promise: Promise[Answer] = Promise()
        self._wait(Waiting(promise.settle, Group(()), deed))
        return promise

    def close(self) -> None:
        """Finish what is waiting, then stop. Whoever comes later is told that we are closing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _wait(self, waiting: Waiting) -> None:
        with self._changed:
            if self._closing:
                raise Broken("this process is closing; nothing was written")
            self._queue.append(waiting)
            if len(self._queue) >= self._enough:
                self._changed.notify()

    def _work(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Serve whoever is next. False when we are closing and everybody was served."""
        with self._deciding:
            taken = self._take()
            if not taken:
                return False
            if taken[0].deed is not None:
                with self._committing:
                    taken[0].settle(_done(taken[0].deed))
                return True
            groups = [one.group for one in taken]
            decided = self._decided(groups)
        try:
            answers = self._written(groups, decided)
        finally:
            self._on_its_way = None
            self._committing.release()
        for one, answer in zip(taken, answers, strict=True):
            one.settle(answer)
        return True

    def _decided(self, groups: Sequence[Group]) -> Round | None:
        """What these will write, and with it the right to commit. None when it is to be decided
        once more, with the right in hand."""
        before = self._on_its_way
        decided = self._tried(groups, before)
        self._committing.acquire()
        if before and not (decided and before.is_written):
            decided = self._tried(groups, None)
        self._on_its_way = decided
        return decided

    def _tried(self, groups: Sequence[Group], before: Round | None) -> Round | None:
        try:
            return decide(self.ledger, groups, before)
        except Exception:  # whose it is, and what is to be said of it, is found in `_written`
            return None

    def _written(
        self, groups: Sequence[Group], decided: Round | None
    ) -> Sequence[list[Outcome] | Exception]:
        """One transaction for all; if it failed for a reason that may be one caller's alone, one
        for each."""
        try:
            if decided is not None:
                return write(self.ledger, decided)
        except Stale:
            pass  # somebody else was quicker: again, from what there is now
        except Exception as error:
            return self._alone(groups, error)
        try:
            return record_groups(self.ledger, groups)
        except Exception as error:
            return self._alone(groups, error)

    def _alone(
        self, groups: Sequence[Group], error: Exception
    ) -> Sequence[list[Outcome] | Exception]:
        if len(groups) == 1 or isinstance(error, Unsure):
            return [error] * len(groups)  # what may have been written is not written again
        answers: list[list[Outcome] | Exception] = []
        for group in groups:
            try:
                answers += record_groups(self.ledger, [group])
            except Exception as own:
                answers.append(own)
        return answers

    def _take(self) -> list[Waiting]:
        """Who is next: one deed, or all the wishes before the next deed, up to a limit. Nobody when
        we are closing and everybody was served."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
            self._enough = (sum(self._latest) + 1) // 2
            self._changed.wait_for(
                lambda: len(self._queue) >= self._enough or self._closing, PATIENCE
            )
            self._enough = 1
            taken: list[Waiting] = []
            wishes = 0
            while self._queue:
                one = self._queue[0]
                wishes += len(one.group.commands)
                if taken and (one.deed or wishes > AT_ONCE or _is_among(one, taken)):
                    break
                taken.append(self._queue.popleft())
                if one.deed:
                    break
            self._latest.append(len(taken))
            return taken


def _is_among(one: Waiting, taken: Sequence[Waiting]) -> bool:
    """Whether the same request is being carried out already: it must find what that one wrote."""
    remember = one.group.remember
    return remember is not None and any(
        other.group.remember is not None
        and other.group.remember.fingerprint == remember.fingerprint
        for other in taken
    )


def _done(deed: Callable[[], Any]) -> Any:
    try:
        return deed()
    except Exception as error:
        return error
