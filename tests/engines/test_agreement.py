"""Every engine, the plain fold, SQL in both databases and their live tables give the same answers.

The histories are those of `tests/agreement/histories.py`: late, backdated, imported, corrected,
voided, archived, erased, told of editions or not. On a failure hypothesis prints the smallest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings

from ledger.events import Row
from ledger.policy.book import Book
from ledger.policy.evaluate import choices, deadlines
from ledger.store.database import Database
from replay import fold
from replay.engines.contract import Choice, Due, Engine
from tests.agreement.histories import ASKED_AT, HISTORIES, book, rows_of
from tests.agreement.test_agreement import NOW, POSITIONS, ordered
from tests.engines.conftest import Opener
from tests.engines.files import written

ALOUD = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def check(engine: Engine, rows: list[Row], policy: Book, as_of: int, known: int | None) -> None:
    """Every question of the contract, against a fold of the rows in memory."""
    hers = ordered(rows)
    assert engine.population(as_of, known) == fold.population(hers, policy, as_of, known)
    due: list[Due] = []
    said: list[Choice] = []
    for subject, state in fold.fold(hers, as_of, known):
        due += [
            Due(
                subject,
                d.klass,
                d.scope,
                "suspended" if d.suspended_by else d.tier_now,
                d.counted.day,
                d.counted.position,
                d.operational_until,
                d.archive_until,
            )
            for d in deadlines(state, policy, as_of, known)
        ]
        said += [
            Choice(
                subject, c.purpose, c.channel, c.state, c.kind or "", c.day or 0, c.position or 0
            )
            for c in choices(state, policy, as_of, known)
        ]
    assert list(engine.deadlines(as_of, known)) == due
    assert list(engine.choices(as_of, known)) == said
    assert list(engine.people(known)) == [r for r in hers if known is None or r.position <= known]


@pytest.fixture
def database(ledger_url: str) -> Iterator[Database]:
    """An empty ledger of each kind."""
    opened = Database(ledger_url)
    opened.create()
    yield opened
    opened.close()


def test_engines_agree_with_the_fold_on_any_history(opener: Opener, tmp_path: Path) -> None:
    """Whatever happened, at whichever two times."""

    @settings(ALOUD, max_examples=60)
    @given(history=HISTORIES, as_of=ASKED_AT, known=POSITIONS)
    def examples(history: Any, as_of: int | None, known: int | None) -> None:
        rows = rows_of(history)
        note("\n".join(map(repr, rows)))
        files = written(tmp_path / "events.parquet", rows)
        with opener(files, book()) as engine:
            check(engine, rows, book(), as_of or NOW, known)

    examples()
