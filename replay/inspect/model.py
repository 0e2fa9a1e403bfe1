"""What a question is asked with, and what it answers: a table whose lines lead to positions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nsmallest
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self, TypeAlias
from uuid import UUID

from replay.controls.at_once import AtOnce, First, Sought
from replay.controls.life import Look
from replay.controls.model import EVERYBODY, NOBODY, Event, Kinds, Stored, Value
from replay.controls.scene import Scene
from replay.inspect.listing import Listed

Cell: TypeAlias = "Value | None"
NIL = UUID(int=0)


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


class Apart(NamedTuple):
    """Who is apart: whoever has a fact of these kinds; and the cards of whoever has a card, or a
    proof of payment, if its own facts may give it another end (`with_cards`)."""

    kinds: frozenset[str] = frozenset()
    with_cards: bool = False


class Line(NamedTuple):
    """One line: its cells in the order of the columns, the first positions it rests on, and how
    many there are."""

    cells: tuple[Cell, ...]
    positions: tuple[int, ...] = ()
    of: int = 0


class Answer(NamedTuple):
    """The answer to one question: codes of columns and figures are words/*.toml's. Its lines may be
    read as long as the history that was asked is open."""

    question: str
    columns: tuple[str, ...]
    lines: Sequence[Line]
    figures: Mapping[str, Cell] = MappingProxyType({})


class Question:
    """One question being answered. A subclass says what it hears, sees and answers.

    `concerns`: whoever has no fact of these kinds it need not see; `reads`: facts of other kinds it
    does not look at, where it is asked of everybody. `apart`: whom it must see where it is asked of
    everybody at once, and counts the others (`count`). `hears`: which of the facts of the company;
    `ours`: where everybody is asked at once it finds them itself (`seek`). `keys`: whether it looks
    at the keys that were destroyed. `seen`: the attributes in which it keeps what it saw of people,
    and nothing of what it heard: of two that looked at other people each, these are put together.
    """

    concerns: ClassVar[Kinds] = NOBODY
    reads: ClassVar[Kinds] = EVERYBODY
    apart: ClassVar[Apart | None] = None
    hears: ClassVar[Kinds] = NOBODY
    ours: ClassVar[bool] = False
    keys: ClassVar[bool] = False
    seen: ClassVar[tuple[str, ...]] = ()

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def hear(self, event: Event, scene: Scene) -> None:
        """A fact about nobody that had happened by D and was known at R."""

    def see(self, look: Look) -> None:
        """One person at (D, R)."""

    def see_cards(self, look: Look) -> None:
        """One person of whom all but her cards is counted."""
        raise NotImplementedError

    def seek(self, everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:  # noqa: ARG002
        """Whom it must see, where everybody can be asked at once."""
        assert self.concerns is not None
        return (everybody.having(self.concerns),) if self.concerns else ()

    def set_apart(self, everybody: AtOnce, scene: Scene) -> Sought | None:  # noqa: ARG002
        """Whom it alone must see, and counts the others, where it finds out itself who they are."""
        return None

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """What it would have seen of everybody but those apart."""
        raise NotImplementedError

    def take(self, other: Self) -> None:
        """What another saw of people whose ids follow those of all before."""
        for name in self.seen:
            setattr(self, name, together(getattr(self, name), getattr(other, name)))

    def answer(self, scene: Scene) -> Answer:
        """The whole answer, at the end."""
        raise NotImplementedError

    def line(self, cells: Iterable[Cell], positions: Iterable[int] = ()) -> Line:
        """A line, its positions counted and the first of them kept."""
        found = sorted({position for position in positions if position})
        return Line(tuple(cells), tuple(found[: self.asked.positions]), len(found))


class Positions:
    """How many positions there are, and the first of them."""

    def __init__(self, limit: int) -> None:
        self.n, self._limit = 0, limit
        self._first: list[int] = []

    def add(self, n: int, first: Iterable[int]) -> None:
        """So many more, by the first of them."""
        self.n += n
        self._first += first
        if len(self._first) > 8 * self._limit:
            self._first = nsmallest(self._limit, self._first)

    def take(self, other: Positions) -> None:
        """Those of another."""
        self.add(other.n, other._first)

    def first(self) -> tuple[int, ...]:
        """The first of all."""
        return tuple(nsmallest(self._limit, self._first))


class Counted:
    """Lines that count: how many people and things of each key, and the first positions of it."""

    def __init__(self, positions: int) -> None:
        self._limit = positions
        self._counts: dict[tuple[Cell, ...], list[int]] = {}
        self._people: dict[tuple[Cell, ...], UUID] = {}
        self._first: dict[tuple[Cell, ...], list[tuple[UUID | None, int]]] = {}

    def add(self, key: tuple[Cell, ...], who: UUID | None, position: int) -> None:
        """One more thing of hers under this key; people come one after the other."""
        counts = self._counts.setdefault(key, [0, 0])
        counts[1] += 1
        if who is None or self._people.get(key) != who:
            counts[0] += who is not None
            if who is not None:
                self._people[key] = who
        kept = self._first.setdefault(key, [])
        if len(kept) < self._limit:
            kept.append((who, position))

    def count(self, key: tuple[Cell, ...], people: int, things: int, first: First) -> None:
        """So many things of so many people who are not counted otherwise, and the first of them,
        wherever they stand among the others."""
        counts = self._counts.setdefault(key, [0, 0])
        counts[0], counts[1] = counts[0] + people, counts[1] + things
        both = sorted([*self._first.get(key, ()), *first], key=lambda one: one[0] or NIL)
        self._first[key] = both[: self._limit]

    def take(self, other: Counted) -> None:
        """What was counted of people whose ids follow those of all before."""
        for key, (people, things) in other._counts.items():
            counts = self._counts.setdefault(key, [0, 0])
            counts[0], counts[1] = counts[0] + people, counts[1] + things
            kept = self._first.setdefault(key, [])
            kept += other._first[key][: self._limit - len(kept)]

    def lines(self) -> tuple[Line, ...]:
        """Every key with its people, its things and positions, in the order of the keys."""
        return tuple(
            Line((*key, *self._counts[key]), tuple(sorted(p for _, p in self._first[key])), things)
            for key in sorted(self._counts, key=_order)
            for _, things in [self._counts[key]]
        )


def together(one: Any, other: Any) -> Any:
    """Two of what questions keep: numbers are added, lists follow one another, whatever is by name
    is put together name by name."""
    match one:
        case Counted() | Listed() | Positions():
            one.take(other)
            return one
        case dict():
            for key, value in other.items():
                one[key] = together(one[key], value) if key in one else value
            return one
        case set():
            return one | other
    return one + other


def _order(key: tuple[Cell, ...]) -> tuple[tuple[int, int, str], ...]:
    return tuple(
        (0, cell, "") if isinstance(cell, int) else (1, 0, "" if cell is None else str(cell))
        for cell in key
    )
