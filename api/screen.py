"""What a command says: lines and tables for people, or one JSON object for programs.

With `--json`, stdout carries exactly one JSON object, errors included. Progress goes to stderr, and
only when that is a terminal.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib import resources
from string import Formatter
from typing import Any

from api.pieces import json_pieces
from api.settings import Language

Advance = Callable[[float, float, str], None]
"""Hears (done, total, what is being done); a total of 0 means: unknown."""


class _Sentences(Formatter):
    """Fills sentences in; `{n:line|lines}` is a number with its noun, as the language counts."""

    def __init__(self, *singular: str) -> None:
        self.singular = singular

    def format_field(self, value: Any, spec: str) -> str:
        """One value."""
        one, either, many = spec.partition("|")
        if not either:
            return str(super().format_field(value, spec))
        return f"{value} {one if str(value) in self.singular else many}"


_SENTENCES: dict[Language, _Sentences] = {"en": _Sentences("1"), "fr": _Sentences("0", "1")}


class Screen:
    """Stdout and stderr of one run."""

    def __init__(self, *, as_json: bool, lang: Language) -> None:
        self.as_json, self.lang = as_json, lang

    def word(self, key: str, /, **values: Any) -> str:
        """One sentence of `words/*.toml`, filled in."""
        section, _, name = key.partition(".")
        return _SENTENCES[self.lang].format(words(self.lang)[section][name], **values)

    def answer(self, content: dict[str, Any], lines: Callable[[], Sequence[str]]) -> None:
        """The one answer of a command: `content` with --json, else `lines` for people."""
        if self.as_json:
            sys.stdout.writelines(json_pieces(content))
            sys.stdout.write("\n")
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines()))
        sys.stdout.flush()

    def fail(self, code: str, sentence: str) -> None:
        """Say what went wrong: on stderr, or as the one JSON object of stdout."""
        if self.as_json:
            content = {"error": {"code": code, "detail": sentence}}
            sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
            sys.stdout.flush()
        else:
            sys.stderr.write(f"probant: {sentence}\n")
            sys.stderr.flush()

    @contextmanager
    def progress(self, title: str) -> Iterator[Advance]:
        """A progress bar on a terminal, silence elsewhere."""
        if not sys.stderr.isatty():
            yield lambda _done, _total, _what: None
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=None)

            def advance(done: float, total: float, what: str) -> None:
                described = f"{title}: {what}" if what else title
                bar.update(task, completed=done, total=total or None, description=described)

            yield advance


@lru_cache(maxsize=2)
def words(lang: Language) -> dict[str, dict[str, str]]:
    """The sentences of one language, by section."""
    text = resources.files("api").joinpath("words", f"{lang}.toml").read_text("utf-8")
    return tomllib.loads(text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Plain aligned lines: the first `left` columns to the left, numbers to the right."""
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if n < left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return [line(head), *map(line, rows)]
