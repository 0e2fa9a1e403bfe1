"""A package as bytes: JSON for machines, tables for spreadsheets, both in a ZIP with a page.

The JSON document is described by `package.schema.json`, which travels with it. Tables are CSV (RFC
4180, UTF-8 with a mark so that spreadsheets read accents), one file for each kind of fact. A cell
that a spreadsheet would take for a formula gets an apostrophe before it; the JSON holds the exact
text. `SHA256SUMS` names every file of the ZIP, whose bytes depend on nothing but the document.

What this file never does: read a ledger, or write a file. Read next: `page.py`.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import sha256
from importlib import resources
from typing import Any, Literal, TypeAlias

from ledger.events import fact_class
from ledger.packages.page import page

Format: TypeAlias = Literal["json", "csv", "zip"]
MEDIA: dict[Format, str] = {
    "json": "application/json",
    "csv": "application/zip",
    "zip": "application/zip",
}
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
}


def render(document: Mapping[str, Any], form: Format) -> bytes:
    """The package in this form."""
    if form == "json":
        return _json(document)
    files = dict(_csv_files(document))
    if form == "zip":
        files["package.json"] = _json(document)
        files["package.schema.json"] = schema()
        if document["scope"] == "access":
            files["index.html"] = page(document).encode()
    return _zip(files, document["made_at"])


def schema() -> bytes:
    """The JSON Schema of the document."""
    return resources.files("ledger.packages").joinpath("package.schema.json").read_bytes()


def _json(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _csv_files(document: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    for name, columns in _TABLES.items():
        if name in document:
            yield f"{name}.csv", _csv(columns, document[name])
    kinds: dict[str, list[dict[str, Any]]] = {}
    for fact in document["facts"]:
        kinds.setdefault(fact["kind"], []).append(fact)
    for kind, facts in sorted(kinds.items()):
        own = [spec.key for spec in fact_class(kind).specs]
        shared = [name for name in _SHARED if name in facts[0] or name == "amends"]
        rows = [{**fact, **fact["data"], **fact["personal"], **_of(fact)} for fact in facts]
        columns = (*shared, *(name for name in own if name not in shared))
        yield f"facts/{kind.removesuffix('.v1')}.csv", _csv(columns, rows)


def _of(fact: Mapping[str, Any]) -> dict[str, Any]:
    """The shared columns win over a field of the same name."""
    return {name: fact[name] for name in _SHARED if name in fact}


def _csv(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> bytes:
    said = io.StringIO()
    writer = csv.writer(said)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
    return said.getvalue().encode("utf-8-sig")


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


def _zip(files: Mapping[str, bytes], made_at: str) -> bytes:
    sums = "".join(f"{sha256(raw).hexdigest()}  {name}\n" for name, raw in sorted(files.items()))
    day = datetime.fromisoformat(made_at)
    date_time = (day.year, day.month, day.day, day.hour, day.minute, day.second)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in sorted({**files, "SHA256SUMS": sums.encode()}.items()):
            entry = zipfile.ZipInfo(name, date_time)
            entry.external_attr = 0o600 << 16
            archive.writestr(entry, raw, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
