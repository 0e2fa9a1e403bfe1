"""`make bench`: ours and the peer in turns, in one run; the table gives medians of ratios.

Machines are noisy: trust the ratios, not the rates. `--rounds N` (5 by default), `--lines N` for
the size of the imported file, `--json` for machines.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record
from ledger.events import ContactedUs, CustomerRegistered, OrderPlaced
from ledger.fields import Money
from ledger.handlers import record, record_many
from ledger.importing import import_file, load_map
from ledger.opening import create
from ledger.store.rebuild import rebuild
from tests.bench import grouping, peers, sealer, sealing
from tests.postgres import PostgresServer, fresh_schema, running_postgres

MAP = """source = "bench"
[person]
kind = "shop"
column = "customer"
[fact]
kind = "order.placed"
[fact.occurred]
column = "date"
[fact.fields.amount]
column = "amount"
currency = "EUR"
[fact.fields.quantity]
column = "quantity"
"""


@dataclass
class Measure:
    """One line of the table: what, the aim, and per round the rates of both sides."""

    name: str
    unit: str
    aim: float | None
    ours: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of the ratios of each round."""
        return statistics.median(o / p for o, p in zip(self.ours, self.peer, strict=True))


class Bench:
    """The measures of one run, in order."""

    def __init__(self, rounds: int) -> None:
        self.rounds = rounds
        self.measures: list[Measure] = []
        self.notes: list[str] = []

    def run(
        self,
        name: str,
        unit: str,
        aim: float | None,
        ours: Callable[[], float],
        peer: Callable[[], float],
    ) -> None:
        """Both sides in turns, the first one changing each round. Rates, larger is better."""
        measure = Measure(name, unit, aim)
        for turn in range(self.rounds):
            print(f"  {name}: round {turn + 1}/{self.rounds}", file=sys.stderr)
            sides = [(measure.ours, ours), (measure.peer, peer)]
            for kept, side in sides if turn % 2 else sides[::-1]:
                kept.append(side())
        self.measures.append(measure)


def main() -> None:
    """Run everything and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=70_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    bench = Bench(options.rounds)
    with (
        tempfile.TemporaryDirectory(prefix="probant-bench-") as folder,
        running_postgres() as server,
    ):
        home = Path(folder)
        shop, mapping = _shop(home, options.lines)
        _encryption(bench)
        _on_postgres(bench, server, home, shop, mapping)
        _on_sqlite(bench, home, shop, mapping)
    if options.json:
        print(json.dumps([vars(m) | {"ratio": m.ratio} for m in bench.measures]))
    else:
        _print(bench)


def _encryption(bench: Bench) -> None:
    for size, text in (("short", sealing.SHORT), ("long", sealing.LONG)):
        encrypt, seal, peer = sealing.sides(text)
        name = f"sealing a {size} text, commitments too / cached AESGCM"
        bench.run(f"encrypting a {size} text / cached AESGCM", "parts/s", 0.5, encrypt, peer)
        bench.run(name, "parts/s", None, seal, peer)


def _shop(home: Path, lines: int) -> tuple[Path, Path]:
    """A purchase history shaped like a real shop's: one customer in three buys more than once."""
    random = Random(20181120)
    file, mapping = home / "shop.csv", home / "shop.toml"
    with file.open("w") as out:
        out.write("customer,date,quantity,amount\n")
        written, customer = 0, 0
        while written < lines:
            customer += 1
            for _ in range(min(1 + int(random.expovariate(0.5)), lines - written)):
                month, number = random.randint(1, 12), random.randint(1, 28)
                day = f"19{random.randint(97, 99)}-{month:02d}-{number:02d}"
                amount = f"{random.randint(0, 9999) / 100:.2f}"
                out.write(f"{customer:05d},{day},{random.randint(1, 9)},{amount}\n")
                written += 1
    mapping.write_text(MAP)
    return file, mapping


# --- PostgreSQL -----------------------------------------------------------------------------------


