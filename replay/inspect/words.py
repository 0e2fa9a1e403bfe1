"""What the questions ask and answer, in French and English. Sentences only: words/*.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from ledger.policy.explain import Language
from replay.controls.model import Said, Several
from replay.controls.words import article, said
from replay.controls.words import value_of as code_of
from replay.inspect.model import Cell

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
    match cell:
        case Said() if cell.section in words(lang):
            return words(lang)[cell.section].get(cell.code, cell.code)
        case Several():
            return cell.between.join(text_of(one, lang) for one in cell.values)
    return article(said(cell, lang), lang)


def value_of(cell: Cell) -> str | int | None:
    """A cell for programs: the code, where it is a word or a name."""
    return None if cell is None else code_of(cell)
