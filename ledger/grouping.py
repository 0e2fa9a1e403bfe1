"""One writer for many callers: whatever waits while a commit is on its way goes with the next one.

The total order caps writers near one commit after another, so callers of one process share commits:
each hands in its wishes and waits; one thread takes all that are there, decides them in the order
they came and writes them in one transaction, each caller getting its own outcomes
(`handlers.record_groups`). A lone caller waits for nobody. Whatever else writes in this process
(an erasure, a rotation) takes its turn in the same thread, so nothing here collides with itself.

Durability is unchanged: an outcome is handed back once its transaction was committed. Crash before:
nobody was answered, and nothing or everything of that commit is there. What this file never does:
decide. Read next: `ledger/handlers.py`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Condition, Thread
from typing import Any, NamedTuple, TypeVar

from ledger.application import Ledger
from ledger.commands import Command
from ledger.errors import Broken
from ledger.handlers import Group, Outcome, record_groups
from ledger.store.commands import CommandRecord

Answer = TypeVar("Answer")

AT_ONCE = 256  # wishes in one commit, unless one caller brings more


class Waiting(NamedTuple):
    """One caller in the queue: wishes to be recorded with others, or a deed to be done alone."""

    future: Future[Any]
    group: Group
    deed: Callable[[], Any] | None = None


class Writer:
    """The thread that writes for one process. Close it, or its thread stays."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._queue: deque[Waiting] = deque()
        self._changed = Condition()
        self._closing = False
        self._thread = Thread(target=self._work, name="probant-writer", daemon=True)
        self._thread.start()

    def record(
        self, commands: Sequence[Command], remember: CommandRecord | None = None
    ) -> Future[list[Outcome]]:
        """Have wishes recorded with those of whoever else is waiting: see `record_many`, whose
        answers and errors the future holds."""
        return self._wait(Waiting(Future(), Group(commands, remember=remember)))

    def run(self, deed: Callable[[], Answer]) -> Future[Answer]:
        """Have something else that writes done, alone, in its turn."""
        return self._wait(Waiting(Future(), Group(()), deed))

    def close(self) -> None:
        """Finish what is waiting, then stop. Whoever comes later is told that we are closing."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _wait(self, waiting: Waiting) -> Future[Any]:
        with self._changed:
            if self._closing:
                raise Broken("this process is closing; nothing was written")
            self._queue.append(waiting)
            self._changed.notify()
        return waiting.future

    def _work(self) -> None:
        while taken := self._take():
            if taken[0].deed is not None:
                _settle(taken[0], taken[0].deed)
            else:
                self._record(taken)

    def _take(self) -> list[Waiting]:
        """Who is next: one deed, or all the wishes before the next deed, up to a limit. Nobody when
        we are closing and everybody was served."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
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
            return taken

    def _record(self, taken: list[Waiting]) -> None:
        """One transaction for all; if it failed for a reason that may be one caller's alone, one
        for each."""
        taken = [one for one in taken if one.future.set_running_or_notify_cancel()]
        if not taken:
            return
        try:
            answers = record_groups(self.ledger, [one.group for one in taken])
        except Exception as error:
            if len(taken) > 1:
                for one in taken:
                    self._record_alone(one)
            else:
                taken[0].future.set_exception(error)
            return
        for one, answer in zip(taken, answers, strict=True):
            _tell(one, answer)

    def _record_alone(self, one: Waiting) -> None:
        try:
            (answer,) = record_groups(self.ledger, [one.group])
        except Exception as error:
            one.future.set_exception(error)
        else:
            _tell(one, answer)


def _is_among(one: Waiting, taken: Sequence[Waiting]) -> bool:
    """Whether the same request is being carried out already: it must find what that one wrote."""
    remember = one.group.remember
    return remember is not None and any(
        other.group.remember is not None
        and other.group.remember.fingerprint == remember.fingerprint
        for other in taken
    )


def _settle(one: Waiting, deed: Callable[[], Any]) -> None:
    if one.future.set_running_or_notify_cancel():
        try:
            one.future.set_result(deed())
        except Exception as error:
            one.future.set_exception(error)


def _tell(one: Waiting, answer: list[Outcome] | Exception) -> None:
    if isinstance(answer, Exception):
        one.future.set_exception(answer)
    else:
        one.future.set_result(answer)
