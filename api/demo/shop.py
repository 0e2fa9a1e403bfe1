"""A made-up shop: ten years of purchases and of choices, with the maps that explain them.

The same people and seed give the same bytes for ever, on any machine. Nobody in it exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

FIRST_DAY, DAYS = date(2016, 1, 1), 3653  # ten years, to 31 December 2025

SHOP_MAP = """\
# What the columns of shop.csv mean. Read by: probant import shop.csv --map shop.toml
source = "demo-shop"    # the name of this history: a second import under it adds nothing
format = "csv"
key = "order"           # identifies a line for ever

[person]                # whom it concerns: kept as a keyed HMAC only
kind = "shop"
column = "customer"

[thing]                 # which order: kept as a keyed HMAC only
kind = "order_ref"
column = "order"

[fact]
kind = "order.placed"

[fact.occurred]
column = "date"
form = "day"            # YYYY-MM-DD, days in Europe/Paris

[fact.fields.amount]
column = "amount_eur"
currency = "EUR"
"""

CHOICES_MAP = """\
# What the columns of choices.csv mean. Read by: probant import choices.csv --map choices.toml
source = "demo-choices"
format = "csv"

[person]
kind = "shop"
column = "customer"

[fact.kind]             # the kind of fact depends on what a column says
column = "newsletter"
values = { yes = "consent.given", no = "consent.withdrawn" }

[fact.occurred]
column = "date"
form = "day"

[fact.fields.purpose]   # the same on every line
value = "newsletter"

[fact.fields.channel]
value = "email"

[fact.fields.grade]     # what we can show for it: a line of somebody's file
value = "asserted"
"""


class Purchase(NamedTuple):
    """One line of shop.csv."""

    day: date
    customer: int
    cents: int


class Choice(NamedTuple):
    """One line of choices.csv: yes or no to the newsletter."""

    day: date
    customer: int
    answer: str


def write(folder: Path, people: int, seed: int) -> tuple[int, int]:
    """Write both files and their maps into `folder`: how many purchases, how many choices."""
    folder.mkdir(parents=True, exist_ok=True)
    purchases, choices = shop(people, seed)
    _lines(
        folder / "shop.csv",
        "customer,date,order,amount_eur",
        (
            f"C-{p.customer:04d},{p.day},{p.day.year}-{n:05d},{p.cents // 100}.{p.cents % 100:02d}"
            for n, p in enumerate(purchases, start=1)
        ),
    )
    said = (f"C-{c.customer:04d},{c.day},{c.answer}" for c in choices)
    _lines(folder / "choices.csv", "customer,date,newsletter", said)
    (folder / "shop.toml").write_text(SHOP_MAP, encoding="utf-8")
    (folder / "choices.toml").write_text(CHOICES_MAP, encoding="utf-8")
    return len(purchases), len(choices)


def shop(people: int, seed: int) -> tuple[list[Purchase], list[Choice]]:
    """Each person begins one day, comes back now and then, and one day no more. Half of them are
    asked about the newsletter; some change their minds."""
    chance = Random(seed)  # noqa: S311  (no secret: the same shop every time is the point)
    purchases, choices = [], []
    for customer in range(1, people + 1):
        first = day = int(chance.random() ** 1.3 * DAYS)
        loyalty = chance.random()  # how likely to come back after each purchase
        pause = 20 + chance.random() * 400  # days between two purchases, on average
        basket = 1500 + chance.random() * 9000
        while day < DAYS:
            cents = int(basket * (0.4 + 1.2 * chance.random()))
            purchases.append(Purchase(FIRST_DAY + timedelta(days=day), customer, cents))
            if chance.random() > 0.35 + loyalty * 0.6:
                break
            day += 1 + int(pause * 2 * chance.random())
        if chance.random() < 0.5:
            choices.append(Choice(FIRST_DAY + timedelta(days=first), customer, "yes"))
            later = first + 1 + int(900 * chance.random())
            if later < DAYS and chance.random() < 0.3:
                choices.append(Choice(FIRST_DAY + timedelta(days=later), customer, "no"))
    return sorted(purchases), sorted(choices)


def _lines(path: Path, head: str, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(head + "\n")
        file.writelines(f"{line}\n" for line in lines)
