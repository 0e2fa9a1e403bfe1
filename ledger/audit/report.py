"""What an audit answers: counts, line numbers and names of columns. Never a value of the file.

The JSON form is stable: `schema` names its version, keys are only ever added.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

SCHEMA = "probant.audit/1"
NUMBERS_KEPT = 100  # line numbers listed for each kind of finding; the count goes on

# Why a line is no data: as an import would say it.
UNREADABLE = ("not-text", "too-long", "quote", "not-csv", "not-json", "columns")
UNUSABLE = ("date", "future", "kind", "person", "field")
REASONS = (*UNREADABLE, *UNUSABLE)
CARD_PROBLEMS = ("pan-detected", "cvv-detected", "track-data-detected")


@dataclass(slots=True)
class Lines:
    """How many lines, and the numbers of the first ones (the file's first line is 1)."""

    count: int = 0
    numbers: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        """One more line."""
        self.extend(1, [number])

    def extend(self, count: int, numbers: list[int]) -> None:
        """Some more lines; of `numbers` the smallest are kept."""
        self.count += count
        if numbers:
            self.numbers = sorted({*self.numbers, *numbers})[:NUMBERS_KEPT]


class ClassCount(NamedTuple):
    """One data class: people in it, and people past its operational term."""

    name: str
    label_fr: str
    label_en: str
    clause: str
    months: int
    published: bool  # the term stands in the published text; else the edition chose it
    people: int
    past: int


class Age(NamedTuple):
    """People by age of their last activity: at least `years_from`, less than `years_to` years."""

    years_from: int
    years_to: int | None
    people: int
    past: int  # of them, past the published term of a class


class Proof(NamedTuple):
    """Marketing without proof. `reachable` is None when the map reads no e-mail address and no
    message sent; `weak` is people whose last word is a consent that nothing proves."""

    reachable: int | None
    none: int  # reachable, and no choice about marketing in this file
    weak: int

    @property
    def people(self) -> int:
        """People who could be written to without a proof (the two groups do not overlap)."""
        return self.none + self.weak


class Column(NamedTuple):
    """A column that the map does not read and that looks personal: by its name, its content."""

    column: str
    looks_like: str
    by: str  # 'name' | 'content' | 'both'


@dataclass(slots=True)
class Report:
    """The whole answer. `past` counts people past the published term of at least one class."""

    file: str
    source: str
    as_of: str
    edition: dict[str, Any]
    read: int = 0
    accepted: int = 0
    later: int = 0  # accepted, but after `as_of`: not counted below
    rejected: dict[str, Lines] = field(default_factory=lambda: {r: Lines() for r in REASONS})
    people: int = 0
    past: int = 0
    classes: list[ClassCount] = field(default_factory=list)
    ages: list[Age] = field(default_factory=list)
    inactive: int = 0  # people of whom the file tells no activity of their own
    inactive_past: int = 0
    proof: Proof = field(default_factory=lambda: Proof(None, 0, 0))
    columns: list[Column] = field(default_factory=list)
    cards: dict[str, Lines] = field(default_factory=lambda: {p: Lines() for p in CARD_PROBLEMS})
    sanction: dict[str, Any] | None = None
    seconds: float = 0.0

    @property
    def undated(self) -> int:
        """Lines whose date is missing, impossible or in the future."""
        return self.rejected["date"].count + self.rejected["future"].count

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "schema": SCHEMA,
            "file": self.file,
            "source": self.source,
            "as_of": self.as_of,
            "edition": self.edition,
            "lines": {
                "read": self.read,
                "accepted": self.accepted,
                "later": self.later,
                "rejected": {reason: asdict(found) for reason, found in self.rejected.items()},
                "undated": self.undated,
            },
            "people": self.people,
            "past": self.past,
            "classes": [one._asdict() for one in self.classes],
            "ages": [one._asdict() for one in self.ages],
            "inactive": {"people": self.inactive, "past": self.inactive_past},
            "proof": {**self.proof._asdict(), "people": self.proof.people},
            "columns": [one._asdict() for one in self.columns],
            "cards": {problem: asdict(found) for problem, found in self.cards.items()},
            "sanction": self.sanction,
            "seconds": self.seconds,
        }
