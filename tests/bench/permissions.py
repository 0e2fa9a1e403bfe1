"""May we? `check` beside a bare FastAPI hello, both asked by a process of its own; and
`filter` over a million people.

The hello has the same server, the same settings and the same number of workers (one). Both answer
over loopback to sixteen connections that ask again as soon as they are answered. The population is
put into the live tables as an import leaves it: half agreed, a fifth withdrew, a fifth never said
anything, a tenth were offered a way out when they bought (the soft opt-in, which has its history).
Run alone: `python -m tests.bench.permissions --people 1000000`.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import itertools
import json
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from api import keys
from api.app import create_app
from api.filtering import IN_FLIGHT, LINES, Judge
from api.sealed import Seal
from ledger.application import Ledger
from ledger.calendar import moment_of_day
from ledger.commands import Record, Reference
from ledger.events import ConsentGiven, ConsentWithdrawn, Fact, OptOutOffered, OrderPlaced
from ledger.grouping import collect_seldom
from ledger.handlers import record_many
from ledger.opening import create, open_ledger
from ledger.permitting.filtering import Campaign
from ledger.permitting.gate import Gate, Question
from ledger.sealing.client import SignerClient
from replay.fold import fold_subject
from tests.postgres import fresh_schema, running_postgres

CONNECTIONS = 16
LETTER: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
WHEN = moment_of_day(20260105)
MODELS = 1000  # people recorded one by one, each then copied with an id and a reference of her own


# --- people ---------------------------------------------------------------------------------------


def wishes(n: int) -> list[Record]:
    """What is told of one person."""
    facts: list[Fact] = [OrderPlaced(occurred=WHEN)]
    kind = n % 10
    if kind < 7:
        facts.append(ConsentGiven(occurred=WHEN, grade="proved", **LETTER))
    if kind in (5, 6):
        facts.append(ConsentWithdrawn(occurred=WHEN, **LETTER))
    if kind == 9:
        facts.append(OptOutOffered(occurred=WHEN, **LETTER))
    return [Record(fact, person=Reference("shop", str(n))) for fact in facts]


def populate(ledger: Ledger, people: int) -> None:
    """So many people, known as shop/0, shop/1, …"""
    for start in range(0, people, 500):
        told = [wish for n in range(start, min(start + 500, people)) for wish in wishes(n)]
        record_many(ledger, told)


def multiply(ledger: Ledger, copies: int, behind: int = 0) -> int:
    """Each of the models so many times more, with references of their own; how many people. Models
    are those whose first fact comes after the position `behind`."""
    database = ledger.database.as_connected()
    last = ledger.recorder.head().position - behind
    offset = "c.n * :last"
    with database.write() as connection:
        run = connection.execute
        run(sa.text("CREATE TEMP TABLE c AS SELECT generate_series(1, :n) AS n"), {"n": copies})
        run(sa.text("CREATE TEMP TABLE fresh (model int, n int, blind bytea)"))
        rows = [
            {"model": model, "n": n, "blind": _blind(ledger, n * MODELS + model)}
            for n in range(1, copies + 1)
            for model in range(MODELS)
        ]
        _copy(connection, rows)
        run(
            sa.text(
                "CREATE TEMP TABLE model AS SELECT row_number() OVER (ORDER BY m.at) - 1 AS model, "
                "m.subject FROM (SELECT subject, min(position) AS at FROM events "
                "WHERE subject IS NOT NULL GROUP BY subject HAVING min(position) > :behind) m"
            ),
            {"behind": behind},
        )
        her = "md5(x.subject::text || ':' || c.n)::uuid"
        for table in ("events", "activity", "consents"):
            columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
            said = ", ".join(f'"{name}"' for name in columns)
            moved = ", ".join(_moved(name, her, offset) for name in columns)
            text = f"INSERT INTO {table} ({said}) SELECT {moved} FROM {table} x, c "
            run(sa.text(text + "WHERE x.subject IN (SELECT subject FROM model)"), {"last": last})
        run(
            sa.text(
                "INSERT INTO lookups (kind, blind, pepper, target, subject) "
                f"SELECT 'person/shop', fresh.blind, 1, {her}, {her} "
                "FROM fresh JOIN c ON c.n = fresh.n JOIN model x ON x.model = fresh.model"
            )
        )
        run(
            sa.text("UPDATE head SET position = position + :more, last_at = last_at + :more"),
            {"more": copies * last},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    database.close()
    ledger.forget()
    return MODELS * (copies + 1)


def _moved(name: str, her: str, offset: str) -> str:
    if name == "subject":
        return her
    if name == "stream":
        return "md5(x.stream::text || ':' || c.n)::uuid"
    if name in ("position", "first_position", "last_position", "recorded_at"):
        return f'x."{name}" + {offset}'
    if name in ("first_stop", "last_stop"):
        return f'x."{name}" + {offset}'
    return f'x."{name}"'


def _blind(ledger: Ledger, n: int) -> bytes:
    return ledger.keyring.blind("person/shop", str(n))


def _copy(connection: Any, rows: list[dict[str, Any]]) -> None:
    lines = "".join(f"{r['model']}\t{r['n']}\t\\\\x{r['blind'].hex()}\n" for r in rows)
    driver = connection.connection.driver_connection
    with driver.cursor() as cursor:
        cursor.copy_expert("COPY fresh FROM STDIN", io.StringIO(lines))


# --- check ----------------------------------------------------------------------------------------


def hello_app() -> FastAPI:
    """The peer: a bare FastAPI that answers JSON."""
    app = FastAPI()

    @app.post("/hello")
    async def hello() -> dict[str, str]:
        return {"hello": "world"}

    return app


def serve(
    listener: socket.socket, url: str, keyring: Path, accepted: Path, signer: Path | None
) -> None:
    """A process that serves the hello (no URL) or a ledger, with receipts if a signer listens at
    that socket."""
    app = hello_app()
    if url:
        seal = Seal(accepted.parent / "log", SignerClient(signer)) if signer else None
        app = create_app(lambda: open_ledger(url, keyring), keys.Keys.load(accepted), seal)
    config = uvicorn.Config(app, log_config=None, access_log=False)
    collect_seldom()  # as `probant serve` does; the hello, too
    uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving(url: str, keyring: Path, accepted: Path, signer: Path | None = None) -> Iterator[int]:
    """The port of a server in a process of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    spawn = multiprocessing.get_context("fork")
    server = spawn.Process(target=serve, args=(listener, url, keyring, accepted, signer))
    server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.kill()
        server.join()
        listener.close()


