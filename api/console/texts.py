"""The words of the pages: `words/fr.toml` and `words/en.toml`, and those of the policy beside them.

Templates and endpoints name a sentence by its key; here it is filled in. Days, instants and numbers
are written as each language writes them. Read next: `rendering.py`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from importlib import resources
from typing import Any

from markupsafe import Markup, _escape_inner, escape  # type: ignore[attr-defined]

from api.settings import Language
from api.wording import Said, said
from ledger.calendar import MINUTE, PARIS, Day, Instant, parse_day, parse_instant
from ledger.policy.explain import article, format_long
from ledger.policy.explain import words as policy_words

NO_BREAK = "\u202f"  # narrow: between the thousands of a French number
WIDE = "\u00a0"  # a whole one


as_it_is: Callable[[str], Markup] = partial(str.__new__, Markup)
"""What was escaped when it was made."""


def escaped(value: Any) -> str:
    """What a template writes of a value. It is joined to the rest and nothing else becomes of it,
    so it need not say that it is escaped: what it is made of with is not public, and fifteen times
    as fast as `escape`, which a page would ask some hundred times."""
    if type(value) is Markup:
        return value
    return _escape_inner(value) if type(value) is str else escape(value)


@lru_cache(maxsize=2)
def words(lang: Language) -> dict[str, dict[str, str]]:
    """The sentences of one language, by section."""
    folder = resources.files("api.console").joinpath("words")
    # Of everybody; the auditor's desk; what staff decide; what facts say; a person's own pages.
    names = ("", "audit-", "acts-", "facts-", "my-")
    files = [f"{name}{lang}.toml" for name in names]
    spaced = french if lang == "fr" else str
    return {
        section: {key: spaced(sentence) for key, sentence in found.items()}
        for name in files
        for section, found in tomllib.loads(folder.joinpath(name).read_text("utf-8")).items()
    }


def french(text: str) -> str:
    """With the spaces that French has around its high signs, at which no line breaks."""
    text = re.sub(r" (?=[;!?])", NO_BREAK, text)
    return re.sub(r" (?=[:»])|(?<=«) ", WIDE, text)


_SPACED = [
    *((sign, f" {sign}", WIDE + sign) for sign in ":»"),
    ("«", "« ", f"«{WIDE}"),
    *((sign, f" {sign}", NO_BREAK + sign) for sign in ";!?"),  # last: it makes a text wider
]
_APART = "\x1e"  # between lines: in no text


class Speech:
    """What templates are handed to speak with, in one language."""

    def __init__(self, lang: Language) -> None:
        self.lang, self._policy = lang, policy_words(lang)
        self._said = {
            f"{section}.{name}": sentence
            for section, found in words(lang).items()
            for name, sentence in found.items()
        }
        self._why = f'<summary>{self("person.why")}</summary><p><a href="'
        self._there = f'" data-why>{self("page.whole")}</a></p></details>'

    def __call__(self, key: str, /, **values: Any) -> str:
        """One sentence, filled in."""
        sentence = self._said[key]
        return sentence.format(**values) if values else sentence

    def count(self, key: str, n: int, /, **values: Any) -> str:
        """The sentence of a number: `key_one` for one (in French for none too), else `key_many`."""
        is_one = n == 1 or (n == 0 and self.lang == "fr")
        return self(f"{key}_{'one' if is_one else 'many'}", n=self.number(n), **values)

    def policy(self, section: str, name: str, otherwise: str | None = None) -> str:
        """What the policy's own words call something; when they do not, what is named instead, or
        its name."""
        return self._policy[section].get(name, name if otherwise is None else otherwise)

    def maybe(self, key: str, otherwise: str) -> str:
        """The sentence of a key, if there is one."""
        return self._said.get(key, otherwise)

    def problem(self, slug: str) -> str:
        """What a problem means, in a sentence."""
        told = words(self.lang)["problem"]
        return told.get(slug, told["refused"])

    def refusal(self, detail: str) -> Said:
        """Why something was refused, and the language it is said in: English if no other."""
        found = said(detail, self.lang)
        return found._replace(text=french(found.text)) if found.lang == "fr" else found

    def article(self, text: str | None) -> str:
        """A legal reference as this language names it; no line ends before its number."""
        return article(text or "", self.lang).replace("art. ", f"art.{WIDE}")

    def cited(self, *articles: str | None) -> str:
        """Legal references side by side."""
        return " · ".join([self.article(one) for one in articles if one])

    def listed(self, lines: Sequence[str]) -> Markup:
        """Such lines as the items of a list: escaped, spaced and parted all at once."""
        said = self.line(str(escape(_APART.join(lines))).replace(_APART, "</li>\n<li>"))
        return Markup(f"<li>{said}</li>" if lines else "")  # noqa: S704 - it was escaped

    def folded(self, whole: str, id: str) -> Markup:
        """A reason that is told on the page of everything, at `whole`: a fold that leads there."""
        at = f"why-{escaped(id)}"
        where = f"{escaped(whole)}#{at}"
        return as_it_is(f'<details class="why" id="{at}">{self._why}{where}{self._there}')

    def line(self, text: str) -> str:
        """A line of the policy's own words, with the spaces that French has around high signs."""
        if self.lang == "fr":
            for sign, plain, spaced in _SPACED:
                if sign in text:  # it mostly is not, and one sign is looked for quickly
                    text = text.replace(plain, spaced)
        return text

    def number(self, n: int) -> str:
        """12345 -> '12 345' or '12,345'."""
        return f"{n:,}".replace(",", NO_BREAK) if self.lang == "fr" else f"{n:,}"

    def amount(self, minor: int, currency: str) -> str:
        """24000, 'EUR' -> '240,00 EUR' or '240.00 EUR'."""
        whole, cents = divmod(abs(minor), 100)
        sign = "-" if minor < 0 else ""
        return f"{sign}{self.number(whole)}{self('page.decimal')}{cents:02d}{WIDE}{currency}"

    def short(self, n: int) -> str:
        """A number for a small square: 12345 -> '12k'."""
        if n < 10_000:
            return str(n) if n < 1000 else f"{n / 1000:.1f}k".replace(".", self("page.decimal"))
        return f"{n // 1000}k" if n < 1_000_000 else f"{n // 1_000_000}M"

    def day(self, day: Day | str | None) -> str:
        """20181120 or '2018-11-20' -> '20 novembre 2018' or 'November 20, 2018'."""
        return "–" if day is None else _day(day, self.lang)

    def moment(self, at: Instant | str | None) -> str:
        """An instant as the clock on a wall in Paris shows it."""
        if at is None:
            return "–"
        instant = parse_instant(at) if isinstance(at, str) else at
        return _moment(instant // MINUTE, self.lang)


@lru_cache(maxsize=8192)  # a page says the same days again and again
def _day(day: Day | str, lang: Language) -> str:
    said = format_long(parse_day(day) if isinstance(day, str) else day, lang)
    return said.replace(" ", WIDE, 1)  # no line ends between a day and its month


@lru_cache(maxsize=8192)  # and what was recorded together, the same minute
def _moment(minutes: int, lang: Language) -> str:
    there = datetime.fromtimestamp(minutes * 60, PARIS)
    day = format_long(there.year * 10000 + there.month * 100 + there.day, lang)
    return speech(lang)("page.moment", day=day, time=there.strftime("%H:%M"))


@lru_cache(maxsize=2)
def speech(lang: Language) -> Speech:
    """The one speech of a language."""
    return Speech(lang)
