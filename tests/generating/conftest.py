"""One small pattern, played once, and copies of it with entries."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.demo import cast
from api.demo.playing import play, policies
from replay.generating.pattern import Pattern, pattern_of
from replay.generating.writing import write

SEED = 2018


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Pattern:
    """A company of the fewest people that the cast allows."""
    aside = tmp_path_factory.mktemp("played")
    return pattern_of(play(aside, cast.FEWEST, SEED, lambda *_: None), SEED)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, pattern: Pattern) -> Path:
    """Three copies, with entries."""
    found = tmp_path_factory.mktemp("made") / "segments"
    write(found, pattern, policies(), events=None, copies=3, seed=SEED, entries=True)
    return found
