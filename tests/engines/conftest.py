"""The engines that the suite is run on: an engine joins it by adding its name here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypeAlias

import pytest
from pyspark.sql import SparkSession

from api.demo import cast, telling
from ledger.opening import create
from ledger.policy.book import Book
from ledger.store import states
from ledger.store.database import Database
from replay.engines import cluster
from replay.engines.aside import Aside, Pins
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.engines.spark import SparkEngine
from replay.segments.layout import ASIDE, aside_path
from tests.clock import StepClock
from tests.engines.files import written

Opener: TypeAlias = Callable[[Files, Book], Engine]

ENGINES: dict[str, Opener] = {"fold": FoldEngine, "duck": DuckEngine}
SHARES: Opener = partial(DuckEngine, at_once=1)
"""Each person apart, as if nothing fitted in memory."""


# Java as for a short life: three processes in two gigabytes, no second compilation.
_JAVA = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
SMALL = {
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.driver.extraJavaOptions": _JAVA,
    "spark.executor.extraJavaOptions": _JAVA,
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",  # planning again costs more than so few rows could save
}


@pytest.fixture(scope="package")
def spark() -> Iterator[SparkSession]:
    """A Spark cluster of two executors on this machine, started once, gone with this folder's last
    test. Fails where Java is missing, never skips."""
    with cluster.session(cluster.TWO_EXECUTORS, SMALL) as session:
        yield session


@pytest.fixture(params=ENGINES)
def quick(request: pytest.FixtureRequest) -> Opener:
    """What opens each engine that answers in milliseconds: hundreds of histories are for them."""
    return ENGINES[request.param]


def aside(folder: Path, files: Files) -> Aside:
    """Where what is laid out of files is kept, in a folder."""
    digests = tuple(sha256(Path(path).read_bytes()).hexdigest() for path in files.paths)
    (folder / ASIDE).mkdir(exist_ok=True)
    return Aside(folder / aside_path(digests), digests, Pins(folder / "pins.json"))


@pytest.fixture(params=[*ENGINES, "shares", "aside", "spark"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """What opens each engine over files. Spark runs as two executors, started once."""
    if request.param == "aside":
        return lambda files, book: DuckEngine(files, book, aside=aside(tmp_path, files))
    if request.param == "spark":
        return partial(SparkEngine, session=request.getfixturevalue("spark"))
    return SHARES if request.param == "shares" else ENGINES[request.param]


class Company(NamedTuple):
    """The demo company as a database, and its rows as a file."""

    database: Database
    book: Book
    files: Files


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """A few people of it, with corrections, joins, requests, holds and two editions."""
    folder = tmp_path_factory.mktemp("company")
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    ledger = create(url, folder / "keyring.json", origin="demo.test/1", clock=StepClock())
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    with ledger.database.read() as connection:
        rows = list(states.rows_by_subject(connection))
        files = written(folder / "events.parquet", rows)
    yield Company(ledger.database, ledger.book(ledger.epoch()), files)
    ledger.close()
