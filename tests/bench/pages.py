"""Every page beside a bare template page of the same server, over a ledger of a million people.

The made-up company of two thousand (requests, holds, cards, contracts) is recorded first and
sealed; then a thousand customers, whom the database multiplies. The bare page is a jinja template
of the same kind (a menu, a table of twenty lines) under the same server, the same guards and no
ledger; another stands beside it that has as many bytes as the page. One connection asks them in
turns; the page of a person is asked of two dozen people and her own pages that judge by a dozen,
one after the other, so that nothing is flattered by what is remembered of one of them. They have
nine to twelve things each, which is more than two thirds of the company have; whom chance draws
from all of it is asked beside them. What was
counted over everybody is forgotten first, so the first answer of a page is that of a ledger nobody
ever looked at; its p50 is measured once its numbers are there. What is kept in the folder of
`--kept` is measured again without being made anew. Run alone:
`python -m tests.bench.pages --people 1000000 --kept /tmp/pages`.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import random
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

import sqlalchemy as sa
import uvicorn
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from api import keys, tokens
from api.answers import Times, find, judged
from api.app import create_app
from api.console.demo import Demo
from api.demo import telling
from api.limits import Bucket, Limits
from api.sealed import Seal
from ledger.application import Ledger
from ledger.commands import Reference
from ledger.errors import NotFound
from ledger.opening import create, open_ledger
from ledger.requests.reading import owed
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer
from ledger.store import tables
from tests.bench.permissions import MODELS, multiply, populate
from tests.console.room import token_of
from tests.postgres import running_postgres, schema_url
from tests.sealing.room import Here

COMPANY = 2000  # people of the made-up company, seeded as `probant demo` does
AIM = 3.0  # times the bare page, at most
BARE = Environment(autoescape=True).from_string(
    "<!doctype html><html lang=fr><meta charset=utf-8><title>{{ title }}</title><nav><ul>"
    "{% for one in menu %}<li><a href='/{{ one }}'>{{ one }}</a></li>{% endfor %}</ul></nav><main>"
    "<h1>{{ title }}</h1><table>{% for row in rows %}<tr>{% for one in row %}<td>{{ one }}</td>"
    "{% endfor %}</tr>{% endfor %}</table></main></html>"
)


WAIT = 0.5  # seconds before a page that is still counting is asked again


class Case(NamedTuple):
    """One page: what it is called, and by whom (a part, or one person's token) it is seen at which
    addresses, one after the other."""

    name: str
    seen: tuple[tuple[str, str], ...]


THINGS = range(9, 13)  # told of whoever is looked at: as many as of D-0042 (9) and D-0052 (12)
PEOPLE, CUSTOMERS = 24, 12
ROUNDS, SEED = 60, 44
JUDGING = ("", "account")  # her pages that judge; D-0052 asked for most, and sees the others


def known(ledger: Ledger) -> list[UUID]:
    """The first two dozen of the company whose pages tell of as many things as theirs."""
    found: list[UUID] = []
    for number in (42, 52, *range(1, COMPANY)):
        with suppress(NotFound):
            who = find(ledger, Reference("shop", f"D-{number:04d}"))
            things = len(judged(ledger, who, Times()).deadlines)
            if things in THINGS and who not in found:
                found.append(who)
        if len(found) == PEOPLE:
            break
    return found


def at_random(ledger: Ledger) -> list[UUID]:
    """As many of the company as pages are asked, drawn with a fixed seed from all of them."""
    drawn = random.Random(SEED).sample(range(1, COMPANY + 1), ROUNDS)
    return [find(ledger, Reference("shop", f"D-{number:04d}")) for number in drawn]


def cases(ledger: Ledger) -> list[Case]:
    """Each page of the console and of a person that is opened by its address."""
    people, now = known(ledger), ledger.clock.now()
    console = (
        *("/requests", "/requests?status=all", f"/requests/{owed(ledger)[0].stream}"),
        *("/requests/new", "/holds", "/retention", "/retention/due/account", "/archive"),
        *("/policy", "/policy/change?old=2019-01-01&new=2022-03-01", "/policy/what-if"),
        *("/controls", "/webhooks", "/access"),
    )
    told = tuple(("dpo", f"/console/people/{person}") for person in people)
    found = [Case(f"/console{path}", (("dpo", f"/console{path}"),)) for path in ("", "/people")]
    found.append(Case("/console/people/{id}", told))
    drawn = tuple(("dpo", f"/console/people/{person}") for person in at_random(ledger))
    found.append(Case("/console/people/{id}, at random", drawn))
    found += [Case(f"/console{path}", (("dpo", f"/console{path}"),)) for path in console]
    tokens_of = [tokens.issue(ledger, person, now)[0] for person in people[1 : CUSTOMERS + 1]]
    her = ("", "choices", "cards", "requests", "receipts", "readers", "directive", "account")
    for name in her:
        path, some = f"/my/{name}".rstrip("/"), tokens_of if name in JUDGING else tokens_of[:1]
        found.append(Case(path, tuple((token, path) for token in some)))
    return found


# --- the ledger -----------------------------------------------------------------------------------


def made(url: str, home: Path, people: int) -> int:
    """Fill an empty schema: how many people it has."""
    ledger = create(url, home / "keyring.json")
    telling.fill(ledger, COMPANY, 2018, lambda _done, _total, _what: None)
    Signer.create(home / "signer", ledger.keyring.origin)
    signer = Here(Signer(home / "signer"))
    Sealer(ledger.database, ledger.keyring.origin, signer, home / "log").round()
    behind = ledger.recorder.head().position
    populate(ledger, MODELS)
    found = multiply(ledger, max(1, people // MODELS - 1), behind)
    ledger.close()
    return COMPANY + found


@contextmanager
def company(kept: Path, people: int) -> Iterator[tuple[str, int]]:
    """The URL of the ledger and how many people it has; made once."""
    kept.mkdir(parents=True, exist_ok=True)
    kept.chmod(0o711)
    noted = kept / "made.json"
    with running_postgres({"shared_buffers": "1GB"}, kept / "postgres") as server:
        url = schema_url(server.url, "pages")
        if not noted.exists():
            engine = sa.create_engine(server.url, isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                connection.execute(sa.schema.CreateSchema("pages"))
            engine.dispose()
            started = time.perf_counter()
            number = made(url, kept, people)
            noted.write_text(json.dumps({"people": number}))
            print(f"{number:,} people made in {time.perf_counter() - started:.0f} s")
        yield url, json.loads(noted.read_text())["people"]


# --- the server -----------------------------------------------------------------------------------


def bare(request: Request) -> Response:
    """The peer: twenty lines, or as many as are asked for."""
    lines = int(request.query_params.get("lines", LINES))
    rows = [(n, f"line {n}", n * n, "2026-01-05") for n in range(lines)]
    return HTMLResponse(BARE.render(title="Bare", menu=range(10), rows=rows))


def serve(listener: socket.socket, url: str, home: Path) -> None:
    """A process that serves the pages and the bare one."""
    known = keys.Keys.load(home / "api-keys.json")
    app = create_app(
        lambda: open_ledger(url, home / "keyring.json"),
        known,
        Seal(home / "log", None),
        demo=Demo(known),
        journal=home / "journal",
        checked=home / "verified.json",
    )
    app.state.limits = Limits(*(Bucket(1e6, 10**9) for _ in Limits._fields))
    app.router.routes.insert(0, Route("/bare", bare))
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listener])


@contextmanager
def serving(url: str, home: Path) -> Iterator[int]:
    """The port of a server in a process of its own."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=16)
    server = multiprocessing.get_context("fork").Process(target=serve, args=(listener, url, home))
    server.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.terminate()
        server.join()
        listener.close()


# --- the measure ----------------------------------------------------------------------------------


class Took(NamedTuple):
    """Medians in seconds of a page, of the bare page beside it, and of a bare page as long as it;
    of its first answer ever; and until it showed all of its numbers."""

    ours: float
    peer: float
    as_long: float
    first: float
    whole: float


def ask(line: http.client.HTTPConnection, path: str, cookie: str = "") -> tuple[float, bytes]:
    """Seconds until the whole page was here, and the page."""
    started = time.perf_counter()
    line.request("GET", path, headers={"Cookie": cookie} if cookie else {})
    answer = line.getresponse()
    body = answer.read()
    took = time.perf_counter() - started
    assert answer.status == 200, (path, answer.status, answer.headers.get("location"))
    return took, body


def played(line: http.client.HTTPConnection, part: str) -> str:
    """The session of whoever came in with one click, or with a token."""
    line.request("GET", "/console/sign-in")
    page = line.getresponse()
    token, visit = token_of(page.read().decode()), page.headers["set-cookie"].partition(";")[0]
    form = {"Cookie": visit, "Content-Type": "application/x-www-form-urlencoded"}
    proof = {"part": part} if part == "dpo" else {"proof": part}
    line.request("POST", "/console/sign-in", urlencode({"token": token, **proof}), headers=form)
    answer = line.getresponse()
    answer.read()
    said: list[str] = answer.headers.get_all("set-cookie") or []
    return next(one for one in said if one.startswith("probant-session=")).partition(";")[0]


def measured(port: int, found: list[Case], rounds: int) -> dict[Case, Took]:
    """What each page took."""
    told = {}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=200)) as line:
        parts = {part for case in found for part, _ in case.seen}
        sessions: dict[str, Any] = {part: played(line, part) for part in parts}
        for _ in range(20):
            ask(line, "/bare")
        for case in found:
            asked, (part, path) = time.perf_counter(), case.seen[0]
            first, body = ask(line, path, sessions[part])
            while COUNTING in body:
                time.sleep(WAIT)
                _, body = ask(line, path, sessions[part])
            whole = time.perf_counter() - asked
            peers = "/bare", f"/bare?lines={max(LINES, len(body) // LINE)}"
            took: tuple[list[float], ...] = ([], [], [])
            begun = time.perf_counter()
            for n in range(rounds):
                if n > 2 and time.perf_counter() - begun > SLOW:
                    break
                part, path = case.seen[n % len(case.seen)]
                for bare_one, some in zip(peers, took[1:], strict=True):
                    some.append(ask(line, bare_one)[0])
                took[0].append(ask(line, path, sessions[part])[0])
            mine, peer, as_long = map(statistics.median, took)
            told[case] = Took(mine, peer, as_long, first, whole)
    return told


