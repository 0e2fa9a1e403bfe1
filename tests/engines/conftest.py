"""The engines that the suite is run on: an engine joins it by adding its name here."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest

from ledger.policy.book import Book
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine

Opener: TypeAlias = Callable[[Files, Book], Engine]

ENGINES: dict[str, Opener] = {"fold": FoldEngine, "duck": DuckEngine}


@pytest.fixture(params=ENGINES)
def opener(request: pytest.FixtureRequest) -> Opener:
    """What opens each engine over files."""
    return ENGINES[request.param]
