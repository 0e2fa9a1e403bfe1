"""`import --reject past-term`: which lines are of people past the published term."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

from ledger.audit import PastTerm
from ledger.audit import audited as audited_file
from ledger.audit.report import Lines
from ledger.calendar import parse_as_of, parse_instant
from ledger.importing import load_map
from ledger.importing.reading import Rejects, opened, rows
from tests.audit.room import EDITION, MIXED, NOW, history, line, write
from tests.importing.shop import past_five_years, small_shop


class Count:
    read = 0


def cells(file: Any) -> list[list[str]]:
    """The rows as an import reads them."""
    with opened(file.file) as raw, Rejects(None) as bad:
        return [row for _, row in rows(raw, load_map(file.mapping), bad, Count())]


@contextmanager
def past(file: Any, as_of: str | None = None) -> Iterator[PastTerm]:
    moment = None if as_of is None else parse_as_of(as_of)
    now = parse_instant(NOW)
    with audited_file(file.file, load_map(file.mapping), EDITION, now=now, as_of=moment) as found:
        yield found.past


def test_all_lines_of_people_past_the_term_are_refused_and_no_other(tmp_path: Path) -> None:
    """SS-RET-1; over the day after, the same people as the count."""
    on = date(2002, 6, 30)
    shop = small_shop(tmp_path, lines=2000)
    lines = cells(shop)
    with past(shop, on.isoformat()) as found:
        refusals = found.refusals(lines)
    refused = {row[0] for row, refusal in zip(lines, refusals, strict=True) if refusal}
    kept = {row[0] for row, refusal in zip(lines, refusals, strict=True) if not refusal}
    assert refused and kept and not refused & kept
    assert len(refused) == past_five_years(shop.lines, on)
    (said,) = {refusal for refusal in refusals if refusal}
    assert (said.problem, said.clause, said.field) == ("past-term", "SS-RET-1", "person")
    assert "order" in said.detail and "60" in said.detail


def test_a_class_goes_without_the_others(tmp_path: Path) -> None:
    """Her letter of 2015 is past its 36 months, her order of 2024 is not past its 60."""
    file = write(
        tmp_path,
        [line(1, "contact", "2015-01-01"), line(1, "order", "2024-01-01")],
        MIXED.replace("FORM", "day"),
    )
    with past(file) as found:
        refusals = found.refusals(cells(file))
    assert [refusal is not None for refusal in refusals] == [True, False]


def test_chunks_of_any_size_are_judged_alike(tmp_path: Path) -> None:
    """The importer asks chunk by chunk."""
    file = write(tmp_path, history(Random(5), 50, "instant"), MIXED.replace("FORM", "instant"))
    lines = cells(file)
    with past(file) as found:
        whole = found.refusals(lines)
        assert [r for one in lines for r in found.refusals([one])] == whole
        assert found.refusals([]) == []
    assert any(whole) and not all(whole)


def test_a_sealed_payment_is_refused_once_its_proof_is_past(tmp_path: Path) -> None:
    """SS-CARD-1: what would be sealed is already to be erased."""
    lines = [
        "C1,order,2023-01-01,,,,A1",
        "C1,paid,2023-01-01,,,pi_1,A1",
        "C1,paid,2025-12-01,,,p,A1",
    ]
    file = write(tmp_path, lines, MIXED.replace("FORM", "day"))
    with past(file) as found:
        refusals = found.refusals(cells(file))
    assert [refusal is not None for refusal in refusals] == [False, True, False]


def test_an_unusable_line_is_left_to_the_importer(tmp_path: Path) -> None:
    """Judged by her other lines, or not at all."""
    lines = ["C1,order,nonsense,,,,A1", ",order,2010-01-01,,,,A2", "C3,eaten,2010-01-01,,,,"]
    file = write(tmp_path, lines, MIXED.replace("FORM", "day"))
    with past(file) as found:
        assert found.refusals(cells(file)) == [None, None, None]


def test_line_numbers_are_kept_up_to_a_limit() -> None:
    """The smallest ones, whatever the order of the blocks."""
    lines = Lines()
    lines.extend(500, list(range(501, 601)))
    lines.extend(500, list(range(1, 101)))
    assert (lines.count, lines.numbers) == (1000, list(range(1, 101)))
