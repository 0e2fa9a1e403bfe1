"""DuckDB answers people in shares where they do not fit in memory: the answer is the same.

An engine that has each person apart (`SHARES`) is held to the contract and to the fold on any
history beside the others; here is what only shares can get wrong.
"""

from __future__ import annotations

import random
from pathlib import Path
from uuid import UUID

from ledger.calendar import parse_as_of
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from tests.agreement.histories import ASKED, book
from tests.engines.conftest import Company
from tests.engines.files import written
from tests.engines.test_spark import SEED, answers, at_once, drawn, later

NOW, BEFORE = parse_as_of("2026-06-30"), parse_as_of("2021-06-30")


def test_many_histories_are_told_alike_in_any_number_of_shares(tmp_path: Path) -> None:
    """Every question, the ids on both sides of the sign."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    histories = drawn(12)
    rows, policy = at_once(histories), later(book(), len(histories))
    files = written(tmp_path / "events.parquet", rows)
    as_of, known = chance.choice(ASKED), chance.randint(rows[-1].position // 2, rows[-1].position)
    with FoldEngine(files, policy) as fold:
        defined = answers(fold, as_of, known)
    for facts in (9, len(rows) // 2):
        with DuckEngine(files, policy, at_once=facts) as duck:
            found = answers(duck, as_of, known)
        for question, answer in defined.items():
            assert found[question] == answer, f"{question}, {facts} facts at once"


def test_shares_hold_everybody_once_in_the_order_of_their_ids(company: Company) -> None:
    """No share crosses zero, and none is much larger than was asked for."""
    with DuckEngine(company.files, company.book, at_once=100) as engine:
        list(engine.activity(NOW))
        shares = list(engine._shares())
        counted = [
            next(engine._rows(f"SELECT COUNT(*) FROM all_facts WHERE hi BETWEEN {low} AND {high}"))
            for low, high in shares
        ]
        (facts,) = next(engine._rows("SELECT COUNT(*) FROM all_facts"))
    assert sum(n for (n,) in counted) == facts > 500
    assert max(n for (n,) in counted) <= 300
    ends = [UUID(int=(half % 2**64) << 64).int for share in shares for half in share]
    assert ends == sorted(ends)
    assert (ends[0], ends[-1] >> 64) == (0, 2**64 - 1)
    assert all((low < 0) == (high < 0) for low, high in shares)


def test_a_stream_goes_on_after_another_question_was_asked(company: Company) -> None:
    """Between two of its shares the facts of other times were laid out."""
    with DuckEngine(company.files, company.book) as engine:
        now, before = list(engine.deadlines(NOW)), list(engine.deadlines(BEFORE))
    assert now != before
    with DuckEngine(company.files, company.book, at_once=100) as engine:
        stream, found = engine.deadlines(NOW), []
        for due in stream:
            found.append(due)
            if len(found) in (1, len(now) // 2):
                assert list(engine.deadlines(BEFORE)) == before
    assert found == now
