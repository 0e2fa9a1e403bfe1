"""Fixtures of the stories."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stories.facts_room import Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A ledger in memory on 5 January 2026."""
    made = Shop()
    yield made
    made.closed()
