"""A made-up shop: a file of purchases over ten years and the map that explains it to `import`.

The same people and seed give the same bytes for ever, on any machine. Nobody in it exists.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

FIRST_DAY, DAYS = date(2016, 1, 1), 3653  # ten years, to 31 December 2025
COLUMNS = "customer,date,order,amount_eur"

MAP = """\
# What the columns of shop.csv mean. Read by: probant import shop.csv --map shop.toml
source = "demo-shop"    # the name of this history: a second import under it adds nothing
format = "csv"
key = "order"           # identifies a row for ever

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


class Purchase(NamedTuple):
    """One line of the shop's file."""

    day: date
    customer: int
    cents: int


def write(folder: Path, people: int, seed: int) -> int:
    """Write shop.csv and shop.toml into `folder` and return the number of orders."""
    folder.mkdir(parents=True, exist_ok=True)
    purchases = sorted(shop(people, seed))
    with (folder / "shop.csv").open("w", encoding="utf-8", newline="\n") as file:
        file.write(COLUMNS + "\n")
        for number, (day, customer, cents) in enumerate(purchases, start=1):
            amount = f"{cents // 100}.{cents % 100:02d}"
            file.write(f"C-{customer:04d},{day},{day.year}-{number:05d},{amount}\n")
    (folder / "shop.toml").write_text(MAP, encoding="utf-8")
    return len(purchases)


def shop(people: int, seed: int) -> list[Purchase]:
    """The purchases: each person begins one day, comes back now and then, and one day no more."""
    chance = Random(seed)  # noqa: S311  (no secret: the same shop every time is the point)
    found = []
    for customer in range(1, people + 1):
        day = int(chance.random() ** 1.3 * DAYS)
        loyalty = chance.random()  # how likely to come back after each purchase
        pause = 20 + chance.random() * 400  # days between two purchases, on average
        basket = 1500 + chance.random() * 9000
        while day < DAYS:
            cents = int(basket * (0.4 + 1.2 * chance.random()))
            found.append(Purchase(FIRST_DAY + timedelta(days=day), customer, cents))
            if chance.random() > 0.35 + loyalty * 0.6:
                break
            day += 1 + int(pause * 2 * chance.random())
    return found
