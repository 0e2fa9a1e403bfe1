"""`probant audit` on the command line: with and without a ledger, and nothing left behind."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from api import cli
from ledger.policy.book import shipped_bytes
from tests.audit.test_dirty import CARD, SECRET, dirty
from tests.importing.shop import Shop, past_five_years, small_shop


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No ledger, no settings, and a temporary folder of our own to look into."""
    for name in ("PROBANT_URL", "PROBANT_KEYRING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PROBANT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROBANT_LANG", "en")
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return small_shop(tmp_path, lines=800)


def arguments(shop: object, *more: str) -> list[str]:
    file, mapping = getattr(shop, "file"), getattr(shop, "mapping")  # noqa: B009
    return ["audit", str(file), "--map", str(mapping), *more]


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert cli.run([*words, "--json"]) == 0
    said: dict[str, object] = json.loads(capsys.readouterr().out)
    return said


def test_it_needs_no_ledger_and_leaves_nothing(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No home is made, no temporary file stays."""
    before = set(tmp_path.rglob("*"))
    said = answer(capsys, *arguments(shop, "--as-of", "2002-06-30"))
    from datetime import date

    assert said["past"] == past_five_years(shop.lines, date(2002, 6, 30))
    assert said["edition"]["origin"] == "shipped"  # type: ignore[index]
    assert set(tmp_path.rglob("*")) == before


def test_a_ledger_s_own_policy_is_used(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """And a file named with --policy before it."""
    assert cli.run(["init"]) == 0
    capsys.readouterr()
    said = answer(capsys, *arguments(shop))
    assert said["edition"]["origin"] == "ledger"  # type: ignore[index]
    toml = shop.file.with_name("edition.toml")
    toml.write_bytes(shipped_bytes().replace(b'id = "softsystem-2018-11-20"', b'id = "mine"'))
    said = answer(capsys, *arguments(shop, "--policy", str(toml)))
    assert said["edition"]["origin"] == "file"  # type: ignore[index]
    assert said["edition"]["id"] == "mine"  # type: ignore[index]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_table_tells_everything_and_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    """Dirty file, both languages."""
    out = tmp_path / "audit.svg"
    assert cli.run(["--lang", lang, *arguments(dirty(tmp_path), "--picture", str(out))]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for value in (SECRET, "Canary", "example.org", CARD, CARD[:6]):
        assert value not in said.out + out.read_text("utf-8")
    for shown in ("SS-PAY-1", "E-mail", "contact", "SAN-20", "3, 4"):
        assert shown in said.out
    ElementTree.parse(out)


def test_wrong_words_are_misuse(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence each, exit code 2."""
    for wrong in (
        arguments(shop, "--picture", "x.png"),
        arguments(shop, "--as-of", "yesterday"),
        arguments(shop, "--picture", str(shop.file / "x.svg")),
        ["audit", "none.csv", "--map", str(shop.mapping)],
        ["audit", str(shop.file), "--map", "none.toml"],
    ):
        assert cli.run(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_bad_file_is_bad_data(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 3, as for an import."""
    shop.file.write_bytes(b"")
    assert cli.run(arguments(shop)) == 3
    assert "empty" in capsys.readouterr().err
