"""A refusal in the language of whoever is refused. Pure, but for its catalogue.

The sentence in the code is its own name, as gettext has it: `words/refusals/*.toml` holds for each
English sentence its French one, with `{}` where a value stands (`{0}`, `{1}` where French says them
in another order). A value that is itself a known sentence is said in French too, a day and a
moment as people write them; codes, fields and paths stay. A sentence that no catalogue holds stays
English, and what is handed back says so. Nothing is read before the first French refusal, and no
sentence is kept: what stands in it belongs to whoever is refused.
"""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from functools import cache
from importlib import resources
from typing import NamedTuple

from api.settings import Language
from ledger.calendar import PARIS, parse_day, parse_instant
from ledger.errors import ProbantError, Refused
from ledger.policy.explain import article, format_long

LONGEST = 2000  # characters of a sentence that is looked for among those with values
DEEPEST = 3  # sentences within sentences
SLOT = re.compile(r"\{(\d?)\}")


class Said(NamedTuple):
    """A sentence, and the language it came out in: the one for `lang` where it is shown."""

    text: str
    lang: Language


class Pattern(NamedTuple):
    """A sentence with values: what it begins with, what it looks like, and how French says it."""

    start: str
    shape: re.Pattern[str]
    french: str
    is_frame: bool  # no word of its own: it says something only around a sentence that is known


def said(sentence: str, lang: Language) -> Said:
    """An English sentence of ours in the language asked for; itself when it is not known."""
    french = _french(sentence, 0) if lang == "fr" else None
    return Said(sentence, "en") if french is None else Said(french, "fr")


def spoken(error: ProbantError, lang: Language) -> str:
    """A failure as one sentence, a refusal with its clause and article."""
    if lang == "en":
        return error.speak()
    grounds = ""
    if isinstance(error, Refused):
        grounds = error.grounds(article(error.refusal.article or "", lang))
    return said(str(error), lang).text + grounds


@cache
def sentences() -> dict[str, str]:
    """Every English sentence with its French one. A sentence is in one file only."""
    found: dict[str, str] = {}
    folder = resources.files("api").joinpath("words", "refusals")
    for file in (one for one in folder.iterdir() if one.name.endswith(".toml")):
        for english, french in tomllib.loads(file.read_text("utf-8")).items():
            assert english not in found, english
            found[english] = french
    return found


@cache
def _patterns() -> tuple[Pattern, ...]:
    """The sentences that hold values, those with the most words of their own first."""
    held = sorted((one for one in sentences() if SLOT.search(one)), key=_weight)
    return tuple(_pattern(one, sentences()[one]) for one in held)


def _weight(english: str) -> tuple[int, int]:
    own = SLOT.sub("", english)
    return -len(own), -len(english)


def _pattern(english: str, french: str) -> Pattern:
    parts = english.split("{}")
    shape = "(.*?)".join(map(re.escape, parts))
    return Pattern(parts[0], re.compile(shape, re.DOTALL), french, not re.search("[a-z]", english))


def _french(sentence: str, depth: int) -> str | None:
    known = sentences().get(sentence)
    if known is not None:
        return known
    if len(sentence) > LONGEST or depth >= DEEPEST:
        return None
    for start, shape, french, is_frame in _patterns():
        found = shape.fullmatch(sentence) if sentence.startswith(start) else None
        if found is not None:
            told = [_value(value, depth + 1) for value in found.groups()]
            if not is_frame or any(is_known for _, is_known in told):
                return _filled(french, [value for value, _ in told])
    return None


def _filled(french: str, values: list[str]) -> str:
    left = iter(range(len(values)))
    return SLOT.sub(lambda slot: values[int(slot[1]) if slot[1] else next(left)], french)


def _value(value: str, depth: int) -> tuple[str, bool]:
    """What stands in a sentence, and whether it is a sentence itself."""
    try:
        if len(value) == 10 and value[4:5] == "-":
            return format_long(parse_day(value), "fr"), False
        if value[10:11] == "T":
            there = datetime.fromtimestamp(parse_instant(value) // 1_000_000, PARIS)
            day = there.year * 10000 + there.month * 100 + there.day
            return f"{format_long(day, 'fr')} à {there:%H:%M}", False
    except ValueError:
        pass
    french = _french(value, depth)
    return (value, False) if french is None else (french, True)
