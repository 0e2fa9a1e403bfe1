"""Lines that need not be in memory: an answer may list more than a machine holds.

Those of most answers are a tuple. `Lines` are read where they are, each time somebody reads them,
and at most as many as are read; `Listed` are those that a question comes upon one person after the
other: what is beyond the first ones is written aside, and read back in order.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import islice
from operator import eq, itemgetter
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, overload
from weakref import finalize

if TYPE_CHECKING:
    from replay.inspect.model import Line

RUN, PAGE = 20_000, 200  # lines held in memory before they go aside; read back at a time
_first = itemgetter(0)


class Lines(Sequence["Line"]):
    """So many lines, which `read` reads anew: all, or the first so many."""

    def __init__(self, number: int, read: Callable[[int | None], Iterator[Line]]) -> None:
        self._number, self._read = number, read

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Line]:
        return self._read(None)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Line, ...]: ...
    def __getitem__(self, index: int | slice) -> Line | tuple[Line, ...]:
        """One, or some of them; whatever comes before is read too."""
        if isinstance(index, int):
            return next(islice(self._read(index + 1), index, None))
        start, stop, step = index.indices(len(self))
        return tuple(islice(self._read(stop), start, stop, step))

    def __eq__(self, other: object) -> bool:
        """Whether they are the same lines in the same order."""
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]


class Listed(Lines):
    """Lines in the order of their keys, and of two with the same key in that of their coming."""

    def __init__(self, run: int = RUN) -> None:
        super().__init__(0, self._merged)
        self._run = run
        self._last: list[tuple[Any, Line]] = []
        self._aside: IO[bytes] | None = None
        self._runs: list[list[int]] = []  # of each run, where each page of it begins

    def add(self, line: Line, key: Any = 0) -> None:
        """One more."""
        self._number += 1
        self._last.append((key, line))
        if len(self._last) >= self._run:
            self._put_aside()

    def take(self, other: Listed) -> None:
        """Those of another, as if they came now."""
        for key, line in other.pairs():
            self.add(line, key)

    def _put_aside(self) -> None:
        if self._aside is None:
            self._aside = TemporaryFile(prefix="probant-lines-")  # noqa: SIM115 - closed with them
            finalize(self, self._aside.close)
        self._last.sort(key=_first)
        self._runs.append([])
        for start in range(0, len(self._last), PAGE):
            self._runs[-1].append(self._aside.seek(0, 2))
            pickle.dump(self._last[start : start + PAGE], self._aside)
        self._last = []

    def _paged(self, pages: list[int]) -> Iterator[tuple[Any, Line]]:
        for start in pages:
            assert self._aside is not None
            self._aside.seek(start)
            yield from pickle.load(self._aside)  # noqa: S301 - written here, by no name

    def pairs(self) -> Iterator[tuple[Any, Line]]:
        """Each with its key, in their order."""
        runs = map(self._paged, self._runs)
        return merge(*runs, sorted(self._last, key=_first), key=_first)

    def _merged(self, _limit: int | None) -> Iterator[Line]:
        return (line for _, line in self.pairs())

    def __getstate__(self) -> list[tuple[Any, Line]]:
        return list(self.pairs())

    def __setstate__(self, pairs: list[tuple[Any, Line]]) -> None:
        self.__init__()  # type: ignore[misc]
        for key, line in pairs:
            self.add(line, key)
