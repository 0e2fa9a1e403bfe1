"""Why a person writes (SS-CH-4): her words beside the phrases that the policy agreed to take at
their word. Pure.

Exactly an agreed phrase, but for case, accents, quotes and spacing: applied without a question
(SS-CH-5). Anything that resembles one goes to a person, and so does all the rest: a text may be
misread by us, never dropped. The phrases and what resembles them are data of the edition.

What this file never does: guess. One letter off is not the phrase. Read next:
`ledger/choosing/motives.py`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

from ledger.policy.model import Motive

Likeness: TypeAlias = Literal["exact", "near", "unmatched"]

# Quotes of every kind, and the marks that stand in for an apostrophe or are one of its forms.
_QUOTES = frozenset("\"'`«»‘’‚‛“”„‟‹›′″´ˈʹʺʻʼʽ❛❜❝❞〝〞〟")
_SLIPS_MAX = 3  # letters added, lost or changed: a typing slip, still worth a look


class Match(NamedTuple):
    """How much a text is like an agreed phrase, and like which (None: like none)."""

    likeness: Likeness
    motive: Motive | None


def normal_text(text: str) -> str:
    """The text without what does not make it another one: case, accents, quotes, spacing, and
    marks that nobody sees (joiners, directions, variants of one sign). Doing it twice is doing it
    once."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    letters = unicodedata.normalize("NFD", folded)
    kept = (" " if _is_space(letter) else letter for letter in letters if not _is_unseen(letter))
    return " ".join("".join(kept).split())


def match(text: str, motives: Iterable[Motive]) -> Match:
    """The agreed phrase that a text is, or is like."""
    said, agreed = normal_text(text), list(motives)
    for motive in agreed:
        if said == normal_text(motive.text):
            return Match("exact", motive)
    for motive in agreed:
        if _resembles(said, motive):
            return Match("near", motive)
    return Match("unmatched", None)


def _resembles(said: str, motive: Motive) -> bool:
    """Whether the phrase is inside the text, a slip away from it, or said in other words."""
    phrase, bare = normal_text(motive.text), _letters(said)
    if _letters(phrase) in bare or _slips(_letters(phrase), bare) <= _SLIPS_MAX:
        return True
    return any(all(piece in said for piece in group) for group in motive.near)


def _letters(said: str) -> str:
    return "".join(letter for letter in said if letter.isalnum())


def _slips(phrase: str, said: str) -> int:
    """The least number of letters to add, remove or change between two texts (Levenshtein), or
    one more than matter when their lengths alone say so."""
    if abs(len(phrase) - len(said)) > _SLIPS_MAX:
        return _SLIPS_MAX + 1
    row = list(range(len(said) + 1))
    for index, letter in enumerate(phrase, start=1):
        before, row[0] = row[0], index
        for place, other in enumerate(said, start=1):
            least = min(row[place] + 1, row[place - 1] + 1, before + (letter != other))
            before, row[place] = row[place], least
    return row[-1]


def _is_space(letter: str) -> bool:
    return letter.isspace() or unicodedata.category(letter) in ("Zs", "Zl", "Zp", "Cc")


def _is_unseen(letter: str) -> bool:
    """Accents (combining marks), formatting marks, quotes."""
    return letter in _QUOTES or unicodedata.category(letter) in ("Mn", "Me", "Cf")
