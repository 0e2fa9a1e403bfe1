"""The coverage table is read from the code, names no clause that is none, and is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from api import coverage
from ledger.errors import Misuse

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def made() -> coverage.Table:
    return coverage.table(ROOT)


def test_no_unknown_clause_is_cited(made: coverage.Table) -> None:
    """In docstrings, refusals, markers of tests, and the tables of controls and parts."""
    assert made.unknown == ()


def test_the_page_is_what_the_code_says(made: coverage.Table) -> None:
    page = (ROOT / "docs" / "coverage.md").read_text("utf-8")
    assert page == coverage.markdown(made), "run: probant coverage --markdown > docs/coverage.md"


def test_every_cell_is_filled_or_says_why(made: coverage.Table) -> None:
    """Events, derivation, enforcement, control and a test for each clause; no reason left over."""
    assert {row.clause: row.unsaid for row in made.rows if row.unsaid} == {}
    assert {row.clause: row.stale for row in made.rows if row.stale} == {}
    assert all(row.tests for row in made.rows)


def test_an_unknown_clause_is_found_wherever_it_stands(tmp_path: Path) -> None:
    """A tree with one mistake of each sort; the ids are made here, for this file is read too."""
    wrong = [f"SS-NONE-{n}" for n in range(1, 4)]
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_a.py").write_text(
        f'import pytest\n@pytest.mark.clause("{wrong[0]}")\ndef test_a(): ...\n'
    )
    (tmp_path / "ledger" / "aggregates").mkdir(parents=True)
    (tmp_path / "ledger" / "aggregates" / "a.py").write_text(
        f'def decide(s, f):\n    return Refusal("conflict", "no", "{wrong[1]}")\n'
    )
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "a.py").write_text(f'"""Says ({wrong[2]})."""\n')
    unknown = " ".join(coverage.table(tmp_path).unknown)
    assert all(clause in unknown for clause in wrong)


def test_a_range_of_clauses_names_each_of_them() -> None:
    assert coverage.cited("at each moment (SS-COL-1 to SS-COL-3; SS-LB-2)") == [
        *("SS-COL-1", "SS-COL-3", "SS-LB-2", "SS-COL-2")
    ]


def test_an_installed_package_has_no_table(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="source tree"):
        coverage.table(tmp_path)
