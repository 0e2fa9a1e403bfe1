"""The sentences of the command line: both languages say the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from api import cli, helping
from api.cli import app
from api.demo import cast
from api.screen import Screen, words
from api.settings import Language
from tests.cli.conftest import Probant

LANGUAGES: tuple[Language, ...] = ("en", "fr")
ROOT = Path(__file__).resolve().parents[2]


def test_both_languages_have_the_same_sentences() -> None:
    """Same keys, and the same values to fill in."""
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }
    for section, found in french.items():
        for key, sentence in found.items():
            slots = set(re.findall(r"{(\w+)", sentence))
            assert slots == set(re.findall(r"{(\w+)", english[section][key])), (section, key)


def test_one_is_not_many() -> None:
    """And in French nothing is one."""
    said = {
        (lang, n): Screen(as_json=False, lang=lang).word("seal.nothing", origin="o", waiting=n)
        for lang in LANGUAGES
        for n in (0, 1, 2)
    }
    assert "1 event waits" in said["en", 1] and "1 événement attend." in said["fr", 1]
    assert "0 events wait" in said["en", 0] and "0 événement attend." in said["fr", 0]
    assert "2 events wait" in said["en", 2] and "2 événements attendent." in said["fr", 2]


def test_no_sentence_counts_many_of_one() -> None:
    """A number is followed by its noun in both its forms, or by no noun at all."""
    number = r"{(?:n|read|events|rows|files|people|waiting|sealed|entries)} (\w+s)\b"
    plain = {
        one
        for found in words("en").values()
        for s in found.values()
        for one in re.findall(number, s)
    }
    assert plain == set()


def test_no_sentence_is_left_unused() -> None:
    """Every key is named in the commands, alone or as the end of a composed name."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "api").rglob("*.py"))
    unused = [
        f"{section}.{key}"
        for section, found in words("en").items()
        for key in found
        if f'"{section}.{key}"' not in source and f'"{key}"' not in source
    ]
    composed = {"show.path_live", "show.path_fold", *(f"cast.{who}" for who in cast.FIND)}
    assert [name for name in unused if name not in composed] == []


def test_all_help_has_its_french_sentence_and_none_is_of_help_that_is_gone() -> None:
    said = {one.help for one in helping.helped(typer.main.get_command(app))}
    assert said == set(helping.sentences())
    assert all(helping.sentences().values())


def test_help_is_in_the_language_of_its_reader(
    probant: Probant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of one command, of all, of a group that is named alone; then in English again."""
    monkeypatch.setenv("PROBANT_LANG", "fr")
    told = probant("audit", "--help")
    assert told.code == 0 and "Ce que ses colonnes veulent dire" in told.out
    assert "[nécessaire]" in told.out and "Montrer ce message et finir." in told.out
    assert cli.run([]) == 2
    shown = capsys.readouterr()
    assert "Commandes" in shown.out + shown.err
    group = probant("policy")
    assert group.code == 2 and "Publier une édition" in group.out + group.err
    monkeypatch.setenv("PROBANT_LANG", "en")
    told = probant("audit", "--help")
    assert "What its columns mean" in told.out and "[required]" in told.out
    assert cli.run([]) == 2
    shown = capsys.readouterr()
    assert "Commands" in shown.out + shown.err
