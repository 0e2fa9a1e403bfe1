"""What a fact is: frozen, about somebody or about nobody, declared once under a permanent name.

Clear fields hold codes, ids, amounts and times; personal fields are sealed apart under keys per
(subject, data class, scope). Each kind has one *home class*, the data class that governs its clear
entry; a kind marked `also` seals its personal part under a second class whose items die on their
own clocks (one key per login day, one per payment). A kind *about nobody* has no subject: what the
company declares, what a device chose.

Nothing here names a kind; `ledger/events/` holds them all. Read next: `ledger/events/people.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, TypeVar
from uuid import UUID

from ledger.calendar import Day, Instant, Moment
from ledger.errors import BadData
from ledger.fields import Spec

ACTORS = ("self", "agent", "import", "system")
GRADES = ("proved", "asserted", "inferred")
CHANNELS_IN = ("form", "email", "phone", "letter", "counter", "chat")
CORRECTION, VOID = "fact.corrected.v1", "fact.voided.v1"


class Row(NamedTuple):
    """One event as its typed clear columns: what folds and projections read.

    `klass` is the home class, `item` the scope of whichever class of this fact has an item clock,
    `edition` the effective day of the policy edition in force when it was recorded.
    """

    position: int
    stream: UUID
    version: int
    kind: str
    subject: UUID | None
    klass: str | None
    item: str | None
    purpose: str | None
    channel: str | None
    decision: str | None
    basis: str | None
    grade: str | None
    actor: str | None
    edition: int
    until_day: Day | None
    ref_position: int | None
    amount_minor: int | None
    occurred_at: Instant
    grain: str
    local_day: Day
    recorded_at: Instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What all facts share: whom it concerns, when it was true, who told us."""

    kind: ClassVar[str]
    aggregate: ClassVar[str]
    homes: ClassVar[tuple[str, ...]]
    also: ClassVar[str | None]
    about_nobody: ClassVar[bool]
    specs: ClassVar[tuple[Spec, ...]]

    subject: UUID | None = None
    occurred: Moment
    actor: str = "self"
    item: str | None = None

    @property
    def home(self) -> str | None:
        """The data class that governs the clear entry, or None for a fact about no person."""
        return self.homes[0] if self.homes else None

    @property
    def sealed_class(self) -> str | None:
        """The data class whose key seals the personal fields."""
        return self.also or self.home

    def check(self) -> None:
        """Raise BadData unless every field holds what its codec accepts: facts may be built
        without a door, and an entry that cannot be read again would end its stream."""
        for spec in self.specs:
            value = getattr(self, spec.name)
            if value is not None:
                spec.load(value if spec.personal else spec.codec.dump(value))
            elif spec.required:
                raise BadData(f"field '{spec.key}' is required for {self.kind}")

    def personal_fields(self) -> dict[str, str]:
        """The personal values that are present and readable, by entry key."""
        return {
            spec.key: value
            for spec in self.specs
            if spec.personal and isinstance(value := getattr(self, spec.name), str)
        }


KINDS: dict[str, type[Fact]] = {}
F = TypeVar("F", bound=Fact)


def declare(
    kind: str, aggregate: str, *homes: str, also: str | None = None, about_nobody: bool = False
) -> Any:
    """Enter a fact class in the closed dictionary of kinds, under its permanent name."""

    def enter(cls: type[F]) -> type[F]:
        assert kind not in KINDS, kind
        cls.kind, cls.aggregate, cls.homes, cls.also = kind, aggregate, homes, also
        cls.about_nobody = about_nobody
        cls.specs = tuple(_specs(cls))
        KINDS[kind] = cls
        return cls

    return enter


def _specs(cls: type[Fact]) -> Iterator[Spec]:
    for declared in fields(cls):
        if "spec" in declared.metadata:
            key, codec, column, is_personal, required, one_of = declared.metadata["spec"]
            yield Spec(
                declared.name, key or declared.name, codec, column, is_personal, required, one_of
            )


def fact_class(kind: str) -> type[Fact]:
    """The class of a kind, `order.placed` being short for `order.placed.v1`. Raises BadData."""
    cls = KINDS.get(kind) or KINDS.get(f"{kind}.v1")
    if cls is None:
        raise BadData("field 'kind' is not a kind of fact this ledger knows")
    return cls


def build(cls: type[F], shared: Mapping[str, Any], given: Mapping[str, Any]) -> F:
    """A fact from `shared` Python values (subject, occurred, actor, item) and a caller's fields.

    Raises BadData naming the field that is unknown, missing or malformed.
    """
    values = dict(shared)
    rest = dict(given)
    for spec in cls.specs:
        if spec.key in rest:
            values[spec.name] = spec.load(rest.pop(spec.key))
        elif spec.required:
            raise BadData(f"field '{spec.key}' is required for {cls.kind}")
    if rest:
        # Never by name: where a file has no header, a name in its place is a value.
        raise BadData(f"{cls.kind} has no such field ({len(rest)} of {len(given)} unknown)")
    return cls(**values)
