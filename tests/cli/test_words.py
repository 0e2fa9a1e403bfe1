"""The sentences of the command line: both languages say the same things."""

from __future__ import annotations

import re
from pathlib import Path

from api.demo import cast
from api.screen import words

ROOT = Path(__file__).resolve().parents[2]


def test_both_languages_have_the_same_sentences() -> None:
    """Same keys, and the same values to fill in."""
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }
    for section, found in french.items():
        for key, sentence in found.items():
            slots = set(re.findall(r"{(\w+)}", sentence))
            assert slots == set(re.findall(r"{(\w+)}", english[section][key])), (section, key)


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
