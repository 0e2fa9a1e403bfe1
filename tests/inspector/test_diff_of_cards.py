"""What became of cards from one time to another is the same counted and found one by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.calendar import parse_as_of
from tests.controls.test_at_once import OPENERS, differing, known_then, opened
from tests.controls.test_sorts_of_cards import by_chance


@pytest.mark.parametrize("opener", OPENERS)
def test_of_cards_by_chance_at_two_times(opener: str, tmp_path: Path) -> None:
    """As known now and as known then; of few lines, and of all."""
    made = by_chance(7, 12)
    made.as_of = parse_as_of("2024-12-31")
    with opened(made, OPENERS[opener], tmp_path) as asked:
        for day, known in (("2022-02-28", None), ("2023-05-06", made.known * 2 // 3)):
            since = known_then(made, parse_as_of(day), known)
            counted, _ = differing(asked, since, 1000)
            assert any("card" in str(line.cells[1]) for line in counted.lines)
            differing(asked, since, 3)
