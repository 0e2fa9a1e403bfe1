"""Facts kept aside for the next question: narrowed once, in the order of people, beside the files.

A file of DuckDB's own in the folder `aside` of a folder of segments. It is what those files say and
nothing more: it is named by their hashes, so it is never that of others. It is believed where its
own SHA-256 is the one that was pinned when it was laid out, in a file of whoever asks (`Pins`):
whoever may write beside the segments can remove it and no more. What is missing, damaged or forged
is laid out again. People and items are numbers in it, people in the order of their ids: `hi` is a
person's number and `lo` is 0. It is pseudonymous as the segments are, and goes when an export
changes one of them (`ledger/segmenting/`).

What this file never does: decide anything. Read next: `duck.py`, which asks it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple, Self

from ledger.errors import BadData, Misuse
from replay.engines.sql import BY_SUBJECT, STATED
from replay.segments.layout import aside_path
from replay.segments.reading import Segments

NO_ITEM = "CAST(0 AS INTEGER)"


class Pins(NamedTuple):
    """The SHA-256 (hex) of what was laid out aside, by the name of its file: a JSON object in a
    file of whoever asks. What it does not name was not laid out here, and is not believed."""

    path: Path

    def of(self, name: str) -> str | None:
        """The one pinned of a file. A pin that cannot be read pins nothing."""
        return self._all().get(name)

    def pin(self, name: str, digest: str | None) -> None:
        """Pin a file, or (None) no longer. Raises OSError."""
        found = {key: value for key, value in self._all().items() if key != name}
        if digest is not None:
            found[name] = digest
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_name(f"{self.path.name}.tmp")
        new.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
        new.replace(self.path)

    def _all(self) -> dict[str, str]:
        try:
            found = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


class Aside(NamedTuple):
    """Where facts are kept aside (a file in the folder `aside`), the SHA-256 of the segments they
    are laid out of, and where its own is pinned."""

    path: Path
    digests: tuple[str, ...]
    pins: Pins

    @classmethod
    def beside(cls, segments: Segments, pins: Pins) -> Self:
        """That of a folder of segments, whether it is there or not. Raises Misuse for one that lies
        elsewhere."""
        if segments.folder is None:
            raise Misuse("facts are kept aside beside files of this machine only")
        digests = tuple(one.sha256 for one in segments.manifest.files)
        return cls(segments.folder / aside_path(digests), digests, pins)

    @property
    def is_pinned(self) -> bool:
        """Whether it was laid out by whoever asks."""
        return self.pins.of(self.path.name) is not None

    @property
    def is_whole(self) -> bool:
        """Whether it is there, as it was when it was pinned."""
        pinned = self.pins.of(self.path.name)
        return pinned is not None and self.path.is_file() and _digest(self.path) == pinned

    def pin(self) -> None:
        """What lies there now is what was laid out."""
        self.pins.pin(self.path.name, _digest(self.path))

    def remove(self) -> bool:
        """Remove what lies aside, of these segments or of older ones; whether anything did."""
        self.pins.pin(self.path.name, None)
        there = self.path.parent.is_dir()
        if there:
            shutil.rmtree(self.path.parent)
        return there

    def check(self, paths: Sequence[str]) -> None:
        """Raise BadData for a file that is not the one its hash names: nothing is laid out of it.
        A file that is gone is an OSError."""
        for path, digest in zip(paths, self.digests, strict=True):
            if _digest(Path(path)) != digest:
                raise BadData("a segment is not the one that the manifest names")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


LAID = ("facts", "corrected", "stated")
RELATIONS = (*(f"all_{name}" for name in LAID), "people", "items", "sorts")
_FACT = "hi INTEGER, lo TINYINT, item INTEGER, sort SMALLINT, p BIGINT, occurred_at BIGINT"
CREATED = (
    "CREATE TABLE kept.people (hi BIGINT, lo BIGINT, number INTEGER)",
    "CREATE TABLE kept.items (item VARCHAR, number INTEGER)",
    "INSERT INTO kept.items VALUES ('', 0)",
    f"CREATE TABLE kept.all_facts ({_FACT})",
    f"CREATE TABLE kept.all_corrected ({_FACT}, since BIGINT, upto BIGINT)",
    f"""CREATE TABLE kept.all_stated AS SELECT CAST(0 AS INTEGER) AS hi, CAST(0 AS TINYINT) AS lo,
        CAST(0 AS INTEGER) AS item, {", ".join(STATED)}, since, upto FROM raw_stated WHERE 1 = 0""",
    """CREATE TABLE kept.sorts (number INTEGER, kind VARCHAR, class VARCHAR, edition INTEGER,
        scoped BOOLEAN, ends VARCHAR)""",
)


def _all(columns: str) -> str:
    return " UNION ".join(f"SELECT {columns} FROM {name}" for name in LAID)


NUMBERED = {
    "hers": f"""SELECT hi, lo, CAST(ROW_NUMBER() OVER (ORDER BY {BY_SUBJECT})
        + (SELECT COUNT(*) FROM kept.people) AS INTEGER) AS number FROM ({_all("hi, lo")}) f""",
    "theirs": f"""SELECT item, CASE WHEN item = '' THEN 0 ELSE CAST(ROW_NUMBER() OVER ()
        + (SELECT MAX(number) FROM kept.items) AS INTEGER) END AS number
        FROM ({_all("item")}) f""",
}
"""The people and the items of a range of people, with their numbers."""


def _narrowed(name: str, *columns: str) -> str:
    own = ", ".join(f"f.{column}" for column in columns)
    return f"""INSERT INTO kept.all_{name} SELECT h.number, 0, t.number, {own} FROM {name} f
        JOIN hers h ON h.hi = f.hi AND h.lo = f.lo JOIN theirs t ON t.item = f.item
        ORDER BY h.number"""


NARROWED = (
    _narrowed("facts", "sort", "p", "occurred_at"),
    _narrowed("corrected", "sort", "p", "occurred_at", "since", "upto"),
    _narrowed("stated", *STATED, "since", "upto"),
    "INSERT INTO kept.people SELECT hi, lo, number FROM hers",
    "INSERT INTO kept.items SELECT item, number FROM theirs WHERE number > 0",
)


def named(text: str, columns: str, order: str) -> str:
    """The rows of a query, their people and items under their ids again, in the order of people,
    then of some of its columns."""

    def of(name: str) -> str:
        return "i.item" if name == "scope" else f"x.{name}"

    names = columns.split(", ")
    items = "JOIN items i ON i.number = x.scope" if "scope" in names else ""
    own = ", ".join(f"{of(name)} AS {name}" for name in names)
    by = ", ".join(["x.hi", *(of(name) for name in order.split(", ") if name)])
    return f"""SELECT p.hi, p.lo, {own} FROM ({text}) x JOIN people p ON p.number = x.hi {items}
        ORDER BY {by}"""
