"""`policy lint`: an edition judged by the law of a day, in words and for programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Probant
from tests.stories.test_policy_lint import CORRECTED, basis

EXAMPLE = str(Path(__file__).resolve().parents[2] / "docs/examples/softsystem-corrected.toml")


def test_the_edition_of_the_ledger_is_judged_by_the_law_of_the_day(anywhere: Probant) -> None:
    anywhere("init")
    report = anywhere.json("policy", "lint", "--as-of", "2026-11-27", code=1)
    assert (report["edition"], report["day"]) == ("softsystem-2018-11-20", "2026-11-27")
    assert len(report["findings"]) == 26
    assert (report["undeclared"], report["to_come"]) == ({}, [])
    first = report["findings"][0]
    assert first.keys() == {
        *("id", "severity", "clause", "article", "in_force_since", "looks_at", "seen"),
        *("found", "looked", "proposed"),
    }
    assert (first["id"], first["severity"], first["clause"]) == ("L01", "error", "SS-DSR-10")
    assert (first["in_force_since"], first["seen"]) == ("2018-05-25", "2")
    early = anywhere.json("policy", "lint", "--as-of", "2026-08-10", code=1)
    assert early["to_come"] == ["L06"]
    assert anywhere("policy", "lint", "--as-of", "2017-01-01").code == 2
    assert anywhere("policy", "lint", "--as-of", "soon").code == 2


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "L01 contrary: SS-DSR-10, GDPR art. 12(3), in force since 2018-05-25|Proposed:"),
        ("fr", "L01 contraire : SS-DSR-10, RGPD art. 12(3), en vigueur depuis le|Proposé :"),
    ],
)
def test_the_report_speaks_both_languages(probant: Probant, lang: str, words: str) -> None:
    probant("init")
    said = probant("policy", "lint", "--lang", lang)
    assert (said.code, said.err) == (1, "")
    assert all(word in said.out for word in words.split("|")), said.out


def test_a_file_is_judged_without_a_ledger(probant: Probant) -> None:
    """Clean: 0, and it says so."""
    said = probant("policy", "lint", EXAMPLE)
    assert (said.code, "nothing to say" in said.out) == (0, True)
    assert not probant.home.exists()


def test_only_what_is_contrary_fails(probant: Probant, tmp_path: Path) -> None:
    """A warning is told, with exit code 0; what cannot be judged is named."""
    old = 'topic = "wallet_expiry"\nvalue = "declared"'
    warned = CORRECTED.replace(old, 'topic = "wallet_expiry"\nvalue = "undeclared"')
    changed = warned.replace('[[statement]]\ntopic = "minors"\nvalue = "age_signal"\n', "")
    changed = changed.replace('clause = "SS-MIN-1"\n', "")
    file = tmp_path / "warned.toml"
    file.write_text(changed, "utf-8")
    said = probant("policy", "lint", str(file))
    assert said.code == 0, said
    assert "L26 insufficient" in said.out
    assert "L25: minors" in said.out
    file.write_text(CORRECTED.replace(*basis("phone_marketing", "legitimate_interest")), "utf-8")
    assert probant("policy", "lint", str(file), "--as-of", "2026-08-11").code == 1
    before = probant.json("policy", "lint", str(file), "--as-of", "2026-08-10")
    assert before["to_come"] == ["L06"]
