"""Is there English in a French text? Told by the catalogues: whatever they say in two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import replay.segments.verify as of_segments
from ledger.policy import explain
from replay import verify
from replay.controls import words as of_controls
from replay.inspect import words as of_inspector

SHORT = 14  # letters of a piece that could be by chance in both


def english_in(french: str) -> list[str]:
    """The pieces of English sentences that stand in a French text."""
    found = _english().findall(french)
    return [str(one) for one in found]


@cache
def _english() -> re.Pattern[str]:
    pieces = {piece for one, other in _pairs() for piece in _pieces(one) - _pieces(other)}
    return re.compile("|".join(map(re.escape, sorted(pieces, key=len, reverse=True))))


def _pieces(sentence: str) -> set[str]:
    """What stands between the values of a sentence."""
    found = (piece.strip(" .,;:") for piece in re.split(r"\{[^}]*\}|\[[^]]*\]", sentence))
    return {piece for piece in found if len(piece) >= SHORT and " " in piece}


def _pairs() -> Iterator[tuple[str, str]]:
    for catalogue in (of_controls.words, of_inspector.words, explain.words):
        yield from _each(catalogue("en"), catalogue("fr"))
    for told in (verify.WORDS, of_segments.WORDS):
        yield from ((one, other) for one, other in told.values())


def _each(one: Any, other: Any) -> Iterator[tuple[str, str]]:
    if isinstance(one, str):
        yield one, other
    elif isinstance(one, dict):
        for key in one.keys() & other.keys():
            yield from _each(one[key], other[key])
