"""Facts kept aside for the next question: narrowed once, in the order of people, beside the files.

A file of DuckDB's own in the folder `aside` of a folder of segments, where somebody made one. It is
what those files say and nothing more: it is named by their hashes, so it is never that of others,
and it is laid out again where it is missing or damaged. People and items are numbers in it, people
in the order of their ids: `hi` is a person's number and `lo` is 0. It is pseudonymous as the
segments are, proves as little as the manifest, and goes when an export changes one of them
(`ledger/segmenting/`).

What this file never does: decide anything. Read next: `duck.py`, which asks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple, Self

from ledger.errors import BadData
from replay.engines.sql import BY_SUBJECT, STATED
from replay.segments.layout import ASIDE, aside_path
from replay.segments.reading import Segments

NO_ITEM = "CAST(0 AS INTEGER)"


class Aside(NamedTuple):
    """Where facts are kept aside (a file in the folder `aside`), and the SHA-256 of the segments
    they are laid out of."""

    path: Path
    digests: tuple[str, ...]

    @classmethod
    def beside(cls, segments: Segments) -> Self | None:
        """That of a folder of segments; None where nobody made a folder for it."""
        if segments.folder is None or not (segments.folder / ASIDE).is_dir():
            return None
        digests = tuple(one.sha256 for one in segments.manifest.files)
        return cls(segments.folder / aside_path(digests), digests)

    def check(self, paths: Sequence[str]) -> None:
        """Raise BadData for a file that is not the one its hash names: nothing is laid out of it.
        A file that is gone is an OSError."""
        for path, digest in zip(paths, self.digests, strict=True):
            with Path(path).open("rb") as file:
                if file_digest(file, "sha256").hexdigest() != digest:
                    raise BadData("a segment is not the one that the manifest names")


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