def _on_postgres(
    bench: Bench, server: PostgresServer, home: Path, shop: Path, mapping: Path
) -> None:
    library = peers.Shop(env=peers.library_environment(server, _schema(server)))
    with _postgres_ledger(server, home) as (ledger, url, _):
        _appends(bench, "PostgreSQL", ledger, library, aims=(1.5, 2.0))
        _grouped(bench, ledger, server)
        _sealed(bench, ledger, url, home)
    library.close()
    with _postgres_ledger(server, home) as (ledger, _, schema):
        import_file(ledger, shop, load_map(mapping))
        text = peers.events_as_text(server.url, schema)
        events = ledger.recorder.head().position
        bench.notes.append(_postgres_size(ledger, events))

        def ours() -> float:
            with _postgres_ledger(server, home) as (fresh, _, _):
                started = time.perf_counter()
                import_file(fresh, shop, load_map(mapping))
                return (fresh.recorder.head().position - 1) / (time.perf_counter() - started)

        bench.run(
            "PostgreSQL: import / COPY of ready text",
            "events/s",
            0.5,
            ours,
            lambda: events / peers.copy_ready(server.url, schema, text),
        )
        followed = 1500

        def runner() -> float:
            # New events and a view of its own each round: a view resumes where it was.
            environment = peers.library_environment(server, _schema(server))
            with peers.Shop(env=environment) as shop_app:
                for _ in range(followed // 100):
                    shop_app.save(*peers.purchases(100))
            return peers.run_projection(environment, followed)

        bench.run(
            "PostgreSQL: rebuild / ProjectionRunner",
            "events/s",
            300.0,
            lambda: _rebuild(ledger, events),
            runner,
        )


def _appends(
    bench: Bench, where: str, ledger: Ledger, library: Any, aims: tuple[float | None, float | None]
) -> None:
    contact, order = _wishes(ledger)

    bench.run(
        f"{where}: one fact, sealed part and projections / bare save",
        "facts/s",
        aims[0],
        lambda: _rate(300, 1, lambda: record(ledger, contact())),
        lambda: _rate(300, 1, lambda: library.save(*peers.purchases(1))),
    )
    bench.run(
        f"{where}: 100 facts a call, sealed / one bare save after another",
        "facts/s",
        aims[1],
        lambda: _rate(15, 100, lambda: record_many(ledger, [contact() for _ in range(100)])),
        lambda: _rate(300, 1, lambda: library.save(*peers.purchases(1))),
    )
    bench.run(
        f"{where}: 100 facts a call, sealed / 100 bare aggregates a save",
        "facts/s",
        None,
        lambda: _rate(15, 100, lambda: record_many(ledger, [contact() for _ in range(100)])),
        lambda: _rate(15, 100, lambda: library.save(*peers.purchases(100))),
    )
    bench.run(
        f"{where}: 100 orders a call, nothing sealed / 100 bare aggregates a save",
        "facts/s",
        None,
        lambda: _rate(15, 100, lambda: record_many(ledger, [order() for _ in range(100)])),
        lambda: _rate(15, 100, lambda: library.save(*peers.purchases(100))),
    )


def _wishes(ledger: Ledger) -> tuple[Callable[[], Record], Callable[[], Record]]:
    """Makes a contact (its text sealed) and an order (nothing sealed) of one known person."""

    def now() -> Any:
        return moment_of_instant(ledger.clock.now())

    known = CustomerRegistered(occurred=now(), klass="contact", origin="contact")
    subject = record(ledger, Record(known)).subject

    def contact() -> Record:
        fact = ContactedUs(
            occurred=now(),
            subject=subject,
            channel="form",
            email="someone@example.org",
            text="Hello",
        )
        return Record(fact)

    def order() -> Record:
        return Record(OrderPlaced(occurred=now(), subject=subject, amount=Money(1999, "EUR")))

    return contact, order


def _grouped(bench: Bench, ledger: Ledger, server: PostgresServer) -> None:
    contact, order = _wishes(ledger)
    for name, aim, wish in (("order", 1.1, order), ("contact, sealed", None, contact)):
        bench.run(
            f"PostgreSQL: one {name}, 16 callers / bare INSERT, 4 connections",
            "facts/s",
            aim,
            lambda wish=wish: grouping.ours(ledger, wish),  # type: ignore[misc]
            lambda: grouping.bare(server.url),
        )


def _sealed(bench: Bench, ledger: Ledger, url: str, home: Path) -> None:
    """The full append while the sealer seals what it appends, beside the same append alone."""

    contact, _ = _wishes(ledger)

    def append() -> float:
        return _rate(40, 100, lambda: record_many(ledger, [contact() for _ in range(100)]))

    def ours() -> float:
        with sealer.beside(url, ledger.keyring.origin, home / "sealed"):
            return append()

    # Sealing may cost a quarter: 1 / 1.25.
    bench.run("PostgreSQL: append while sealing / append alone", "facts/s", 0.8, ours, append)


def _rate(calls: int, each: int, call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        call()
    return calls * each / (time.perf_counter() - started)


def _rebuild(ledger: Ledger, events: int) -> float:
    started = time.perf_counter()
    rebuild(ledger.database)
    return events / (time.perf_counter() - started)


def _postgres_size(ledger: Ledger, events: int) -> str:
    with ledger.database.write() as connection:
        total, log = connection.execute(
            sa.text(
                "SELECT sum(pg_total_relation_size(c.oid)), "
                "sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname = 'events') "
                "FROM pg_class c WHERE relnamespace = current_schema()::regnamespace "
                "AND relkind = 'r'"
            )
        ).one()
    return (
        f"PostgreSQL: {total / events:.0f} bytes on disk per event "
        f"({log / events:.0f} of them events with its indexes)"
    )


@contextmanager
def _postgres_ledger(server: PostgresServer, home: Path) -> Iterator[tuple[Ledger, str, str]]:
    schema = f"bench_{uuid4().hex[:8]}"
    with fresh_schema(server.url, schema) as url:
        ledger = create(url, home / f"{schema}.json")
        try:
            yield ledger, url, schema
        finally:
            ledger.close()


def _schema(server: PostgresServer) -> str:
    name = f"library_{uuid4().hex[:8]}"
    engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.schema.CreateSchema(name))
    engine.dispose()
    return name


# --- SQLite ---------------------------------------------------------------------------------------


def _on_sqlite(bench: Bench, home: Path, shop: Path, mapping: Path) -> None:
    library = peers.Shop(env=peers.library_sqlite(str(home / "library.sqlite")))
    with _sqlite_ledger(home) as ledger:
        _appends(bench, "SQLite", ledger, library, aims=(None, None))
    library.close()
    with _sqlite_ledger(home) as ledger:
        import_file(ledger, shop, load_map(mapping))
        events = ledger.recorder.head().position
        file = Path(ledger.database.engine.url.database or "")
        with ledger.database.read() as connection:
            rows = [tuple(r) for r in connection.exec_driver_sql("SELECT * FROM events")]
        bench.notes.append(f"SQLite: {file.stat().st_size / events:.0f} bytes on disk per event")

        def ours() -> float:
            with _sqlite_ledger(home) as fresh:
                started = time.perf_counter()
                import_file(fresh, shop, load_map(mapping))
                return (fresh.recorder.head().position - 1) / (time.perf_counter() - started)

        def ready() -> float:
            with _sqlite_ledger(home) as fresh, fresh.database.write() as connection:
                marks = ", ".join("?" for _ in rows[0])
                started = time.perf_counter()
                connection.exec_driver_sql(f"INSERT INTO events VALUES ({marks})", rows[1:])
                connection.commit()
                return events / (time.perf_counter() - started)

        bench.run("SQLite: import / INSERT of ready rows", "events/s", None, ours, ready)

        def saved() -> float:
            path = str(home / f"{uuid4().hex}.sqlite")
            with peers.Shop(env=peers.library_sqlite(path)) as app:
                return _rate(20, 500, lambda: app.save(*peers.purchases(500)))

        bench.run("SQLite: import / library save, 500 at a time", "events/s", None, ours, saved)
        bench.run(
            "SQLite: rebuild / import",
            "events/s",
            None,
            lambda: _rebuild(ledger, events),
            ours,
        )


@contextmanager
def _sqlite_ledger(home: Path) -> Iterator[Ledger]:
    name = uuid4().hex[:8]
    ledger = create(f"sqlite:///{home}/{name}.sqlite", home / f"{name}.json")
    try:
        yield ledger
    finally:
        ledger.close()
        for file in home.glob(f"{name}.sqlite*"):
            file.unlink()


def _print(bench: Bench) -> None:
    width = max(len(m.name) for m in bench.measures)
    print(f"{'ours / peer':<{width}}  {'ours':>12} {'peer':>12} {'ratio':>8} {'aim':>6}")
    for m in bench.measures:
        ours, peer = statistics.median(m.ours), statistics.median(m.peer)
        aim = f"{m.aim:g}" if m.aim else "-"
        mark = "" if m.aim is None or m.ratio >= m.aim else "  below the aim"
        print(f"{m.name:<{width}}  {ours:>12,.0f} {peer:>12,.0f} {m.ratio:>8.2f} {aim:>6}{mark}")
    for note in bench.notes:
        print(note)


if __name__ == "__main__":
    main()
