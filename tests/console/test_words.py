"""Every text of the pages is in both catalogues, is used, and stands in no template."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from api.console import rendering
from api.console.texts import french, words
from api.problems import KINDS
from api.settings import Language

ROOM = Path(__file__).resolve().parents[2] / "api" / "console"
TEMPLATES = sorted((ROOM / "templates").rglob("*.html"))
SLOT = re.compile(r"{(\w+)}")
# Sections whose keys are values that programs know: a template names the section, data the key.
BY_VALUE = re.compile(r"""['"](\w+)\.['"] ?~|f"(\w+)\.{""")
OPTIONS = re.compile(r"""options\(t, [\w'".]+, ['"](\w+)['"]""")
# `Field("reason", "one", DOUBTS, "doubt")`: the section that names its codes.
FIELD = re.compile(r"""Field\("\w+", "\w+", \w+, "(\w+)"\)""")
READ = re.compile(r'\b(?:aria-label|title|alt|placeholder|label)="([^"]*)"')


def test_both_languages_have_the_same_sentences() -> None:
    """Same keys, the same values to fill in, and nothing left empty."""
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }
    for section, found in french.items():
        for key, sentence in found.items():
            other = english[section][key]
            assert sentence.strip() and other.strip(), (section, key)
            assert set(SLOT.findall(sentence)) == set(SLOT.findall(other)), (section, key)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_no_section_of_one_catalogue_hides_that_of_another(lang: str) -> None:
    """They are read into one: of two sections with one name, the first would be lost."""
    files = sorted((ROOM / "words").glob(f"*{lang}.toml"))
    sections = [name for file in files for name in tomllib.loads(file.read_text("utf-8"))]
    assert sorted(sections) == sorted(set(sections))


def test_french_sentences_have_their_own_spaces() -> None:
    """A no-break space before the high signs and inside the quotation marks."""
    assert french("Oui : « non » ; si ? Si !") == (
        "Oui\u00a0: «\u00a0non\u00a0»\u202f; si\u202f? Si\u202f!"
    )
    for section, found in words("fr").items():
        for key, sentence in found.items():
            assert not re.search(r" [;:!?»]|« ", sentence), (section, key)


def sources() -> str:
    code = [path.read_text("utf-8") for path in ROOM.rglob("*.py")]
    return "\n".join(code + [path.read_text("utf-8") for path in TEMPLATES])


def test_no_sentence_is_left_unused_and_none_is_missing() -> None:
    source = sources()
    named = set(re.findall(r"""['"]([a-z_]+\.[a-z_-]+)['"]""", source))
    counted = set(re.findall(r"""count\(\s*['"]([a-z_]+\.[a-z_-]+)['"]""", source))
    by_value = {a or b for a, b in BY_VALUE.findall(source)} | {"problem"}
    by_value |= set(OPTIONS.findall(source)) | set(FIELD.findall(source))
    named = (named - counted) | {f"{key}_{n}" for key in counted for n in ("one", "many")}
    known = {f"{section}.{key}" for section, found in words("fr").items() for key in found}
    unused = {key for key in known - named if key.partition(".")[0] not in by_value}
    sections = {key.partition(".")[0] for key in known}
    named -= {f"{path.stem}.html" for path in TEMPLATES}
    missing = {key for key in named - known if key.partition(".")[0] in sections}
    assert (unused, missing) == (set(), set())


def test_every_problem_is_said_in_both_languages() -> None:
    assert set(words("fr")["problem"]) == set(words("en")["problem"]) == set(KINDS)


def literal(text: str, environment: Environment) -> Iterator[str]:
    """What of a template a person would read although no catalogue holds it."""
    tokens = environment.lex(text)
    data = "".join(value if kind == "data" else "\x00" for _, kind, value in tokens)
    data = re.sub("\x00+", "\x00", data)
    for said in READ.findall(data):
        if re.search(r"[A-Za-zÀ-ÿ]", said):
            yield said
    for said in re.sub(r"<[^>]*>", "\n", data).split("\n"):
        if re.search(r"[A-Za-zÀ-ÿ]", said):
            yield said.strip().replace("\x00", "…")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_no_text_stands_in_a_template(path: Path) -> None:
    assert list(literal(path.read_text("utf-8"), rendering.environment("fr"))) == []


def test_a_text_in_a_template_would_be_found() -> None:
    environment = rendering.environment("fr")
    assert list(literal("<p>{{ t('a.b') }} Bonjour</p>", environment)) == ["… Bonjour"]
    assert list(literal('<a title="Ici" href="/x">{{ x }}</a>', environment)) == ["Ici"]
    assert list(literal('<a title="{{ x }}" href="/x">{{ x }}</a>', environment)) == []


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_sentence_is_no_template(lang: Language) -> None:
    """Those that a template names outright are put into it before it is compiled."""
    for section in words(lang).values():
        for said in section.values():
            assert not re.search(r"\{[{%#]", said), said
