"""A small shop's history as files, and what it must come to, computed another way."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import NamedTuple

MAP = """source = "shop"
[person]
kind = "shop"
column = "customer"
[fact]
kind = "order.placed"
[fact.occurred]
column = "date"
form = "day"
[fact.fields.quantity]
column = "quantity"
[fact.fields.amount]
column = "amount"
currency = "EUR"
"""
HEADER = "customer,date,quantity,amount"


class Shop(NamedTuple):
    """A file, its map, and its lines."""

    file: Path
    mapping: Path
    lines: list[str]


def small_shop(folder: Path, lines: int = 1500, seed: int = 7) -> Shop:
    """One customer in three comes back; some lines are equal and some orders cost nothing."""
    chance = Random(seed)
    made: list[str] = []
    while len(made) < lines:
        customer = f"C-{chance.randrange(lines // 3):05d}"
        day = date(1997, 1, 1).toordinal() + chance.randrange(540)
        amount = chance.choice(
            ["0.00", "12.5", "7", "11.77", f"{chance.randrange(9999) / 100:.2f}"]
        )
        line = f"{customer},{date.fromordinal(day)},{chance.randrange(1, 9)},{amount}"
        made += [line] * chance.choice((1, 1, 1, 1, 1, 2, 3))
    return write(folder, made[:lines])


def write(folder: Path, lines: list[str], *, name: str = "shop.csv", mapping: str = MAP) -> Shop:
    """The files of a shop with exactly these lines."""
    file, map_file = folder / name, folder / "shop.toml"
    file.write_text("\n".join([HEADER, *lines]) + "\n", "utf-8")
    map_file.write_text(mapping, "utf-8")
    return Shop(file, map_file, lines)


def past_five_years(lines: list[str], on: date) -> int:
    """How many customers bought last more than five years before `on`: over the day after."""
    last: dict[str, date] = {}
    for line in lines:
        customer, day, *_ = line.split(",")
        bought = date.fromisoformat(day)
        if bought <= on:
            last[customer] = max(bought, last.get(customer, bought))
    return sum(on > _five_years_after(day) for day in last.values())


def orders_until(lines: list[str], on: date) -> int:
    """How many orders had been placed by the end of `on`."""
    return sum(date.fromisoformat(line.split(",")[1]) <= on for line in lines)


def counted(lines: list[str]) -> Counter[str]:
    """Equal lines, counted."""
    return Counter(lines)


def _five_years_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 5)
    except ValueError:
        return day.replace(year=day.year + 5, day=28)
