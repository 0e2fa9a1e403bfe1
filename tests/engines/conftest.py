"""The engines that the suite is run on: an engine joins it by adding its name here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import pytest

from ledger.policy.book import Book
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.engines.spark import SparkEngine

Opener: TypeAlias = Callable[[Files, Book], Engine]

ENGINES: dict[str, Opener] = {"fold": FoldEngine, "duck": DuckEngine}


@pytest.fixture(params=[*ENGINES, "spark"])
def opener(request: pytest.FixtureRequest) -> Opener:
    """What opens each engine over files. Spark runs as two executors, started once."""
    if request.param == "spark":
        return partial(SparkEngine, session=request.getfixturevalue("spark"))
    return ENGINES[request.param]