COUNTING = b" data-counting"  # said of a number that is being counted
LINES, LINE = 20, 70  # of the bare page; bytes of one
SLOW = 4  # seconds after which a page is asked no more


def main() -> None:
    """Print a line for each page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--kept", type=Path, default=Path("/tmp/probant-pages"))
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    with company(options.kept, options.people) as (url, people):
        ledger = open_ledger(url, options.kept / "keyring.json")
        if not (options.kept / "api-keys.json").exists():
            keys.create(options.kept / "api-keys.json")
        found = cases(ledger)
        with ledger.database.write() as connection:
            connection.execute(sa.delete(tables.counts))
        ledger.close()
        with serving(url, options.kept) as port:
            told = measured(port, found, options.rounds)
        print(f"{people:,} people; medians of {options.rounds}, one connection")
        for case, took in told.items():
            mark = "" if took.ours / took.peer <= AIM else "  <- above the aim"
            print(
                f"{took.ours / took.peer:7.1f} x  {took.ours * 1000:8.2f} ms"
                f"  bare {took.peer * 1000:5.2f} ms  {took.ours / took.as_long:4.1f} x as long"
                f"  first {took.first * 1000:8.1f} ms  whole {took.whole:5.1f} s  {case.name}{mark}"
            )


if __name__ == "__main__":
    main()
