"""Props for audits: files of several kinds, and the import that must agree with the audit."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from ledger.audit import Report, audit
from ledger.calendar import parse_as_of, parse_instant
from ledger.importing import import_file, load_map
from ledger.opening import create
from ledger.policy.book import shipped
from ledger.store import population
from tests.clock import StepClock

NOW = "2026-01-05T09:00:00Z"
EDITION = shipped()

CONTACTS = """[person]
kind = "shop"
column = "customer"
[fact]
kind = "customer.contacted_us"
[fact.occurred]
column = "date"
[fact.fields.channel]
column = "channel"
[fact.fields.text]
column = "text"
"""
MIXED = """source = "history"
[person]
kind = "shop"
column = "who"
[fact]
kind = {column = "what", values = {order = "order.placed", paid = "order.paid", \
invoice = "order.invoiced", login = "customer.logged_in", contact = "customer.contacted_us", \
start = "contract.started", end = "contract.ended", yes = "consent.given", \
no = "consent.withdrawn", object = "objection.raised", sent = "message.sent"}}
[fact.occurred]
column = "when"
form = "FORM"
[fact.fields.purpose]
value = "newsletter"
[fact.fields.grade]
column = "grade"
[fact.fields.type]
value = "maintenance"
[fact.fields.until]
column = "until"
[fact.fields.channel]
value = "email"
[fact.fields.psp_id]
column = "psp"
[thing]
kind = "order_ref"
column = "ref"
"""
HEADER = "who,what,when,grade,until,psp,ref"


def contacts(source: str) -> str:
    """A map of what people wrote, by date and channel."""
    return f'source = "{source}"\n{CONTACTS}'


class File(NamedTuple):
    """A file and its map."""

    file: Path
    mapping: Path


def write(folder: Path, lines: list[str], mapping: str, header: str = HEADER) -> File:
    """The files, with exactly these lines."""
    file, map_file = folder / "history.csv", folder / "history.toml"
    file.write_text("\n".join([header, *lines]) + "\n", "utf-8")
    map_file.write_text(mapping, "utf-8")
    return File(file, map_file)


def audited(found: Any, as_of: str | None = None, edition: Any = EDITION) -> Report:
    """The audit of a file with its map, on a day that stands still."""
    moment = None if as_of is None else parse_as_of(as_of)
    mapping = load_map(found.mapping)
    return audit(found.file, mapping, edition, now=parse_instant(NOW), as_of=moment)


class Imported(NamedTuple):
    """What an import of the same file came to."""

    people: dict[str, int]  # class -> people
    past: dict[str, int]  # class -> people past the operational term
    rejected: list[int]  # line numbers


def imported(found: Any, folder: Path, as_of: str | None = None) -> Imported:
    """The same file through an import into a ledger of its own, on the same day."""
    ledger = create("sqlite://", clock=StepClock(NOW))
    rejects = folder / "rejects.ndjson"
    rejects.unlink(missing_ok=True)
    try:
        import_file(ledger, found.file, load_map(found.mapping), rejects=rejects)
        moment = parse_instant(NOW) if as_of is None else parse_as_of(as_of)
        book = ledger.book(ledger.epoch())
        with ledger.database.read() as connection:
            counted = population.population(connection, book, moment, None)
    finally:
        ledger.close()
    said = rejects.read_text("utf-8").splitlines() if rejects.exists() else []
    classes = {n: c.subjects for n, c in counted.classes.items() if c.subjects.present}
    return Imported(
        {name: subjects.present for name, subjects in classes.items()},
        {name: subjects.past_operational for name, subjects in classes.items()},
        [json.loads(line)["line"] for line in said],
    )


def history(chance: Random, people: int, form: str) -> list[str]:
    """A made-up history of several kinds, in which every line can be recorded."""
    made: list[str] = []
    for who in range(people):
        contract = f"K{who}"
        started = False
        for _ in range(chance.randrange(1, 7)):
            what = chance.choice(
                ["order", "invoice", "login", "contact", "start", "yes", "no", "object", "sent"]
            )
            grade = chance.choice(["", "proved", "asserted", "inferred"]) if what == "yes" else ""
            until = ref = ""
            if what == "start":
                if started:
                    continue
                started, ref = True, contract
                until = chance.choice(["", day(chance)])
            elif what in ("order", "invoice", "sent"):
                ref = f"R{len(made)}"
            if what == "invoice":
                made.append(line(who, "order", moment(chance, form, 2010), ref=ref))
            made.append(line(who, what, moment(chance, form, 2012), grade, until, ref=ref))
        if started and chance.random() < 0.4:
            made.append(line(who, "end", moment(chance, form, 2025), ref=contract))
    return made


def line(who: int, what: str, when: str, grade: str = "", until: str = "", ref: str = "") -> str:
    return f"C{who:04d},{what},{when},{grade},{until},,{ref}"


def day(chance: Random, first: int = 2012) -> str:
    year, month = chance.randrange(first, 2026), chance.randrange(1, 13)
    return f"{year}-{month:02d}-{chance.randrange(1, 29):02d}"


def moment(chance: Random, form: str, first: int) -> str:
    """A day, or an instant in one of several zones, some near midnight in Paris."""
    if form == "day":
        return day(chance, first)
    hour = chance.choice((0, 1, 12, 21, 22, 23))
    zone = chance.choice(("Z", "+02:00", "-11:30", "+01:00"))
    fraction = chance.choice(("", ".5", ".123456"))
    return f"{day(chance, first)}T{hour:02d}:59:59{fraction}{zone}"