STAMP = b"################"
"""Stands in a request where each must have a number of its own (an Idempotency-Key)."""


class Load(asyncio.Protocol):
    """One connection that asks again as soon as it is answered."""

    def __init__(self, requests: Iterator[bytes], waits: list[float]) -> None:
        self._requests, self._waits = requests, waits
        self._heard, self._expected, self._asked = b"", 0, 0.0

    def connection_made(self, transport: Any) -> None:
        """Ask."""
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Hear; when all was heard, ask again."""
        self._heard += data
        head, end, body = self._heard.partition(b"\r\n\r\n")
        if not end:
            return
        if not self._expected:
            assert head.startswith(b"HTTP/1.1 20"), head
            self._expected = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        if len(body) >= self._expected:
            self._waits.append(time.perf_counter() - self._asked)
            self._heard, self._expected = b"", 0
            self._ask()

    def _ask(self) -> None:
        self._asked = time.perf_counter()
        self._transport.write(next(self._requests))


def load(port: int, requests: list[bytes], seconds: float, answer: Any) -> None:
    """Sixteen connections for so long; puts requests per second and the 99th percentile."""

    async def run() -> None:
        loop, waits = asyncio.get_running_loop(), list[float]()
        for n in range(CONNECTIONS):
            asked = itertools.cycle(requests[n::CONNECTIONS] or requests)
            mine = map(_stamped, asked, itertools.count(time.time_ns() + n, CONNECTIONS))
            await loop.create_connection(partial(Load, mine, waits), "127.0.0.1", port)
        await asyncio.sleep(1)
        waits.clear()
        started = time.perf_counter()
        await asyncio.sleep(seconds)
        rate = len(waits) / (time.perf_counter() - started)
        answer.put((rate, sorted(waits)[int(len(waits) * 0.99)]))

    asyncio.run(run())


def _stamped(request: bytes, number: int) -> bytes:
    return request.replace(STAMP, b"%016x" % number, 1)


def rate_of(port: int, requests: list[bytes], seconds: float) -> tuple[float, float]:
    """Requests per second and the 99th percentile in seconds, as another process measures them."""
    spawn = multiprocessing.get_context("fork")
    answer = spawn.Queue()
    other = spawn.Process(target=load, args=(port, requests, seconds, answer))
    other.start()
    found: tuple[float, float] = answer.get(timeout=seconds + 60)
    other.join()
    return found


def request(path: str, body: Any, key: str, more: str = "") -> bytes:
    """The bytes of one request, with `more` lines in its head."""
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{more}"
        f"Content-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def checks(key: str, people: int) -> list[bytes]:
    """Questions about a thousand people of the population."""
    return [
        request(
            "/v1/permissions/check",
            {"person": {"kind": "shop", "value": str(n * 7919 % people)}, **LETTER},
            key,
        )
        for n in range(1000)
    ]


# --- filter ---------------------------------------------------------------------------------------


def filtered(url: str, keyring: Path, people: int, answer: Any) -> None:
    """Puts recipients per second, lines in and lines out, and the memory of the process that did
    it (MiB: at first, at most). As the route does, one chunk is read while another waits for the
    database; each is judged from one state of the ledger."""
    ledger = open_ledger(url, keyring)
    gate = Gate(ledger, fold_subject)
    asked = Question(("person/shop", b""), **LETTER, offer="analogous")
    judge = Judge(gate, lambda: Campaign(gate, asked))

    def chunk(start: int) -> int:
        some = range(start, min(start + LINES, people))
        lines = b"\n".join([b'{"person":{"kind":"shop","value":"%d"}}' % n for n in some])
        return judge(lines).lines.count(b"\n")

    chunk(0)
    collect_seldom()  # as `probant serve` does
    before = _memory()
    started = time.perf_counter()
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        told = sum(threads.map(chunk, range(0, people, LINES)))
    rate = people / (time.perf_counter() - started)
    assert told == people, told
    ledger.close()
    answer.put((rate, before, _memory()))


def _memory() -> float:
    """The most that this process ever held. (What `getrusage` says is its parent's, too.)"""
    said = Path("/proc/self/status").read_text()
    return int(said.split("VmHWM:")[1].split()[0]) / 1024


def campaign(url: str, keyring: Path, people: int) -> tuple[float, float, float]:
    """The same in a process of its own, which has populated nothing."""
    spawn = multiprocessing.get_context("spawn")
    answer = spawn.Queue()
    other = spawn.Process(target=filtered, args=(url, keyring, people, answer))
    other.start()
    found: tuple[float, float, float] = answer.get(timeout=600)
    other.join()
    return found


def main() -> None:
    """Only these measures, with the size of the population to choose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with (
        running_postgres() as server,
        fresh_schema(server.url, "permissions") as url,
        tempfile.TemporaryDirectory(prefix="probant-bench-") as folder,
    ):
        measure(url, Path(folder), options.people, options.rounds)


def measure(url: str, home: Path, size: int, rounds: int) -> None:
    """Fill a ledger, measure, print one line for each measure."""
    keyring, accepted = home / "permissions.json", home / "api-keys.json"
    ledger = create(url, keyring)
    key = keys.create(accepted)
    populate(ledger, MODELS)
    people = multiply(ledger, size // MODELS - 1)
    ledger.close()
    hello = [request("/hello", {}, key)]
    ratios = []
    with (
        serving("", keyring, accepted) as bare,
        serving(url, keyring, accepted) as ours,
    ):
        for _ in range(rounds):
            peer, _ = rate_of(bare, hello, 4)
            rate, p99 = rate_of(ours, checks(key, people), 4)
            ratios.append(rate / peer)
            print(
                f"check: {rate:,.0f}/s (p99 {p99 * 1000:.0f} ms), hello {peer:,.0f}/s,"
                f" ratio {rate / peer:.2f}"
            )
    print(f"check beside hello, c={CONNECTIONS}, uncached: {statistics.median(ratios):.2f}")
    rates = []
    for _ in range(rounds):
        rate, before, most = campaign(url, keyring, people)
        rates.append(rate)
        print(f"filter, {people:,} people: {rate:,.0f} recipients/s, {before:.0f}-{most:.0f} MiB")
    print(f"filter, {people:,} people, uncached: {statistics.median(rates):,.0f} recipients/s")


if __name__ == "__main__":
    main()
