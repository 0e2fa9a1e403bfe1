"""What the controls ask and find, in French and English. Sentences only: words/*.toml."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib import resources

from ledger.calendar import format_day
from ledger.policy.explain import Language, format_long
from ledger.policy.explain import words as policy_words
from replay.controls.model import Dated, Finding, Named, Said, Several, Unseen, Value

Words = dict[str, dict[str, str]]


@lru_cache(maxsize=2)
def words(lang: Language) -> Words:
    """The vocabulary of one language, by section."""
    text = resources.files("replay.controls").joinpath("words", f"{lang}.toml").read_bytes()
    return tomllib.loads(text.decode("utf-8"))


def title(control: str, lang: Language) -> str:
    """What a control asks, in a line."""
    return words(lang)["title"][control]


def about(control: str, lang: Language) -> str:
    """What it looks at, and what it cannot see."""
    return words(lang)["about"][control]


def explanation(finding: Finding, lang: Language) -> str:
    """One finding in plain words."""
    values = {name: said(value, lang) for name, value in finding.values.items()}
    found = words(lang)["why"][finding.why].format(**values)
    return found[:1].upper() + found[1:]


def because(unseen: Unseen, lang: Language) -> str:
    """Why a control was not checked, or not in full."""
    return words(lang)["unseen"][unseen.why]


def article(text: str, lang: Language) -> str:
    """An article as that language calls it."""
    return text.replace("GDPR", "RGPD") if lang == "fr" else text.replace("RGPD", "GDPR")


def said(value: Value, lang: Language) -> str:
    """A value of a sentence, as that language calls it."""
    match value:
        case Said():
            found = policy_words(lang).get(value.section, {}).get(value.code, value.code)
            return found.rstrip(".")
        case Named():
            return value.fr if lang == "fr" else value.en
        case Dated():
            return format_long(value.day, lang)
        case Several():
            return value.between.join(said(one, lang) for one in value.values)
    return str(value)


def value_of(value: Value) -> str | int:
    """A value for programs: the code, where it is a word or a name; a day as YYYY-MM-DD."""
    match value:
        case Said() | Named():
            return value.code
        case Dated():
            return format_day(value.day)
        case Several():
            return value.between.join(str(value_of(one)) for one in value.values)
    return value
