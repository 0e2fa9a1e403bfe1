"""Facts kept aside: the same answers, never those of other files, nothing that is half there."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pytest

from ledger.calendar import parse_as_of
from ledger.errors import BadData, Misuse
from replay.engines.aside import Aside
from replay.engines.contract import Files
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.segments.layout import aside_path
from tests.agreement.histories import ASKED, book
from tests.engines.conftest import Company, aside
from tests.engines.files import written
from tests.engines.test_spark import SEED, answers, at_once, drawn, later

HEADERS, BLOCK = 3 * 4096, 2**18  # of a file of DuckDB's
NOW, BEFORE = parse_as_of("2026-06-30"), parse_as_of("2021-06-30")


def test_many_histories_are_told_alike_from_what_lies_aside(tmp_path: Path) -> None:
    """Laid out at once or share by share, then asked again at other times, by another engine."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    histories = drawn(12)
    rows, policy = at_once(histories), later(book(), len(histories))
    files = written(tmp_path / "events.parquet", rows)
    for facts in (None, len(rows) // 3):
        kept = aside(tmp_path, files)
        kept.path.unlink(missing_ok=True)
        for _ in range(2):
            as_of, known = chance.choice(ASKED), chance.randint(1, rows[-1].position)
            with FoldEngine(files, policy) as fold:
                defined = answers(fold, as_of, known)
            with DuckEngine(files, policy, at_once=facts, aside=kept) as duck:
                found = answers(duck, as_of, known)
            for question, answer in defined.items():
                assert found[question] == answer, f"{question}, {facts} facts at once"


def test_what_lies_aside_is_laid_out_once(company: Company, tmp_path: Path) -> None:
    """The next question opens it, and reads no fact of the segments."""
    kept = aside(tmp_path, company.files)
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        first = engine.population(NOW)
        assert "READ_PARQUET" in engine.report().plan.upper()
    wrote = kept.path.stat().st_mtime_ns
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        assert engine.population(NOW) == first
        assert "READ_PARQUET" not in engine.report().plan.upper()
        assert engine.population(BEFORE) != first
    assert kept.path.stat().st_mtime_ns == wrote
    assert list(kept.path.parent.iterdir()) == [kept.path]


def test_what_is_damaged_is_laid_out_again(company: Company, tmp_path: Path) -> None:
    """Wherever: some bytes of each block, then half of the file."""
    kept = aside(tmp_path, company.files)
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        first = engine.population(NOW)
    whole = kept.path.read_bytes()
    places = range(HEADERS, len(whole) - BLOCK + 1, BLOCK)
    assert len(places) > 3
    for place in places:
        content = bytearray(whole)
        hit = slice(place + 100, place + 164)
        content[hit] = bytes(byte ^ 255 for byte in content[hit])
        kept.path.write_bytes(content)
        with DuckEngine(company.files, company.book, aside=kept) as engine:
            assert engine.population(NOW) == first
        assert kept.path.read_bytes() != content
    kept.path.write_bytes(whole[: len(whole) // 2])
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        assert engine.population(NOW) == first


def test_what_was_not_laid_out_here_is_not_believed(company: Company, tmp_path: Path) -> None:
    """Whole, of the right name, and saying something else: whoever writes beside the segments
    cannot write where the digest is pinned."""
    kept = aside(tmp_path, company.files)
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        first = engine.population(NOW)
    with duckdb.connect(str(kept.path)) as forged:
        forged.execute("DELETE FROM all_facts WHERE hi % 2 = 0")
    for pinned in (True, False):
        if not pinned:
            kept.pins.path.unlink()
        assert not kept.is_whole
        with DuckEngine(company.files, company.book, aside=kept) as engine:
            assert engine.population(NOW) == first
        assert kept.is_whole


def test_that_of_other_segments_is_not_read_and_goes(company: Company, tmp_path: Path) -> None:
    """A pruned fact, for one, is in the older file only."""
    kept = aside(tmp_path, company.files)
    with DuckEngine(company.files, company.book, aside=kept) as engine:
        everybody = engine.population(NOW).subjects
    files = written(tmp_path / "few.parquet", at_once(drawn(1)))
    other = aside(tmp_path, files)
    with DuckEngine(files, book(), aside=other) as engine:
        assert engine.population(NOW).subjects < everybody
    assert list(kept.path.parent.iterdir()) == [other.path]


def test_nothing_is_laid_out_of_a_file_that_is_not_the_manifest_s(
    company: Company, tmp_path: Path
) -> None:
    true = aside(tmp_path, company.files)
    digests = ("0" * 64,)
    kept = Aside(tmp_path / aside_path(digests), digests, true.pins)
    with (
        DuckEngine(company.files, company.book, aside=kept) as engine,
        pytest.raises(BadData, match="not the one that the manifest names"),
    ):
        engine.population(NOW)
    assert list(true.path.parent.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(company: Company, tmp_path: Path) -> None:
    kept = aside(tmp_path, company.files)._replace(path=tmp_path / "nowhere" / "x.duckdb")
    with (
        DuckEngine(company.files, company.book, aside=kept) as engine,
        pytest.raises(Misuse, match="cannot be kept aside"),
    ):
        engine.population(NOW)


def test_no_segments_lie_aside_too(tmp_path: Path) -> None:
    files = Files((), 0, 0)
    with DuckEngine(files, book(), aside=aside(tmp_path, files)) as engine:
        assert engine.population(NOW).subjects == 0
