"""A package as bytes: JSON for machines, tables for spreadsheets, both in a ZIP with a page.

The JSON document is described by `package.schema.json`, which travels with it. Tables are CSV (RFC
4180, UTF-8 with a mark so that spreadsheets read accents), one file for each kind of fact. A cell
that a spreadsheet would take for a formula gets an apostrophe before it; the JSON holds the exact
text. `SHA256SUMS` names every file of the ZIP, whose bytes depend on nothing but the document.
Everything is made as it leaves: however many facts there are, a few of them are in memory.

What this file never does: read a ledger, or write a file. Read next: `page.py`.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from importlib import resources
from itertools import chain
from typing import IO, Any, Literal, TypeAlias, cast
from uuid import uuid4

from ledger.events import fact_class
from ledger.packages.page import page

Format: TypeAlias = Literal["json", "csv", "zip"]
MEDIA: dict[Format, str] = {
    "json": "application/json",
    "csv": "application/zip",
    "zip": "application/zip",
}
CHUNK = 64 * 1024  # bytes that are put together before they leave
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a text."""

_SHARED = (
    *("position", "occurred", "recorded_at", "known_until", "actor", "class", "source", "basis"),
    *("stands", "amends", "stream", "item", "state", "withheld"),
)
_TABLES: dict[str, tuple[str, ...]] = {
    "purposes": ("id", "label", "basis", "article", "clause", "marketing"),
    "classes": ("class", "label", "facts", "sources"),
    "deadlines": (
        *("class", "label", "scope", "tier", "operational_until", "archive_until"),
        *("clause", "article", "archive_article"),
    ),
    "choices": ("purpose", "label", "channel", "state", "reason", "day", "clause", "article"),
    "recipients": ("recipient", "type", "country"),
    "consultations": ("occurred", "archive", "classes", "reason"),
    "details": (
        *("field", "value", "state", "true_from", "true_until", "known_from", "known_until"),
        "position",
    ),
    "missing": ("class", "label", "state", "facts", "until", "consulted"),
    "left_out": ("kind", "why", "facts"),
    "kept_back": ("class", "label", "facts", "why", "clause", "article"),
}


def render(document: Mapping[str, Any], form: Format) -> Iterator[bytes]:
    """The package in this form, as it is made: a little of it at a time."""
    if form == "json":
        return _json(document)
    return _zip(_files(document, form), document["made_at"])


def _files(document: Mapping[str, Any], form: Format) -> Iterator[tuple[str, Iterable[bytes]]]:
    if form == "zip":
        if document["scope"] != "portability":
            yield "index.html", gathered(page(document))
        yield "package.json", _json(document)
        yield "package.schema.json", [schema()]
    yield from _csv_files(document)


def schema() -> bytes:
    """The JSON Schema of the document."""
    return resources.files("ledger.packages").joinpath("package.schema.json").read_bytes()


def _json(document: Mapping[str, Any]) -> Iterator[bytes]:
    """The document, its facts told one by one where they stand."""
    mark = str(uuid4())  # which nobody's text can hold
    whole = json.dumps({**document, "facts": mark}, ensure_ascii=False, indent=1) + "\n"
    before, after = whole.split(f'"{mark}"')
    return gathered(chain([before], _json_facts(document["facts"]), [after]))


def _json_facts(facts: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    ahead = "["
    for fact in facts:
        text = json.dumps(fact, ensure_ascii=False, indent=1).replace("\n", "\n  ")
        yield f"{ahead}\n  {text}"
        ahead = ","
    yield "[]" if ahead == "[" else "\n ]"


def gathered(texts: Iterable[str]) -> Iterator[bytes]:
    """Texts in UTF-8, small ones put together."""
    waiting: list[str] = []
    size = 0
    for text in texts:
        waiting.append(text)
        size += len(text)
        if size >= CHUNK:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


def _csv_files(document: Mapping[str, Any]) -> Iterator[tuple[str, Iterable[bytes]]]:
    for name, columns in _TABLES.items():
        if name in document:
            yield f"{name}.csv", gathered(_csv(columns, document[name]))
    facts = document["facts"]
    for kind in facts.kinds():
        told = facts.of(kind)
        first = next(told, None)
        if first is not None:
            own = [spec.key for spec in fact_class(kind).specs]
            shared = [name for name in _SHARED if name in first or name == "amends"]
            columns = (*shared, *(name for name in own if name not in shared))
            rows = map(_flat, chain([first], told))
            yield f"facts/{kind.removesuffix('.v1')}.csv", gathered(_csv(columns, rows))


def _flat(fact: Mapping[str, Any]) -> dict[str, Any]:
    return {**fact, **fact["data"], **fact["personal"], **_of(fact)}


def _of(fact: Mapping[str, Any]) -> dict[str, Any]:
    """The shared columns win over a field of the same name."""
    return {name: fact[name] for name in _SHARED if name in fact}


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The table, line by line, with the mark by which spreadsheets know UTF-8."""
    said = io.StringIO()
    writer = csv.writer(said)
    said.write("\ufeff")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        yield said.getvalue()
        said.seek(0)
        said.truncate()
    yield said.getvalue()


def _cell(value: Any) -> Any:
    """What a cell says: numbers as they are, lists and objects as text, no formula ever."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = " ".join(value)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return unformula(text)


def unformula(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


class _Sink:
    """What a ZIP is written to: a buffer that is emptied as it fills. It cannot go back, so sizes
    and checksums stand behind each file (and in the directory, where all look for them)."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, raw: Any) -> int:
        """Keep these bytes until they are taken."""
        self._waiting += raw
        return len(raw)

    def flush(self) -> None:
        """Nothing is on its way elsewhere."""

    def taken(self, least: int = 1) -> Iterator[bytes]:
        """What waits, if it is at least so much."""
        if len(self._waiting) >= least:
            yield bytes(self._waiting)
            self._waiting.clear()


def _zip(files: Iterable[tuple[str, Iterable[bytes]]], made_at: str) -> Iterator[bytes]:
    sink, sums = _Sink(), []
    with zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED) as archive:

        def written(name: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
            digest = sha256()
            with archive.open(_entry(name, made_at), "w") as file:
                for chunk in chunks:
                    digest.update(chunk)
                    file.write(chunk)
                    yield from sink.taken(CHUNK)
            sums.append(f"{digest.hexdigest()}  {name}\n")

        for name, chunks in files:
            yield from written(name, chunks)
        yield from written("SHA256SUMS", ["".join(sorted(sums, key=_named)).encode()])
    yield from sink.taken()


def _named(line: str) -> str:
    return line.partition("  ")[2]


def _entry(name: str, made_at: str) -> zipfile.ZipInfo:
    day = datetime.fromisoformat(made_at)
    found = zipfile.ZipInfo(name, (day.year, day.month, day.day, day.hour, day.minute, day.second))
    found.compress_type, found.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    return found
