"""Pictures of numbers as SVG: geometry only, no text and no colour; templates and the style sheet
add those. Everything a picture shows stands in a table beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CELL, GAP, LEFT, TOP = 33, 3, 224, 26  # pixels of the picture's own grid
SHADES = 5


class Cell(NamedTuple):
    """One square: where it is, how many it stands for, how dark it is (0: nothing, to 5)."""

    x: int
    y: int
    n: int
    shade: int


class Row(NamedTuple):
    """One line of squares, and what is beside it: how many before and after the window."""

    name: str
    y: int
    before: int
    cells: list[Cell]
    after: int


class Heat(NamedTuple):
    """The whole picture: its size, where the columns are, its rows."""

    width: int
    height: int
    columns: list[tuple[int, str]]
    rows: list[Row]


def heat(columns: Sequence[str], rows: Mapping[str, tuple[int, Sequence[int], int]]) -> Heat:
    """A square for each row and column, darker the more it stands for, on a scale of square roots:
    a few must be seen beside thousands."""
    most = max((n for _, counts, _ in rows.values() for n in counts), default=0)
    made = []
    for number, (name, (before, counts, after)) in enumerate(rows.items()):
        y = TOP + number * (CELL + GAP)
        cells = [Cell(_x(index), y, n, _shade(n, most)) for index, n in enumerate(counts)]
        made.append(Row(name, y, before, cells, after))
    width = _x(len(columns))
    height = TOP + len(made) * (CELL + GAP)
    return Heat(width, height, [(_x(index), name) for index, name in enumerate(columns)], made)


class Bar(NamedTuple):
    """One column of two parts, one upon the other: where each begins and how high it is."""

    x: int
    label: int | None
    low: int
    low_y: int
    low_height: int
    high: int
    high_y: int
    high_height: int


class Bars(NamedTuple):
    """A whole histogram: its size, how wide a column is, where its ground is, its columns."""

    width: int
    height: int
    column: int
    ground: int
    bars: list[Bar]


COLUMN, TALL, HEAD, FOOT = 44, 160, 20, 24  # pixels


def bars(labels: Sequence[int | None], counts: Sequence[tuple[int, int]]) -> Bars:
    """A column for each label, its two counts one upon the other; whatever is not zero is seen."""
    most = max((low + high for low, high in counts), default=0)
    ground = HEAD + TALL
    made = []
    for index, (label, (low, high)) in enumerate(zip(labels, counts, strict=True)):
        below, above = _tall(low, most), _tall(high, most)
        x = index * (COLUMN + GAP)
        made.append(Bar(x, label, low, ground - below, below, high, ground - below - above, above))
    return Bars(len(made) * (COLUMN + GAP), ground + FOOT, COLUMN, ground, made)


def _tall(n: int, most: int) -> int:
    return 0 if n == 0 else max(2, round(TALL * n / most))


def _x(index: int) -> int:
    return LEFT + index * (CELL + GAP)


def _shade(n: int, most: int) -> int:
    return 0 if n == 0 else max(1, math.ceil(SHADES * math.sqrt(n / most)))
