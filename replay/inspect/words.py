"""What the questions ask and answer, in French and English. Sentences only: words/*.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from ledger.policy.explain import Language
from ledger.policy.explain import words as policy_words
from replay.controls.model import Said
from replay.controls.words import article
from replay.inspect.model import Cell

OWN = "inspect"
Words = dict[str, dict[str, str]]


@lru_cache(maxsize=2)
def words(lang: Language) -> Words:
    """The vocabulary of one language, by section."""
    text = resources.files("replay.inspect").joinpath("words", f"{lang}.toml").read_bytes()
    return tomllib.loads(text.decode("utf-8"))


def title(question: str, lang: Language) -> str:
    """What a question asks, in a line."""
    return words(lang)["title"][question]


def column(code: str, lang: Language) -> str:
    """The head of a column."""
    return words(lang)["column"].get(code, code)


def figure(code: str, lang: Language) -> str:
    """The name of a figure."""
    return words(lang)["figure"].get(code, code)


def text_of(cell: Cell, lang: Language) -> str:
    """A cell for people."""
    if cell is None:
        return "-"
    if isinstance(cell, Said):
        section = words(lang)["cell"] if cell.section == OWN else policy_words(lang)[cell.section]
        return section.get(cell.code, cell.code).rstrip(".")
    return article(str(cell), lang) if isinstance(cell, str) else str(cell)


def value_of(cell: Cell) -> str | int | None:
    """A cell for programs: the code, where it is a word."""
    return cell.code if isinstance(cell, Said) else cell
