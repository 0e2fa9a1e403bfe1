"""What a question is asked with, and what it answers: a table whose lines lead to positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple, TypeAlias
from uuid import UUID

from replay.controls.life import Look
from replay.controls.model import NOBODY, Event, Kinds, Stored, Value
from replay.controls.scene import Scene

Cell: TypeAlias = "Value | None"


class Sealed(NamedTuple):
    """How far the log is sealed: leaves under the newest signed checkpoint, its root (hex)."""

    size: int = 0
    root: str = ""
    keys: tuple[str, ...] = ()


class Asked(NamedTuple):
    """How a question is asked: of one person or of everybody; how many positions a line names at
    most; what was found out about the store and the seal."""

    subject: UUID | None = None
    positions: int = 20
    stored: Stored | None = None
    sealed: Sealed = Sealed()


class Line(NamedTuple):
    """One line: its cells in the order of the columns, the first positions it rests on, and how
    many there are."""

    cells: tuple[Cell, ...]
    positions: tuple[int, ...] = ()
    of: int = 0


class Answer(NamedTuple):
    """The answer to one question: codes of columns and figures are words/*.toml's."""

    question: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    figures: Mapping[str, Cell] = MappingProxyType({})


class Question:
    """One question being answered. A subclass says what it hears, sees and answers; `concerns`:
    whoever has no fact of these kinds it need not see; `hears`: what of the company's facts."""

    concerns: ClassVar[Kinds] = NOBODY
    hears: ClassVar[Kinds] = NOBODY

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def hear(self, event: Event, scene: Scene) -> None:
        """A fact about nobody that had happened by D and was known at R."""

    def see(self, look: Look) -> None:
        """One person at (D, R)."""

    def answer(self, scene: Scene) -> Answer:
        """The whole answer, at the end."""
        raise NotImplementedError

    def line(self, cells: Iterable[Cell], positions: Iterable[int] = ()) -> Line:
        """A line, its positions counted and the first of them kept."""
        found = sorted({position for position in positions if position})
        return Line(tuple(cells), tuple(found[: self.asked.positions]), len(found))


class Counted:
    """Lines that count: how many people and things of each key, and the first positions of it."""

    def __init__(self, positions: int) -> None:
        self._limit = positions
        self._counts: defaultdict[tuple[Cell, ...], list[int]] = defaultdict(lambda: [0, 0])
        self._people: dict[tuple[Cell, ...], UUID] = {}
        self._positions: defaultdict[tuple[Cell, ...], list[int]] = defaultdict(list)

    def add(self, key: tuple[Cell, ...], who: UUID | None, position: int) -> None:
        """One more thing of hers under this key; people come one after the other."""
        counts = self._counts[key]
        counts[1] += 1
        if who is None or self._people.get(key) != who:
            counts[0] += who is not None
            if who is not None:
                self._people[key] = who
        kept = self._positions[key]
        if len(kept) < self._limit:
            kept.append(position)

    def lines(self) -> tuple[Line, ...]:
        """Every key with its people, its things and positions, in the order of the keys."""
        return tuple(
            Line((*key, *self._counts[key]), tuple(sorted(self._positions[key])), things)
            for key in sorted(self._counts, key=_order)
            for _, things in [self._counts[key]]
        )


def _order(key: tuple[Cell, ...]) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (0, cell, "") if isinstance(cell, int) else (1, 0, "" if cell is None else str(cell))
        for cell in key
    )
